/*
 * Every row of tests/vectors/propagation_cross.tsv of the formats w3c and baggage gives its expected
 * column. Where that column is prose, the table below says what it means; a row that neither the
 * column's own grammar nor the table explains fails.
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
#include <weft/weft.h>

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define SPAN  "00f067aa0ba902b7"

/* ---- what the prose means ---- */

/* Of a row of format w3c. NULL, -1: not looked at. */
struct w3c_meaning {
    const char *name;
    int flags;              /* going out */
    const char *tracestate; /* going out; "": none; "=": as it came */
};
static const struct w3c_meaning w3c_meanings[] = {
    {"v00 flags ff", 3, NULL},
    {"tracestate dup same", 1, "="},
    {"tracestate dup differing", 1, "="},
    {"tracestate key with space before =", 1, ""},
    {"tracestate upper key", 1, ""},
    {"tracestate dot in key", 1, ""},
    {"tracestate foo@ key", 1, "="}, /* weft goes by level 2 */
    {"tracestate foo@@bar key", 1, "="},
    {"tracestate multi tenant 3 ats", 1, "="},
    {"tracestate t@ 15 char system", 1, "="},
    {"tracestate digit-first key", 1, "="},
    {"tracestate key 256", 1, "="},
    {"tracestate value 257", 1, ""},
    {"tracestate value with =", 1, ""},
    {"tracestate empty value", 1, ""},
    {"tracestate leading space in value", 1, "="},
    {"tracestate tab inside value", 1, ""},
    {"tracestate non-ascii value", 1, ""},
    {"tracestate 32 members", 1, "="},
    {"tracestate 33 members", 1, ""},
};

/*
 * Of a row of format baggage: what goes out, and one key of the MDC with its value
 * (WEFT_PROPAGATE_KEYS names it).
 */
struct baggage_meaning {
    const char *name;
    const char *out; /* "": no header; "=": as it came; NULL: not looked at */
    const char *key, *value;
};
static const struct baggage_meaning baggage_meanings[] = {
    {"OWS everywhere", "SomeKey=SomeValue;SomeProp,SomeKey2=SomeValue2;ValueProp=PropVal",
     "SomeKey2", "SomeValue2"},
    {"percent decode", "=", "SomeKey", "\t \"';=asdf!@#$%^&*()"},
    {"property name not decoded", "=", "SomeKey", "SomeValue"},
    {"same prop thrice", "=", "SomeKey", "SomeValue"},
    {"%2B", "=", "foo", "1+1"},
    {"empty value", "=", "foo", ""},
    {"key==", "=", "key", "="},
    {"double encoded", "=", "key1", "val%2,"},
    {"utf-8", "=", "foo", "\xc4\x85\xc5\x9b\xc4\x87"},
    {"bad utf-8 pct", "=", "k",
     "aa\xef\xbf\xbd"
     "cc"},
    {"pct in key", "=", "%C4%85%C5%9B%C4%87", "x"},
    {"empty member", "foo=,bar=", "foo", ""},
    {"no key", "", NULL, NULL},
    {"backslash key", "", NULL, NULL},
    {"backslash value", "", NULL, NULL},
    {"quoted value", "", NULL, NULL},
    {"space in value", "", NULL, NULL},
    {"two headers", "key1=val1,key2=val2", "key2", "val2"},
    {"invalid header between", "key1=val1,key2=val2", "key1", "val1"},
    {"64 members", "=", "k63", "v63"},
    {"65 members", NULL, "k63", "v63"}, /* counted below: 64 whole members */
    {"8192 bytes", "=", NULL, NULL},
    {"8193 bytes", "", NULL, NULL}, /* one member, dropped whole */
    {"CRLF injection", "", NULL, NULL},
};

#define FIND(table, wanted)                                                                        \
    find_in((table), sizeof(table) / sizeof *(table), sizeof *(table), (wanted))

/* Find a row of one of the tables above: each begins with its name. */
static const void *find_in(const void *table, size_t count, size_t size, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        const char *row = (const char *)table + i * size;
        const char *row_name;
        memcpy(&row_name, row, sizeof row_name);
        if (strcmp(row_name, name) == 0) return row;
    }
    return NULL;
}

static struct weftp_propagation *configure(const char *key)
{
    static const char *const names[] = {"tracecontext", "baggage", "xrequestid"};
    const struct weftp_propagation_names settings = {
        names, 3, &key, key ? 1 : 0, WEFT_TRUST_CONTINUE, NULL};
    struct weftp_propagation *propagation = NULL;
    assert_int_equal(weftp_propagation_create(&propagation, &settings), WEFT_OK);
    return propagation;
}

/* Extract a carrier on an empty context and give back what the next service would get. */
static struct carrier pass_on(const struct weftp_propagation *propagation, struct carrier *in)
{
    struct carrier out = {0};
    weft_mdc_clear();
    assert_int_equal(weftp_extract(propagation, &carrier_getter, in, NULL), WEFT_OK);
    assert_int_equal(weftp_inject(propagation, &carrier_setter, &out), WEFT_OK);
    assert_fields_alone(propagation, &out);
    return out;
}

static bool nothing_hostile(const struct carrier *carrier)
{
    for (size_t i = 0; i < carrier->count; i++)
        for (size_t j = 0; j < carrier->headers[i].size; j++) {
            const unsigned char c = (unsigned char)carrier->headers[i].value[j];
            if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
        }
    return true;
}

/* ---- w3c ---- */

/*
 * Whether the outgoing traceparent goes on with the vectors' trace, with a span of its own and
 * these flags.
 */
