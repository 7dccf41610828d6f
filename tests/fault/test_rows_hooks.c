/*
 * Rows 34 and 62 of the fault table: thread keys, threads and locks that cannot be made, and a
 * program whose own malloc logs. All of it by functions of this program that stand in front of the
 * C library's.
 */
#include "support/rows.h"

#include <dlfcn.h>
#include <pthread.h>

/* ---- in front of the C library ---- */

static bool no_thread, no_key, no_specific; /* these calls fail */
static bool malloc_logs;
static uint64_t hook_logged;

#if !ROWS_SANITIZED
static _Thread_local bool in_hook;

static void *next_function(const char *name)
{
    void *next = dlsym(RTLD_NEXT, name);
    if (!next) abort();
    return next;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                   void *arg)
{
    int (*next)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    if (__atomic_load_n(&no_thread, __ATOMIC_SEQ_CST)) return EAGAIN;
    *(void **)&next = next_function("pthread_create");
    return next(thread, attributes, run, arg);
}

int pthread_key_create(pthread_key_t *key, void (*destructor)(void *))
{
    int (*next)(pthread_key_t *, void (*)(void *));
    if (no_key) return EAGAIN;
    *(void **)&next = next_function("pthread_key_create");
    return next(key, destructor);
}

int pthread_setspecific(pthread_key_t key, const void *value)
{
    int (*next)(pthread_key_t, const void *);
    if (no_specific) return ENOMEM;
    *(void **)&next = next_function("pthread_setspecific");
    return next(key, value);
}

static void maybe_log(size_t size)
{
    if (!malloc_logs || in_hook) return;
    in_hook = true;
    weft_info(NULL, "malloc", weft_uint("size", size));
    __atomic_fetch_add(&hook_logged, 1, __ATOMIC_SEQ_CST);
    in_hook = false;
}

void *malloc(size_t size)
{
    static void *(*next)(size_t);
    if (!next) *(void **)&next = next_function("malloc");
    maybe_log(size);
    return next(size);
}
#endif

static void skip_under_sanitizers(void)
{
    if (ROWS_SANITIZED) row_skip("a sanitizer stands before the C library itself");
}

/* ---- 34 ---- */

static void *never_runs(void *arg)
{
    (void)arg;
    abort();
}

static void live_without_threads(void *arg)
{
    (void)arg;
    pthread_t thread;
    no_thread = true;
    EXPECT(weft_pthread_create(&thread, NULL, never_runs, NULL) == EAGAIN);
    weft_mdc_put("k", "v");
    EXPECT(weft_pthread_create(&thread, NULL, never_runs, NULL) == EAGAIN);
    row_log_many(0, 200);
    EXPECT(row_stats().dropped == 0);
    EXPECT(weft_reload() == WEFT_OK);
    EXPECT(weft_shutdown(2000) == WEFT_OK);
}

/* Rotation does without its thread: the files stay plain. */
static void row_34_no_thread(void **state)
{
    (void)state;
    skip_under_sanitizers();
    struct row row = row_begin("?max_bytes=4000&keep=100&compress=gzip");
    struct row_seqs seqs = {.lines = 0};
    row_run(&row, live_without_threads, NULL);
    assert_true(row_read_set(&seqs, row.path) > 5);
    assert_int_equal(seqs.next[0], 200);
    assert_false(seqs.gap);
    row_end(&row);
}

static void live_without_keys(void *arg)
{
    (void)arg;
    no_key = true;
    row_log_many(1, 3);
    EXPECT(weft_init(NULL) == WEFT_ENOMEM);
    weft_mdc_put("k", "v");
    weft_stats stats = row_stats();
    EXPECT(stats.dropped_memory == 3 && stats.written == 0);
    no_key = false;
    row_log_many(0, 3);
    stats = row_stats();
    EXPECT(stats.written == 3);
}

