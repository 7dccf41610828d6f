/*
 * Every row of tests/vectors/propagation_cross.tsv of B3, Jaeger, AWS, Google, Datadog and
 * OpenTracing gives its expected column; and what one service writes in a format the next one
 * reads. Where the column is prose, the table below says what it means; a row that neither
 * explains fails.
 */
#include "tests/unit/vectors.h"

#include "src/mdc/mdc.h"
#include "src/propagate/propagate.h"
#include "tests/unit/field_names.h"
#include <weft/weft.h>

/* What came of a row: `state` as b3 writes it, '-' for undecided. */
struct outcome {
    char trace[33], span[17], state;
};

/* ---- what the prose means ---- */

#define B3_TRACE  "00000000000000001234567890123451"
#define FF_TRACE  "ff000000000000000000000000000041"
#define FF_SPAN   "ff00000000000041"
#define AWS_TRACE "8a3c60f7d188f8fa79d48a391a778fa6"
#define AWS_SPAN  "53995c3f42cd8ad8"
#define OT_TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define OT_SPAN   "00f067aa0ba902b7"

static const struct meaning {
    const char *format, *name;
    struct outcome outcome; /* trace "": a new one */
} meanings[] = {
    {"b3-single", "0 only", {"", "", '0'}},
    {"b3-single", "1 only", {"", "", '1'}},
    {"b3-single", "sampled true", {"", "", '0'}}, /* as its authors read it */
    {"b3-single", "upper hex", {"", "", '0'}},
    {"b3-multi", "sampled TRUE", {FF_TRACE, FF_SPAN, '-'}},
    {"b3-multi", "sampled empty", {FF_TRACE, FF_SPAN, '-'}},
    {"b3-multi", "flags only", {"", "", 'd'}},
    {"jaeger", "debug id only", {"", "", 'd'}},
    {"jaeger", "jaeger-baggage header", {"", "", '0'}},
    {"jaeger", "flags 3 debug", {OT_TRACE, OT_SPAN, 'd'}},
    {"aws", "Sampled=? (ask)", {AWS_TRACE, AWS_SPAN, '-'}},
    {"aws", "Self from ALB", {AWS_TRACE, "", '-'}},
    {"aws", "root only (ALB)", {AWS_TRACE, "", '-'}},
    {"datadog", "prio 2", {"00000000000000000000000000000001", "0000000000000002", '1'}},
    {"datadog", "prio 3", {"00000000000000000000000000000001", "0000000000000002", '-'}},
    {"datadog", "negative", {"", "", '0'}},
    {"ot", "numeric sampled", {OT_TRACE, OT_SPAN, '1'}},
};

static const char *const formats[][2] = {
    {"b3-single", "b3"},    {"b3-multi", "b3multi"}, {"jaeger", "jaeger"},
    {"aws", "xray"},        {"gcp", "gcp"},          {"ot", "ot"},
    {"datadog", "datadog"},
};

static const char *propagator_of(const char *format)
{
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (strcmp(formats[i][0], format) == 0) return formats[i][1];
    return NULL;
}

/* ---- the column's own grammar ---- */

static void pad_id(char *out, size_t digits, const char *text)
{
    const size_t size = strspn(text, "0123456789abcdef");
    assert_true(size <= digits);
    memset(out, '0', digits);
    memcpy(out + digits - size, text, size);
    out[digits] = '\0';
}

static char state_named(const char *expected)
{
    static const struct {
        const char *text;
        char state;
    } names[] = {{"sampling=defer", '-'}, {"sampling=deny", '0'}, {"sampling=accept", '1'},
                 {"sampling=debug", 'd'}, {"flags=00", '0'},      {"flags=01", '1'},
                 {"prio=1", '1'}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(expected, names[i].text)) return names[i].state;
    return '?'; /* the row does not say */
}

static bool expected_of(const struct row *row, struct outcome *out)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (strcmp(meanings[i].format, row->columns[0]) == 0 &&
            strcmp(meanings[i].name, row->columns[1]) == 0) {
            *out = meanings[i].outcome;
            return true;
        }
    const char *expected = row->columns[3], *trace = strstr(expected, "trace=");
    const char *span = strstr(expected, "span=");
    *out = (struct outcome){.state = '0'};
    if (strncmp(expected, "reject: start new trace", 23) == 0) return true;
    if (strncmp(expected, "ok ", 3) != 0 || !trace || !span) return false;
    pad_id(out->trace, 32, trace + 6);
    pad_id(out->span, 16, span + 5);
    out->state = state_named(expected);
    return true;
}

/* ---- a row ---- */

