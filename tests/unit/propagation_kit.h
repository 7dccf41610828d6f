/*
 * For tests of propagation as a whole: a format of their own, and calls that extract, inject and
 * look.
 */
#ifndef WEFT_TESTS_PROPAGATION_KIT_H
#define WEFT_TESTS_PROPAGATION_KIT_H

#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/mdc/mdc.h"
#include "src/propagate/propagate.h"
#include "src/propagate/registry.h"

#define TRACE_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TRACE_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SPAN_1  "1111111111111111"
#define SPAN_2  "2222222222222222"
#define PARENT  "00-" TRACE_A "-" SPAN_1 "-03"

/*
 * ---- a format for tests: one header, named by its args, "TRACE SPAN FLAGS SAMPLING DIGITS"; "-":
 * none ----
 */

static int instances;

static inline weft_status fake_open(void **self, const char *args)
{
    if (!args || strcmp(args, "bad") == 0) return WEFT_EINVAL;
    *self = strdup(args);
    instances++;
    return *self ? WEFT_OK : WEFT_ENOMEM;
}

static inline void fake_close(void *self)
{
    instances--;
    free(self);
}

static inline weft_status fake_extract(const void *self, struct weft_propagated *context,
                                       const weft_getter *getter, void *carrier)
{
    size_t size = 0;
    unsigned flags = 0, sampling = 0, digits = 0;
    char trace[33] = "", span[17] = "";
    const char *value = getter->get(carrier, self, 0, &size);
    if (!value || size == 0) return WEFT_OK;
    if (strcmp(value, "no memory") == 0) return WEFT_ENOMEM;
    (void)weft_propagated_carry(
        context, (struct weft_carried){"fake-state", "of the trace", 12, WEFT_OF_TRACE});
    (void)weft_propagated_carry(
        context, (struct weft_carried){"fake-luggage", "of its own", 10, WEFT_OF_REQUEST});
    assert_int_equal(sscanf(value, "%32s %16s %u %u %u", trace, span, &flags, &sampling, &digits),
                     5);
    if (trace[0] != '-') snprintf(context->trace.trace_id, 33, "%s", trace);
    if (span[0] != '-') snprintf(context->trace.span_id, 17, "%s", span);
    context->trace.flags = (uint8_t)flags;
    context->sampling = (enum weft_sampling)sampling;
    context->trace_id_digits = digits;
    return WEFT_OK;
}

static inline weft_status fake_inject(const void *self, const struct weft_propagated *context,
                                      const weft_setter *setter, void *carrier)
{
    char text[128];
    const char *const names[] = {"fake-state", "fake-luggage"};
    const int size = snprintf(text, sizeof text, "%s %s %u %u %u", context->trace.trace_id,
                              context->trace.parent_id, context->trace.flags,
                              (unsigned)context->sampling, context->trace_id_digits);
    weft_status status = setter->set(carrier, self, text, (size_t)size);
    for (size_t i = 0; i < 2; i++) {
        const struct weft_carried *found = weft_propagated_find(context, names[i]);
        if (found && !status) status = setter->set(carrier, found->name, found->value, found->size);
    }
    return status;
}

static const struct weft_propagator_type fake = {.struct_size = sizeof(struct weft_propagator_type),
                                                 .name = "fake",
                                                 .open = fake_open,
                                                 .extract = fake_extract,
                                                 .inject = fake_inject,
                                                 .close = fake_close};

/* ---- what the tests share ---- */

static inline struct weftp_propagation *configure(const char *const *names, size_t count,
                                                  const char *key, enum weft_trust trust)
{
    static const struct weft_propagator_type *const known[] = {
        &weftp_propagator_tracecontext, &weftp_propagator_baggage, &weftp_propagator_xrequestid,
        &fake, NULL};
    const struct weftp_propagation_names settings = {names, count, &key, key ? 1 : 0, trust, known};
    struct weftp_propagation *propagation = NULL;
    assert_int_equal(weftp_propagation_create(&propagation, &settings), WEFT_OK);
    return propagation;
}
#define CONFIGURE(key, trust, ...)                                                                 \
    configure((const char *const[]){__VA_ARGS__},                                                  \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), key, trust)

static inline struct weftp_mdc_view view(void)
{
    struct weftp_mdc_view now;
    weftp_mdc_view(&now);
    return now;
}

static const struct weft_trace *slot(void)
{
    const struct weftp_mdc_view now = view();
    assert_non_null(now.trace);
    assert_int_equal(strspn(now.trace->trace_id, "0123456789abcdef"), 32);
    assert_int_equal(strspn(now.trace->span_id, "0123456789abcdef"), 16);
    return now.trace;
}

static inline bool is_carried(const char *name)
{
    const struct weftp_mdc_view now = view();
    for (uint32_t i = 0; now.carry && i < now.carry->count; i++)
        if (strcmp(now.carry->items[i].name, name) == 0) return true;
    return false;
}

static const char *mdc(const char *key)
{
    const char *value = weft_mdc_get(key);
    return value ? value : "";
}

/* Extract `carrier` on an empty context, and free it. */
static inline void take_with(const struct weftp_propagation *propagation, struct carrier carrier,
                             const struct weftp_extract_options *options)
{
    weft_mdc_clear();
    assert_int_equal(weftp_extract(propagation, &carrier_getter, &carrier, options), WEFT_OK);
    carrier_clear(&carrier);
}

static inline void take(struct weftp_propagation *propagation, struct carrier carrier)
{
    take_with(propagation, carrier, NULL);
    weftp_propagation_destroy(propagation);
}

static inline struct carrier give(const struct weftp_propagation *propagation)
{
    struct carrier out = {0};
    assert_int_equal(weftp_inject(propagation, &carrier_setter, &out), WEFT_OK);
    return out;
}

static const struct weftp_propagation *defaults(void)
{
    weftp_propagation_publish(NULL);
    return weftp_propagation_current();
}

#endif