static void row_34_no_thread_key(void **state)
{
    (void)state;
    skip_under_sanitizers();
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    row_run(&row, live_without_keys, NULL);
    row_read(&seqs, row.path);
    assert_int_equal(seqs.next[0], 3);
    assert_int_equal(seqs.lines, 3);
    row_end(&row);
}

static void *log_without_a_place(void *arg)
{
    (void)arg;
    no_specific = true;
    row_log_many(1, 3);
    weft_mdc_put("k", "v");
    no_specific = false;
    row_log_many(0, 3);
    return NULL;
}

static void live_without_places(void *arg)
{
    pthread_t thread;
    row_log_many(2, 1);
    if (pthread_create(&thread, NULL, log_without_a_place, arg) != 0) abort();
    pthread_join(thread, NULL);
    const weft_stats stats = row_stats();
    EXPECT(stats.dropped_memory == 3 && stats.written == 4);
}

static void row_34_no_place_for_a_threads_value(void **state)
{
    (void)state;
    skip_under_sanitizers();
    struct row row = row_begin("");
    row_run(&row, live_without_places, NULL);
    row_end(&row);
}

/* ---- 62 ---- */

static void *log_under_the_hook(void *arg)
{
    char name[32];
    for (int i = 0; i < 50; i++) {
        snprintf(name, sizeof name, "hook.%d.%d", *(const int *)arg, i);
        weft_mdc_put(name, "value");
        weft_info(weft_logger_get(name), "logged", weft_json("j", "{\"a\":[1,{\"b\":2}]}"));
        weft_mdc_clear();
        weft_logger_release(weft_logger_with(NULL, weft_str("bound", name)));
        if (i % 10 == 0) weft_reload();
    }
    return NULL;
}

static void live_under_the_hook(void *arg)
{
    pthread_t thread;
    int one = 1, two = 2;
    if (!arg) weft_info(NULL, "warm");
    malloc_logs = true;
    log_under_the_hook(&one);
    if (pthread_create(&thread, NULL, log_under_the_hook, &two) != 0) abort();
    pthread_join(thread, NULL);
    malloc_logs = false;
    const weft_stats stats = row_stats();
    EXPECT(hook_logged > 100);
    EXPECT(stats.accepted == hook_logged + 100 + (arg ? 0 : 1));
    EXPECT(stats.dropped == stats.dropped_reentrant);
}

/* weft itself is started by a call of the hook, and by one that is made while it starts. */
static void start_under_the_hook(void *arg)
{
    (void)arg;
    malloc_logs = true;
    weft_info(NULL, "the first call of all");
    malloc_logs = false;
    weft_info(NULL, "one more");
    const weft_stats stats = row_stats();
    EXPECT(hook_logged > 10);
    EXPECT(stats.accepted == hook_logged + 2);
    EXPECT(stats.written >= 2 && stats.dropped == stats.dropped_reentrant);
}

static void under_the_hook(void (*live)(void *), bool first)
{
    skip_under_sanitizers();
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    row_run(&row, live, first ? &row : NULL);
    row_read(&seqs, row.path);
    row_end(&row);
}

static void row_62_a_malloc_that_logs(void **state)
{
    (void)state;
    under_the_hook(live_under_the_hook, false);
}

/* The same where the hook's own record is the first of all. */
static void row_62_a_malloc_that_logs_first(void **state)
{
    (void)state;
    under_the_hook(live_under_the_hook, true);
}

static void row_62_a_malloc_that_logs_at_the_start(void **state)
{
    (void)state;
    under_the_hook(start_under_the_hook, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_34_no_thread),
        cmocka_unit_test(row_34_no_thread_key),
        cmocka_unit_test(row_34_no_place_for_a_threads_value),
        cmocka_unit_test(row_62_a_malloc_that_logs),
        cmocka_unit_test(row_62_a_malloc_that_logs_first),
        cmocka_unit_test(row_62_a_malloc_that_logs_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