static struct weftp_propagation *configure(const char *first, const char *key)
{
    const char *const names[] = {first, "b3"};
    const struct weftp_propagation_names settings = {
        names, strcmp(first, "b3") == 0 ? 1 : 2, &key, key ? 1 : 0, WEFT_TRUST_CONTINUE, NULL};
    struct weftp_propagation *propagation = NULL;
    assert_int_equal(weftp_propagation_create(&propagation, &settings), WEFT_OK);
    assert_int_equal(propagation->propagator_count, settings.propagator_count);
    return propagation;
}

/* Extract on an empty context; *out is what the next service gets. */
static struct outcome pass_on(const struct weftp_propagation *propagation, struct carrier *in,
                              struct carrier *out)
{
    struct outcome outcome = {.state = '?'};
    struct weftp_mdc_view view;
    weft_mdc_clear();
    assert_int_equal(weftp_extract(propagation, &carrier_lister, in, NULL), WEFT_OK);
    assert_int_equal(weftp_inject(propagation, &carrier_setter, out), WEFT_OK);
    assert_fields_alone(propagation, out);
    weftp_mdc_view(&view);
    assert_non_null(view.trace);
    memcpy(outcome.trace, view.trace->trace_id, sizeof outcome.trace);
    memcpy(outcome.span, view.trace->parent_id, sizeof outcome.span);
    const char *b3 = carrier_find(out, "b3");
    assert_non_null(b3);
    const size_t size = strlen(b3);
    outcome.state = '-';
    if (size > 2 && b3[size - 2] == '-') outcome.state = b3[size - 1];
    return outcome;
}

static bool same(const struct outcome *expected, const struct outcome *got,
                 const struct carrier *in)
{
    if (expected->state != '?' && expected->state != got->state) return false;
    if (expected->trace[0])
        return strcmp(expected->trace, got->trace) == 0 && strcmp(expected->span, got->span) == 0;
    for (size_t i = 0; i < in->count; i++)
        if (strstr(in->headers[i].value, got->trace)) return false;
    return got->span[0] == '\0' && strlen(got->trace) == 32;
}

static bool row_holds(struct row *row)
{
    struct carrier in = {0}, out = {0};
    struct outcome expected;
    char headers[ROW_MAX];
    if (!expected_of(row, &expected)) {
        print_error("no meaning is known for \"%s\"\n", row->columns[3]);
        return false;
    }
    snprintf(headers, sizeof headers, "%s", row->columns[2]);
    headers_parse(&in, headers);
    struct weftp_propagation *propagation = configure(propagator_of(row->columns[0]), NULL);
    const struct outcome got = pass_on(propagation, &in, &out);
    const bool holds = same(&expected, &got, &in);
    if (!holds)
        print_error("%s \"%s\": expected %s; got %s %s %c\n", row->columns[0], row->columns[1],
                    row->columns[3], got.trace, got.span, got.state);
    weftp_propagation_destroy(propagation);
    carrier_clear(&in);
    carrier_clear(&out);
    return holds;
}

static void test_rows(void **state)
{
    (void)state;
    static struct row row;
    size_t rows = 0, failed = 0;
    FILE *file = vectors_open("propagation_cross.tsv");
    while (fgets(row.text, sizeof row.text, file)) {
        if (row.text[0] == '#') continue;
        split(&row);
        assert_true(row.column_count >= 4);
        if (!propagator_of(row.columns[0])) continue;
        rows++;
        failed += !row_holds(&row);
    }
    fclose(file);
    weft_mdc_clear();
    assert_int_equal(failed, 0);
    assert_int_equal(rows, 98); /* so that a row that goes missing is seen */
}

/* ---- from service to service ---- */

static uint32_t seed = 1;
static uint32_t next_random(void)
{
    seed = seed * 1664525 + 1013904223;
    return seed >> 8;
}

static void random_hex(char *out, size_t digits)
{
    for (size_t i = 0; i < digits; i++) out[i] = "0123456789abcdef"[next_random() % 16];
    out[digits] = '\0';
    out[digits - 1] = '7'; /* never zero */
}

static void begin_with(struct carrier *in, const struct outcome *wanted)
{
    char text[128];
    const int size = snprintf(text, sizeof text, "%s-%s", wanted->trace, wanted->span);
    if (wanted->state != '-')
        snprintf(text + size, sizeof text - (size_t)size, "-%c", wanted->state);
    carrier_add(in, "b3", text);
}

/* The context of `wanted` written in `format`, without the b3 header that it came by. */
static struct carrier written(const char *format, const struct outcome *wanted)
{
    struct carrier in = {0}, out = {0}, only = {0};
    struct weftp_propagation *propagation = configure(format, NULL);
    begin_with(&in, wanted);
    (void)pass_on(propagation, &in, &out);
    for (size_t i = 0; i < out.count; i++)
        if (strcmp(format, "b3") == 0 || strcmp(out.headers[i].name, "b3") != 0)
            carrier_add(&only, out.headers[i].name, out.headers[i].value);
    weftp_propagation_destroy(propagation);
    carrier_clear(&in);
    carrier_clear(&out);
    return only;
}

