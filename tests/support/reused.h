/*
 * For tests of adapters: a carrier that one request has used is used again by another, in each
 * format that leaves a header of its own behind.
 */
#ifndef WEFT_TESTS_REUSED_H
#define WEFT_TESTS_REUSED_H

#include "tests/unit/carrier.h"
#include <weft/client.h>
#include <weft/mdc.h>
#include <weft/options.h>

#define REUSED_TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define REUSED_SPAN  "00f067aa0ba902b7"

struct reused_row {
    const char *formats, *headers[8]; /* of the first request: name, value, … */
    const char *stale;                /* what its call has, and the next one's must not */
};
static const struct reused_row reused_rows[] = {
    {"tracecontext",
     {"traceparent", "00-" REUSED_TRACE "-" REUSED_SPAN "-01", "tracestate", "v=old"},
     "tracestate"},
    {"tracecontext,baggage", {"baggage", "k=old"}, "baggage"},
    {"b3multi",
     {"x-b3-traceid", REUSED_TRACE, "x-b3-spanid", REUSED_SPAN, "x-b3-flags", "1"},
     "x-b3-flags"},
    {"jaeger",
     {"uber-trace-id", REUSED_TRACE ":" REUSED_SPAN ":0:1", "uberctx-old", "1"},
     "uberctx-old"},
    {"datadog",
     {"x-datadog-trace-id", "5", "x-datadog-parent-id", "6", "x-datadog-origin", "old"},
     "x-datadog-origin"},
    {"ot",
     {"ot-tracer-traceid", REUSED_TRACE, "ot-tracer-spanid", REUSED_SPAN, "ot-baggage-old", "1"},
     "ot-baggage-old"},
    {"auto", {"x-amzn-trace-id", "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736"}, "x-amzn-trace-id"},
    {"auto", {"b3", REUSED_TRACE "-" REUSED_SPAN}, "b3"},
    {"kong,tracecontext", {"x-kong-request-id", "old"}, "x-kong-request-id"},
    {"envoy", {"x-client-trace-id", "old"}, "x-client-trace-id"},
    {"istio,xrequestid", {"x-ot-span-context", "old"}, "x-ot-span-context"},
    {"tracecontext,verbatim:x-tenant+x_zone", {"X-Tenant", "old"}, "x-tenant"},
    /* The next request has nothing that these could write. */
    {"istio", {"x-request-id", "old"}, "x-request-id"},
    {"verbatim:x-tenant", {"X-Tenant", "old"}, "x-tenant"},
    {"baggage", {"baggage", "k=old"}, "baggage"},
};

/* A carrier of the adapter under test. */
struct reused_adapter {
    void *carrier;
    void (*add)(void *carrier, const char *name, const char *value); /* a header of the program's */
    weft_status (*inject)(void *carrier);                            /* weft_inject into it */
    bool (*has)(void *carrier, const char *name);
    weft_client *(*call)(void *carrier); /* weft_client_begin with it; NULL: it has none */
};

/* Names that look like a format's, and are the program's own. */
static const char *const reused_own[] = {"accept",          "x-b3",        "uberctx",
                                         "ot-baggag",       "baggages",    "traceparent-2",
                                         "x-tenant-secret", "x-datadog-x", "x-kong-request-i"};

static inline void reused_take(const char *const *headers)
{
    struct carrier carrier = {0};
    for (; *headers; headers += 2) carrier_add(&carrier, headers[0], headers[1]);
    weft_mdc_clear();
    assert_int_equal(weft_extract(&carrier_lister, &carrier), WEFT_OK);
    carrier_clear(&carrier);
}

/* Whether a call of this thread's takes out what the first request has left. */
static inline void reused_check_call(const struct reused_row *row,
                                     const struct reused_adapter *adapter)
{
    static const char *const nothing[] = {NULL};
    if (!adapter->call) return;
    reused_take(row->headers);
    assert_int_equal(adapter->inject(adapter->carrier), WEFT_OK);
    assert_true(adapter->has(adapter->carrier, row->stale));
    reused_take(nothing);
    weft_client_end(adapter->call(adapter->carrier), 200, 0);
    assert_false(adapter->has(adapter->carrier, row->stale));
}

/* The next request has the header too, and its caller is not trusted. */
static inline void reused_check_restart(const struct reused_adapter *adapter)
{
    static const char *const headers[] = {"x-ot-span-context", "old", NULL};
    setenv("WEFT_PROPAGATORS", "istio", 1);
    for (int round = 0; round < 2; round++) {
        setenv("WEFT_TRUST", round == 0 ? "continue" : "restart", 1);
        assert_int_equal(weft_reload(), WEFT_OK);
        reused_take(headers);
        assert_int_equal(adapter->inject(adapter->carrier), WEFT_OK);
        assert_int_equal(adapter->has(adapter->carrier, "x-ot-span-context"), round == 0);
    }
    unsetenv("WEFT_TRUST");
}

/* Entries of the program's alone are a context: no trace of an earlier one's goes on with them. */
static inline void reused_check_entries(const struct reused_adapter *adapter)
{
    static const char *const headers[] = {"x-tenant", "old", NULL};
    setenv("WEFT_PROPAGATORS", "verbatim:x-tenant", 1);
    assert_int_equal(weft_reload(), WEFT_OK);
    reused_take(headers);
    assert_int_equal(adapter->inject(adapter->carrier), WEFT_OK);
    assert_true(adapter->has(adapter->carrier, "x-tenant"));
    weft_mdc_clear();
    assert_int_equal(weft_mdc_put("user", "bob"), WEFT_OK);
    assert_int_equal(adapter->inject(adapter->carrier), WEFT_OK);
    assert_false(adapter->has(adapter->carrier, "x-tenant"));
}

static inline void reused_check_row(const struct reused_row *row,
                                    const struct reused_adapter *adapter)
{
    static const char *const nothing[] = {NULL};
    setenv("WEFT_PROPAGATORS", row->formats, 1);
    assert_int_equal(weft_reload(), WEFT_OK);
    reused_take(row->headers);
    assert_int_equal(adapter->inject(adapter->carrier), WEFT_OK);
    assert_true(adapter->has(adapter->carrier, row->stale));
    weft_mdc_clear(); /* no context: nothing is touched */
    assert_int_equal(adapter->inject(adapter->carrier), WEFT_OK);
    assert_true(adapter->has(adapter->carrier, row->stale));
    reused_take(nothing);
    assert_int_equal(adapter->inject(adapter->carrier), WEFT_OK);
    assert_false(adapter->has(adapter->carrier, row->stale));
    reused_check_call(row, adapter);
}

/* The adapter's carrier is empty. It has the program's headers and the last row's afterwards. */
static inline void reused_check(const struct reused_adapter *adapter)
{
    const char *before = getenv("WEFT_PROPAGATORS");
    char *saved = before ? strdup(before) : NULL;
    for (size_t i = 0; i < sizeof reused_own / sizeof *reused_own; i++)
        adapter->add(adapter->carrier, reused_own[i], "mine");
    for (size_t i = 0; i < sizeof reused_rows / sizeof *reused_rows; i++)
        reused_check_row(&reused_rows[i], adapter);
    reused_check_restart(adapter);
    reused_check_entries(adapter);
    for (size_t i = 0; i < sizeof reused_own / sizeof *reused_own; i++)
        assert_true(adapter->has(adapter->carrier, reused_own[i]));
    weft_mdc_clear();
    unsetenv("WEFT_PROPAGATORS");
    if (saved) setenv("WEFT_PROPAGATORS", saved, 1);
    free(saved);
    assert_int_equal(weft_reload(), WEFT_OK);
}

#endif
