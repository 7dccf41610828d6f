/*
 * W3C Baggage: members that are kept and dropped, limits, what goes on, and what becomes plain
 * values and back.
 */
#include "tests/unit/carrier.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "src/propagate/percent.h"
#include "src/propagate/propagate.h"
#include "src/propagate/registry.h"

#define SIZE_LIMIT 8192

static const char *const no_keys[] = {NULL};

static void extract(struct weft_propagated *context, struct carrier *carrier,
                    const char *const *keys, size_t key_count)
{
    weftp_propagated_init(context);
    context->baggage_keys = keys;
    context->baggage_key_count = (uint32_t)key_count;
    assert_int_equal(weftp_propagator_baggage.extract(NULL, context, &carrier_getter, carrier),
                     WEFT_OK);
}

/* What goes on of a carrier; "" for nothing. The context is given back in *context. */
static const char *carried(struct weft_propagated *context, struct carrier *carrier)
{
    static char result[SIZE_LIMIT + 1];
    extract(context, carrier, no_keys, 0);
    const struct weft_carried *found = weft_propagated_find(context, "baggage");
    const size_t size = found ? found->size : 0;
    assert_true(size <= SIZE_LIMIT);
    if (found) memcpy(result, found->value, size);
    if (found) assert_int_equal(found->of, WEFT_OF_REQUEST);
    result[size] = '\0';
    weftp_propagated_deinit(context);
    carrier_clear(carrier);
    return result;
}

static void test_members(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out;
    } rows[] = {
        {"a=1", "a=1"},
        {"a=1,b=2;p;q=3,c=", "a=1,b=2;p;q=3,c="},
        {" a\t= 1 ; p = x ,\tb = 2 ", "a=1;p=x,b=2"},
        {"a=1,,b=2,", "a=1,b=2"},
        {"a=1=2", "a=1=2"},
        {"!#$%&'*+-.^_`|~9Zz=x", "!#$%&'*+-.^_`|~9Zz=x"},
        {"a=!#$%&'()*+-./:<=>?@[]^_`{|}~", "a=!#$%&'()*+-./:<=>?@[]^_`{|}~"},
        {"a=%zz%", "a=%zz%"},            /* what stands behind a % is the reader's concern */
        {"a,b=2", "b=2"},                /* no "=" */
        {"=1,b=2", "b=2"},               /* no key */
        {"a b=1,b=2", "b=2"},            /* space in a key */
        {"a=1 2,b=2", "b=2"},            /* space in a value */
        {"a=\"1\",b=2", "b=2"},          /* quotes */
        {"a=\\,b=2", "b=2"},             /* backslash */
        {"a=\xc3\xa9,b=2", "b=2"},       /* not ASCII */
        {"a=1;,b=2", "b=2"},             /* property without a name */
        {"a=1;p q,b=2", "b=2"},          /* space in a property */
        {"a=1;p=\"x\",b=2", "b=2"},      /* a property's value */
        {"a=1;=x,b=2", "b=2"},           /* property without a name */
        {"a\x01=1,b=2", "b=2"},          /* control character */
        {"a=1\r\nX-Evil: 1,b=2", "b=2"}, /* and these */
        {"a=1\x7f,b=2\x1b[31m", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weft_propagated context;
        struct carrier carrier = CARRIER_OF("baggage", rows[i].in);
        assert_string_equal(carried(&context, &carrier), rows[i].out);
    }
}

static void test_headers_are_joined(void **state)
{
    (void)state;
    struct weft_propagated context;
    struct carrier carrier =
        CARRIER_OF("baggage", "a=1", "Baggage", "", "BAGGAGE", "b=2,bad", "baggage", " c=3 ");
    assert_string_equal(carried(&context, &carrier), "a=1,b=2,c=3");
    assert_int_equal(context.rejected, 1);
    carrier = (struct carrier){0};
    while (carrier.count < CARRIER_MAX) carrier_add(&carrier, "baggage", "");
    assert_string_equal(carried(&context, &carrier), "");
    assert_true(carrier.gets < 80); /* headers are not looked at without end */
}

