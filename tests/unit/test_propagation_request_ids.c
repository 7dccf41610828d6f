/*
 * Every row of tests/vectors/request_id.tsv: through the format of its proxy, weft as the service
 * behind it, or named below as one that says nothing about what weft reads and writes. A row that
 * neither table names fails.
 */
#include "tests/unit/vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/mdc/mdc.h"
#include "src/propagate/propagate.h"
#include "tests/unit/field_names.h"
#include <weft/adapter/environ.h>
#include <weft/weft.h>

#define UUID  "4e4bf37c-1d3a-4c2e-9f21-0a1b2c3d4e5f"
#define HEX32 "9f86d081884c7d659a2feaa0c55ad015"
#define OWN   "7F000001:B82A_7F000001:46A1_6B029223_0000:2773"

#define KEPT "=" /* the row's own value */

/* What a row means to the service behind the proxy. */
struct meaning {
    const char *system, *name, *format, *header;
    const char *came;    /* an id as the proxy makes it, behind the row's own header; NULL: none */
    const char *goes_on; /* NULL: an id that weft makes */
};
static const struct meaning meanings[] = {
    {"envoy", "no x-request-id, internal", "envoy", "x-request-id", NULL, NULL},
    /* The edge is Envoy's; a service preserves. */
    {"envoy", "edge request carries x-request-id: foo", "envoy", "x-request-id", NULL, KEPT},
    {"envoy", "internal request carries one", "envoy", "x-request-id", NULL, KEPT},
    {"envoy", "sampled", "envoy", "x-request-id", NULL, KEPT},
    {"envoy", "server forced (x-envoy-force-trace)", "envoy", "x-request-id",
     "4e4bf37c-1d3a-ac2e-9f21-0a1b2c3d4e5f", "4e4bf37c-1d3a-ac2e-9f21-0a1b2c3d4e5f"},
    {"envoy", "client forced (x-client-trace-id)", "envoy", "x-request-id",
     "4e4bf37c-1d3a-bc2e-9f21-0a1b2c3d4e5f", "4e4bf37c-1d3a-bc2e-9f21-0a1b2c3d4e5f"},
    {"envoy", "no trace status", "envoy", "x-request-id", NULL, NULL}, /* a '4' there as well */
    {"envoy", "id shorter/longer than 36 chars", "envoy", "x-request-id", NULL, KEPT},
    {"envoy", "integer for stable sampling", "envoy", "x-request-id", NULL, KEPT},
    {"envoy", "bad hex", "envoy", "x-request-id", NULL, KEPT},
    {"envoy", "7 chars", "envoy", "x-request-id", NULL, KEPT},
    {"envoy", "all zero", "envoy", "x-request-id", NULL, KEPT},
    {"envoy", "pack_trace_reason=false", "envoy", "x-request-id", UUID, UUID},
    {"kong correlation-id", "no header", "kong", "kong-request-id", NULL, NULL},
    {"kong correlation-id", "header empty", "kong", "kong-request-id", NULL, NULL},
    {"kong correlation-id", "header present", "kong", "kong-request-id", NULL, KEPT},
    {"kong correlation-id", "generator uuid", "kong", "kong-request-id", UUID, UUID},
    {"kong correlation-id", "generator tracker", "kong", "kong-request-id",
     "127.0.0.1-9000-1-2-3-1700000000.123", "127.0.0.1-9000-1-2-3-1700000000.123"},
    {"kong core", "X-Kong-Request-Id", "kong", "x-kong-request-id", NULL, KEPT},
    {"nginx", "$request_id", "nginx", "x-request-id", HEX32, HEX32},
    {"nginx", "spoofed header", "nginx", "x-request-id", NULL, KEPT}, /* nginx forwards it */
    {"haproxy", "unique-id-format %{+X}o\\ %ci:%cp_%fi:%fp_%Ts_%rt:%pid", "haproxy", "x-unique-id",
     OWN, OWN},
    {"haproxy", "client also sends the unique-id header", "haproxy", "x-unique-id", OWN, OWN},
    {"haproxy", "uuid() fetch", "haproxy", "x-unique-id", UUID, UUID},
};

/* Rows that say nothing about headers that weft reads or writes. */
static const struct {
    const char *system, *name, *why;
} others[] = {
    {"envoy", "response", "Envoy's answer to its client"},
    {"kong correlation-id", "echo_downstream", "Kong's answer to its client"},
    {"kong correlation-id", "log field", "Kong's log"},
    {"nginx", "log escape=json", "nginx's log"},
    {"micrometer", "MDC keys", "keys of a record: tests/golden/test_trace_names.c"},
    {"sleuth", "MDC keys, b3 default", "keys of a record: tests/golden/test_trace_names.c"},
    {"otel", "log fields in non-OTLP JSON", "keys of a record: tests/golden/test_trace_names.c"},
    {"otel", "RFC5424 SD-ID", "weft writes no syslog"},
    {"ecs", "log fields", "keys of a record: tests/golden/test_trace_names.c"},
};

static bool is_uuid4(const char *text)
{
    if (!text || strlen(text) != 36) return false;
    for (size_t i = 0; i < 36; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !strchr("0123456789abcdef", text[i])) return false;
    }
    return text[14] == '4' && strchr("89ab", text[19]);
}

