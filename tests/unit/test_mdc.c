#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/mdc/mdc.h"

static struct weftp_mdc_counts before;

/* Every test begins with an empty context and its own counts. */
static int setup(void **state)
{
    (void)state;
    weft_mdc_clear();
    weftp_mdc_counts(&before);
    errno = EXDEV;
    return 0;
}

/* No call of the MDC changes errno. */
static int teardown(void **state)
{
    (void)state;
    const int seen = errno;
    weft_mdc_clear();
    return seen == EXDEV ? 0 : -1;
}

static void assert_counts(uint64_t rejected, uint64_t leaked, uint64_t bad_tokens)
{
    struct weftp_mdc_counts now;
    weftp_mdc_counts(&now);
    assert_int_equal(now.rejected - before.rejected, rejected);
    assert_int_equal(now.leaked - before.leaked, leaked);
    assert_int_equal(now.bad_tokens - before.bad_tokens, bad_tokens);
}

/* The entries as `"key":value` with commas, in their order. */
static const char *context(void)
{
    static char text[16384];
    struct weftp_mdc_view view;
    size_t at = 0;
    weftp_mdc_view(&view);
    text[0] = '\0';
    for (size_t i = 0; i < view.count; i++) {
        at +=
            (size_t)snprintf(text + at, sizeof text - at, "%s%s", i ? "," : "", view.pairs[i].json);
    }
    return text;
}

static bool tokens_equal(weft_mdc_token a, weft_mdc_token b)
{
    return a.serial == b.serial && a.depth == b.depth;
}

/* ---- put, get, remove ---- */

static void test_empty(void **state)
{
    (void)state;
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    assert_null(view.pairs);
    assert_null(view.trace);
    assert_null(view.carry);
    assert_int_equal(view.count, 0);
    assert_int_equal(weft_mdc_count(), 0);
    assert_null(weft_mdc_get("a"));
    assert_null(weft_mdc_capture());
    assert_null(weft_mdc_swap(NULL));
    weft_mdc_clear();
    assert_int_equal(weft_mdc_remove("a"), WEFT_OK);
}

static void test_put_copies(void **state)
{
    (void)state;
    char key[] = "user", value[] = "alice";
    assert_int_equal(weft_mdc_put(key, value), WEFT_OK);
    memset(key, 'x', 4);
    memset(value, 'x', 5);
    assert_string_equal(context(), "\"user\":\"alice\"");
    assert_string_equal(weft_mdc_get("user"), "alice");
    assert_int_equal(weft_mdc_count(), 1);
}

static void test_put_replaces_in_place(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    weft_mdc_put("b", "2");
    weft_mdc_put("c", "3");
    weft_mdc_put("b", "a longer value than before");
    assert_string_equal(context(), "\"a\":\"1\",\"b\":\"a longer value than before\",\"c\":\"3\"");
    weft_mdc_put("a", "");
    assert_string_equal(context(), "\"a\":\"\",\"b\":\"a longer value than before\",\"c\":\"3\"");
}

static void test_values_are_typed(void **state)
{
    (void)state;
    const weft_field inner[] = {weft_int("a", 1)};
    weft_mdc_put_int("i", INT64_MIN);
    weft_mdc_put_field(weft_uint("u", UINT64_MAX));
    weft_mdc_put_field(weft_double("d", 0.1));
    weft_mdc_put_field(weft_bool("b", false));
    weft_mdc_put_field(weft_null("n"));
    weft_mdc_put_field(weft_objn("o", inner, 1));
    weft_mdc_put_field(weft_json("j", "[1, 2]"));
    weft_mdc_put_field(weft_strn("s", "\xff\x01", 2));
    assert_string_equal(context(),
                        "\"i\":-9223372036854775808,\"u\":18446744073709551615,\"d\":0.1,"
                        "\"b\":false,\"n\":null,\"o\":{\"a\":1},\"j\":[1,2],"
                        "\"s\":\"\xEF\xBF\xBD\\u0001\"");
    assert_string_equal(weft_mdc_get("i"), "-9223372036854775808");
    assert_string_equal(weft_mdc_get("b"), "false");
    assert_string_equal(weft_mdc_get("n"), "null");
    assert_string_equal(weft_mdc_get("o"), "{\"a\":1}");
    assert_string_equal(weft_mdc_get("s"), "\xff\x01");
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    assert_int_equal(view.pairs[0].field.type, WEFT_TYPE_INT);
    assert_true(view.pairs[0].field.v.i == INT64_MIN);
    assert_int_equal(view.pairs[5].field.type, WEFT_TYPE_JSON);
}

