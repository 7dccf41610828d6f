/*
 * Whose header is it: what goes on as it came yields to the format that knows it; baggage in headers
 * of its own, which two formats share; keys whose spelling is the configuration's.
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

/* What goes out for what came in, by one or two formats. */
static struct carrier pass(const char *one, const char *two, const char *key, struct carrier in)
{
    struct carrier out = {0};
    const char *const formats[] = {one, two};
    struct weftp_propagation *made = NULL;
    const struct weftp_propagation_names names = {formats,     two ? 2 : 1,         &key,
                                                  key ? 1 : 0, WEFT_TRUST_CONTINUE, NULL};
    assert_int_equal(weftp_propagation_create(&made, &names), WEFT_OK);
    weft_mdc_clear();
    assert_int_equal(weftp_extract(made, &carrier_lister, &in, NULL), WEFT_OK);
    assert_int_equal(weftp_inject(made, &carrier_setter, &out), WEFT_OK);
    assert_fields_alone(made, &out);
    assert_int_equal(weftp_mdc_trace_set(NULL, NULL), WEFT_OK); /* it points into `made` */
    weftp_propagation_destroy(made);
    carrier_clear(&in);
    return out;
}

/* `wanted` NULL: it does not go out. */
static void expect(const struct carrier *out, const char *name, const char *wanted)
{
    const char *sent = carrier_find(out, name);
    if (!wanted && !sent) return;
    if (!wanted || !sent) fail_msg("%s: %s", name, sent ? sent : "is not there");
    assert_string_equal(sent, wanted);
}

