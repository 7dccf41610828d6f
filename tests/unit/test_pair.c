#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/record/pair.h"

static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;

/* A growing context: each step replaces `set` by a set over it. */
static struct weftp_pair_set *set;

static unsigned put(const weft_field *fields, size_t count)
{
    struct weftp_pair_set *next = NULL;
    unsigned rejected = 99;
    assert_int_equal(weftp_pairs_put(&next, set, fields, count, &limits, &rejected), WEFT_OK);
    weftp_pairs_unref(set);
    set = next;
    return rejected;
}

static unsigned prepend(const weft_field *fields, size_t count)
{
    struct weftp_pair_set *next = NULL;
    unsigned rejected = 99;
    assert_int_equal(weftp_pairs_prepend(&next, set, fields, count, &limits, &rejected), WEFT_OK);
    weftp_pairs_unref(set);
    set = next;
    return rejected;
}

static unsigned put_one(weft_field field)
{
    return put(&field, 1);
}

static const struct weft_pair *find(const char *key)
{
    return weftp_pairs_find(set->pairs, set->count, key, strlen(key));
}

static const char *json_of(const char *key)
{
    const struct weft_pair *pair = find(key);
    assert_non_null(pair);
    return pair->json;
}

/* All keys in their order, with a blank between. */
static const char *order(void)
{
    static char text[1024];
    text[0] = '\0';
    for (uint32_t i = 0; i < set->count; i++) {
        if (i) strncat(text, " ", sizeof text - strlen(text) - 1);
        strncat(text, set->pairs[i].field.key, sizeof text - strlen(text) - 1);
    }
    return text;
}

/* What encoder.h promises of every pair, and that all text lies in the block. */
static void check_form(void)
{
    size_t total = 0;
    const char *start = (const char *)(set->pairs + set->count), *end = start + set->text_size;
    for (uint32_t i = 0; i < set->count; i++) {
        const struct weft_pair *pair = &set->pairs[i];
        const weft_field *field = &pair->field;
        assert_int_equal(strlen(field->key), field->key_size);
        assert_int_equal(strlen(pair->json), pair->json_size);
        assert_int_equal(pair->json[0], '"');
        assert_int_equal(pair->json[pair->key_json_size - 1], ':');
        assert_true(field->key >= start && field->key < end);
        assert_true(pair->json >= start && pair->json + pair->json_size < end);
        assert_ptr_equal(weftp_pairs_find(set->pairs, set->count, field->key, field->key_size),
                         pair);
        total += field->key_size;
        if (field->type == WEFT_TYPE_STR || field->type == WEFT_TYPE_BYTES) {
            const char *value = field->v.p;
            assert_true(value >= start && value + field->size < end);
            assert_int_equal(value[field->size], '\0');
            total += field->size;
        } else if (field->type == WEFT_TYPE_JSON) {
            assert_ptr_equal(field->v.p, pair->json + pair->key_json_size);
            assert_int_equal(field->size, pair->json_size - pair->key_json_size);
            total += field->size;
        } else {
            total += 8;
        }
    }
    assert_int_equal(set->total_size, total);
}

static int drop_set(void **state)
{
    (void)state;
    weftp_pairs_unref(set);
    set = NULL;
    return 0;
}

