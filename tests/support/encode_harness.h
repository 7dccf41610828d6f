/*
 * Encoders in tests: an open instance, a buffer, and pairs as the MDC would make them. Failures
 * abort through cmocka.
 */
#ifndef TESTS_SUPPORT_ENCODE_HARNESS_H
#define TESTS_SUPPORT_ENCODE_HARNESS_H

#include "json_model.h"
#include "src/base/out.h"
#include "src/encode/registry.h"
#include "src/record/pair.h"

struct harness {
    const struct weft_encoder_type *type;
    void *self;
    struct weft_out out;
};

static const struct weft_limits harness_all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

/* Pairs, owned: free. */
__attribute__((unused)) static struct weftp_pair_set *harness_pairs(const weft_field *fields,
                                                                    size_t count)
{
    static const struct weftp_pair_limits limits = {UINT16_MAX, 128, 1U << 20, 1U << 24};
    struct weftp_pair_set *set = NULL;
    assert_int_equal(weftp_pairs_build(&set, NULL, fields, count, &limits, false, NULL), WEFT_OK);
    return set;
}

/* Open with options that may be NULL. The host is "web-1". */
__attribute__((unused)) static void harness_open(struct harness *harness, const char *format,
                                                 const struct weft_encoder_options *given)
{
    struct weft_encoder_options options = {.struct_size = sizeof options};
    if (given) options = *given;
    options.struct_size = sizeof options;
    if (!options.host) options.host = "web-1";
    harness->type = weftp_encoder_builtin(format);
    assert_non_null(harness->type);
    harness->self = NULL;
    assert_int_equal(harness->type->open(&harness->self, &options), WEFT_OK);
    weftp_out_init(&harness->out, 64U << 20);
}

__attribute__((unused)) static void harness_close(struct harness *harness)
{
    harness->type->close(harness->self);
    weftp_out_deinit(&harness->out);
}

/* Encode, and give the line with a NUL behind its newline. Valid until the next call. */
__attribute__((unused)) static const char *harness_line(struct harness *harness,
                                                        const struct weft_record *record,
                                                        const struct weft_limits *limits)
{
    weftp_out_clear(&harness->out);
    harness->type->encode(harness->self, record, limits ? limits : &harness_all, &harness->out);
    assert_false(harness->out.overflow);
    assert_int_equal(harness->out.cur[-1], '\n');
    weftp_out_char(&harness->out, '\0');
    return harness->out.data;
}

/* Encode and read the line back; keys must be unique at every level. */
__attribute__((unused)) static struct json *harness_json(struct harness *harness,
                                                         const struct weft_record *record,
                                                         const struct weft_limits *limits)
{
    const char *line = harness_line(harness, record, limits);
    struct json *json = json_read(line, weftp_out_size(&harness->out) - 1);
    if (!json) fail_msg("%s is no JSON: %s", harness->type->name, line);
    const char *twin = json_twin(json);
    if (twin) fail_msg("%s has the key %s twice: %s", harness->type->name, twin, line);
    return json;
}

/* A record of which the rest is to be filled in: INFO, 2026-11-22T06:29:14.123456Z. */
__attribute__((unused)) static struct weft_record harness_record(void)
{
    const struct weft_record record = {.struct_size = sizeof record,
                                       .time_ns = INT64_C(1795328954123456000),
                                       .level = WEFT_LEVEL_INFO,
                                       .logger = "orders.http",
                                       .logger_size = 11,
                                       .thread = "worker-3",
                                       .thread_size = 8,
                                       .message = "order accepted",
                                       .message_size = 14};
    return record;
}

#endif
