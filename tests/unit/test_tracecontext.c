/*
 * W3C Trace Context: traceparent and tracestate, taken apart and written, each rule and each limit.
 */
#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/propagate/guard.h"
#include "src/propagate/propagate.h"
#include "src/propagate/registry.h"

#define PARENT "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

static void extract(struct weft_propagated *context, struct carrier *carrier)
{
    weftp_propagated_init(context);
    struct weftp_guard_in guard;
    weftp_guard_in_init(&guard, &carrier_getter, carrier);
    assert_int_equal(weftp_propagator_tracecontext.extract(NULL, context, &guard.getter, &guard),
                     WEFT_OK);
}

/* Whether a traceparent is taken. */
static bool taken(const char *text, size_t size)
{
    struct weft_propagated context;
    struct carrier carrier = {0};
    carrier_add_n(&carrier, "traceparent", text, size);
    extract(&context, &carrier);
    carrier_clear(&carrier);
    weftp_propagated_deinit(&context);
    assert_int_equal(context.rejected, context.trace.trace_id[0] || size == 0 ? 0 : 1);
    return context.trace.trace_id[0] != '\0';
}

/* The same by the letter of the specification, written down once more and otherwise. */
static bool by_the_letter(const char *text, size_t size)
{
    static const char shape[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    if (size < 55) return false;
    for (size_t i = 0; i < 55; i++) {
        const char c = text[i];
        if (shape[i] == '-' ? c != '-' : !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
    }
    if (strncmp(text, "ff", 2) == 0) return false;
    if (strspn(text + 3, "0") == 32 || strspn(text + 36, "0") == 16) return false;
    if (strncmp(text, "00", 2) == 0) return size == 55;
    return size == 55 || text[55] == '-';
}

static void test_every_byte_of_a_traceparent(void **state)
{
    (void)state;
    static const char *const seeds[] = {
        PARENT, "fc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what.ever",
        "00-00000000000000000000000000000001-0000000000000001-00"};
    for (size_t s = 0; s < sizeof seeds / sizeof *seeds; s++) {
        char text[80];
        const size_t size = strlen(seeds[s]);
        for (size_t i = 0; i < size; i++)
            for (int c = 0; c < 256; c++) {
                memcpy(text, seeds[s], size + 1);
                text[i] = (char)c;
                if (taken(text, size) != by_the_letter(text, size))
                    fail_msg("%s, byte %zu = %02x", seeds[s], i, (unsigned)c);
            }
        for (size_t cut = 0; cut <= size; cut++)
            assert_int_equal(taken(seeds[s], cut), by_the_letter(seeds[s], cut));
    }
}

static void test_what_a_traceparent_says(void **state)
{
    (void)state;
    static const struct {
        const char *flags;
        uint8_t kept;
        enum weft_sampling sampling;
    } rows[] = {{"00", 0, WEFT_SAMPLING_DENY}, {"01", 1, WEFT_SAMPLING_ACCEPT},
                {"02", 2, WEFT_SAMPLING_DENY}, {"03", 3, WEFT_SAMPLING_ACCEPT},
                {"fc", 0, WEFT_SAMPLING_DENY}, {"ff", 3, WEFT_SAMPLING_ACCEPT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weft_propagated context;
        char text[56] = PARENT;
        memcpy(text + 53, rows[i].flags, 2);
        struct carrier carrier = CARRIER_OF("TraceParent", text);
        extract(&context, &carrier);
        assert_string_equal(context.trace.trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_string_equal(context.trace.span_id, "00f067aa0ba902b7");
        assert_int_equal(context.trace.flags, rows[i].kept);
        assert_int_equal(context.sampling, rows[i].sampling);
        carrier_clear(&carrier);
    }
}

static void test_two_traceparents_are_none(void **state)
{
    (void)state;
    struct weft_propagated context;
    struct carrier carrier =
        CARRIER_OF("traceparent", PARENT, "TRACEPARENT", PARENT, "tracestate", "a=1");
    extract(&context, &carrier);
    assert_string_equal(context.trace.trace_id, "");
    assert_int_equal(context.carried_count, 0);
    assert_int_equal(context.rejected, 1);
    carrier_clear(&carrier);
}

/* ---- tracestate ---- */

/*
 * Extract a traceparent with these tracestate headers (up to 3); returns what goes on, "" for
 * nothing.
 */
static const char *state_of(const char *first, const char *second, const char *third)
{
    static char result[1024];
    const char *lines[] = {first, second, third};
    struct weft_propagated context;
    struct carrier carrier = CARRIER_OF("traceparent", PARENT);
    for (size_t i = 0; i < 3 && lines[i]; i++)
        carrier_add(&carrier, i == 1 ? "TraceState" : "tracestate", lines[i]);
    extract(&context, &carrier);
    assert_string_equal(context.trace.trace_id,
                        "4bf92f3577b34da6a3ce929d0e0e4736"); /* always kept */
    const struct weft_carried *found = weft_propagated_find(&context, "tracestate");
    snprintf(result, sizeof result, "%.*s", found ? (int)found->size : 0,
             found ? found->value : "");
    if (found) assert_int_equal(found->of, WEFT_OF_TRACE);
    carrier_clear(&carrier);
    weftp_propagated_deinit(&context);
    return result;
}

static void test_state_members(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"a=1", "a=1"},
        {"a=1,b=2", "a=1,b=2"},
        {" a=1 ,\tb=2\t", "a=1,b=2"},
        {"a=1,,b=2,", "a=1,b=2"},
        {",", ""},
        {"", ""},
        {"a=1,a=1", "a=1,a=1"},
        {"a=1,a=2", "a=1,a=2"},
        {"0a@x-_*/@=~!", "0a@x-_*/@=~!"},
        {"a= b c", "a= b c"},
        {"a=1,b", ""},
        {"a=", ""},
        {"=1", ""},
        {"a=1,B=2", ""},
        {"_a=1", ""},
        {"@a=1", ""},
        {"a=1=2", ""},
        {"a.b=1", ""},
        {"a=\x7f", ""},
        {"a=\x1f", ""},
        {"a=\xc3\xa9", ""},
        {"a =1", ""},
        {"a=b\tc", ""},
        {"a=  ", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(state_of(rows[i].in, NULL, NULL), rows[i].out);
}

static void test_state_headers_are_joined(void **state)
{
    (void)state;
    assert_string_equal(state_of("a=1,b=2", "c=3", "d=4"), "a=1,b=2,c=3,d=4");
    assert_string_equal(state_of("a=1", "", "b=2"), "a=1,b=2");
    assert_string_equal(state_of("", "", "b=2"), "b=2");
    assert_string_equal(state_of("a=1", "B=2", "c=3"), ""); /* one bad member: none is used */
}

/* Append a member of `size` bytes; `text` has room for it. */
static void append(char *text, const char *key, size_t size)
{
    char *to = text + strlen(text);
    if (to > text) *to++ = ',';
    memset(to, 'v', size);
    memcpy(to, key, strlen(key));
    to[strlen(key)] = '=';
    to[size] = '\0';
}

static void test_state_limits(void **state)
{
    (void)state;
    char text[20000] = "", more[20000];
    for (int i = 0; i < 32; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%02d", i);
        append(text, key, 15);
    }
    assert_int_equal(strlen(text), 511);
    assert_string_equal(state_of(text, NULL, NULL), text);
    snprintf(more, sizeof more, "%s,", text);
    assert_string_equal(state_of(more, NULL, NULL), text); /* an empty member does not count */
    assert_string_equal(state_of(text, "x=1", NULL), "");  /* 33 */

    char key[300];
    memset(key, 'k', sizeof key);
    snprintf(text, sizeof text, "%.*s=1", 256, key);
    assert_string_equal(state_of(text, NULL, NULL), text);
    snprintf(text, sizeof text, "%.*s=1", 257, key);
    assert_string_equal(state_of(text, NULL, NULL), "");
    text[0] = '\0';
    append(text, "a", 2 + 256);
    assert_string_equal(state_of(text, NULL, NULL), text);
    text[0] = '\0';
    append(text, "a", 2 + 257);
    assert_string_equal(state_of(text, NULL, NULL), "");
}

static void test_state_is_trimmed_by_entries(void **state)
{
    (void)state;
    char in[2048] = "", out[2048] = "";
    append(in, "a", 200),
        append(out, "a", 200); /* long ones go first, the last of them before others */
    append(in, "b", 100), append(out, "b", 100);
    append(in, "c", 129);
    append(in, "d", 100), append(out, "d", 100);
    assert_int_equal(strlen(in), 532);
    assert_string_equal(state_of(in, NULL, NULL), out);

    in[0] = out[0] = '\0'; /* then from the end */
    for (int i = 0; i < 10; i++) {
        char key[8];
        snprintf(key, sizeof key, "k%d", i);
        append(in, key, 99);
        if (i < 5) append(out, key, 99);
    }
    assert_string_equal(state_of(in, NULL, NULL), out);

    in[0] = out[0] = '\0'; /* exactly 512 stay */
    append(in, "a", 255), append(in, "b", 256);
    assert_int_equal(strlen(in), 512);
    assert_string_equal(state_of(in, NULL, NULL), in);
    append(out, "a", 255);
    in[0] = '\0';
    append(in, "a", 255), append(in, "b", 257);
    assert_string_equal(state_of(in, NULL, NULL), out);

    char key[300]; /* the largest member that there is does not fit by itself */
    memset(key, 'k', sizeof key);
    key[256] = '\0';
    in[0] = '\0';
    append(in, key, 513);
    assert_string_equal(state_of(in, NULL, NULL), "");
    assert_string_equal(state_of(in, "b=1", NULL), "b=1");
}

static void test_too_many_state_headers(void **state)
{
    (void)state;
    struct weft_propagated context;
    struct carrier carrier = CARRIER_OF("traceparent", PARENT, "tracestate", "a=1");
    while (carrier.count < CARRIER_MAX) carrier_add(&carrier, "tracestate", "");
    extract(&context, &carrier);
    assert_int_equal(context.carried_count, 0);
    assert_int_equal(context.rejected, 1);
    assert_true(carrier.gets < 100);
    carrier_clear(&carrier);
}

static void test_state_without_a_parent_is_dropped(void **state)
{
    (void)state;
    struct weft_propagated context;
    struct carrier carrier = CARRIER_OF("tracestate", "a=1");
    extract(&context, &carrier);
    assert_int_equal(context.carried_count, 0);
    carrier_clear(&carrier);
}

/* ---- out ---- */

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static void random_hex(char *out, size_t size, unsigned *seed)
{
    for (size_t i = 0; i < size; i++) out[i] = "0123456789abcdef"[next_random(seed) % 16];
    out[size - 1] = '1'; /* never all zero */
    out[size] = '\0';
}

static size_t random_state(char *out, unsigned *seed)
{
    static const char keys[] = "abcdefghijklmnopqrstuvwxyz0123456789_-*/@";
    size_t size = 0;
    const unsigned count = next_random(seed) % 9;
    for (unsigned i = 0; i < count; i++) {
        if (size > 0) out[size++] = ',';
        out[size++] = keys[next_random(seed) % 36];
        for (unsigned n = next_random(seed) % 20; n > 0; n--)
            out[size++] = keys[next_random(seed) % (sizeof keys - 1)];
        out[size++] = '=';
        for (unsigned n = next_random(seed) % 20; n > 0; n--) {
            const char c = (char)(0x20 + next_random(seed) % 95);
            out[size++] = c == ',' || c == '=' ? '.' : c;
        }
        out[size++] = 'x'; /* not a space */
    }
    out[size] = '\0';
    return size;
}

static void test_round_trip(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 20000; round++) {
        struct weft_propagated sent, got;
        struct carrier carrier = {0};
        char tracestate[1024];
        weftp_propagated_init(&sent);
        random_hex(sent.trace.trace_id, 32, &seed);
        random_hex(sent.trace.span_id, 16, &seed);
        sent.trace.flags = next_random(&seed) & 3;
        const size_t size = random_state(tracestate, &seed);
        if (size > 0)
            (void)weft_propagated_carry(
                &sent,
                (struct weft_carried){"tracestate", tracestate, (uint32_t)size, WEFT_OF_TRACE});
        assert_int_equal(
            weftp_propagator_tracecontext.inject(NULL, &sent, &carrier_setter, &carrier), WEFT_OK);
        extract(&got, &carrier);
        assert_string_equal(got.trace.trace_id, sent.trace.trace_id);
        assert_string_equal(got.trace.span_id, sent.trace.span_id);
        assert_int_equal(got.trace.flags, sent.trace.flags);
        const struct weft_carried *found = weft_propagated_find(&got, "tracestate");
        assert_int_equal(found ? found->size : 0, size);
        if (found) assert_memory_equal(found->value, tracestate, size);
        carrier_clear(&carrier);
        weftp_propagated_deinit(&got);
    }
}

static void test_nothing_to_say(void **state)
{
    (void)state;
    struct weft_propagated context;
    struct carrier carrier = {0};
    weftp_propagated_init(&context);
    assert_int_equal(
        weftp_propagator_tracecontext.inject(NULL, &context, &carrier_setter, &carrier), WEFT_OK);
    assert_int_equal(carrier.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte_of_a_traceparent),
        cmocka_unit_test(test_what_a_traceparent_says),
        cmocka_unit_test(test_two_traceparents_are_none),
        cmocka_unit_test(test_state_members),
        cmocka_unit_test(test_state_headers_are_joined),
        cmocka_unit_test(test_state_limits),
        cmocka_unit_test(test_state_is_trimmed_by_entries),
        cmocka_unit_test(test_too_many_state_headers),
        cmocka_unit_test(test_state_without_a_parent_is_dropped),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_nothing_to_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
