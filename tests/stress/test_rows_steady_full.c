/* Row 61 of the fault table, in a few seconds; test_rows_steady_soak.c takes its time. */
#include "stress/steady.h"

static void row_61_steady_for_seconds(void **state)
{
    (void)state;
    row_61_steady(ROWS_SANITIZED ? 3 : 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(row_61_steady_for_seconds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