/* "k=vvv", `size` bytes long. */
static void member(char *out, size_t size, char key)
{
    memset(out, 'v', size);
    out[0] = key;
    out[1] = '=';
    out[size] = '\0';
}

static void test_limits(void **state)
{
    (void)state;
    struct weft_propagated context;
    char one[SIZE_LIMIT + 2], two[SIZE_LIMIT + 2], expected[SIZE_LIMIT + 16];
    member(one, SIZE_LIMIT, 'a');
    struct carrier carrier = CARRIER_OF("baggage", one);
    assert_string_equal(carried(&context, &carrier), one);
    assert_int_equal(context.rejected, 0);

    member(one, SIZE_LIMIT - 10,
           'a'); /* 9 bytes and a comma fit, 10 do not; smaller ones behind it do */
    member(two, 10, 'b');
    carrier = CARRIER_OF("baggage", one, "baggage", two, "baggage", "c=34,d=6");
    snprintf(expected, sizeof expected, "%s,c=34,d=6", one);
    assert_string_equal(carried(&context, &carrier), expected);
    assert_int_equal(strlen(expected), SIZE_LIMIT - 1);
    assert_int_equal(context.rejected, 1);

    char many[1024] = "", first_64[1024] = "";
    for (int i = 0; i < 70; i++) {
        snprintf(many + strlen(many), sizeof many - strlen(many), "%sk%d=%d", i ? "," : "", i, i);
        if (i < 64) snprintf(first_64, sizeof first_64, "%s", many);
    }
    carrier = CARRIER_OF("baggage", many, "baggage", "late=1");
    assert_string_equal(carried(&context, &carrier), first_64);
    assert_int_equal(context.rejected, 2);
}

static void test_wanted_values(void **state)
{
    (void)state;
    static const char *const keys[] = {"user", "tenant", "bad"};
    struct weft_propagated context;
    struct carrier carrier =
        CARRIER_OF("baggage", "user=J%C3%BCrgen%20M;p=1,other=x,userx=y,use=z", "baggage",
                   "tenant=a+b%zz%4,bad=%ff%c3%28,user=second,User=no");
    extract(&context, &carrier, keys, 3);
    static const struct {
        const char *key, *value;
    } rows[] = {{"user", "J\xc3\xbcrgen M"},
                {"tenant", "a+b%zz%4"},
                {"bad", "\xef\xbf\xbd\xef\xbf\xbd("},
                {"user", "second"}};
    assert_int_equal(context.baggage_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(context.baggage[i].key_size, strlen(rows[i].key));
        assert_memory_equal(context.baggage[i].key, rows[i].key, strlen(rows[i].key));
        assert_int_equal(context.baggage[i].value_size, strlen(rows[i].value));
        assert_memory_equal(context.baggage[i].value, rows[i].value, strlen(rows[i].value));
    }
    weftp_propagated_deinit(&context);
    carrier_clear(&carrier);
}

/* ---- out ---- */

static void want(struct weft_propagated *context, const char *key, const char *value)
{
    context->baggage[context->baggage_count++] =
        (struct weft_baggage){key, value, (uint32_t)strlen(key), (uint32_t)strlen(value)};
}

/*
 * What is sent of what came in (NULL: nothing) and of a user and a tenant in the thread's context
 * (NULL: not set).
 */
static const char *sent(const char *came, const char *user, const char *tenant)
{
    static char result[SIZE_LIMIT + 1];
    struct weft_propagated context;
    struct carrier out = {0};
    weftp_propagated_init(&context);
    if (came)
        (void)weft_propagated_carry(
            &context,
            (struct weft_carried){"baggage", came, (uint32_t)strlen(came), WEFT_OF_REQUEST});
    if (user) want(&context, "user", user);
    if (tenant) want(&context, "tenant", tenant);
    assert_int_equal(weftp_propagator_baggage.inject(NULL, &context, &carrier_setter, &out),
                     WEFT_OK);
    const char *found = carrier_find(&out, "baggage");
    snprintf(result, sizeof result, "%s", found ? found : "");
    carrier_clear(&out);
    return result;
}