static bool goes_on(const struct carrier *out, int flags)
{
    const char *parent = carrier_find(out, "traceparent");
    char expected[4];
    snprintf(expected, sizeof expected, "-%02x", (unsigned)flags);
    return parent && strlen(parent) == 55 && memcmp(parent, "00-" TRACE "-", 36) == 0 &&
           memcmp(parent + 36, SPAN, 16) != 0 && strcmp(parent + 52, expected) == 0;
}

static bool begins_anew(const struct carrier *out)
{
    const char *parent = carrier_find(out, "traceparent");
    return parent && strlen(parent) == 55 && memcmp(parent + 3, TRACE, 32) != 0 &&
           strcmp(parent + 52, "-02") == 0 && !carrier_find(out, "tracestate");
}

static bool state_is(const struct carrier *out, const char *expected, const char *came)
{
    const char *state = carrier_find(out, "tracestate");
    if (!expected[0]) return !state;
    return state && strcmp(state, strcmp(expected, "=") == 0 ? came : expected) == 0;
}

static bool w3c_row_holds(const char *name, const char *expected, const struct carrier *out,
                          const char *came)
{
    unsigned flags = 0;
    char state[512];
    const struct w3c_meaning *meaning = FIND(w3c_meanings, name);
    if (meaning)
        return goes_on(out, meaning->flags) &&
               (!meaning->tracestate || state_is(out, meaning->tracestate, came));
    if (strncmp(expected, "reject: start new trace", 23) == 0) return begins_anew(out);
    if (sscanf(expected, "ok trace=" TRACE " span=" SPAN " flags=%2x", &flags) == 1) {
        struct weftp_mdc_view view;
        weftp_mdc_view(&view);
        return goes_on(out, (int)flags) && view.trace && strcmp(view.trace->parent_id, SPAN) == 0;
    }
    if (sscanf(expected, "tracestate=%511s", state) == 1) return state_is(out, state, came);
    print_error("no meaning is known for \"%s\"\n", expected);
    return false;
}

static bool w3c_row(struct row *row, const struct weftp_propagation *propagation)
{
    char came[ROW_MAX], headers[ROW_MAX];
    struct carrier in = {0};
    snprintf(headers, sizeof headers, "%s", row->columns[2]);
    headers_parse(&in, headers);
    joined(&in, "tracestate", came, sizeof came);
    struct carrier out = pass_on(propagation, &in);
    const bool holds =
        w3c_row_holds(row->columns[1], row->columns[3], &out, came) && nothing_hostile(&out);
    if (!holds)
        print_error("w3c \"%s\": expected %s; traceparent %s, tracestate %s\n", row->columns[1],
                    row->columns[3], carrier_find(&out, "traceparent"),
                    carrier_find(&out, "tracestate"));
    carrier_clear(&in);
    carrier_clear(&out);
    return holds;
}

/* ---- baggage ---- */

static bool members_64(const char *baggage)
{
    size_t count = baggage ? 1 : 0;
    for (; baggage && *baggage; baggage++) count += *baggage == ',';
    return count == 64;
}

static bool baggage_row_holds(const struct row *row, const struct baggage_meaning *meaning,
                              const struct carrier *out, const char *came)
{
    const char *baggage = carrier_find(out, "baggage");
    const char *expected = row->columns[3];
    if (meaning) {
        if (meaning->key) {
            const char *value = weft_mdc_get(meaning->key);
            if (!value || strcmp(value, meaning->value) != 0) return false;
        }
        if (!meaning->out) return members_64(baggage);
        if (!meaning->out[0]) return !baggage;
        expected = strcmp(meaning->out, "=") == 0 ? came : meaning->out;
    } else if (strcspn(expected, " ") != strlen(expected)) {
        print_error("no meaning is known for \"%s\"\n", expected);
        return false;
    }
    return baggage && strcmp(baggage, expected) == 0;
}

static bool baggage_row(struct row *row)
{
    char came[ROW_MAX], headers[ROW_MAX];
    struct carrier in = {0};
    const struct baggage_meaning *meaning = FIND(baggage_meanings, row->columns[1]);
    snprintf(headers, sizeof headers, "%s", row->columns[2]);
    if (strcmp(row->columns[1], "CRLF injection") ==
        0) /* its \r\n belong to the value, not between headers */
        carrier_add(&in, "baggage", "a=b\r\nX-Evil: 1");
    else
        headers_parse(&in, headers);
    joined(&in, "baggage", came, sizeof came);
    struct weftp_propagation *propagation = configure(meaning ? meaning->key : NULL);
    struct carrier out = pass_on(propagation, &in);
    const bool holds = baggage_row_holds(row, meaning, &out, came) && nothing_hostile(&out);
    if (!holds)
        print_error("baggage \"%s\": expected %.200s; got %.200s\n", row->columns[1],
                    row->columns[3], carrier_find(&out, "baggage"));
    weftp_propagation_destroy(propagation);
    carrier_clear(&in);
    carrier_clear(&out);
    return holds;
}

static void test_cross_rows(void **state)
{
    (void)state;
    static struct row row;
    struct weftp_propagation *propagation = configure(NULL);
    size_t w3c = 0, baggage = 0, failed = 0;
    FILE *file = vectors_open("propagation_cross.tsv");
    while (fgets(row.text, sizeof row.text, file)) {
        if (row.text[0] == '#') continue;
        split(&row);
        assert_true(row.column_count >= 5);
        if (strcmp(row.columns[0], "w3c") == 0) {
            w3c++;
            failed += !w3c_row(&row, propagation);
        } else if (strcmp(row.columns[0], "baggage") == 0) {
            baggage++;
            failed += !baggage_row(&row);
        }
    }
    fclose(file);
    weftp_propagation_destroy(propagation);
    weft_mdc_clear();
    assert_int_equal(failed, 0);
    assert_int_equal(w3c, 45); /* so that a row that goes missing is seen */
    assert_int_equal(baggage, 28);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cross_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