static void test_types_keep_value_and_text(void **state)
{
    (void)state;
    const struct timespec when = {1795328954, 123456000};
    const weft_field fields[] = {
        weft_str("s", "a\"b\n"),     weft_strn("n", "x\0y", 3),
        weft_int("i", INT64_MIN),    weft_uint("u", UINT64_MAX),
        weft_double("d", 12.5),      weft_double("nan", NAN),
        weft_bool("t", true),        weft_null("z"),
        weft_bytes("b", "abc", 3),   weft_time("w", when),
        weft_duration_ns("e", 1500), weft_json("j", " { \"a\" : 1 } "),
        weft_str("empty", ""),       weft_errno("err", 2),
        weft_str("utf", "\xff"),
    };
    assert_int_equal(put(fields, sizeof fields / sizeof fields[0]), 0);
    check_form();
    assert_int_equal(set->count, 15);
    assert_string_equal(json_of("s"), "\"s\":\"a\\\"b\\n\"");
    assert_string_equal(find("s")->field.v.p, "a\"b\n");
    assert_int_equal(find("s")->field.size, 4);
    assert_string_equal(json_of("n"), "\"n\":\"x\\u0000y\"");
    assert_memory_equal(find("n")->field.v.p, "x\0y", 4);
    assert_string_equal(json_of("i"), "\"i\":-9223372036854775808");
    assert_true(find("i")->field.v.i == INT64_MIN);
    assert_string_equal(json_of("u"), "\"u\":18446744073709551615");
    assert_string_equal(json_of("d"), "\"d\":12.5");
    assert_true(find("d")->field.v.d == 12.5);
    assert_string_equal(json_of("nan"), "\"nan\":\"NaN\"");
    assert_string_equal(json_of("t"), "\"t\":true");
    assert_string_equal(json_of("z"), "\"z\":null");
    assert_string_equal(json_of("b"), "\"b\":\"YWJj\"");
    assert_memory_equal(find("b")->field.v.p, "abc", 3);
    assert_string_equal(json_of("w"), "\"w\":\"2026-11-22T06:29:14.123456Z\"");
    assert_string_equal(json_of("e"), "\"e\":0.0015");
    assert_string_equal(json_of("j"), "\"j\":{\"a\":1}");
    assert_int_equal(find("j")->field.type, WEFT_TYPE_JSON);
    assert_string_equal(json_of("empty"), "\"empty\":\"\"");
    assert_string_equal(json_of("utf"), "\"utf\":\"\xEF\xBF\xBD\"");
    assert_memory_equal(find("utf")->field.v.p, "\xff", 2);
}

static void test_containers_become_json(void **state)
{
    (void)state;
    const weft_field inner[] = {weft_int("a", 1), weft_str("b", "x"), weft_none()};
    const weft_field open[] = {weft_int("", 1), weft_bool("", false), weft_end_()};
    const weft_field error[] = {weft_str("type", "E"), weft_str("message", "m"),
                                weft_str("stack_trace", NULL)};
    const weft_field fields[] = {weft_objn("o", inner, 3), weft_arrn("l", open, WEFT_SIZE_UNKNOWN_),
                                 weft_error_field_(error), weft_objn("none", NULL, 0),
                                 weft_objn("hollow", inner, 0)};
    assert_int_equal(put(fields, 5), 0);
    check_form();
    assert_string_equal(json_of("o"), "\"o\":{\"a\":1,\"b\":\"x\"}");
    assert_string_equal(json_of("l"), "\"l\":[1,false]");
    assert_string_equal(json_of("error"), "\"error\":{\"type\":\"E\",\"message\":\"m\"}");
    assert_string_equal(json_of("none"), "\"none\":null");
    assert_int_equal(find("none")->field.type, WEFT_TYPE_NULL);
    assert_string_equal(json_of("hollow"), "\"hollow\":{}");
    assert_int_equal(find("o")->field.type, WEFT_TYPE_JSON);
    assert_string_equal(weftp_pair_text(find("o")), "{\"a\":1,\"b\":\"x\"}");
}

static void test_json_that_is_none_is_a_string(void **state)
{
    (void)state;
    assert_int_equal(put_one(weft_json("j", "{\"a\":")), 0);
    check_form();
    assert_string_equal(json_of("j"), "\"j\":\"{\\\"a\\\":\"");
}

static void test_null_pointers_are_null(void **state)
{
    (void)state;
    const weft_field fields[] = {weft_str("s", NULL), weft_bytes("b", NULL, 0),
                                 weft_json("j", NULL), weft_arrn("a", NULL, 0)};
    assert_int_equal(put(fields, 4), 0);
    check_form();
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(set->pairs[i].field.type, WEFT_TYPE_NULL);
        assert_string_equal(weftp_pair_text(&set->pairs[i]), "null");
    }
}

