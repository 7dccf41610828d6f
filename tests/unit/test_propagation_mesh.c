/*
 * What goes through proxies: headers that go on as they came, request ids by other names, several
 * formats at once, and `auto`, which answers in the caller's format.
 */
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
#include "tests/unit/field_names.h"
#include <weft/weft.h>

#define TRACE  "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN   "00f067aa0ba902b7"
#define PARENT "00-" TRACE "-" SPAN "-01"

static struct weftp_propagation *configure(const char *list, enum weft_trust trust)
{
    const char *names[8];
    size_t count = 0;
    char text[256];
    struct weftp_propagation *propagation = NULL;
    snprintf(text, sizeof text, "%s", list);
    for (char *name = text; name; name = strchr(name, ' ') ? strchr(name, ' ') + 1 : NULL)
        names[count++] = name;
    for (char *c = text; *c; c++)
        if (*c == ' ') *c = '\0';
    const struct weftp_propagation_names settings = {names, count, NULL, 0, trust, NULL};
    assert_int_equal(weftp_propagation_create(&propagation, &settings), WEFT_OK);
    return propagation;
}

static struct carrier pass_by(const char *list, enum weft_trust trust, struct carrier in)
{
    struct carrier out = {0};
    struct weftp_propagation *propagation = configure(list, trust);
    weft_mdc_clear();
    assert_int_equal(weftp_extract(propagation, &carrier_lister, &in, NULL), WEFT_OK);
    assert_int_equal(weftp_inject(propagation, &carrier_setter, &out), WEFT_OK);
    assert_fields_alone(propagation, &out);
    weft_mdc_clear(); /* what is carried has pointers into the configuration */
    weftp_propagation_destroy(propagation);
    carrier_clear(&in);
    return out;
}

static void expect_header(const struct carrier *out, const char *name, const char *value)
{
    const char *got = carrier_find(out, name);
    if (!value && !got) return;
    if (!value || !got) fail_msg("%s: %s", name, got ? got : "is not there");
    assert_string_equal(got, value);
}

static void expect_only(struct carrier *out, size_t count)
{
    for (size_t i = 0; out->count != count && i < out->count; i++)
        print_error("sent: %s: %s\n", out->headers[i].name, out->headers[i].value);
    assert_int_equal(out->count, count);
    carrier_clear(out);
}

/* ---- as they came ---- */

static void test_istio_forwards_its_list_alone(void **state)
{
    (void)state;
    struct carrier out = pass_by(
        "istio", WEFT_TRUST_CONTINUE,
        CARRIER_OF("X-Request-Id", "r-1", "traceparent", PARENT, "TraceState", "a=1", "tracestate",
                   "b=2", "x-b3-parentspanid", SPAN, "X-OT-Span-Context", "opaque;=", "cookie",
                   "secret", "authorization", "Bearer x", "x-tenant", "acme", "baggage", "a=b"));
    expect_header(&out, "x-request-id", "r-1");
    expect_header(&out, "traceparent", PARENT);
    expect_header(&out, "tracestate", "a=1,b=2");
    expect_header(&out, "x-b3-parentspanid", SPAN);
    expect_header(&out, "x-ot-span-context", "opaque;=");
    expect_only(&out, 5);
}

static void test_a_caller_that_is_not_trusted_is_not_forwarded(void **state)
{
    (void)state;
    struct carrier out =
        pass_by("tracecontext istio", WEFT_TRUST_RESTART,
                CARRIER_OF("traceparent", PARENT, "b3", TRACE "-" SPAN "-1", "tracestate", "a=1"));
    assert_null(strstr(carrier_find(&out, "traceparent"), TRACE));
    expect_header(&out, "b3", NULL);
    expect_header(&out, "tracestate", NULL);
    carrier_clear(&out);
}

static void test_verbatim_names(void **state)
{
    (void)state;
    static const char *const names[] = {"verbatim:X-Tenant+x-user", "verbatim:x-tenant,X-User"};
    for (size_t i = 0; i < 2; i++) {
        struct carrier out =
            pass_by(names[i], WEFT_TRUST_CONTINUE,
                    CARRIER_OF("x-Tenant", "acme", "X-USER", "u 1\t2", "x-other", "no"));
        expect_header(&out, "x-tenant", "acme");
        expect_header(&out, "x-user", "u 1\t2");
        expect_only(&out, 2);
    }
}