static void test_what_is_sent(void **state)
{
    (void)state;
    assert_string_equal(sent(NULL, NULL, NULL), "");
    assert_string_equal(sent("a=1;p=2", NULL, NULL), "a=1;p=2");
    assert_string_equal(sent(NULL, "ann", NULL), "user=ann");
    assert_string_equal(sent("a=1", "ann b", "x,y;z"), "a=1,user=ann%20b,tenant=x%2Cy%3Bz");
    assert_string_equal(sent("user=ann;p=1,a=1", "ann", NULL), "user=ann;p=1,a=1"); /* as it came */
    assert_string_equal(sent("user=%61nn,a=1", "ann", NULL), "user=%61nn,a=1");
    assert_string_equal(sent("user=%ff,a=1", "\xef\xbf\xbd", NULL), "user=%ff,a=1");
    assert_string_equal(sent("user=ann,a=1", "bob", NULL),
                        "a=1,user=bob"); /* the program's word is newer */
    assert_string_equal(sent("user=x,user=ann,user=ann", "ann", NULL), "user=ann");
    assert_string_equal(sent(NULL, "\r\nX-Evil: 1%", "\xff\xc3\xa9"),
                        "user=%0D%0AX-Evil:%201%25,tenant=%EF%BF%BD%C3%A9");
    assert_string_equal(sent(NULL, "", NULL), "user=");
}

static void test_key_that_is_no_token(void **state)
{
    (void)state;
    struct weft_propagated context;
    struct carrier out = {0};
    weftp_propagated_init(&context);
    want(&context, "user name", "x");
    want(&context, "a=b", "x");
    want(&context, "a\r\nb", "x");
    assert_int_equal(weftp_propagator_baggage.inject(NULL, &context, &carrier_setter, &out),
                     WEFT_OK);
    assert_int_equal(out.count, 0);
}

static void test_limits_out(void **state)
{
    (void)state;
    static char came[SIZE_LIMIT + 1], expected[SIZE_LIMIT + 16], large[SIZE_LIMIT];
    member(came, SIZE_LIMIT - 11, 'a');
    snprintf(expected, sizeof expected, "%s,tenant=123", came);
    assert_int_equal(strlen(expected), SIZE_LIMIT);
    assert_string_equal(sent(came, "does not fit", "123"), expected);
    assert_string_equal(sent(came, "does not fit", "1234"), came);
    memset(large, ' ', sizeof large - 1);
    assert_string_equal(sent("a=1", large, "t"), "a=1,tenant=t"); /* three bytes each, encoded */

    char many[1024] = "";
    for (int i = 0; i < 64; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "%sk%d=%d", i ? "," : "", i, i);
    assert_string_equal(sent(many, "ann", NULL), many);
    assert_string_equal(sent(strchr(many, ',') + 1, "ann", "t") + strlen(strchr(many, ',') + 1),
                        ",user=ann");
}

/* ---- percent ---- */