static void test_put_keeps_places(void **state)
{
    (void)state;
    const weft_field first[] = {weft_str("a", "1"), weft_str("b", "2"), weft_str("c", "3")};
    const weft_field second[] = {weft_str("d", "4"), weft_int("b", 20), weft_str("e", "5")};
    put(first, 3);
    put(second, 3);
    check_form();
    assert_string_equal(order(), "a b c d e");
    assert_string_equal(json_of("b"), "\"b\":20");
    assert_string_equal(json_of("c"), "\"c\":\"3\"");
}

static void test_put_replaces_several_in_any_order(void **state)
{
    (void)state;
    const weft_field first[] = {weft_str("a", "1"), weft_str("b", "2"), weft_str("c", "3"),
                                weft_str("d", "4")};
    const weft_field second[] = {weft_str("d", "D"), weft_str("a", "A"), weft_str("c", "C")};
    put(first, 4);
    put(second, 3);
    check_form();
    assert_string_equal(order(), "a b c d");
    assert_string_equal(weftp_pair_text(find("a")), "A");
    assert_string_equal(weftp_pair_text(find("b")), "2");
    assert_string_equal(weftp_pair_text(find("c")), "C");
    assert_string_equal(weftp_pair_text(find("d")), "D");
}

static void test_prepend_comes_in_front(void **state)
{
    (void)state;
    const weft_field first[] = {weft_str("a", "1"), weft_str("b", "2"), weft_str("c", "3")};
    const weft_field second[] = {weft_str("d", "4"), weft_int("b", 20)};
    prepend(first, 3);
    prepend(second, 2);
    check_form();
    assert_string_equal(order(), "d b a c");
    assert_string_equal(json_of("b"), "\"b\":20");
}

static void test_last_twin_holds(void **state)
{
    (void)state;
    const weft_field fields[] = {weft_str("k", "1"), weft_str("other", "x"), weft_str("k", "2"),
                                 weft_objn("k", NULL, 0), weft_int("k", 3)};
    assert_int_equal(put(fields, 5), 0);
    check_form();
    assert_string_equal(order(), "k other");
    assert_string_equal(json_of("k"), "\"k\":3");
}

static void test_end_and_none(void **state)
{
    (void)state;
    const weft_field fields[] = {weft_none(), weft_int("a", 1), weft_none(), weft_end_(),
                                 weft_int("b", 2)};
    assert_int_equal(put(fields, WEFT_SIZE_UNKNOWN_), 0);
    assert_string_equal(order(), "a");
    assert_int_equal(put(fields, 5),
                     0); /* an END ends a counted array, too: C++ call sites have it */
    assert_string_equal(order(), "a");
    assert_int_equal(put(NULL, 0), 0);
    assert_int_equal(put(NULL, WEFT_SIZE_UNKNOWN_), 0);
    assert_string_equal(order(), "a");
}

static void test_empty_set(void **state)
{
    (void)state;
    assert_int_equal(put(NULL, 0), 0);
    assert_int_equal(set->count, 0);
    check_form();
    assert_null(find("a"));
    assert_int_equal(put_one(weft_int("a", 1)), 0);
    check_form();
}

static void test_bad_keys_and_types(void **state)
{
    (void)state;
    char key_128[129], key_129[130];
    memset(key_128, 'k', 128);
    key_128[128] = '\0';
    memset(key_129, 'k', 129);
    key_129[129] = '\0';
    weft_field odd = weft_int("odd", 1);
    odd.type = 77;
    const weft_field fields[] = {weft_int(NULL, 1),    weft_int("", 1),
                                 weft_int(key_129, 1), odd,
                                 weft_int(key_128, 1), weft_int("good", 1)};
    assert_int_equal(put(fields, 6), 4);
    check_form();
    assert_int_equal(set->count, 2);
    assert_non_null(find(key_128));
    assert_null(find(key_129));
}