static void test_null_removes_and_empty_stays(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    weft_mdc_put("b", "");
    assert_int_equal(weft_mdc_put("a", NULL), WEFT_OK);
    assert_string_equal(context(), "\"b\":\"\"");
    assert_string_equal(weft_mdc_get("b"), "");
    assert_int_equal(weft_mdc_put("not there", NULL), WEFT_OK);
    /* As a field a NULL string is what it is everywhere: null. */
    assert_int_equal(weft_mdc_put_field(weft_str("b", NULL)), WEFT_OK);
    assert_string_equal(context(), "\"b\":null");
    assert_counts(0, 0, 0);
}

static void test_bad_arguments(void **state)
{
    (void)state;
    weft_field odd = weft_int("odd", 1);
    odd.type = 200;
    weft_mdc_put("a", "1");
    assert_int_equal(weft_mdc_put(NULL, "x"), WEFT_EINVAL);
    assert_int_equal(weft_mdc_put("", "x"), WEFT_EINVAL);
    assert_int_equal(weft_mdc_put_int(NULL, 1), WEFT_EINVAL);
    assert_int_equal(weft_mdc_put_field(weft_none()), WEFT_EINVAL);
    assert_int_equal(weft_mdc_put_field(weft_end_()), WEFT_EINVAL);
    assert_int_equal(weft_mdc_put_field(odd), WEFT_EINVAL);
    assert_counts(6, 0, 0);
    assert_int_equal(weft_mdc_put(NULL, NULL), WEFT_EINVAL);
    assert_int_equal(weft_mdc_remove(NULL), WEFT_EINVAL);
    assert_int_equal(weft_mdc_remove(""), WEFT_EINVAL);
    assert_null(weft_mdc_get(NULL));
    assert_null(weft_mdc_get(""));
    weft_mdc_release(NULL);
    assert_string_equal(context(), "\"a\":\"1\"");
}