static void test_percent_decode_every_pair(void **state)
{
    (void)state;
    for (int high = 0; high < 256; high++)
        for (int low = 0; low < 256; low++) {
            const char text[3] = {'%', (char)high, (char)low};
            char out[6];
            const bool hex = high && low && strchr("0123456789abcdefABCDEF", high) &&
                             strchr("0123456789abcdefABCDEF", low);
            if (high >= 128 || low >= 128) continue;
            const size_t size = weftp_percent_decode(out, text, 3);
            if (!hex) {
                assert_int_equal(size, 3);
                assert_memory_equal(out, text, 3);
                continue;
            }
            char digits[3] = {(char)high, (char)low, '\0'};
            const unsigned long value = strtoul(digits, NULL, 16);
            assert_int_equal(size, value < 128 ? 1 : 3);
            assert_int_equal((unsigned char)out[0], value < 128 ? value : 0xef);
        }
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

static void test_percent_round_trip(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "a", " ", "%", ",", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\n", "\"", "=", "+"};
    unsigned seed = 3;
    for (int round = 0; round < 20000; round++) {
        char plain[256] = "", coded[768], back[2 * 768];
        for (unsigned n = next_random(&seed) % 40; n > 0; n--)
            strncat(plain, pieces[next_random(&seed) % (sizeof pieces / sizeof *pieces)], 5);
        size_t size = 0;
        assert_true(weftp_percent_encode(coded, sizeof coded, plain, strlen(plain), &size));
        for (size_t i = 0; i < size; i++)
            assert_true(coded[i] > 0x20 && coded[i] < 0x7f && coded[i] != ',');
        assert_int_equal(weftp_percent_decode(back, coded, size), strlen(plain));
        assert_memory_equal(back, plain, strlen(plain));
        assert_true(weftp_percent_same(coded, size, plain, strlen(plain)));
        if (size > 0) assert_false(weftp_percent_same(coded, size - 1, plain, strlen(plain)));
        if (plain[0]) assert_false(weftp_percent_same(coded, size, plain, strlen(plain) - 1));
        size_t cut = 0;
        if (size > 0)
            assert_false(weftp_percent_encode(back, size - 1, plain, strlen(plain), &cut));
    }
}

/* What "same" says is what comparing the decoded text says, for any bytes. */
static void test_percent_same_is_decode(void **state)
{
    (void)state;
    unsigned seed = 11;
    for (int round = 0; round < 50000; round++) {
        char text[24], plain[48];
        size_t size = next_random(&seed) % sizeof text;
        for (size_t i = 0; i < size; i++) text[i] = "%%%cefF8049aA"[next_random(&seed) % 13];
        const size_t plain_size = weftp_percent_decode(plain, text, size);
        assert_true(plain_size <= size);
        assert_true(weftp_percent_same(text, size, plain, plain_size));
        if (plain_size > 0) plain[plain_size - 1] ^= 1;
        if (plain_size > 0) assert_false(weftp_percent_same(text, size, plain, plain_size));
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    static const char *const keys[] = {"user", "tenant", "k!"};
    static const char *const values[] = {"",        "a",      "J\xc3\xbcrgen",
                                         "a,b;c=d", " \t%20", "\xf0\x9f\x98\x80"};
    unsigned seed = 5;
    for (int round = 0; round < 5000; round++) {
        struct weft_propagated sent_context, got;
        struct carrier carrier = {0};
        weftp_propagated_init(&sent_context);
        for (size_t i = 0; i < 3; i++)
            if (next_random(&seed) & 1)
                want(&sent_context, keys[i], values[next_random(&seed) % 6]);
        assert_int_equal(
            weftp_propagator_baggage.inject(NULL, &sent_context, &carrier_setter, &carrier),
            WEFT_OK);
        extract(&got, &carrier, keys, 3);
        assert_int_equal(got.baggage_count, sent_context.baggage_count);
        for (uint32_t i = 0; i < got.baggage_count; i++) {
            assert_int_equal(got.baggage[i].value_size, sent_context.baggage[i].value_size);
            assert_memory_equal(got.baggage[i].value, sent_context.baggage[i].value,
                                got.baggage[i].value_size);
            assert_memory_equal(got.baggage[i].key, sent_context.baggage[i].key,
                                got.baggage[i].key_size);
        }
        weftp_propagated_deinit(&got);
        carrier_clear(&carrier);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_members),
        cmocka_unit_test(test_headers_are_joined),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_wanted_values),
        cmocka_unit_test(test_what_is_sent),
        cmocka_unit_test(test_key_that_is_no_token),
        cmocka_unit_test(test_limits_out),
        cmocka_unit_test(test_percent_decode_every_pair),
        cmocka_unit_test(test_percent_round_trip),
        cmocka_unit_test(test_percent_same_is_decode),
        cmocka_unit_test(test_round_trip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
