/*
 * callback: lines reach the function that is set for the name, and setting waits for calls that are
 * under way.
 */
#include "support/sinks.h"

#include "sinks/callback.h"
#include <pthread.h>
#include <stdatomic.h>

struct seen {
    unsigned calls;
    char last[64];
    weft_status answer;
    weft_status set_inside;
};

static weft_status remember(void *arg, const struct weft_line *line)
{
    struct seen *seen = arg;
    seen->calls++;
    memcpy(seen->last, line->data, line->size);
    seen->last[line->size] = '\0';
    return seen->answer;
}

static void test_lines_arrive(void **state)
{
    struct seen plain = {0}, named = {0};
    (void)state;
    struct sink sink = sink_open(&weftp_sink_callback, NULL);
    struct sink other = OPEN(&weftp_sink_callback, "path", "other");
    assert_int_equal(sink.opened, WEFT_OK);
    assert_false(sink_put(&sink, "nobody\n"));
    assert_int_equal(sink_error(&sink).err, ENOENT);
    assert_int_equal(weft_sink_callback_set(NULL, remember, &plain), WEFT_OK);
    assert_int_equal(weft_sink_callback_set("other", remember, &named), WEFT_OK);
    assert_true(sink_put(&sink, "one\n"));
    assert_true(sink_put(&other, "two\n"));
    assert_string_equal(plain.last, "one\n");
    assert_string_equal(named.last, "two\n");
    plain.answer = WEFT_EIO;
    assert_false(sink_put(&sink, "three\n"));
    assert_int_equal(sink.status, WEFT_EIO);
    assert_int_equal(plain.calls, 2);
    assert_int_equal(weft_sink_callback_set("", NULL, NULL), WEFT_OK);
    assert_false(sink_put(&sink, "four\n"));
    assert_int_equal(plain.calls, 2);
    weft_sink_callback_set("other", NULL, NULL);
    sink_close(&sink);
    sink_close(&other);
}

static weft_status set_itself(void *arg, const struct weft_line *line)
{
    struct seen *seen = arg;
    (void)line;
    seen->calls++;
    seen->set_inside = weft_sink_callback_set(NULL, NULL, NULL);
    return weft_sink_callback_set("other", NULL, NULL) == seen->set_inside ? WEFT_OK : WEFT_EIO;
}

static void test_set_inside_is_refused(void **state)
{
    struct seen seen = {0};
    (void)state;
    struct sink sink = sink_open(&weftp_sink_callback, NULL);
    weft_sink_callback_set(NULL, set_itself, &seen);
    assert_true(sink_put(&sink, "x\n"));
    assert_int_equal(seen.set_inside, WEFT_ESTATE);
    assert_true(sink_put(&sink, "y\n"));
    assert_int_equal(seen.calls, 2);
    weft_sink_callback_set(NULL, NULL, NULL);
    sink_close(&sink);
}

static void test_names(void **state)
{
    char name[40];
    (void)state;
    memset(name, 'n', sizeof name);
    name[32] = '\0';
    assert_int_equal(weft_sink_callback_set(name, remember, NULL), WEFT_EINVAL);
    struct sink sink = OPEN(&weftp_sink_callback, "path", name);
    assert_int_equal(sink.opened, WEFT_EINVAL);
    assert_non_null(sink.self);
    assert_string_equal(sink_error(&sink).option, "path");
    assert_false(sink_put(&sink, "x\n"));
    sink_close(&sink);
    name[31] = '\0';
    assert_int_equal(weft_sink_callback_set(name, NULL, NULL), WEFT_OK);
    sink = OPEN(&weftp_sink_callback, "bytes", "5");
    assert_int_equal(sink.opened, WEFT_EINVAL);
    assert_string_equal(sink_error(&sink).option, "bytes");
    sink_close(&sink);
}

/* "", "other" and the 31 n are there by now. */
static void test_sixteen_names(void **state)
{
    char name[8];
    (void)state;
    for (int i = 0; i < 13; i++) {
        snprintf(name, sizeof name, "s%d", i);
        assert_int_equal(weft_sink_callback_set(name, NULL, NULL), WEFT_OK);
    }
    assert_int_equal(weft_sink_callback_set("late", NULL, NULL), WEFT_ELIMIT);
    assert_int_equal(weft_sink_callback_set("s3", NULL, NULL), WEFT_OK);
}

struct gate {
    pthread_mutex_t mutex;
    atomic_bool inside, finished;
    struct sink *sink;
};

static weft_status wait_at_gate(void *arg, const struct weft_line *line)
{
    struct gate *gate = arg;
    (void)line;
    atomic_store(&gate->inside, true);
    pthread_mutex_lock(&gate->mutex);
    pthread_mutex_unlock(&gate->mutex);
    atomic_store(&gate->finished, true);
    return WEFT_OK;
}

static void *put_one(void *arg)
{
    return sink_put(((struct gate *)arg)->sink, "x\n") ? arg : NULL;
}

static void *take_away(void *arg)
{
    weft_sink_callback_set(NULL, NULL, NULL);
    /* After set has returned the function is not running. */
    return atomic_load(&((struct gate *)arg)->finished) ? arg : NULL;
}

static void test_set_waits_for_a_call(void **state)
{
    struct sink sink = sink_open(&weftp_sink_callback, NULL);
    struct gate gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .sink = &sink};
    pthread_t writer, setter;
    void *result;
    (void)state;
    weft_sink_callback_set(NULL, wait_at_gate, &gate);
    pthread_mutex_lock(&gate.mutex);
    pthread_create(&writer, NULL, put_one, &gate);
    WAIT_FOR(atomic_load(&gate.inside));
    pthread_create(&setter, NULL, take_away, &gate);
    pthread_mutex_unlock(&gate.mutex);
    pthread_join(writer, &result);
    assert_ptr_equal(result, &gate);
    pthread_join(setter, &result);
    assert_ptr_equal(result, &gate);
    sink_close(&sink);
}

static void use_in_child(void *arg)
{
    struct sink *sink = arg;
    sink->type->forked(sink->self);
    if (!sink_put(sink, "child\n")) _exit(1);
    if (weft_sink_callback_set(NULL, NULL, NULL) != WEFT_OK) _exit(2);
}

static void test_fork(void **state)
{
    struct seen seen = {0};
    (void)state;
    struct sink sink = sink_open(&weftp_sink_callback, NULL);
    weft_sink_callback_set(NULL, remember, &seen);
    assert_int_equal(in_child(use_in_child, &sink), 0);
    assert_true(sink_put(&sink, "parent\n"));
    weft_sink_callback_set(NULL, NULL, NULL);
    sink_close(&sink);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines_arrive),
        cmocka_unit_test(test_set_inside_is_refused),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_sixteen_names),
        cmocka_unit_test(test_set_waits_for_a_call),
        cmocka_unit_test(test_fork),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