static void test_limits(void **state)
{
    (void)state;
    char text[4200], key[16];
    memset(text, 'k', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    weft_mdc_put("a", "1");
    assert_int_equal(weft_mdc_put(text + sizeof text - 1 - 129, "x"), WEFT_ELIMIT);
    assert_int_equal(weft_mdc_put(text + sizeof text - 1 - 128, "x"), WEFT_OK);
    assert_non_null(weft_mdc_get(text + sizeof text - 1 - 128));
    assert_null(weft_mdc_get(text));
    assert_int_equal(weft_mdc_remove(text), WEFT_OK);
    weft_mdc_clear();
    assert_int_equal(weft_mdc_put("a", text + sizeof text - 1 - 4097), WEFT_ELIMIT);
    assert_int_equal(weft_mdc_put("a", text + sizeof text - 1 - 4096), WEFT_OK);
    assert_int_equal(weft_mdc_put("b", text + sizeof text - 1 - 4094), WEFT_OK);
    assert_int_equal(weft_mdc_put("b", text + sizeof text - 1 - 4095), WEFT_ELIMIT);
    assert_int_equal(strlen(weft_mdc_get("b")), 4094);
    weft_mdc_clear();
    for (int i = 0; i < 64; i++) {
        snprintf(key, sizeof key, "key %d", i);
        assert_int_equal(weft_mdc_put_int(key, i), WEFT_OK);
    }
    assert_int_equal(weft_mdc_put("one more", ""), WEFT_ELIMIT);
    assert_int_equal(weft_mdc_put("key 0", "replaced"), WEFT_OK);
    assert_int_equal(weft_mdc_count(), 64);
    assert_counts(4, 0, 0);
}

static void test_remove_and_clear(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    weft_mdc_put("b", "2");
    assert_int_equal(weft_mdc_remove("a"), WEFT_OK);
    assert_int_equal(weft_mdc_remove("a"), WEFT_OK);
    assert_string_equal(context(), "\"b\":\"2\"");
    assert_int_equal(weft_mdc_remove("b"), WEFT_OK);
    assert_int_equal(weft_mdc_count(), 0);
    assert_null(weft_mdc_capture());
    weft_mdc_put("c", "3");
    weft_mdc_clear();
    assert_string_equal(context(), "");
}

/* ---- scopes ---- */

static void test_push_and_pop(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    const weft_mdc_token outer = weft_mdc_push(weft_str("b", "2"), weft_int("c", 3));
    assert_string_equal(context(), "\"a\":\"1\",\"b\":\"2\",\"c\":3");
    const weft_mdc_token inner = weft_mdc_push(weft_str("a", "over"), weft_none());
    assert_string_equal(context(), "\"a\":\"over\",\"b\":\"2\",\"c\":3");
    assert_int_equal(weft_mdc_count(), 3);
    weft_mdc_pop(inner);
    assert_string_equal(context(), "\"a\":\"1\",\"b\":\"2\",\"c\":3");
    weft_mdc_pop(outer);
    assert_string_equal(context(), "\"a\":\"1\"");
    assert_counts(0, 0, 0);
}

static void test_pop_undoes_puts_and_removes(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    weft_mdc_put("b", "2");
    const weft_mdc_token token = weft_mdc_push(weft_none());
    weft_mdc_put("a", "changed");
    weft_mdc_remove("b");
    weft_mdc_put("c", "new");
    assert_string_equal(context(), "\"a\":\"changed\",\"c\":\"new\"");
    weft_mdc_pop(token);
    assert_string_equal(context(), "\"a\":\"1\",\"b\":\"2\"");
}

static void test_scope_over_nothing(void **state)
{
    (void)state;
    const weft_mdc_token token = weft_mdc_push(weft_int("a", 1));
    assert_int_not_equal(token.serial, 0);
    weft_mdc_remove("a");
    assert_int_equal(weft_mdc_count(), 0);
    assert_null(weft_mdc_capture()); /* a scope is open, and nothing is in it */
    weft_mdc_pop(token);
    assert_int_equal(weft_mdc_count(), 0);
    assert_counts(0, 0, 0);
}

static void test_leaked_scopes(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    const weft_mdc_token outer = weft_mdc_push(weft_str("a", "outer"));
    const weft_mdc_token lost = weft_mdc_push(weft_str("a", "lost"));
    weft_mdc_push(weft_str("a", "lost too"));
    weft_mdc_put("b", "2");
    weft_mdc_pop(outer);
    assert_string_equal(context(), "\"a\":\"1\"");
    assert_counts(0, 1, 0); /* once a pop */
    weft_mdc_pop(lost);
    weft_mdc_pop(outer);
    assert_string_equal(context(), "\"a\":\"1\"");
    assert_counts(0, 1, 2);
}

static void test_bad_tokens(void **state)
{
    (void)state;
    const weft_mdc_token none = {0, 0, 0};
    const weft_mdc_token token = weft_mdc_push(weft_int("a", 1));
    weft_mdc_token forged = token;
    weft_mdc_pop(none); /* what a push that opened nothing gives: no mistake of the caller */
    assert_counts(0, 0, 0);
    forged.serial++;
    weft_mdc_pop(forged);
    forged = token;
    forged.depth = UINT32_MAX;
    weft_mdc_pop(forged);
    forged.depth = 0;
    weft_mdc_pop(forged);
    assert_counts(0, 0, 3);
    assert_string_equal(context(), "\"a\":1");
    weft_mdc_pop(token);
    weft_mdc_pop(token);
    assert_counts(0, 0, 4);
}

static void test_clear_ends_scopes(void **state)
{
    (void)state;
    const weft_mdc_token token = weft_mdc_push(weft_int("a", 1));
    weft_mdc_clear();
    weft_mdc_put("b", "2");
    weft_mdc_pop(token);
    assert_string_equal(context(), "\"b\":\"2\"");
    assert_counts(0, 0, 1);
    /* A new scope at the same depth is another one. */
    const weft_mdc_token other = weft_mdc_push(weft_int("c", 1));
    assert_false(tokens_equal(token, other));
    weft_mdc_pop(token);
    assert_int_equal(weft_mdc_count(), 2);
}

static void test_push_beyond_limits(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text);
    const weft_mdc_token token =
        weft_mdc_push(weft_str("a", "1"), weft_strn("b", text, sizeof text), weft_str("", "x"),
                      weft_str("c", "3"));
    assert_string_equal(context(), "\"a\":\"1\",\"c\":\"3\"");
    assert_counts(2, 0, 0);
    weft_mdc_pop(token);
    assert_int_equal(weft_mdc_count(), 0);
}

