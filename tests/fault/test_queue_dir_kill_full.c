/*
 * SIGKILL with rings in files: every record whose call returned is in the file after the next start,
 * none is missing, none torn for good, in order, no more than a batch of them twice.
 */
#include "support/queue_kills.h"

#include "support/emulated.h"

static void kills(void **state)
{
    (void)state;
    if (under_emulator()) row_skip("a child with threads of a forked process");
    assert_true(queue_kill_many(ROWS_SANITIZED ? 10 : 40) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(kills)};
    return cmocka_run_group_tests(tests, queue_rows_setup, queue_rows_teardown);
}
