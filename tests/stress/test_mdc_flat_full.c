/* Ten million changes without a clear keep memory as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <weft/mdc.h>

#include "support/memory.h"

#define PUTS      (MEMORY_IS_TELLING ? 10000000 : 300000)
#define WARM      10000
#define SLACK_KIB 256 /* one byte a put would be 10 MiB */

static void check_flat(void (*change)(int i))
{
    for (int i = 0; i < WARM; i++) change(i);
    const long before = resident_kib();
    for (int i = 0; i < PUTS; i++) change(i);
    if (MEMORY_IS_TELLING) assert_in_range(resident_kib(), 0, before + SLACK_KIB);
}

static void put_one_key(int i)
{
    static const char text[] = "0123456789abcdef0123456789abcdef0123";
    weft_mdc_put("request_id", text + i % 32);
}

static void test_puts_of_one_key(void **state)
{
    (void)state;
    weft_mdc_put("user", "alice");
    check_flat(put_one_key);
    assert_int_equal(weft_mdc_count(), 2);
    weft_mdc_clear();
}

/* The same while somebody holds the context, so that each put makes a frame. */
static void put_captured(int i)
{
    weft_context *captured = weft_mdc_capture();
    put_one_key(i);
    weft_mdc_release(captured);
}

static void test_puts_under_captures(void **state)
{
    (void)state;
    check_flat(put_captured);
    weft_mdc_clear();
}

static void push_and_leak(int i)
{
    const weft_mdc_token token = weft_mdc_push(weft_int("i", i));
    weft_mdc_push(weft_str("leaked", "x"));
    weft_mdc_pop(token);
}

static void test_leaked_scopes(void **state)
{
    (void)state;
    check_flat(push_and_leak);
    assert_int_equal(weft_mdc_count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_puts_of_one_key),
        cmocka_unit_test(test_puts_under_captures),
        cmocka_unit_test(test_leaked_scopes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
