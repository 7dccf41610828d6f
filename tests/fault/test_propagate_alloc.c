/*
 * Whichever allocation fails in propagation: the call says so, and the thread's context is what it
 * was, scopes and all.
 */
#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "src/mdc/mdc.h"
#include "src/propagate/propagate.h"
#include "support/fail_alloc.h"
#include <weft/adapter/environ.h>
#include <weft/weft.h>

#define ALLOCATIONS_MAX 200 /* no call takes so many */

static const char *const names[] = {"tracecontext", "baggage", "xrequestid"};
static const char *const keys[] = {"user", "tenant"};
static const struct weftp_propagation_names settings = {names, 3, keys, 2, WEFT_TRUST_CONTINUE,
                                                        NULL};
/* Those that allocate by themselves, and all that auto reads. */
static const char *const more_names[] = {"jaeger", "ot", "verbatim:x-a+x-b", "istio", "xray"};
static const struct weftp_propagation_names more = {more_names,          5,   keys, 2,
                                                    WEFT_TRUST_CONTINUE, NULL};
static const char *const auto_names[] = {"auto"};
static const struct weftp_propagation_names automatic = {auto_names,          1,   keys, 2,
                                                         WEFT_TRUST_CONTINUE, NULL};

/*
 * Everything that makes an extraction allocate: joined and tidied headers, values that are decoded,
 * a refused id.
 */
static struct carrier everything(void)
{
    return CARRIER_OF("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
                      "tracestate", "a=1 , b=2", "tracestate", "c=3", "baggage",
                      "user=J%C3%BCrgen , tenant=%ff", "baggage", "other=1;p", "x-request-id",
                      "a b", "uberctx-user", "a%20b", "ot-baggage-tenant", "acme", "x-a", "1",
                      "x-a", "2", "x-b", "3", "x-amzn-trace-id",
                      "Root=1-8a3c60f7-d188f8fa79d48a391a778fa6;Lineage=1:e65a2c4d:2");
}