static void test_a_tracestate_is_tracecontexts(void **state)
{
    (void)state;
    static const struct {
        const char *one, *two, *parent, *states, *wanted;
    } rows[] = {
        {"istio", NULL, "00-zzz", "a=1", "a=1"}, /* alone it judges nothing */
        {"tracecontext", "istio", "00-zzz", "a=1", NULL},
        {"tracecontext", "istio", "", "a=1", NULL},
        {"tracecontext", "istio", PARENT, "a=1,BAD", NULL},
        {"tracecontext", "istio", PARENT, "a=1", "a=1"},
        {"istio", "tracecontext", "", "a=1", NULL},
        {"istio", "tracecontext", PARENT, "a=1,BAD", NULL},
        {"istio", "tracecontext", PARENT, "a=1, b=2", "a=1,b=2"},
        {"tracecontext", "verbatim:tracestate", "00-zzz", "a=1", NULL},
        {"b3", "istio", "00-zzz", "a=1", "a=1"}, /* nobody here knows better */
        {"verbatim:traceparent", "istio", PARENT, "a=1", "a=1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct carrier out =
            pass(rows[i].one, rows[i].two, NULL,
                 CARRIER_OF("traceparent", rows[i].parent, "tracestate", rows[i].states));
        expect(&out, "tracestate", rows[i].wanted);
        carrier_clear(&out);
    }
}

static void test_a_group_has_one_writer(void **state)
{
    (void)state;
    static const char *const owners[] = {"b3multi", "b3"};
    for (size_t i = 0; i < 2; i++) {
        struct carrier out =
            pass(owners[i], "istio", NULL,
                 CARRIER_OF("x-b3-traceid", TRACE, "x-b3-spanid", SPAN, "x-b3-parentspanid", SPAN,
                            "x-b3-sampled", "maybe", "x-cloud-trace-context", "as it came"));
        expect(&out, "x-b3-parentspanid", NULL);
        expect(&out, "x-b3-sampled", NULL);
        expect(&out, "x-cloud-trace-context", "as it came");
        const char *trace = carrier_find(&out, i == 0 ? "x-b3-traceid" : "b3");
        assert_memory_equal(trace, TRACE, 32);
        if (i == 1) expect(&out, "x-b3-spanid", NULL);
        carrier_clear(&out);
    }
    struct carrier out = pass("istio", "b3multi", NULL, CARRIER_OF("x-b3-parentspanid", SPAN));
    expect(&out, "x-b3-parentspanid", NULL);
    carrier_clear(&out);
    out = pass("datadog", "istio", NULL, CARRIER_OF("x-datadog-sampling-priority", "junk"));
    expect(&out, "x-datadog-sampling-priority", "0"); /* its own */
    carrier_clear(&out);
}

static void test_istio_passes_one_request_id_on(void **state)
{
    (void)state;
    struct carrier out =
        pass("istio", NULL, NULL,
             CARRIER_OF("x-request-id", "", "x-request-id", "r-1", "x-request-id", "r-2"));
    expect(&out, "x-request-id", "r-1");
    assert_string_equal(weft_mdc_get("request_id"), "r-1");
    carrier_clear(&out);
    out = pass("istio", NULL, NULL, CARRIER_OF("x-request-id", "a b"));
    expect(&out, "x-request-id", NULL);
    assert_string_equal(weft_mdc_get("request_id_rejected"), "a b");
    carrier_clear(&out);
    out = pass("xrequestid", "istio", NULL, CARRIER_OF("x-request-id", "a b"));
    expect(&out, "x-request-id", weft_mdc_get("request_id"));
    carrier_clear(&out);
}

static void test_headers_of_one_connection(void **state)
{
    (void)state;
    static const char *const refused[] = {"proxy", "Cookie2", "set-cookie2"};
    void *self = NULL;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(weftp_propagator_verbatim.open(&self, refused[i]), WEFT_EINVAL);
    struct carrier out =
        pass("verbatim:x-a+x-b+x-c", NULL, NULL,
             CARRIER_OF("connection", "close", "Connection", "keep-alive, X-A ,,x-bb", "x-a", "1",
                        "x-b", "2", "X-C", "3", "connection", "x-c"));
    expect(&out, "x-a", NULL);
    expect(&out, "x-b", "2");
    expect(&out, "x-c", NULL);
    carrier_clear(&out);
}

static void test_datadogs_baggage(void **state)
{
    (void)state;
    static const char *const second[] = {NULL, "ot"};
    for (size_t i = 0; i < 2; i++) {
        struct carrier out = pass(
            "datadog", second[i], "tenant",
            CARRIER_OF("ot-baggage-Tenant", "acme", "OT-Baggage-x", "a b", "ot-baggage-", "1"));
        expect(&out, "ot-baggage-tenant", "acme");
        expect(&out, "ot-baggage-x", "a b");
        expect(&out, "ot-baggage-", NULL);
        assert_string_equal(weft_mdc_get("tenant"), "acme");
        assert_null(weft_mdc_get("x"));
        carrier_clear(&out);
    }
}

static void test_keys_are_spelt_as_configured(void **state)
{
    (void)state;
    struct carrier out = pass("jaeger", NULL, "userId", CARRIER_OF("uberctx-userid", "7%20"));
    assert_string_equal(weft_mdc_get("userId"), "7 ");
    assert_null(weft_mdc_get("userid"));
    expect(&out, "uberctx-userid", "7%20");
    size_t count = 0;
    for (size_t i = 0; i < out.count; i++)
        count += strncasecmp(out.headers[i].name, "uberctx-", 8) == 0;
    assert_int_equal(count, 1);
    carrier_clear(&out);
    out = pass("ot", NULL, "userId", CARRIER_OF("Ot-Baggage-USERID", "7"));
    assert_string_equal(weft_mdc_get("userId"), "7");
    carrier_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_tracestate_is_tracecontexts),
        cmocka_unit_test(test_a_group_has_one_writer),
        cmocka_unit_test(test_istio_passes_one_request_id_on),
        cmocka_unit_test(test_headers_of_one_connection),
        cmocka_unit_test(test_datadogs_baggage),
        cmocka_unit_test(test_keys_are_spelt_as_configured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
