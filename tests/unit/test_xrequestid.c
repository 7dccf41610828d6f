/* x-request-id: which ids are kept, which are replaced, and which value of several holds. */
#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/propagate/propagate.h"
#include "src/propagate/registry.h"

static void extract(struct weft_propagated *context, struct carrier *carrier)
{
    weftp_propagated_init(context);
    assert_int_equal(weftp_propagator_xrequestid.extract(NULL, context, &carrier_getter, carrier),
                     WEFT_OK);
}

/* True when an id is kept; it is shown as refused otherwise. */
static bool kept(const char *id, size_t size)
{
    struct weft_propagated context;
    struct carrier carrier = {0};
    carrier_add_n(&carrier, "x-request-id", id, size);
    extract(&context, &carrier);
    const bool is_kept = context.request_id != NULL;
    if (is_kept) assert_int_equal(context.request_id_size, size);
    if (is_kept) assert_memory_equal(context.request_id, id, size);
    assert_int_equal(context.rejected_id != NULL, !is_kept && size > 0);
    assert_int_equal(context.rejected, !is_kept && size > 0);
    if (context.rejected_id) {
        assert_int_equal(context.rejected_id_size, size < 256 ? size : 256);
        assert_memory_equal(context.rejected_id, id, context.rejected_id_size);
    }
    carrier_clear(&carrier);
    return is_kept;
}

static void test_every_byte(void **state)
{
    (void)state;
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:#=+/-";
    for (int c = 0; c < 256; c++) {
        const char text[3] = {'a', (char)c, 'b'};
        const bool expected = c != 0 && strchr(allowed, c);
        if (kept(text, 3) != expected || kept(text + 1, 1) != expected)
            fail_msg("byte %02x", (unsigned)c);
    }
}

static void test_sizes(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'a', sizeof text);
    for (size_t size = 0; size <= sizeof text; size++)
        assert_int_equal(kept(text, size), size >= 1 && size <= 128);
}

static void test_first_value_holds(void **state)
{
    (void)state;
    struct weft_propagated context;
    struct carrier carrier = CARRIER_OF("x-request-id", "first", "X-Request-ID", "second");
    extract(&context, &carrier);
    assert_int_equal(context.request_id_size, 5);
    assert_memory_equal(context.request_id, "first", 5);
    carrier_clear(&carrier);

    carrier = CARRIER_OF("X-REQUEST-ID", "", "x-request-id", "second"); /* empty is absent */
    extract(&context, &carrier);
    assert_memory_equal(context.request_id, "second", 6);
    carrier_clear(&carrier);

    carrier = CARRIER_OF("x-request-id", "a b", "x-request-id", "second"); /* bad is not */
    extract(&context, &carrier);
    assert_null(context.request_id);
    assert_memory_equal(context.rejected_id, "a b", 3);
    carrier_clear(&carrier);
}

static void test_many_empty_values(void **state)
{
    (void)state;
    struct weft_propagated context;
    struct carrier carrier = {0};
    while (carrier.count < CARRIER_MAX) carrier_add(&carrier, "x-request-id", "");
    extract(&context, &carrier);
    assert_null(context.request_id);
    assert_null(context.rejected_id);
    assert_true(carrier.gets < 20);
    carrier_clear(&carrier);
}

static void test_out(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        size_t size;
        bool sent;
    } rows[] = {{"r-42", 4, true},
                {"", 0, false},
                {"a b", 3, false},
                {"a\r\nX-Evil: 1", 12, false},
                {"a\0b", 3, false}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weft_propagated context;
        struct carrier carrier = CARRIER_OF("X-Request-ID", "old");
        weftp_propagated_init(&context);
        context.request_id = rows[i].id;
        context.request_id_size = (uint32_t)rows[i].size;
        assert_int_equal(
            weftp_propagator_xrequestid.inject(NULL, &context, &carrier_setter, &carrier), WEFT_OK);
        assert_int_equal(carrier.count, 1); /* replaced */
        assert_string_equal(carrier_find(&carrier, "x-request-id"),
                            rows[i].sent ? rows[i].id : "old");
        carrier_clear(&carrier);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_first_value_holds),
        cmocka_unit_test(test_many_empty_values),
        cmocka_unit_test(test_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
