/* For tests of propagation formats: whether they write the headers that they tell of. */
#ifndef WEFT_TESTS_FIELD_NAMES_H
#define WEFT_TESTS_FIELD_NAMES_H

#include "src/propagate/propagate.h" /* behind cmocka.h */
#include "tests/unit/carrier.h"

/* What a format writes is what it tells: nothing else would be taken out of a carrier again. */
static inline void assert_fields_alone(const struct weftp_propagation *propagation,
                                       const struct carrier *out)
{
    for (size_t i = 0; i < out->count; i++) {
        const char *name = out->headers[i].name;
        assert_true(weftp_propagation_has_field(propagation, name, strlen(name)));
    }
}

#endif
