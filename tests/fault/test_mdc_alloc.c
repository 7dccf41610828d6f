/*
 * Whichever allocation fails: a change of the context then says WEFT_ENOMEM (or opens no scope) and
 * has not happened.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <weft/thread.h>

#include "src/mdc/mdc.h"
#include "support/fail_alloc.h"

#define ALLOCATIONS_MAX 200 /* no call takes so many */

static char large[3000]; /* does not fit where short values are escaped */

/* The context as text, for comparing. */
static void describe(char *text, size_t size)
{
    struct weftp_mdc_view view;
    size_t at = 0;
    weftp_mdc_view(&view);
    text[0] = '\0';
    for (size_t i = 0; i < view.count && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%s,", view.pairs[i].json);
    if (at < size) snprintf(text + at, size - at, "%s", view.trace ? view.trace->trace_id : "");
}

/*
 * One change; returns whether it was made. *token: the scope that it opened, if it is such a call.
 */
typedef bool (*change)(weft_mdc_token *token);

static bool put_text(weft_mdc_token *token)
{
    (void)token;
    return weft_mdc_put("user", "bob") == WEFT_OK;
}

static bool put_large(weft_mdc_token *token)
{
    (void)token;
    return weft_mdc_put_field(weft_strn("large", large, sizeof large)) == WEFT_OK;
}

static bool put_object(weft_mdc_token *token)
{
    (void)token;
    const weft_field inner[] = {weft_int("a", 1), weft_strn("b", large, 1000)};
    return weft_mdc_put_field(weft_objn("object", inner, 2)) == WEFT_OK;
}

static bool remove_key(weft_mdc_token *token)
{
    (void)token;
    return weft_mdc_remove("user") == WEFT_OK;
}

static bool push(weft_mdc_token *token)
{
    *token = weft_mdc_push(weft_str("a", "b"), weft_strn("large", large, sizeof large));
    return token->serial != 0;
}

static bool attach_nothing(weft_mdc_token *token)
{
    *token = weft_mdc_attach(NULL);
    return token->serial != 0;
}

static bool set_trace(weft_mdc_token *token)
{
    (void)token;
    const struct weft_trace trace = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", 1};
    const struct weftp_carry_item item = {"tracestate", "a=1", 3};
    struct weftp_carry *carry = weftp_carry_create(&item, 1);
    const bool done = carry && weftp_mdc_trace_set(&trace, carry) == WEFT_OK;
    weftp_carry_unref(carry);
    return done;
}

static void begin(bool captured, weft_context **held)
{
    weft_mdc_clear();
    assert_int_equal(weft_mdc_put("user", "alice"), WEFT_OK);
    assert_int_equal(weft_mdc_put_int("n", 1), WEFT_OK);
    *held = captured ? weft_mdc_capture() : NULL;
}

/* Let allocation 0, 1, 2 … fail until the change needs fewer. */
static unsigned fail_each(change make, bool captured)
{
    static char before[16384], after[16384];
    for (unsigned n = 0; n < ALLOCATIONS_MAX; n++) {
        weft_mdc_token token = {0, 0, 0};
        weft_context *held;
        begin(captured, &held);
        describe(before, sizeof before);
        errno = EXDEV;
        fail_alloc_from_now(n, false);
        const bool done = make(&token);
        const int err = errno;
        const bool failed = fail_alloc_stop();
        describe(after, sizeof after);
        if (done)
            assert_string_not_equal(before, after);
        else
            assert_string_equal(before, after);
        if (make != set_trace) assert_int_equal(err, EXDEV); /* carry_create lets malloc set it */
        weft_mdc_pop(token);
        if (token.serial) {
            describe(after, sizeof after);
            assert_string_equal(before, after);
        }
        weft_mdc_release(held);
        if (!failed) {
            assert_true(done);
            return n;
        }
    }
    fail();
    return 0;
}

static void test_every_change(void **state)
{
    (void)state;
    const change changes[] = {put_text, put_large,      put_object, remove_key,
                              push,     attach_nothing, set_trace};
    if (!FAIL_ALLOC_WORKS) skip();
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        for (int captured = 0; captured < 2; captured++) {
            const unsigned needed = fail_each(changes[i], captured);
            assert_in_range(needed, 1, ALLOCATIONS_MAX - 1); /* or nothing was tried */
        }
    }
    weft_mdc_clear();
}