static void test_value_limit(void **state)
{
    (void)state;
    char *text = malloc(5000);
    assert_non_null(text);
    memset(text, 'v', 5000);
    assert_int_equal(put_one(weft_strn("a", text, 4096)), 0);
    assert_int_equal(put_one(weft_strn("a", text, 4097)), 1);
    assert_int_equal(find("a")->field.size, 4096); /* the earlier value holds */
    text[4097] = '\0';
    assert_int_equal(put_one(weft_str("b", text)), 1);
    assert_int_equal(put_one(weft_bytes("b", text, 4097)), 1);
    assert_int_equal(put_one(weft_strn("b", text, SIZE_MAX)), 1);
    assert_null(find("b"));
    check_form();
    free(text);
}

static void test_value_limit_of_objects(void **state)
{
    (void)state;
    char text[4096];
    memset(text, 'v', sizeof text);
    const weft_field fits[] = {weft_strn("k", text, 4088)}; /* {"k":"..."} takes 8 more */
    const weft_field long_one[] = {weft_strn("k", text, 4089)};
    assert_int_equal(put_one(weft_objn("o", fits, 1)), 0);
    assert_int_equal(find("o")->field.size, 4096);
    assert_int_equal(put_one(weft_objn("o2", long_one, 1)), 1);
    assert_int_equal(put_one(weft_arrn("o3", long_one, 1)), 0); /* ["..."] takes 4 */
    check_form();
    assert_string_equal(order(), "o o3");
}

static void test_raw_json_that_grows_past_the_limit(void **state)
{
    (void)state;
    char text[4097]; /* each bad byte becomes three */
    memset(text, 0xff, 4096);
    text[0] = text[4095] = '"';
    text[4096] = '\0';
    assert_int_equal(put_one(weft_json("j", text)), 1);
    check_form();
}

static void test_count_limit(void **state)
{
    (void)state;
    char key[16];
    for (int i = 0; i < 64; i++) {
        snprintf(key, sizeof key, "key_%d", i);
        assert_int_equal(put_one(weft_int(key, i)), 0);
    }
    check_form();
    assert_int_equal(put_one(weft_int("more", 1)), 1);
    assert_int_equal(put_one(weft_int("key_63", 1)), 0); /* replacing needs no place */
    assert_int_equal(set->count, 64);
    weft_field fields[100];
    char keys[100][16];
    drop_set(NULL);
    for (int i = 0; i < 100; i++) {
        snprintf(keys[i], sizeof keys[i], "k%d", i);
        fields[i] = weft_int(keys[i], i);
    }
    assert_int_equal(put(fields, 100), 36);
    assert_non_null(find("k63")); /* what comes first is kept */
    assert_null(find("k64"));
    check_form();
}

static void test_total_limit(void **state)
{
    (void)state;
    char text[4096];
    memset(text, 'v', sizeof text);
    assert_int_equal(put_one(weft_strn("a", text, 4095)), 0); /* 1 byte of key */
    assert_int_equal(put_one(weft_strn("b", text, 4095)), 0);
    assert_int_equal(set->total_size, 8192);
    assert_int_equal(put_one(weft_strn("c", text, 0)), 1);
    assert_int_equal(put_one(weft_strn("b", text, 4096)), 1);
    assert_int_equal(put_one(weft_strn("b", text, 4094)), 0);
    assert_int_equal(put_one(weft_strn("c", text, 0)), 0);
    assert_int_equal(put_one(weft_null("d")), 1); /* counts 9 */
    check_form();
}

static void test_smaller_limits(void **state)
{
    (void)state;
    const struct weftp_pair_limits small = {2, 3, 4, 10};
    const weft_field fields[] = {weft_str("long", "x"), weft_str("a", "12345"),
                                 weft_str("a", "1234"), weft_str("bb", "123"), weft_str("c", "")};
    unsigned rejected = 0;
    assert_int_equal(weftp_pairs_put(&set, NULL, fields, 5, &small, &rejected), WEFT_OK);
    assert_int_equal(rejected, 3);
    assert_string_equal(order(), "a bb");
    check_form();
}

