/*
 * A folder of rings on a file system of 1 MB: threads whose rings find no room there have them in
 * memory, which is counted; nothing is lost, and nobody dies of SIGBUS.
 */
#include "support/small_disk.h"

#include "support/dead_rows.h"

#include "support/dead_session.h"

#include <sys/resource.h>

#define THREADS 8

static pthread_barrier_t all;

static void *log_together(void *arg)
{
    const unsigned writer = (unsigned)(uintptr_t)arg;
    row_log(writer, 0);
    pthread_barrier_wait(&all); /* nobody leaves a ring for the next one */
    for (uint64_t seq = 1; seq < 2000; seq++) row_log(writer, seq);
    return NULL;
}

/* Returns how many rings were not in the folder. */
static uint64_t log_in_threads(void)
{
    pthread_t threads[THREADS];
    weft_stats stats;
    EXPECT(pthread_barrier_init(&all, NULL, THREADS) == 0);
    for (unsigned i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, log_together, (void *)(uintptr_t)i) == 0);
    for (unsigned i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    EXPECT(weft_flush(10000) == WEFT_OK);
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.dropped == 0);
    return stats.queue_unstored;
}

static void run_full(void *arg)
{
    (void)arg;
    const uint64_t unstored = log_in_threads();
    EXPECT(unstored >= THREADS - 3 && unstored < THREADS);
}

static void run_limited(void *arg)
{
    const struct rlimit limit = {100000, 100000}; /* less than a ring, and no SIGXFSZ */
    EXPECT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    (void)arg;
    EXPECT(log_in_threads() >= THREADS); /* memory is a file, too, here */
}

static void expect_all(struct queue_row *row)
{
    struct row_seqs seqs = {.lines = 0};
    row_read(&seqs, row->row.path);
    assert_false(seqs.gap);
    assert_int_equal(seqs.lines, THREADS * 2000);
    unlink(row->row.path);
}

static void full_disk(void **state)
{
    struct queue_row row;
    (void)state;
    if (!mounted) skip();
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    snprintf(row.setting, sizeof row.setting, "WEFT_QUEUE_DIR=%s/queue", scratch);
    row_run(&row.row, run_full, NULL);
    expect_all(&row);
    queue_expect_empty(in_scratch("queue"));
    row_end(&row.row);
}

static void limited_files(void **state)
{
    struct queue_row row;
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    snprintf(row.row.sinks, sizeof row.row.sinks, "WEFT_SINKS=memory:");
    struct child child = run_child(run_limited, NULL, row.row.env);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
    row_end(&row.row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(full_disk),
                                       cmocka_unit_test(limited_files)};
    return cmocka_run_group_tests(tests, mount_small, unmount_small);
}