/* The context as text, for comparing. */
static void describe(char *text, size_t size)
{
    struct weftp_mdc_view view;
    size_t at = 0;
    weftp_mdc_view(&view);
    text[0] = '\0';
    for (size_t i = 0; i < view.count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s,", view.pairs[i].json);
    if (view.trace && at < size)
        at += (size_t)snprintf(text + at, size - at, "%s", view.trace->span_id);
    for (uint32_t i = 0; view.carry && i < view.carry->count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, ",%s", view.carry->items[i].value);
}

static void extract_failing(const struct weftp_propagation_names *names_of, size_t failures_min)
{
    struct weftp_propagation *propagation = NULL;
    struct carrier carrier = everything();
    size_t failures = 0;
    assert_int_equal(weftp_propagation_create(&propagation, names_of), WEFT_OK);
    for (uint64_t n = 0; n < ALLOCATIONS_MAX; n++) {
        char before[4096], after[4096];
        weft_mdc_clear();
        weft_mdc_put("outer", "1");
        const weft_mdc_token scope =
            weft_mdc_push(weft_str("user", "before"), weft_str("trace_link", "earlier"));
        describe(before, sizeof before);
        fail_alloc_from_now(n, false);
        const weft_status status = weftp_extract(propagation, &carrier_lister, &carrier, NULL);
        const bool failed = fail_alloc_stop();
        describe(after, sizeof after);
        assert_int_equal(status, failed ? WEFT_ENOMEM : WEFT_OK);
        if (failed) assert_string_equal(after, before);
        failures += failed;
        weft_mdc_pop(scope);
        describe(after, sizeof after);
        assert_string_equal(after, "\"outer\":\"1\",");
        if (!failed) break;
    }
    assert_true(failures >= failures_min || !FAIL_ALLOC_WORKS);
    assert_true(failures < ALLOCATIONS_MAX);
    carrier_clear(&carrier);
    weft_mdc_clear();
    weftp_propagation_destroy(propagation);
}

static void test_extract(void **state)
{
    (void)state;
    extract_failing(&settings, 5);
    extract_failing(&more, 6);
    extract_failing(&automatic, 6);
}

static void create_failing(const struct weftp_propagation_names *names_of)
{
    for (uint64_t n = 0;; n++) {
        struct weftp_propagation *unchanged = NULL;
        fail_alloc_from_now(n, false);
        const weft_status status = weftp_propagation_create(&unchanged, names_of);
        const bool failed = fail_alloc_stop();
        assert_int_equal(status, failed ? WEFT_ENOMEM : WEFT_OK);
        assert_int_equal(unchanged == NULL, failed);
        weftp_propagation_destroy(unchanged);
        if (!failed) break;
        assert_true(n < ALLOCATIONS_MAX);
    }
}

static void test_create(void **state)
{
    (void)state;
    create_failing(&settings);
    create_failing(&more);
}

static void test_request(void **state)
{
    (void)state;
    struct carrier carrier = everything();
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.getter = &carrier_getter;
    options.carrier = &carrier;
    options.method = "GET";
    options.target = "/";
    options.no_access_record = true;
    (void)weft_logger_get(NULL); /* weft has started */
    for (uint64_t n = 0;; n++) {
        weft_mdc_clear();
        weft_mdc_put("earlier", "request");
        fail_alloc_from_now(n, false);
        weft_request *request = weft_request_begin(&options);
        const bool failed = fail_alloc_stop();
        assert_int_equal(request == NULL, failed);
        assert_null(weft_mdc_get("earlier")); /* never taken for this request's */
        if (failed) assert_int_equal(weft_mdc_count(), 0);
        weft_request_end(request, 200, 0);
        if (!failed) break;
        assert_true(n < ALLOCATIONS_MAX);
    }
    assert_string_equal(weft_mdc_get("earlier"), "request");
    weft_mdc_clear();
    carrier_clear(&carrier);
}

static weft_status drop_set(void *arg, const char *name, const char *value, size_t size)
{
    (void)arg, (void)name, (void)value, (void)size;
    return WEFT_OK;
}

/* A call is begun or it is not; the thread keeps its own context either way. */
static void client_failing(bool in_a_trace)
{
    static const weft_setter setter = {sizeof setter, drop_set};
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    struct carrier carrier = everything();
    options.setter = &setter;
    options.method = "GET";
    options.target = "http://h/x";
    weft_mdc_clear();
    if (in_a_trace) assert_int_equal(weft_extract(&carrier_getter, &carrier), WEFT_OK);
    weft_mdc_put("own", "1");
    for (uint64_t n = 0;; n++) {
        char before[4096], after[4096];
        describe(before, sizeof before);
        fail_alloc_from_now(n, false);
        weft_client *client = weft_client_begin(&options);
        weft_client_end(client, 200, 0);
        const bool failed = fail_alloc_stop();
        describe(after, sizeof after);
        assert_string_equal(after, before);
        if (!failed) break;
        assert_true(n < ALLOCATIONS_MAX);
    }
    carrier_clear(&carrier);
    weft_mdc_clear();
}

static void test_client(void **state)
{
    (void)state;
    client_failing(true);
    client_failing(false);
}

static void test_environment(void **state)
{
    (void)state;
    char *const envp[] = {(char[]){"HOME=/"}, NULL};
    struct carrier carrier = everything();
    assert_int_equal(weft_extract(&carrier_getter, &carrier), WEFT_OK);
    for (uint64_t n = 0;; n++) {
        char **out = NULL;
        fail_alloc_from_now(n, false);
        const weft_status status = weft_environ_inject(envp, &out);
        const bool failed = fail_alloc_stop();
        assert_int_equal(status, failed ? WEFT_ENOMEM : WEFT_OK);
        assert_int_equal(out == NULL, failed);
        weft_environ_free(out);
        if (!failed) break;
        assert_true(n < ALLOCATIONS_MAX);
    }
    weft_mdc_clear();
    carrier_clear(&carrier);
}

static weft_status count_set(void *count, const char *name, const char *value, size_t size)
{
    (void)name, (void)value, (void)size;
    ++*(size_t *)count;
    return WEFT_OK;
}

/* With no memory at all. */
static void test_inject_allocates_nothing(void **state)
{
    (void)state;
    static const weft_setter setter = {sizeof(weft_setter), count_set};
    struct weftp_propagation *propagation = NULL;
    struct carrier carrier = everything();
    size_t sent = 0;
    assert_int_equal(weftp_propagation_create(&propagation, &settings), WEFT_OK);
    assert_int_equal(weftp_extract(propagation, &carrier_getter, &carrier, NULL), WEFT_OK);
    fail_alloc_from_now(0, true);
    const weft_status status = weftp_inject(propagation, &setter, &sent);
    const bool failed = fail_alloc_stop();
    assert_int_equal(status, WEFT_OK);
    assert_int_equal(sent, 4);
    assert_false(failed);
    carrier_clear(&carrier);
    weftp_propagation_destroy(propagation);
    weft_mdc_clear();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extract),     cmocka_unit_test(test_create),
        cmocka_unit_test(test_request),     cmocka_unit_test(test_client),
        cmocka_unit_test(test_environment), cmocka_unit_test(test_inject_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
