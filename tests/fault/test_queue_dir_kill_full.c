/*
 * SIGKILL with rings in files: every record whose call returned is in the file after the next start,
 * none is missing, in order, no more than a batch of them twice. One half line may stand where it was killed.
 */
#include "support/dead_rows.h"
#include "support/emulated.h"

/* Returns how many records were written by the starts that followed. */
static uint64_t kill_many(unsigned count)
{
    struct queue_row row;
    uint64_t recovered = 0, again = 0, lines = 0;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    for (unsigned i = 0; i < count; i++) {
        struct queue_tally tally = {.lines = 0};
        unlink(row.row.path);
        const pid_t pid = queue_start_load(&row);
        queue_await_load();
        usleep(i * 613 % 1200);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        row_run(&row.row, queue_log_fresh, NULL);
        if (queue_read(&tally, row.row.path) > 1) fail_msg("more than one torn line");
        queue_expect_whole(&tally);
        assert_int_equal(tally.next[QUEUE_FRESH], 1);
        queue_expect_empty(row.dir);
        recovered += tally.marked;
        again += tally.again;
        lines += tally.lines;
    }
    row_end(&row.row);
    printf("%u kills: %" PRIu64 " lines, %" PRIu64 " of them recovered, %" PRIu64 " twice\n", count,
           lines, recovered, again);
    return recovered;
}

static void kills(void **state)
{
    (void)state;
    if (under_emulator()) row_skip("a child with threads of a forked process");
    assert_true(kill_many(ROWS_SANITIZED ? 10 : 200) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kills)};
    return cmocka_run_group_tests(tests, queue_rows_setup, queue_rows_teardown);
}
