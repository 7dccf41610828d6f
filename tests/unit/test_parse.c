/* Sizes, durations, switches and plain numbers as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/base/parse.h"

#define UNTOUCHED UINT64_C(0xABCDEF)

struct row {
    const char *text;
    uint64_t value; /* UNTOUCHED: the text is bad */
};

static const struct row byte_rows[] = {
    {"0", 0},
    {"500", 500},
    {"500b", 500},
    {"1k", 1024},
    {"1K", 1024},
    {"1kB", 1024},
    {"1KiB", 1024},
    {"64k", 65536},
    {"10MiB", 10485760},
    {"10m", 10485760},
    {"1g", 1073741824},
    {"2tib", UINT64_C(2) << 40},
    {"18446744073709551615", UINT64_MAX},
    {"18446744073709551616", UNTOUCHED},
    {"99999999t", UNTOUCHED},
    {"", UNTOUCHED},
    {"k", UNTOUCHED},
    {"-1", UNTOUCHED},
    {"+1", UNTOUCHED},
    {" 1", UNTOUCHED},
    {"1 k", UNTOUCHED},
    {"1.5k", UNTOUCHED},
    {"1kk", UNTOUCHED},
    {"1p", UNTOUCHED},
    {"0x10", UNTOUCHED},
    {"1ki", UNTOUCHED},
};

static const struct row duration_rows[] = {
    {"0", 0},
    {"500ms", 500},
    {"10s", 10000},
    {"5m", 300000},
    {"1h", 3600000},
    {"7d", 604800000},
    {"7D", 604800000},
    {"0s", 0},
    {"5", UNTOUCHED},
    {"00", UNTOUCHED},
    {"s", UNTOUCHED},
    {"1w", UNTOUCHED},
    {"1us", UNTOUCHED},
    {"-1s", UNTOUCHED},
    {"1.5s", UNTOUCHED},
    {"18446744073709551615d", UNTOUCHED},
};

static const struct row number_rows[] = {
    {"0", 0},          {"42", 42},        {"007", 7},        {"", UNTOUCHED},
    {"4 ", UNTOUCHED}, {"-4", UNTOUCHED}, {"4k", UNTOUCHED}, {"99999999999999999999", UNTOUCHED},
};

static void check_rows(const struct row *rows, size_t count,
                       bool (*parse)(const char *, uint64_t *))
{
    for (size_t i = 0; i < count; i++) {
        uint64_t value = UNTOUCHED;
        const bool good = parse(rows[i].text, &value);
        if (good != (rows[i].value != UNTOUCHED) || value != rows[i].value)
            fail_msg("\"%s\" gave %d and %llu", rows[i].text, good, (unsigned long long)value);
    }
    uint64_t value = UNTOUCHED;
    assert_false(parse(NULL, &value));
    assert_int_equal(value, UNTOUCHED);
}

#define ROWS(rows) (rows), sizeof(rows) / sizeof *(rows)

static void test_bytes(void **state)
{
    (void)state;
    check_rows(ROWS(byte_rows), weftp_parse_bytes);
}

static void test_durations(void **state)
{
    (void)state;
    check_rows(ROWS(duration_rows), weftp_parse_duration_ms);
}

static void test_numbers(void **state)
{
    (void)state;
    check_rows(ROWS(number_rows), weftp_parse_u64);
}

static void test_switches(void **state)
{
    static const char *const on[] = {"on", "ON", "true", "True", "yes", "1"};
    static const char *const off[] = {"off", "false", "FALSE", "no", "No", "0"};
    static const char *const bad[] = {"", "o", "onn", "2", "y", "truee", " on", NULL};
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        bool value = false;
        assert_true(weftp_parse_bool(on[i], &value) && value);
        assert_true(weftp_parse_bool(off[i], &value) && !value);
    }
    for (size_t i = 0; i < 8; i++) {
        bool value = true;
        assert_false(weftp_parse_bool(bad[i], &value));
        assert_true(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_durations),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
