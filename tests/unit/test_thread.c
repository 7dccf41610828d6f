#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <weft/thread.h>

#include "src/mdc/mdc.h"

/* What a thread or a task found; it writes, the test reads afterwards. */
static struct {
    char user[32];
    size_t count;
    bool has_trace;
    uint64_t bad_tokens;
    int runs;
} seen;

static uint64_t bad_tokens(void)
{
    struct weftp_mdc_counts counts;
    weftp_mdc_counts(&counts);
    return counts.bad_tokens;
}

static int setup(void **state)
{
    (void)state;
    weft_mdc_clear();
    memset(&seen, 0, sizeof seen);
    return 0;
}

static void look(void *arg)
{
    struct weftp_mdc_view view;
    const char *user = weft_mdc_get("user");
    weftp_mdc_view(&view);
    snprintf(seen.user, sizeof seen.user, "%s", user ? user : "(none)");
    seen.count = view.count;
    seen.has_trace = view.trace != NULL;
    seen.runs++;
    if (!arg) return;
    /* The scopes of where the context came from are not open here. */
    const uint64_t before = bad_tokens();
    weft_mdc_pop(*(weft_mdc_token *)arg);
    seen.bad_tokens = bad_tokens() - before;
    weft_mdc_put("user", "changed");
    weft_mdc_push(weft_str("left", "open"));
}

static void *look_in_thread(void *arg)
{
    look(arg);
    return &seen;
}

static void test_thread_has_a_copy(void **state)
{
    (void)state;
    const struct weft_trace trace = {"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331", "", 1};
    pthread_t thread;
    void *result = NULL;
    weft_mdc_put("user", "alice");
    weft_mdc_token token = weft_mdc_push(weft_int("n", 1));
    weftp_mdc_trace_set(&trace, NULL);
    errno = EXDEV;
    assert_int_equal(weft_pthread_create(&thread, NULL, look_in_thread, &token), 0);
    assert_int_equal(errno, EXDEV);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &seen);
    assert_string_equal(seen.user, "alice");
    assert_int_equal(seen.count, 2);
    assert_true(seen.has_trace);
    assert_int_equal(seen.bad_tokens, 1);
    assert_string_equal(weft_mdc_get("user"), "alice");
    weft_mdc_pop(token);
    assert_int_equal(weft_mdc_count(), 1);
}

static void test_thread_of_nothing(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(weft_pthread_create(&thread, NULL, look_in_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(seen.user, "(none)");
    assert_int_equal(seen.count, 0);
}

static void test_creator_may_change_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        pthread_t thread;
        weft_mdc_put("user", "alice");
        assert_int_equal(weft_pthread_create(&thread, NULL, look_in_thread, NULL), 0);
        weft_mdc_put("user", "bob");
        weft_mdc_clear();
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_string_equal(seen.user, "alice");
    }
}

static void test_thread_that_cannot_start(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_attr_t attr;
    weft_mdc_put("user", "alice");
    assert_int_equal(weft_pthread_create(&thread, NULL, NULL, NULL), EINVAL);
    assert_int_equal(pthread_attr_init(&attr), 0);
    /* More stack than there is address space. */
    assert_int_equal(pthread_attr_setstacksize(&attr, SIZE_MAX / 16 * 15), 0);
    assert_int_equal(weft_pthread_create(&thread, &attr, look_in_thread, NULL), EAGAIN);
    pthread_attr_destroy(&attr);
    assert_int_equal(seen.runs, 0);
    assert_string_equal(weft_mdc_get("user"), "alice");
}

static void test_task_runs_in_its_context(void **state)
{
    (void)state;
    weft_mdc_put("user", "alice");
    weft_mdc_token token = weft_mdc_push(weft_int("n", 1));
    weft_task *task = weft_task_create(look, &token);
    assert_non_null(task);
    weft_mdc_pop(token);
    weft_mdc_put("user", "worker");
    const weft_mdc_token own = weft_mdc_push(weft_int("own", 1));
    weft_task_run(task);
    assert_string_equal(seen.user, "alice");
    assert_int_equal(seen.count, 2);
    assert_int_equal(seen.bad_tokens, 1);
    assert_string_equal(weft_mdc_get("user"), "worker");
    assert_int_equal(weft_mdc_count(), 2);
    weft_mdc_pop(own);
    assert_int_equal(weft_mdc_count(), 1);
}

static void test_task_of_nothing(void **state)
{
    (void)state;
    weft_task *task = weft_task_create(look, NULL);
    weft_mdc_put("user", "worker");
    weft_task_run(task);
    assert_string_equal(seen.user, "(none)");
    assert_string_equal(weft_mdc_get("user"), "worker");
}

static void test_task_that_is_not_run(void **state)
{
    (void)state;
    weft_mdc_put("user", "alice");
    weft_task_destroy(weft_task_create(look, NULL));
    weft_task_destroy(NULL);
    weft_task_run(NULL);
    assert_null(weft_task_create(NULL, NULL));
    assert_int_equal(seen.runs, 0);
}

static void nest(void *arg)
{
    look(NULL);
    weft_mdc_put("user", "between");
    weft_task_run(arg);
    assert_string_equal(weft_mdc_get("user"), "between");
}

static void test_tasks_in_tasks(void **state)
{
    (void)state;
    weft_mdc_put("user", "inner");
    weft_task *inner = weft_task_create(look, NULL);
    weft_mdc_put("user", "outer");
    weft_task *outer = weft_task_create(nest, inner);
    weft_mdc_put("user", "worker");
    weft_task_run(outer);
    assert_int_equal(seen.runs, 2);
    assert_string_equal(seen.user, "inner");
    assert_string_equal(weft_mdc_get("user"), "worker");
}

static void end_thread(void *arg)
{
    weft_mdc_put("more", "x");
    pthread_exit(arg);
}

static void *run_task(void *task)
{
    weft_mdc_put("user", "worker");
    weft_task_run(task);
    return NULL;
}

/* That nothing is left is for the leak checker to say. */
static void test_task_that_ends_its_thread(void **state)
{
    (void)state;
    pthread_t thread;
    void *result = NULL;
    weft_mdc_put("user", "alice");
    weft_task *task = weft_task_create(end_thread, &seen);
    assert_int_equal(pthread_create(&thread, NULL, run_task, task), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_ptr_equal(result, &seen);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_thread_has_a_copy),          TEST(test_thread_of_nothing),
        TEST(test_creator_may_change_at_once), TEST(test_thread_that_cannot_start),
        TEST(test_task_runs_in_its_context),   TEST(test_task_of_nothing),
        TEST(test_task_that_is_not_run),       TEST(test_tasks_in_tasks),
        TEST(test_task_that_ends_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