static void test_raw_json(void **state)
{
    (void)state;
    if (!FAIL_ALLOC_WORKS) skip();
    /*
     * The parser may give up for want of memory; the value is then written as a string, and never
     * half.
     */
    for (unsigned n = 0; n < ALLOCATIONS_MAX; n++) {
        weft_context *held;
        begin(false, &held);
        fail_alloc_from_now(n, false);
        const weft_status status = weft_mdc_put_field(weft_json("json", "{\"a\":[1,2]}"));
        const bool failed = fail_alloc_stop();
        const char *value = weft_mdc_get("json");
        if (status != WEFT_OK) {
            assert_int_equal(status, WEFT_ENOMEM);
            assert_null(value);
        } else {
            assert_non_null(value);
            assert_true(strcmp(value, "{\"a\":[1,2]}") == 0 ||
                        strcmp(value, "\"{\\\"a\\\":[1,2]}\"") == 0);
        }
        assert_string_equal(weft_mdc_get("user"), "alice");
        if (!failed) {
            assert_string_equal(value, "{\"a\":[1,2]}");
            weft_mdc_clear();
            return;
        }
    }
    fail();
}

static void count_run(void *runs)
{
    ++*(int *)runs;
}

static void *count_run_in_thread(void *runs)
{
    count_run(runs);
    return NULL;
}

static void test_tasks(void **state)
{
    (void)state;
    if (!FAIL_ALLOC_WORKS) skip();
    weft_mdc_put("user", "alice");
    for (unsigned n = 0; n < ALLOCATIONS_MAX; n++) {
        int runs = 0;
        fail_alloc_from_now(n, false);
        weft_task *task = weft_task_create(count_run, &runs);
        const bool failed = fail_alloc_stop();
        assert_true(failed == !task);
        /* To run it takes none. */
        fail_alloc_from_now(0, true);
        weft_task_run(task);
        fail_alloc_stop();
        assert_int_equal(runs, task ? 1 : 0);
        if (!failed) return;
    }
    fail();
}

static void test_threads(void **state)
{
    (void)state;
    if (!FAIL_ALLOC_WORKS) skip();
    weft_mdc_put("user", "alice");
    for (unsigned n = 0; n < 2; n++) { /* what follows are pthread_create's own */
        int runs = 0;
        pthread_t thread;
        fail_alloc_from_now(n, false);
        const int err = weft_pthread_create(&thread, NULL, count_run_in_thread, &runs);
        assert_true(fail_alloc_stop());
        assert_int_equal(err, ENOMEM);
        assert_int_equal(runs, 0);
    }
    weft_mdc_clear();
}

static void *first_put(void *arg)
{
    fail_alloc_from_now(0, true);
    const weft_status put = weft_mdc_put("a", "b");
    const weft_mdc_token token = weft_mdc_push(weft_int("n", 1));
    fail_alloc_stop();
    *(bool *)arg = put == WEFT_ENOMEM && token.serial == 0 && weft_mdc_count() == 0;
    return NULL;
}

static void test_thread_without_memory(void **state)
{
    (void)state;
    pthread_t thread;
    bool good = false;
    if (!FAIL_ALLOC_WORKS) skip();
    assert_int_equal(pthread_create(&thread, NULL, first_put, &good), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_true(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_change),
        cmocka_unit_test(test_raw_json),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_thread_without_memory),
    };
    memset(large, 'x', sizeof large);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