static void test_verbatim_refuses(void **state)
{
    (void)state;
    static const char *const refused[] = {"cookie",
                                          "Authorization",
                                          "host",
                                          "Content-Length",
                                          "Transfer-Encoding",
                                          "Proxy-Authenticate",
                                          "proxy-x",
                                          "Connection",
                                          "x-a,te",
                                          "bad name",
                                          "",
                                          "a,,b",
                                          "x-*"};
    void *self = NULL;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(weftp_propagator_verbatim.open(&self, refused[i]), WEFT_EINVAL);
    assert_int_equal(weftp_propagator_verbatim.open(&self, NULL), WEFT_EINVAL);
    assert_int_equal(weftp_propagator_verbatim.open(&self, "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q"),
                     WEFT_EINVAL);
}

static void test_verbatim_sends_nothing_hostile(void **state)
{
    (void)state;
    struct carrier in = CARRIER_OF("x-a", "ok\r\nX-Evil: 1", "x-c", "fine");
    char *big = malloc(8000);
    assert_non_null(big);
    memset(big, 'a', 7999);
    big[7999] = '\0';
    carrier_add(&in, "x-b", big);
    carrier_add(&in, "x-b", big); /* together more than a header may hold */
    free(big);
    struct carrier out = pass_by("verbatim:x-a+x-b+x-c", WEFT_TRUST_CONTINUE, in);
    expect_header(&out, "x-c", "fine");
    expect_only(&out, 1);
}

static void test_envoy(void **state)
{
    (void)state;
    struct carrier out =
        pass_by("tracecontext envoy", WEFT_TRUST_CONTINUE,
                CARRIER_OF("x-request-id", "4e4bf37c-1d3a-9c2e-9f21-0a1b2c3d4e5f",
                           "x-client-trace-id", "c-1", "x-envoy-force-trace", "1"));
    expect_header(&out, "x-request-id", "4e4bf37c-1d3a-9c2e-9f21-0a1b2c3d4e5f");
    expect_header(&out, "x-client-trace-id", "c-1");
    expect_header(&out, "x-envoy-force-trace", NULL);
    carrier_clear(&out);
}

/* ---- request ids ---- */

static void test_request_ids_by_other_names(void **state)
{
    (void)state;
    static const char uuid[] = "0b3f2b3c-7f5e-4b52-8f6f-7f3f1c2d9e10#42";
    struct carrier out = pass_by("kong", WEFT_TRUST_CONTINUE,
                                 CARRIER_OF("Kong-Request-ID", uuid, "X-Kong-Request-Id", "ab12"));
    expect_header(&out, "kong-request-id", uuid);
    expect_header(&out, "x-kong-request-id", "ab12");
    expect_only(&out, 2);
    out = pass_by("kong xrequestid", WEFT_TRUST_CONTINUE, CARRIER_OF("X-Kong-Request-Id", "ab12"));
    expect_header(&out, "kong-request-id", "ab12");
    expect_header(&out, "x-request-id", "ab12");
    carrier_clear(&out);
    out = pass_by("kong", WEFT_TRUST_CONTINUE, CARRIER_OF("kong-request-id", "", "x", "y"));
    assert_int_equal(strlen(carrier_find(&out, "kong-request-id")), 36); /* one of its own */
    carrier_clear(&out);
    out = pass_by("nginx", WEFT_TRUST_CONTINUE,
                  CARRIER_OF("X-Request-ID", "9f86d081884c7d659a2feaa0c55ad015"));
    expect_header(&out, "x-request-id", "9f86d081884c7d659a2feaa0c55ad015");
    carrier_clear(&out);
}

