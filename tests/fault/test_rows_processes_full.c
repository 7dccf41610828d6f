/*
 * Rows 12 and 30 of the fault table: four processes of two threads each log to one file that
 * rotates a thousand times for each of them, once strangers to each other, once forked from one
 * that has logged before. Every record is there once, whole, in the order of its writer, whatever
 * was renamed and compressed meanwhile.
 */
#include "support/rows.h"
#include "support/tsan.h"

#include <pthread.h>

#define PROCESSES 4
#define THREADS   2
#define WRITERS   (PROCESSES * THREADS)
#define RECORDS   100 /* of one thread in one round: about 240 bytes each */
#define OPTIONS   "?max_bytes=2000&keep=4000"

static void *log_records(void *arg)
{
    row_log_many((unsigned)(uintptr_t)arg, RECORDS);
    return NULL;
}

static void one_process(unsigned process)
{
    pthread_t thread;
    alarm(60);
    if (pthread_create(&thread, NULL, log_records, (void *)(uintptr_t)(process * THREADS)) != 0)
        abort();
    log_records((void *)(uintptr_t)(process * THREADS + 1));
    pthread_join(thread, NULL);
    EXPECT(row_stats().dropped == 0);
    EXPECT(weft_shutdown(20000) == WEFT_OK);
    _exit(0);
}

static void round_of_processes(void *arg)
{
    const bool forked = *(const bool *)arg;
    pid_t children[PROCESSES];
    if (forked) weft_info(NULL, "the parent has logged");
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0) one_process(i);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status = -1;
        EXPECT(waitpid(children[i], &status, 0) == children[i]);
        EXPECT(status == 0);
    }
    weft_info(NULL, "the parent logs on");
    row_stats();
}

/* Returns how often the file was rotated. */
static unsigned run_round(bool forked, const char *options)
{
    struct row row = row_begin(options);
    struct row_seqs seqs = {.lines = 0};
    row_run(&row, round_of_processes, &forked);
    const unsigned rotated = row_read_set(&seqs, row.path);
    for (int i = 0; i < WRITERS; i++) assert_int_equal(seqs.next[i], RECORDS);
    assert_int_equal(seqs.lines, WRITERS * RECORDS);
    assert_int_equal(seqs.others, forked ? 2 : 1);
    assert_false(seqs.gap);
    row_end(&row);
    return rotated;
}

/* A thousand rotations for each process, over the rounds: a rotation renames all that is there. */
static void row_30_a_thousand_rotations_for_each_of_four_processes(void **state)
{
    (void)state;
    const unsigned wanted = ROWS_SANITIZED ? PROCESSES * 200 : PROCESSES * 1000;
    unsigned rotated = 0;
    while (rotated < wanted) rotated += run_round(false, OPTIONS);
    print_message("%u rotations\n", rotated);
}

static void row_30_with_compression(void **state)
{
    (void)state;
    assert_true(run_round(false, OPTIONS "&compress=gzip") > 20);
}

static void row_12_forked_processes_rotate(void **state)
{
    (void)state;
    if (UNDER_TSAN) row_skip("ThreadSanitizer knows no lock that a forked child makes anew");
    assert_true(run_round(true, OPTIONS) > 20);
    assert_true(run_round(true, OPTIONS "&compress=gzip") > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_12_forked_processes_rotate),
        cmocka_unit_test(row_30_a_thousand_rotations_for_each_of_four_processes),
        cmocka_unit_test(row_30_with_compression),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