static void round_trip(const char *format, const char *states)
{
    struct weftp_propagation *propagation = configure(format, NULL);
    for (size_t i = 0; i < 400; i++) {
        struct outcome wanted = {.state = states[i % strlen(states)]};
        struct carrier out = {0};
        random_hex(wanted.trace, 32);
        random_hex(wanted.span, 16);
        if (i % 3 == 0) memset(wanted.trace, '0', 16);
        struct carrier in = written(format, &wanted);
        const struct outcome got = pass_on(propagation, &in, &out);
        assert_string_equal(got.trace, wanted.trace);
        assert_string_not_equal(got.span, wanted.span); /* each call has its own */
        assert_int_equal(got.state, wanted.state);
        carrier_clear(&in);
        carrier_clear(&out);
    }
    weftp_propagation_destroy(propagation);
    weft_mdc_clear();
}

static void test_round_trips(void **state)
{
    (void)state;
    round_trip("b3", "-01d");
    round_trip("b3multi", "-01d");
    round_trip("jaeger", "01d"); /* its flags cannot say: undecided */
    round_trip("xray", "-01");   /* nor these: forced */
    round_trip("datadog", "-01");
    round_trip("gcp", "01");
    round_trip("ot", "-01");
    round_trip("ottrace", "-01");
}

static void test_a_short_id_stays_short(void **state)
{
    (void)state;
    static const char *const headers[][2] = {{"b3", "b3"},
                                             {"b3multi", "x-b3-traceid"},
                                             {"jaeger", "uber-trace-id"},
                                             {"ot", "ot-tracer-traceid"}};
    for (size_t i = 0; i < sizeof headers / sizeof *headers; i++) {
        struct carrier in = CARRIER_OF("b3", "463ac35c9f6413ad-a2fb4a1d1a96d312-1"), out = {0};
        struct weftp_propagation *propagation = configure(headers[i][0], NULL);
        (void)pass_on(propagation, &in, &out);
        const char *value = carrier_find(&out, headers[i][1]);
        assert_non_null(value);
        assert_memory_equal(value, "463ac35c9f6413ad", 16);
        assert_true(value[16] == '\0' || value[16] == '-' || value[16] == ':');
        weftp_propagation_destroy(propagation);
        carrier_clear(&in);
        carrier_clear(&out);
    }
}

/* ---- what goes along ---- */

static struct carrier through(const char *format, const char *key, struct carrier in)
{
    struct carrier out = {0};
    struct weftp_propagation *propagation = configure(format, key);
    (void)pass_on(propagation, &in, &out);
    weftp_propagation_destroy(propagation);
    carrier_clear(&in);
    return out;
}

static void expect_header(struct carrier *out, const char *name, const char *value)
{
    const char *got = carrier_find(out, name);
    if (!value && !got) return;
    if (!value || !got) fail_msg("%s: %s", name, got ? got : "is not there");
    assert_string_equal(got, value);
}

static void test_jaeger_baggage(void **state)
{
    (void)state;
    struct carrier out =
        through("jaeger", "user",
                CARRIER_OF("uber-trace-id", "1:2:0:1", "Uberctx-User", "a%20b", "uberctx-x", "%C3",
                           "jaeger-baggage", "k1=v1, k2 = v2,bad", "uberctx-nl", "a\nb"));
    expect_header(&out, "uberctx-user", "a%20b");
    expect_header(&out, "uberctx-x", "%C3");
    expect_header(&out, "uberctx-k1", "v1");
    expect_header(&out, "uberctx-k2", "v2");
    expect_header(&out, "uberctx-nl", NULL);
    assert_string_equal(weft_mdc_get("user"), "a b");
    carrier_clear(&out);
}

static void test_jaeger_debug_id(void **state)
{
    (void)state;
    struct carrier out = through("jaeger", NULL, CARRIER_OF("jaeger-debug-id", "find-me"));
    assert_string_equal(weft_mdc_get("jaeger_debug_id"), "find-me");
    const char *value = carrier_find(&out, "uber-trace-id");
    assert_non_null(value);
    assert_string_equal(value + strlen(value) - 4, ":0:3");
    carrier_clear(&out);
    weft_mdc_clear();
    out = through("jaeger", NULL, CARRIER_OF("jaeger-debug-id", "bad id \"\n"));
    assert_null(weft_mdc_get("jaeger_debug_id"));
    carrier_clear(&out);
}