/* HAProxy adds its header behind a client's: the last one is its own. */
static void test_haproxy(void **state)
{
    (void)state;
    static const char own[] = "7F000001:B82A_7F000001:46A1_6B029223_0000:2773";
    struct carrier out =
        pass_by("haproxy", WEFT_TRUST_CONTINUE,
                CARRIER_OF("X-Unique-ID", "spoof", "x-unique-id", own, "X-UNIQUE-ID", ""));
    expect_header(&out, "x-unique-id", own);
    carrier_clear(&out);
    out = pass_by("haproxy", WEFT_TRUST_CONTINUE, CARRIER_OF("X-Unique-ID", own));
    expect_header(&out, "x-unique-id", own);
    carrier_clear(&out);
    out = pass_by("haproxy", WEFT_TRUST_CONTINUE,
                  CARRIER_OF("X-Unique-ID", own, "X-Unique-ID", "spoof"));
    expect_header(&out, "x-unique-id", own);
    carrier_clear(&out);
    /* Of two that it might have made the last one; also where it makes UUIDs. */
    static const char uuid[] = "0f5a1c7e-2b3d-4c5e-8f90-1a2b3c4d5e6f";
    out = pass_by("haproxy", WEFT_TRUST_CONTINUE,
                  CARRIER_OF("X-Unique-ID", own, "X-Unique-ID", uuid));
    expect_header(&out, "x-unique-id", uuid);
    carrier_clear(&out);
    out = pass_by("haproxy", WEFT_TRUST_CONTINUE,
                  CARRIER_OF("X-Unique-ID", "spoof", "X-Unique-ID", "of-its-own-form"));
    expect_header(&out, "x-unique-id", "of-its-own-form");
    carrier_clear(&out);
    /* One that is refused is not replaced by the client's. */
    out = pass_by("haproxy", WEFT_TRUST_CONTINUE,
                  CARRIER_OF("X-Unique-ID", "spoof", "X-Unique-ID", "a b"));
    assert_int_equal(strlen(carrier_find(&out, "x-unique-id")), 36);
    carrier_clear(&out);
    for (size_t count = 64; count <= 65; count++) {
        struct carrier many = {0};
        for (size_t i = 1; i < count; i++) carrier_add(&many, "X-Unique-ID", "spoof");
        carrier_add(&many, "X-Unique-ID", own);
        out = pass_by("haproxy", WEFT_TRUST_CONTINUE, many);
        assert_int_equal(strlen(carrier_find(&out, "x-unique-id")), count == 64 ? strlen(own) : 36);
        carrier_clear(&out);
    }
}

/* ---- other spellings of traceparent ---- */

static void test_elastic(void **state)
{
    (void)state;
    struct carrier out =
        pass_by("elastic", WEFT_TRUST_CONTINUE, CARRIER_OF("Elastic-Apm-Traceparent", PARENT));
    assert_memory_equal(carrier_find(&out, "elastic-apm-traceparent"), PARENT, 36);
    carrier_clear(&out);
    out = pass_by("elastic", WEFT_TRUST_CONTINUE, CARRIER_OF("elastic-apm-traceparent", "00-x"));
    assert_null(strstr(carrier_find(&out, "elastic-apm-traceparent"), TRACE));
    carrier_clear(&out);
}

/* Bytes 00 00 TRACE 01 SPAN 02 01, by another encoder. */
#define BIN "AABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE"

static void test_grpc_trace_bin(void **state)
{
    (void)state;
    static const char *const good[] = {BIN, BIN "="};
    for (size_t i = 0; i < 2; i++) {
        struct carrier out = pass_by("grpc-trace-bin tracecontext", WEFT_TRUST_CONTINUE,
                                     CARRIER_OF("grpc-trace-bin", good[i]));
        const char *parent = carrier_find(&out, "traceparent");
        const char *bin = carrier_find(&out, "grpc-trace-bin");
        assert_memory_equal(parent, "00-" TRACE "-", 36);
        assert_string_equal(parent + 53, "01");
        assert_memory_equal(bin, BIN, 24);
        assert_int_equal(strlen(bin), 39);
        carrier_clear(&out);
    }
    static const char *const bad[] = {"AABL", BIN "==", "!ABL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE",
                                      "AQBL+S81d7NNpqPOkp0ODkc2AQDwZ6oLqQK3AgE"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct carrier out = pass_by("grpc-trace-bin tracecontext", WEFT_TRUST_CONTINUE,
                                     CARRIER_OF("grpc-trace-bin", bad[i]));
        assert_null(strstr(carrier_find(&out, "traceparent"), TRACE));
        carrier_clear(&out);
    }
}

/* ---- several at once ---- */

