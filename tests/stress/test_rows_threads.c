/*
 * Rows 35 and 36 of the fault table: threads that end right after they logged, and ten thousand of
 * them. Their records are there, and nothing of them stays behind: no memory, no descriptor, no
 * thread.
 */
#include "support/rows.h"

#include <pthread.h>

#define AT_A_TIME 20
#define THREADS   (ROWS_SANITIZED ? 1000 : 10000)

static long resident_kb(void)
{
    char *text = read_file("/proc/self/status");
    const char *at = strstr(text, "VmRSS:");
    EXPECT(at != NULL);
    const long kb = atol(at + strlen("VmRSS:"));
    free(text);
    return kb;
}

/* Leaves its context behind, as threads do. */
static void *log_and_end(void *arg)
{
    weft_mdc_put("request_id", "r-1");
    weft_mdc_push(weft_str("more", "context"), weft_int("n", 1));
    row_log((unsigned)(uintptr_t)arg, 0);
    weft_infof(NULL, "formatted %s", "text");
    return NULL;
}

static void run_threads(int count)
{
    for (int done = 0; done < count; done += AT_A_TIME) {
        pthread_t threads[AT_A_TIME];
        for (uintptr_t i = 0; i < AT_A_TIME; i++)
            if (pthread_create(&threads[i], NULL, log_and_end, (void *)i) != 0) abort();
        for (int i = 0; i < AT_A_TIME; i++) pthread_join(threads[i], NULL);
    }
}

static void many_threads(void *arg)
{
    (void)arg;
    run_threads(THREADS / 10);
    const long before_kb = resident_kb();
    const size_t descriptors = count_entries("/proc/self/fd");
    const size_t threads = count_entries("/proc/self/task");
    run_threads(THREADS);
    EXPECT(count_entries("/proc/self/fd") == descriptors);
    EXPECT(count_entries("/proc/self/task") <= threads);
    const long grown_kb = resident_kb() - before_kb;
    if (!ROWS_SANITIZED && grown_kb > 1024) {
        fprintf(stderr, "grown by %ld KiB\n", grown_kb);
        EXPECT(false);
    }
    const weft_stats stats = row_stats();
    EXPECT(stats.written == 2 * (uint64_t)(THREADS + THREADS / 10));
    EXPECT(stats.mdc_rejected == 0);
}

static void row_36_ten_thousand_threads(void **state)
{
    (void)state;
    struct row row = row_begin("?max_bytes=1000000&keep=2");
    row_run(&row, many_threads, NULL);
    row_end(&row);
}

/* A thread's records are complete when it has ended, however soon that is. */
static void *log_hundred(void *arg)
{
    row_log_many((unsigned)(uintptr_t)arg, 100);
    return NULL;
}

static void short_lives(void *arg)
{
    (void)arg;
    pthread_t threads[ROW_WRITERS_MAX];
    for (uintptr_t i = 0; i < ROW_WRITERS_MAX; i++)
        if (pthread_create(&threads[i], NULL, log_hundred, (void *)i) != 0) abort();
    for (int i = 0; i < ROW_WRITERS_MAX; i++) pthread_join(threads[i], NULL);
    EXPECT(row_stats().written == 100 * ROW_WRITERS_MAX);
    _exit(0); /* nothing is left to be done at an end */
}

static void row_35_records_of_threads_that_ended(void **state)
{
    (void)state;
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    row_run(&row, short_lives, NULL);
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    for (int i = 0; i < ROW_WRITERS_MAX; i++) assert_int_equal(seqs.next[i], 100);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_35_records_of_threads_that_ended),
        cmocka_unit_test(row_36_ten_thousand_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
