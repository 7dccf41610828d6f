/* Row 61 of the fault table, for four minutes; test_rows_steady_full.c is the short form. */
#include "stress/steady.h"

static void row_61_steady_for_minutes(void **state)
{
    (void)state;
    row_61_steady(240);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(row_61_steady_for_minutes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