static void test_the_first_format_writes_a_header(void **state)
{
    (void)state;
    struct carrier out =
        pass_by("tracecontext istio", WEFT_TRUST_CONTINUE, CARRIER_OF("traceparent", PARENT));
    assert_memory_equal(carrier_find(&out, "traceparent"), PARENT, 36);
    assert_memory_not_equal(carrier_find(&out, "traceparent") + 36, SPAN, 16);
    carrier_clear(&out);
    out = pass_by("istio tracecontext", WEFT_TRUST_CONTINUE, CARRIER_OF("traceparent", PARENT));
    expect_header(&out, "traceparent", PARENT);
    carrier_clear(&out);
}

static void test_auto_answers_in_the_callers_format(void **state)
{
    (void)state;
    struct carrier out = pass_by("auto", WEFT_TRUST_CONTINUE,
                                 CARRIER_OF("b3", TRACE "-" SPAN "-1", "x-request-id", "r-1"));
    assert_memory_equal(carrier_find(&out, "b3"), TRACE "-", 33);
    expect_header(&out, "x-request-id", "r-1");
    expect_only(&out, 2);
    out = pass_by("auto", WEFT_TRUST_CONTINUE,
                  CARRIER_OF("X-B3-TraceId", TRACE, "X-B3-SpanId", SPAN, "baggage", "a=b"));
    expect_header(&out, "x-b3-traceid", TRACE);
    expect_header(&out, "baggage", "a=b");
    assert_non_null(carrier_find(&out, "x-request-id"));
    expect_only(&out, 4);
    out = pass_by("auto", WEFT_TRUST_CONTINUE,
                  CARRIER_OF("uber-trace-id", TRACE ":" SPAN ":0:1", "traceparent", PARENT));
    assert_memory_equal(carrier_find(&out, "traceparent"), PARENT, 36);
    assert_memory_equal(carrier_find(&out, "uber-trace-id"), TRACE ":", 33);
    expect_only(&out, 3);
    out = pass_by("auto", WEFT_TRUST_CONTINUE, CARRIER_OF("x-unrelated", "1"));
    assert_non_null(carrier_find(&out, "traceparent"));
    expect_only(&out, 2);
}