/* What the next service would get. */
static struct carrier pass_on(const char *format, struct carrier *in)
{
    const struct weftp_propagation_names settings = {&format, 1, NULL, 0, WEFT_TRUST_CONTINUE,
                                                     NULL};
    struct weftp_propagation *propagation = NULL;
    struct carrier out = {0};
    assert_int_equal(weftp_propagation_create(&propagation, &settings), WEFT_OK);
    weft_mdc_clear();
    assert_int_equal(weftp_extract(propagation, &carrier_getter, in, NULL), WEFT_OK);
    assert_int_equal(weftp_inject(propagation, &carrier_setter, &out), WEFT_OK);
    assert_fields_alone(propagation, &out);
    const char *id = weft_request_id();
    if (id) carrier_add(&out, "the record's", id);
    weft_mdc_clear(); /* what is carried has pointers into the configuration */
    weftp_propagation_destroy(propagation);
    carrier_clear(in);
    return out;
}

/* The header of a row: "Name: value". */
static void add_came(struct carrier *in, const char *text)
{
    char name[64];
    const size_t size = strcspn(text, ":");
    assert_true(size < sizeof name);
    if (!text[size]) return;
    snprintf(name, sizeof name, "%.*s", (int)size, text);
    carrier_add(in, name, text + size + 1 + strspn(text + size + 1, " "));
}

static bool id_row(const struct row *row, const struct meaning *meaning)
{
    struct carrier in = {0};
    const char *came = strstr(row->columns[2], ": ");
    add_came(&in, row->columns[2]);
    if (meaning->came) carrier_add(&in, meaning->header, meaning->came);
    const char *expected = meaning->goes_on;
    if (expected && strcmp(expected, KEPT) == 0) {
        assert_non_null(came);
        expected = came + 2;
    }
    struct carrier out = pass_on(meaning->format, &in);
    const char *id = carrier_find(&out, meaning->header);
    const char *logged = carrier_find(&out, "the record's");
    const bool holds = id && logged && strcmp(id, logged) == 0 &&
                       (expected ? strcmp(id, expected) == 0 : is_uuid4(id));
    if (!holds) print_error("request id \"%s\": got %s\n", row->columns[1], id ? id : "none");
    carrier_clear(&out);
    return holds;
}

/* Both proxies refuse a header of 100 kB; weft takes it as absent. */
static bool big_row(const struct row *row)
{
    static char value[100001];
    struct carrier in = {0};
    assert_string_equal(row->columns[2], "baggage: a*100000");
    memset(value, 'a', sizeof value - 1);
    memcpy(value, "a=", 2); /* a member, were it not for its size */
    carrier_add(&in, "baggage", value);
    struct carrier out = pass_on("baggage", &in);
    const bool holds = !carrier_find(&out, "baggage");
    carrier_clear(&out);
    return holds;
}

/* The names that the row tells, and its two rules for others. */
static bool environ_row(const struct row *row)
{
    static const struct {
        const char *header, *entry;
    } names[] = {
        {"traceparent", "TRACEPARENT=v"}, {"tracestate", "TRACESTATE=v"},
        {"baggage", "BAGGAGE=v"},         {"x-b3-traceid", "X_B3_TRACEID=v"},
        {"x.a~b9_c", "X_A_B9_C=v"},       {"3scale-id", "_3SCALE_ID=v"},
    };
    struct weft_environ_added_ added = {NULL, 0, 0, true};
    assert_string_equal(row->columns[2], "TRACEPARENT TRACESTATE BAGGAGE X_B3_TRACEID");
    bool holds = true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = weft_environ_value_(names[i].entry, names[i].header);
        assert_int_equal(weft_environ_set_(&added, names[i].header, "v", 1), WEFT_OK);
        struct weft_environ_entry_ *entry = added.first;
        assert_non_null(entry);
        holds = holds && value && strcmp(value, "v") == 0 &&
                strcmp(weft_environ_text_(entry), names[i].entry) == 0;
        added.first = entry->next;
        free(entry);
    }
    return holds;
}

static bool is_row(const struct row *row, const char *system, const char *name)
{
    return strcmp(row->columns[0], system) == 0 && strcmp(row->columns[1], name) == 0;
}

struct counts {
    size_t run, other, failed;
};

static void one_row(const struct row *row, struct counts *counts)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (!is_row(row, others[i].system, others[i].name)) continue;
        counts->other++;
        return;
    }
    counts->run++;
    if (is_row(row, "nginx/haproxy", "one 100 kB header")) {
        counts->failed += !big_row(row);
        return;
    }
    if (is_row(row, "otel env", "child process")) {
        counts->failed += !environ_row(row);
        return;
    }
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (!is_row(row, meanings[i].system, meanings[i].name)) continue;
        counts->failed += !id_row(row, &meanings[i]);
        return;
    }
    print_error("no meaning is known for \"%s\", \"%s\"\n", row->columns[0], row->columns[1]);
    counts->failed++;
}

static void test_rows(void **state)
{
    (void)state;
    static struct row row;
    struct counts counts = {0, 0, 0};
    FILE *file = vectors_open("request_id.tsv");
    while (fgets(row.text, sizeof row.text, file)) {
        if (row.text[0] == '#') continue;
        split(&row);
        assert_true(row.column_count >= 4);
        if (strcmp(row.columns[0], "system") == 0) continue; /* the names of the columns */
        one_row(&row, &counts);
    }
    fclose(file);
    assert_int_equal(counts.failed, 0);
    assert_int_equal(counts.run, 26); /* so that a row that goes missing is seen */
    assert_int_equal(counts.other, sizeof others / sizeof *others);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
