/* Which headers the formats may write: each tells its own. */
#include "propagate.h"

#include <string.h>

static const char *const *fields_of(const struct weftp_propagator *propagator)
{
    static const char *const none[] = {NULL};
    const struct weft_propagator_type *type = propagator->type;
    const char *const *told = NULL;
    if (type->struct_size < sizeof *type) return none; /* a program's own, of before there were */
    if (type->fields) return type->fields;
    if (type->fields_of) told = type->fields_of(propagator->self);
    return told ? told : none;
}

const char *weftp_propagation_field(const struct weftp_propagation *propagation, size_t index)
{
    for (uint32_t i = 0; i < propagation->propagator_count; i++)
        for (const char *const *field = fields_of(&propagation->propagators[i]); *field; field++)
            if (index-- == 0) return *field;
    return NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_field(const char *field, const char *name, size_t size)
{
    size_t i = 0;
    while (i < size && field[i] && field[i] != '*' && lower(name[i]) == field[i]) i++;
    return field[i] == '*' || (i == size && !field[i]);
}

bool weftp_propagation_has_field(const struct weftp_propagation *propagation, const char *name,
                                 size_t size)
{
    for (uint32_t i = 0; name && i < propagation->propagator_count; i++)
        for (const char *const *field = fields_of(&propagation->propagators[i]); *field; field++)
            if (is_field(*field, name, size)) return true;
    return false;
}