/* What came alone, beside x-request-id, and which headers of a trace the answer is to have. */
static void test_auto_writes_what_came(void **state)
{
    (void)state;
    static const struct {
        const char *name, *value, *written, *missing;
    } rows[] = {
        {"b3", "", "traceparent", "b3"},
        {"b3", "junk", "traceparent", "b3"},
        {"b3", "0", "b3", "traceparent"},
        {"x-b3-traceid", "junk", "traceparent", "x-b3-traceid"},
        {"x-b3-sampled", "0", "x-b3-sampled", "traceparent"},
        {"x-b3-flags", "1", "x-b3-flags", "traceparent"},
        {"jaeger-debug-id", "case-7", "uber-trace-id", "traceparent"},
        {"uber-trace-id", "junk", "traceparent", "uber-trace-id"},
        {"x-kong-request-id", "pass-1", "x-kong-request-id", "x-unique-id"},
        {"kong-request-id", "a b", "traceparent", "kong-request-id"},
        {"x-unique-id", "a b", "traceparent", "x-unique-id"},
        {"x-unique-id", "u-1", "x-unique-id", "kong-request-id"},
        {"uberctx-tenant", "alice", "traceparent", "b3"},
        {"uberctx-tenant", "alice", "uberctx-tenant", "ot-baggage-tenant"},
        {"ot-baggage-tenant", "alice", "ot-baggage-tenant", "uberctx-tenant"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct carrier out = pass_by("auto", WEFT_TRUST_CONTINUE,
                                     CARRIER_OF(rows[i].name, rows[i].value, "x-request-id", "r"));
        if (!carrier_find(&out, rows[i].written) || carrier_find(&out, rows[i].missing))
            fail_msg("%s: \"%s\"", rows[i].name, rows[i].value);
        carrier_clear(&out);
    }
    struct carrier out =
        pass_by("auto", WEFT_TRUST_CONTINUE,
                CARRIER_OF("b3", "junk", "x-b3-traceid", TRACE, "x-b3-spanid", SPAN));
    assert_non_null(carrier_find(&out, "x-b3-traceid"));
    assert_null(carrier_find(&out, "b3"));
    carrier_clear(&out);
}

static void test_auto_without_a_caller(void **state)
{
    (void)state;
    struct carrier out = {0};
    struct weftp_propagation *propagation = configure("auto", WEFT_TRUST_CONTINUE);
    weft_mdc_clear();
    assert_int_equal(weft_mdc_put("request_id", "mine"), WEFT_OK);
    assert_int_equal(weftp_inject(propagation, &carrier_setter, &out), WEFT_OK);
    assert_fields_alone(propagation, &out);
    expect_header(&out, "x-request-id", "mine");
    expect_only(&out, 1);
    weft_mdc_clear();
    weftp_propagation_destroy(propagation);
}

static bool has_field(const struct weftp_propagation *propagation, const char *name)
{
    return weftp_propagation_has_field(propagation, name, strlen(name));
}

static void test_names_of_fields(void **state)
{
    (void)state;
    static const char *const told[] = {"traceparent",       "tracestate",   "uber-trace-id",
                                       "uberctx-*",         "x-request-id", "x-client-trace-id",
                                       "x-ot-span-context", "x-a",          "x_b"};
    static const char *const fields[] = {"TraceParent",       "UBERCTX-", "uberctx-a", "Uberctx-*x",
                                         "X-Client-Trace-ID", "x-a",      "X_B"};
    static const char *const others[] = {"",   "traceparen", "traceparents", "uberctx", "uberctx_a",
                                         "b3", "baggage",    "x-b",          "x-ab"};
    struct weftp_propagation *made =
        configure("tracecontext jaeger envoy verbatim:X-A,x_b", WEFT_TRUST_CONTINUE);
    for (size_t i = 0; i < sizeof told / sizeof *told; i++)
        assert_string_equal(weftp_propagation_field(made, i), told[i]);
    assert_null(weftp_propagation_field(made, sizeof told / sizeof *told));
    assert_null(weftp_propagation_field(made, SIZE_MAX));
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        assert_true(has_field(made, fields[i]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(has_field(made, others[i]));
    assert_true(weftp_propagation_has_field(made, "x-a: 1", 3)); /* not NUL-terminated */
    assert_false(weftp_propagation_has_field(made, NULL, 0));
    weftp_propagation_destroy(made);
    made = configure("auto", WEFT_TRUST_CONTINUE);
    assert_true(has_field(made, "x-unique-id"));
    weftp_propagation_destroy(made);
}

/* A program's own format: one that tells, by args, and one that was compiled before it could. */
static const char *const *own_fields(const void *self)
{
    static const char *const names[] = {"x-own", NULL};
    return self ? NULL : names;
}

static void test_names_of_own_formats(void **state)
{
    (void)state;
    const struct weft_propagator_type tells = {.struct_size = sizeof tells,
                                               .fields_of = own_fields};
    const struct weft_propagator_type old = {
        .struct_size = offsetof(struct weft_propagator_type, fields), .fields_of = own_fields};
    int self = 0;
    const struct weftp_propagator both[] = {{&old, NULL}, {&tells, &self}, {&tells, NULL}};
    const struct weftp_propagation made = {.propagators = both, .propagator_count = 3};
    assert_string_equal(weftp_propagation_field(&made, 0), "x-own");
    assert_null(weftp_propagation_field(&made, 1));
    assert_true(has_field(&made, "X-Own"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_istio_forwards_its_list_alone),
        cmocka_unit_test(test_a_caller_that_is_not_trusted_is_not_forwarded),
        cmocka_unit_test(test_verbatim_names),
        cmocka_unit_test(test_verbatim_refuses),
        cmocka_unit_test(test_verbatim_sends_nothing_hostile),
        cmocka_unit_test(test_envoy),
        cmocka_unit_test(test_request_ids_by_other_names),
        cmocka_unit_test(test_haproxy),
        cmocka_unit_test(test_elastic),
        cmocka_unit_test(test_grpc_trace_bin),
        cmocka_unit_test(test_the_first_format_writes_a_header),
        cmocka_unit_test(test_auto_answers_in_the_callers_format),
        cmocka_unit_test(test_auto_writes_what_came),
        cmocka_unit_test(test_auto_without_a_caller),
        cmocka_unit_test(test_names_of_fields),
        cmocka_unit_test(test_names_of_own_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