static void test_ot_baggage(void **state)
{
    (void)state;
    struct carrier out = through("ot", "k1",
                                 CARRIER_OF("ot-tracer-traceid", OT_TRACE, "ot-tracer-spanid",
                                            OT_SPAN, "ot-baggage-K1", "v 1", "ot-baggage-", "x"));
    expect_header(&out, "ot-baggage-k1", "v 1");
    expect_header(&out, "ot-baggage-", NULL);
    assert_string_equal(weft_mdc_get("k1"), "v 1");
    carrier_clear(&out);
}

static void test_ot_ids_without_leading_zeros(void **state)
{
    (void)state;
    struct carrier out = through(
        "ot", NULL, CARRIER_OF("ot-tracer-traceid", "a8ba8ec6a3f4d2", "ot-tracer-spanid", "f99b4"));
    expect_header(&out, "ot-tracer-traceid", "00a8ba8ec6a3f4d2");
    carrier_clear(&out);
    out = through("ot", NULL, CARRIER_OF("ot-tracer-traceid", "1", "ot-tracer-spanid", ""));
    assert_int_equal(strlen(carrier_find(&out, "ot-tracer-traceid")), 32); /* a new one */
    carrier_clear(&out);
}

static void test_prefixed_baggage_is_bounded(void **state)
{
    (void)state;
    struct carrier in = {0}, out;
    char name[32];
    for (unsigned i = 0; i < 90; i++) {
        snprintf(name, sizeof name, "uberctx-k%u", i);
        carrier_add(&in, name, "v");
    }
    const uint64_t before = weftp_propagate_rejected();
    out = through("jaeger", NULL, in);
    expect_header(&out, "uberctx-k63", "v");
    expect_header(&out, "uberctx-k64", NULL);
    assert_int_equal(weftp_propagate_rejected() - before, 26);
    carrier_clear(&out);
}

static void test_aws_lineage(void **state)
{
    (void)state;
    static const char root[] = "Root=1-8a3c60f7-d188f8fa79d48a391a778fa6;Sampled=1;Lineage=";
    static const struct {
        const char *lineage;
        bool kept;
    } cases[] = {{"32767:e65a2c4d:255", true}, {"1:badc0de:13", false}, {"32768:e65a2c4d:1", false},
                 {"1:e65a2c4d:256", false},    {"1:e65a2c4d", false},   {"1:e65a2c4d:1:1", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[160];
        snprintf(text, sizeof text, "%s%s", root, cases[i].lineage);
        struct carrier out = through("xray", NULL, CARRIER_OF("X-Amzn-Trace-Id", text));
        const char *value = carrier_find(&out, "x-amzn-trace-id");
        assert_non_null(value);
        assert_memory_equal(value, root, 35 + 5);
        assert_int_equal(strstr(value, ";Lineage=") != NULL, cases[i].kept);
        if (cases[i].kept) assert_non_null(strstr(value, cases[i].lineage));
        carrier_clear(&out);
    }
}

static void test_datadog_extras(void **state)
{
    (void)state;
    struct carrier out = through(
        "datadog", NULL,
        CARRIER_OF("x-datadog-trace-id", "1", "x-datadog-parent-id", "2",
                   "x-datadog-sampling-priority", "-1", "x-datadog-origin", "rum", "x-datadog-tags",
                   "_dd.p.tid=0af7651916cd43dd, _dd.p.dm=-4,_dd.p.tid=zz"));
    expect_header(&out, "x-datadog-trace-id", "1");
    expect_header(&out, "x-datadog-sampling-priority", "-1");
    expect_header(&out, "x-datadog-origin", "rum");
    expect_header(&out, "x-datadog-tags", "_dd.p.tid=0af7651916cd43dd,_dd.p.dm=-4");
    carrier_clear(&out);
    /* Without a parent only a synthetic test begins a trace. */
    out = through("datadog", NULL, CARRIER_OF("x-datadog-trace-id", "5"));
    assert_string_not_equal(carrier_find(&out, "x-datadog-trace-id"), "5");
    carrier_clear(&out);
    out = through("datadog", NULL,
                  CARRIER_OF("x-datadog-trace-id", "5", "x-datadog-origin", "synthetics-browser"));
    expect_header(&out, "x-datadog-trace-id", "5");
    carrier_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_a_short_id_stays_short),
        cmocka_unit_test(test_jaeger_baggage),
        cmocka_unit_test(test_jaeger_debug_id),
        cmocka_unit_test(test_ot_baggage),
        cmocka_unit_test(test_ot_ids_without_leading_zeros),
        cmocka_unit_test(test_prefixed_baggage_is_bounded),
        cmocka_unit_test(test_aws_lineage),
        cmocka_unit_test(test_datadog_extras),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