static void test_scopes_have_a_maximum(void **state)
{
    (void)state;
    weft_mdc_token tokens[1024];
    for (int i = 0; i < 1024; i++) {
        tokens[i] = weft_mdc_push(weft_int("depth", i));
        assert_int_not_equal(tokens[i].serial, 0);
    }
    const weft_mdc_token none = weft_mdc_push(weft_int("depth", 1024));
    assert_int_equal(none.serial, 0);
    assert_int_equal(weft_mdc_attach(NULL).serial, 0);
    assert_string_equal(context(), "\"depth\":1023");
    assert_counts(2, 0, 0);
    weft_mdc_pop(none);
    assert_string_equal(context(), "\"depth\":1023");
    assert_int_equal(weft_mdc_put_int("depth", 7), WEFT_OK);
    weft_mdc_pop(tokens[1023]);
    assert_string_equal(context(), "\"depth\":1022");
    weft_mdc_pop(tokens[0]);
    assert_int_equal(weft_mdc_count(), 0);
    assert_counts(2, 1, 0);
}

static void scoped_function(void)
{
    WEFT_MDC_SCOPE("in", "function");
    WEFT_MDC_SCOPE("n", 1);
    assert_string_equal(context(), "\"a\":\"1\",\"in\":\"function\",\"n\":1");
    for (int i = 0; i < 2; i++) {
        WEFT_MDC_SCOPE("n", i);
        if (i == 0) continue;
        assert_string_equal(weft_mdc_get("n"), "1");
        return;
    }
}

static void test_scope_macro(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    scoped_function();
    assert_string_equal(context(), "\"a\":\"1\"");
    assert_counts(0, 0, 0);
}

/* ---- capture, attach, swap ---- */

static void test_attach_and_detach(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    weft_context *captured = weft_mdc_capture();
    assert_non_null(captured);
    weft_mdc_clear();
    weft_mdc_put("own", "x");
    const weft_mdc_token token = weft_mdc_attach(captured);
    assert_string_equal(context(), "\"a\":\"1\"");
    weft_mdc_put("b", "2"); /* in this scope only */
    weft_mdc_detach(token);
    assert_string_equal(context(), "\"own\":\"x\"");
    const weft_mdc_token again = weft_mdc_attach(captured);
    weft_mdc_release(captured);
    assert_string_equal(context(), "\"a\":\"1\"");
    weft_mdc_detach(again);
    assert_counts(0, 0, 0);
}

static void test_captured_is_immutable(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    weft_context *captured = weft_mdc_capture();
    weft_mdc_put("a", "2");
    weft_mdc_put("b", "3");
    weft_mdc_remove("a");
    assert_string_equal(context(), "\"b\":\"3\"");
    const weft_mdc_token token = weft_mdc_attach(captured);
    assert_string_equal(context(), "\"a\":\"1\"");
    weft_mdc_detach(token);
    weft_mdc_release(captured);
}

static void test_attach_nothing(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    const weft_mdc_token token = weft_mdc_attach(NULL);
    assert_int_equal(weft_mdc_count(), 0);
    weft_mdc_put("b", "2");
    weft_mdc_detach(token);
    assert_string_equal(context(), "\"a\":\"1\"");
}