static void test_without(void **state)
{
    (void)state;
    const weft_field fields[] = {weft_str("a", "1"), weft_json("b", "[1]"), weft_str("c", "3")};
    const char *const keys[] = {"a", "b", "c", "x", NULL};
    const char *const left[] = {"b c", "a c", "a b", "a b c", "a b c"};
    for (size_t i = 0; i < 5; i++) {
        struct weftp_pair_set *next = NULL;
        put(fields, 3);
        assert_int_equal(weftp_pairs_without(&next, set, keys[i]), WEFT_OK);
        drop_set(NULL);
        set = next;
        check_form();
        assert_string_equal(order(), left[i]);
        drop_set(NULL);
    }
    assert_int_equal(weftp_pairs_without(&set, NULL, "a"), WEFT_OK);
    assert_int_equal(set->count, 0);
}

static void test_text_of_keys_is_escaped(void **state)
{
    (void)state;
    assert_int_equal(put_one(weft_int("a\"\x01\xff", 1)), 0);
    check_form();
    assert_string_equal(set->pairs[0].json, "\"a\\\"\\u0001\xEF\xBF\xBD\":1");
    assert_int_equal(set->pairs[0].field.key_size, 4);
}

static void test_escaping_at_its_largest(void **state)
{
    (void)state;
    char text[4096], key[129];
    memset(text, 1, sizeof text);
    memset(key, 2, 128);
    key[128] = '\0';
    const weft_field fields[] = {weft_strn(key, text, 3900), weft_strn("b", text, 4096)};
    assert_int_equal(put(fields, 2), 0);
    check_form();
    assert_int_equal(set->pairs[0].key_json_size, 128 * 6 + 3);
    assert_int_equal(set->pairs[1].json_size, 4 + 4096 * 6 + 2);
    assert_int_equal(put_one(weft_int("c", 1)), 0);
    check_form();
    assert_string_equal(json_of("c"), "\"c\":1");
}

static void test_shares(void **state)
{
    (void)state;
    put_one(weft_int("a", 1));
    struct weftp_pair_set *share = weftp_pairs_ref(set);
    assert_ptr_equal(share, set);
    weftp_pairs_unref(share);
    assert_string_equal(order(), "a");
    assert_null(weftp_pairs_ref(NULL));
    weftp_pairs_unref(NULL);
}

/* A set and a plain model of it go through the same random steps. */
struct model {
    int count;
    struct {
        char key[8];
        int64_t value;
    } entries[64];
};

static void model_put(struct model *model, const char *key, int64_t value)
{
    int i = 0;
    while (i < model->count && strcmp(model->entries[i].key, key) != 0) i++;
    if (i == 64) return;
    if (i == model->count) model->count++;
    snprintf(model->entries[i].key, sizeof model->entries[i].key, "%.7s", key);
    model->entries[i].value = value;
}

static void model_remove(struct model *model, const char *key)
{
    for (int i = 0; i < model->count; i++) {
        if (strcmp(model->entries[i].key, key) != 0) continue;
        memmove(&model->entries[i], &model->entries[i + 1],
                (size_t)(model->count - i - 1) * sizeof model->entries[0]);
        model->count--;
        return;
    }
}

