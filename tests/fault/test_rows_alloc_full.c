/*
 * Row 33 of the fault table: the Nth allocation of a life with a file that rotates and is
 * compressed fails, for every N, once and for ever from there on. What was accepted is in the files
 * or counted, and each line is whole.
 */
#include "support/rows.h"

#include "support/fail_alloc.h"

#include <sys/mman.h>

#define RECORDS 40

struct run {
    uint64_t n;
    bool all;
};
static uint64_t *written; /* shared with the child */

static void live(void *arg)
{
    const struct run *run = arg;
    fail_alloc_from_now(run->n, run->all);
    weft_mdc_put("request_id", "r-1");
    row_log_many(0, RECORDS / 2);
    weft_reload();
    for (uint64_t seq = RECORDS / 2; seq < RECORDS; seq++) row_log(0, seq);
    weft_flush(1000);
    weft_shutdown(5000);
    const bool failed = fail_alloc_stop();
    *written = row_stats().written;
    exit(failed ? 1 : 0);
}

/* Returns whether an allocation failed. */
static bool live_once(struct run *run)
{
    struct row row = row_begin("?max_bytes=2000&keep=50&compress=gzip");
    struct row_seqs seqs = {.lines = 0};
    row.env[0] = row.sinks;
    struct child child = run_child(live, run, row.env);
    if (!WIFEXITED(child.status) || WEXITSTATUS(child.status) > 1)
        fail_msg("allocation %" PRIu64 ": status %x: %s", run->n, (unsigned)child.status,
                 child.err);
    const bool failed = WEXITSTATUS(child.status) == 1;
    row_read_set(&seqs, row.path);
    if (seqs.lines != *written)
        fail_msg("allocation %" PRIu64 ": %" PRIu64 " lines, %" PRIu64 " written", run->n,
                 seqs.lines, *written);
    if (!failed) assert_int_equal(seqs.lines, RECORDS);
    child_free(&child);
    row_end(&row);
    return failed;
}

static void every_allocation(bool all)
{
    if (!FAIL_ALLOC_WORKS) row_skip("a sanitizer stands before malloc");
    struct run run = {0, all};
    while (live_once(&run)) run.n++;
    print_message("%" PRIu64 " allocations\n", run.n);
    assert_true(run.n > 20);
}

static void row_33_once(void **state)
{
    (void)state;
    every_allocation(false);
}

static void row_33_from_there_on(void **state)
{
    (void)state;
    every_allocation(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_33_once),
        cmocka_unit_test(row_33_from_there_on),
    };
    written = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (written == MAP_FAILED) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