static void test_captured_outlives_its_scopes(void **state)
{
    (void)state;
    const weft_mdc_token outer = weft_mdc_push(weft_str("a", "outer"));
    weft_mdc_push(weft_str("b", "inner"));
    weft_context *captured = weft_mdc_capture();
    weft_mdc_pop(outer);
    const weft_mdc_token token = weft_mdc_attach(captured);
    assert_string_equal(context(), "\"a\":\"outer\",\"b\":\"inner\"");
    /* The scopes that were open at the capture are not open here. */
    weft_mdc_pop(outer);
    assert_counts(0, 1, 1);
    assert_string_equal(context(), "\"a\":\"outer\",\"b\":\"inner\"");
    weft_mdc_detach(token);
    weft_mdc_release(captured);
}

static void test_swap_exchanges_scopes_too(void **state)
{
    (void)state;
    weft_mdc_put("task", "one");
    const weft_mdc_token one = weft_mdc_push(weft_str("step", "1"));
    weft_context *first = weft_mdc_swap(NULL);
    assert_non_null(first);
    assert_int_equal(weft_mdc_count(), 0);
    weft_mdc_put("task", "two");
    const weft_mdc_token two = weft_mdc_push(weft_str("step", "2"));
    weft_mdc_pop(one); /* not on this chain */
    assert_counts(0, 0, 1);
    weft_context *second = weft_mdc_swap(first);
    assert_string_equal(context(), "\"task\":\"one\",\"step\":\"1\"");
    weft_mdc_pop(one);
    assert_string_equal(context(), "\"task\":\"one\"");
    first = weft_mdc_swap(second);
    weft_mdc_pop(two);
    assert_string_equal(context(), "\"task\":\"two\"");
    weft_mdc_release(first);
    assert_counts(0, 0, 1);
}

static void test_swap_keeps_empty_scopes(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    const weft_mdc_token token = weft_mdc_attach(NULL);
    weft_context *chain = weft_mdc_swap(NULL);
    assert_non_null(chain); /* nothing in it, but a scope to come back from */
    assert_null(weft_mdc_swap(chain));
    weft_mdc_detach(token);
    assert_string_equal(context(), "\"a\":\"1\"");
}

static void *finish_scope_elsewhere(void *arg)
{
    void **args = arg;
    weft_mdc_put("own", "x");
    weft_mdc_release(weft_mdc_swap(args[0]));
    weft_mdc_pop(*(weft_mdc_token *)args[1]);
    assert_string_equal(weft_mdc_get("a"), "1");
    assert_int_equal(weft_mdc_count(), 1);
    return weft_mdc_swap(NULL);
}

static void test_tokens_work_on_the_thread_that_has_the_chain(void **state)
{
    (void)state;
    pthread_t thread;
    void *chain;
    weft_mdc_put("a", "1");
    weft_mdc_token token = weft_mdc_push(weft_str("b", "2"));
    void *args[] = {weft_mdc_swap(NULL), &token};
    assert_int_equal(pthread_create(&thread, NULL, finish_scope_elsewhere, args), 0);
    assert_int_equal(pthread_join(thread, &chain), 0);
    assert_null(weft_mdc_swap(chain));
    assert_string_equal(context(), "\"a\":\"1\"");
    weft_mdc_pop(token);
    assert_counts(0, 0, 1);
}

static void *count_here(void *arg)
{
    *(size_t *)arg = weft_mdc_count();
    return NULL;
}