/* A set's serial is its own; what is no whole set has none. */
static void test_serials(void **state)
{
    (void)state;
    uint64_t last = WEFTP_PAIRS_NONE;
    for (int i = 0; i < 3000; i++) { /* more than a thread takes at a time */
        struct weftp_pair_set *next = NULL;
        weft_field fields[] = {weft_str("a", "1"), weft_int("b", 2)};
        assert_int_equal(weftp_pairs_put(&next, NULL, fields, 2, &limits, NULL), WEFT_OK);
        assert_true(weftp_pairs_serial(next->pairs, 2) > last);
        last = next->serial;
        weftp_pairs_unref(set);
        set = next;
    }
    struct weft_pair pairs[2] = {set->pairs[0], set->pairs[1]};
    struct weft_pair *volatile copy = pairs; /* compilers warn of what does not come to pass */
    assert_true(weftp_pairs_serial(set->pairs, 2) == set->serial);
    assert_true(weftp_pairs_serial(set->pairs, 1) == WEFTP_PAIRS_UNKNOWN);
    assert_true(weftp_pairs_serial(set->pairs + 1, 1) == WEFTP_PAIRS_UNKNOWN);
    assert_true(weftp_pairs_serial(copy, 2) == WEFTP_PAIRS_UNKNOWN);
    assert_true(weftp_pairs_serial(NULL, 0) == WEFTP_PAIRS_NONE);
}

static void test_random_steps(void **state)
{
    (void)state;
    struct model model = {0};
    unsigned seed = 7;
    put(NULL, 0);
    for (int step = 0; step < 20000; step++) {
        char keys[4][8];
        weft_field fields[4];
        const int n = rand_r(&seed) % 5;
        for (int i = 0; i < n; i++) {
            const int64_t value = rand_r(&seed);
            snprintf(keys[i], sizeof keys[i], "k%d", rand_r(&seed) % 80);
            fields[i] = value % 2 ? weft_int(keys[i], value) : weft_str(keys[i], "text");
            model_put(&model, keys[i], value % 2 ? value : -1);
        }
        if (n == 0) {
            struct weftp_pair_set *next = NULL;
            snprintf(keys[0], sizeof keys[0], "k%d", rand_r(&seed) % 80);
            model_remove(&model, keys[0]);
            assert_int_equal(weftp_pairs_without(&next, set, keys[0]), WEFT_OK);
            weftp_pairs_unref(set);
            set = next;
        } else {
            put(fields, (size_t)n);
        }
        assert_int_equal(set->count, model.count);
        for (int i = 0; i < model.count; i++) {
            const weft_field *field = &set->pairs[i].field;
            assert_string_equal(field->key, model.entries[i].key);
            if (model.entries[i].value < 0)
                assert_string_equal(field->v.p, "text");
            else
                assert_true(field->v.i == model.entries[i].value);
        }
        if (step % 64 == 0) check_form();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_types_keep_value_and_text, drop_set),
        cmocka_unit_test_teardown(test_containers_become_json, drop_set),
        cmocka_unit_test_teardown(test_json_that_is_none_is_a_string, drop_set),
        cmocka_unit_test_teardown(test_null_pointers_are_null, drop_set),
        cmocka_unit_test_teardown(test_put_keeps_places, drop_set),
        cmocka_unit_test_teardown(test_put_replaces_several_in_any_order, drop_set),
        cmocka_unit_test_teardown(test_prepend_comes_in_front, drop_set),
        cmocka_unit_test_teardown(test_last_twin_holds, drop_set),
        cmocka_unit_test_teardown(test_end_and_none, drop_set),
        cmocka_unit_test_teardown(test_empty_set, drop_set),
        cmocka_unit_test_teardown(test_bad_keys_and_types, drop_set),
        cmocka_unit_test_teardown(test_value_limit, drop_set),
        cmocka_unit_test_teardown(test_value_limit_of_objects, drop_set),
        cmocka_unit_test_teardown(test_raw_json_that_grows_past_the_limit, drop_set),
        cmocka_unit_test_teardown(test_count_limit, drop_set),
        cmocka_unit_test_teardown(test_total_limit, drop_set),
        cmocka_unit_test_teardown(test_smaller_limits, drop_set),
        cmocka_unit_test_teardown(test_without, drop_set),
        cmocka_unit_test_teardown(test_text_of_keys_is_escaped, drop_set),
        cmocka_unit_test_teardown(test_escaping_at_its_largest, drop_set),
        cmocka_unit_test_teardown(test_shares, drop_set),
        cmocka_unit_test_teardown(test_serials, drop_set),
        cmocka_unit_test_teardown(test_random_steps, drop_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