static void test_threads_inherit_nothing(void **state)
{
    (void)state;
    pthread_t thread;
    size_t count = 99;
    weft_mdc_put("a", "1");
    assert_int_equal(pthread_create(&thread, NULL, count_here, &count), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(count, 0);
}

static void *push_many(void *arg)
{
    uint64_t *serials = arg;
    for (int i = 0; i < 3000; i++) {
        const weft_mdc_token token = weft_mdc_push(weft_int("i", i));
        serials[i] = token.serial;
        weft_mdc_pop(token);
    }
    return NULL;
}

static int compare_serials(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void test_serials_are_unique(void **state)
{
    (void)state;
    static uint64_t serials[3 * 3000];
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, push_many, serials + i * 3000), 0);
    for (int i = 0; i < 3; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    qsort(serials, 3 * 3000, sizeof serials[0], compare_serials);
    assert_int_not_equal(serials[0], 0);
    for (int i = 1; i < 3 * 3000; i++) assert_true(serials[i] > serials[i - 1]);
}

/* ---- what travels beside the entries ---- */

static void test_trace_and_carry(void **state)
{
    (void)state;
    const struct weft_trace trace = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", 1};
    const struct weftp_carry_item items[] = {{"tracestate", "a=1", 3}, {"baggage", "", 0}};
    struct weftp_carry *carry = weftp_carry_create(items, 2);
    struct weftp_mdc_view view;
    weft_mdc_put("a", "1");
    assert_int_equal(weftp_mdc_trace_set(&trace, carry), WEFT_OK);
    weftp_carry_unref(carry);
    const weft_mdc_token token = weft_mdc_push(weft_int("b", 2));
    weft_mdc_put("c", "3");
    weftp_mdc_view(&view);
    assert_string_equal(view.trace->trace_id, trace.trace_id);
    assert_string_equal(view.trace->span_id, trace.span_id);
    assert_int_equal(view.trace->flags, 1);
    assert_int_equal(view.carry->count, 2);
    assert_string_equal(view.carry->items[0].name, "tracestate");
    assert_string_equal(view.carry->items[0].value, "a=1");
    assert_int_equal(view.carry->items[0].size, 3);
    assert_string_equal(view.carry->items[1].value, "");
    assert_int_equal(weftp_mdc_trace_set(NULL, NULL), WEFT_OK);
    weftp_mdc_view(&view);
    assert_null(view.trace);
    assert_null(view.carry);
    assert_string_equal(context(), "\"a\":\"1\",\"b\":2,\"c\":\"3\"");
    weft_mdc_pop(token);
    weftp_mdc_view(&view);
    assert_string_equal(view.trace->span_id, trace.span_id);
    weft_mdc_clear();
    weftp_mdc_view(&view);
    assert_null(view.trace);
    weftp_carry_unref(NULL);
}

static void test_trace_alone_is_captured(void **state)
{
    (void)state;
    const struct weft_trace trace = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", 1};
    struct weftp_mdc_view view;
    assert_int_equal(weftp_mdc_trace_set(&trace, NULL), WEFT_OK);
    weft_mdc_put("a", "1");
    weft_mdc_remove("a");
    weft_context *captured = weft_mdc_capture();
    assert_non_null(captured);
    weft_mdc_clear();
    const weft_mdc_token token = weft_mdc_attach(captured);
    weftp_mdc_view(&view);
    assert_string_equal(view.trace->trace_id, trace.trace_id);
    weft_mdc_detach(token);
    weft_mdc_release(captured);
    assert_int_equal(weftp_mdc_trace_set(&trace, NULL), WEFT_OK);
    assert_int_equal(weftp_mdc_trace_set(NULL, NULL), WEFT_OK);
    assert_null(weft_mdc_swap(NULL)); /* nothing is left of it */
}

/* ---- signals, fork, the end of a thread ---- */

static volatile sig_atomic_t signals_seen, signals_bad;

/*
 * What a log call in a handler reads: a whole context, before or after the change that it
 * interrupts.
 */
static void look(int signal)
{
    (void)signal;
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    const char *a = weft_mdc_get("a"), *b = weft_mdc_get("b");
    bool good = a && (strcmp(a, "1") == 0 || strcmp(a, "22") == 0);
    good = good && (!b || strcmp(b, "scoped") == 0) && view.count == (b ? 2 : 1);
    for (size_t i = 0; good && i < view.count; i++)
        good = strlen(view.pairs[i].json) == view.pairs[i].json_size;
    if (!good) signals_bad = 1;
    signals_seen = signals_seen + 1;
}

struct interrupter {
    pthread_t target;
    int stop; /* atomic */
};

static void *interrupt(void *arg)
{
    struct interrupter *interrupter = arg;
    while (!__atomic_load_n(&interrupter->stop, __ATOMIC_ACQUIRE))
        pthread_kill(interrupter->target, SIGUSR1);
    return NULL;
}

static void test_handlers_read_whole_contexts(void **state)
{
    (void)state;
    struct sigaction action = {.sa_handler = look, .sa_flags = SA_RESTART}, earlier;
    struct interrupter interrupter = {pthread_self(), 0};
    pthread_t thread;
    weft_mdc_put("a", "1");
    assert_int_equal(sigaction(SIGUSR1, &action, &earlier), 0);
    assert_int_equal(pthread_create(&thread, NULL, interrupt, &interrupter), 0);
    for (int i = 0; i < 2000000 && (signals_seen < 3000 || i < 20000); i++) {
        weft_mdc_put("a", i % 2 ? "1" : "22");
        const weft_mdc_token token = weft_mdc_push(weft_str("b", "scoped"));
        weft_mdc_put("a", "22");
        weft_mdc_pop(token);
    }
    __atomic_store_n(&interrupter.stop, 1, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(sigaction(SIGUSR1, &earlier, NULL), 0);
    assert_true(signals_seen > 0);
    assert_int_equal(signals_bad, 0);
}

static void test_fork(void **state)
{
    (void)state;
    weft_mdc_put("a", "1");
    const weft_mdc_token token = weft_mdc_push(weft_str("b", "2"));
    weft_mdc_put("", "counted");
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct weftp_mdc_counts counts;
        weftp_mdc_forked();
        weftp_mdc_counts(&counts);
        bool good = counts.rejected == 0 && strcmp(weft_mdc_get("b"), "2") == 0;
        weft_mdc_pop(token);
        good = good && weft_mdc_put("c", "3") == WEFT_OK &&
               strcmp(context(), "\"a\":\"1\",\"c\":\"3\"") == 0;
        _exit(good ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_string_equal(context(), "\"a\":\"1\",\"b\":\"2\"");
    weft_mdc_pop(token);
}

static pthread_key_t late_key;

/* A destructor of the application that puts when weft's own may have run already. */
static void put_late(void *rounds)
{
    int *left = rounds;
    weft_mdc_put("late", "x");
    if (--*left > 0) pthread_setspecific(late_key, rounds);
}

static void *leave_entries(void *arg)
{
    weft_mdc_put("a", "1");
    weft_mdc_push(weft_str("b", "2"));
    pthread_setspecific(late_key, arg);
    return NULL;
}

/* That nothing is left is for the leak checker to say. */
static void test_thread_ends_with_entries(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_key_create(&late_key, put_late), 0);
    for (int rounds = 1; rounds <= 3; rounds++) {
        int left = rounds;
        assert_int_equal(pthread_create(&thread, NULL, leave_entries, &left), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(left, 0);
    }
    pthread_key_delete(late_key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_empty),
        TEST(test_put_copies),
        TEST(test_put_replaces_in_place),
        TEST(test_values_are_typed),
        TEST(test_null_removes_and_empty_stays),
        TEST(test_bad_arguments),
        TEST(test_limits),
        TEST(test_remove_and_clear),
        TEST(test_push_and_pop),
        TEST(test_pop_undoes_puts_and_removes),
        TEST(test_scope_over_nothing),
        TEST(test_leaked_scopes),
        TEST(test_bad_tokens),
        TEST(test_clear_ends_scopes),
        TEST(test_push_beyond_limits),
        TEST(test_scopes_have_a_maximum),
        TEST(test_scope_macro),
        TEST(test_attach_and_detach),
        TEST(test_captured_is_immutable),
        TEST(test_attach_nothing),
        TEST(test_captured_outlives_its_scopes),
        TEST(test_swap_exchanges_scopes_too),
        TEST(test_swap_keeps_empty_scopes),
        TEST(test_tokens_work_on_the_thread_that_has_the_chain),
        TEST(test_threads_inherit_nothing),
        TEST(test_serials_are_unique),
        TEST(test_trace_and_carry),
        TEST(test_trace_alone_is_captured),
        TEST(test_handlers_read_whole_contexts),
        TEST(test_fork),
        TEST(test_thread_ends_with_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
