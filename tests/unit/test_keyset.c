/* Keys: the quick look at one, what one looks like when it is printed, and who has a name. */
#include "src/encode/ecs_names.h"
#include "src/encode/keyset.h"
#include "src/encode/known.h"
#include "src/encode/names.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned flags_by_the_byte(const char *key, size_t size)
{
    unsigned flags = 0;
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)key[i];
        if (c < 0x20 || c > 0x7f || c == '"' || c == '\\') flags |= WEFTP_KEY_ESCAPED;
        if (c == '.' || c == '*' || c == '\\') flags |= WEFTP_KEY_MARKED;
    }
    return flags;
}

/* Each byte at each place of keys of each length, in memory that ends where the key ends. */
static void test_look_finds_every_byte(void **state)
{
    (void)state;
    for (size_t size = 1; size <= 50; size++) {
        char *key = malloc(size);
        assert_non_null(key);
        for (size_t at = 0; at < size; at++) {
            memset(key, 'k', size);
            for (unsigned c = 1; c < 256; c++) {
                key[at] = (char)c;
                assert_int_equal(weftp_key_look(key, size).flags, flags_by_the_byte(key, size));
            }
        }
        free(key);
    }
}

static void test_look_hashes_what_is_there(void **state)
{
    char text[128];
    unsigned alike = 0;
    (void)state;
    for (size_t size = 1; size <= 40; size++) {
        memset(text, 'a', sizeof text);
        const uint32_t hash = weftp_key_look(text, size).hash;
        memset(text + size + 3, 'b', 8); /* what follows does not matter */
        memmove(text + 3, text, size);   /* nor does the place */
        assert_int_equal(weftp_key_look(text + 3, size).hash, hash);
        for (size_t at = 0; at < size; at++) {
            text[3 + at] = 'z';
            alike += weftp_key_look(text + 3, size).hash == hash;
            text[3 + at] = 'a';
        }
    }
    assert_int_equal(alike, 0); /* one changed byte changes the hash: true of these keys */
}

static struct weftp_entry make_entry(const char *key, unsigned flags)
{
    struct weftp_entry entry = {
        .key = key, .key_size = (uint16_t)strlen(key), .flags = (uint16_t)flags};
    entry.flags |= (uint16_t)weftp_key_look(key, entry.key_size).flags;
    weftp_entry_rehash(&entry);
    return entry;
}

static void check_text(const char *key, unsigned flags, uint16_t suffix, const char *expected)
{
    char text[WEFTP_ENTRY_TEXT_MAX];
    struct weftp_entry entry = make_entry(key, flags);
    entry.suffix = suffix;
    const size_t size = weftp_entry_text(&entry, text);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(text, expected, size);
}

static void test_text(void **state)
{
    (void)state;
    check_text("plain", 0, 0, "plain");
    check_text("plain", 0, 12, "plain_12");
    check_text("a.b*c\\d", 0, 0, "a.b*c\\d");
    check_text("a.b*c\\d", WEFTP_ENTRY_REPLACED, 1, "a_b_c_d_1");
    check_text("\xc3\xa9\xff\xf0\x9f\x98.", 0, 0, "\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd.");
    check_text("q\"\n", 0, 65535, "q\"\n_65535");
}

/* The longest key, each byte of which is repaired, has room. */
static void test_longest_text(void **state)
{
    char key[1025], text[WEFTP_ENTRY_TEXT_MAX];
    (void)state;
    memset(key, 0xff, 1024);
    key[1024] = '\0';
    struct weftp_entry entry = make_entry(key, 0);
    entry.suffix = 65535;
    assert_int_equal(weftp_entry_text(&entry, text), 3 * 1024 + 6);
}

struct set {
    struct weftp_keyset keys;
    struct weftp_entry entries[64];
    uint16_t slots[128];
    uint32_t count;
};

static void set_init(struct set *set)
{
    memset(set, 0, sizeof *set);
    set->keys.entries = set->entries;
    set->keys.slots = set->slots;
    set->keys.mask = 127;
}

/* Returns who has the name. */
static uint32_t claim(struct set *set, struct weftp_entry entry)
{
    set->entries[set->count] = entry;
    return weftp_keyset_claim(&set->keys, set->count++);
}

static void test_claims(void **state)
{
    struct set set;
    (void)state;
    set_init(&set);
    struct weftp_entry elsewhere = make_entry("a", 0);
    elsewhere.space = 2;
    weftp_entry_rehash(&elsewhere);
    assert_int_equal(claim(&set, make_entry("a", 0)), 0);
    assert_int_equal(claim(&set, make_entry("b", 0)), 1);
    assert_int_equal(claim(&set, make_entry("a", 0)), 0);
    assert_int_equal(claim(&set, elsewhere), 3);
    assert_int_equal(claim(&set, make_entry("x.y", WEFTP_ENTRY_REPLACED)), 4);
    assert_int_equal(claim(&set, make_entry("x_y", 0)), 4);
    assert_int_equal(claim(&set, make_entry("x.y", 0)), 6);
    assert_int_equal(claim(&set, make_entry("\xff", 0)), 7);
    assert_int_equal(claim(&set, make_entry("\xfe", 0)), 7);
    assert_int_equal(claim(&set, make_entry("\xef\xbf\xbd", 0)), 7);
    struct weftp_entry renamed = make_entry("a", 0);
    renamed.suffix = 1;
    weftp_entry_rehash(&renamed);
    assert_int_equal(claim(&set, renamed), 10);
    assert_int_equal(claim(&set, make_entry("a_1", 0)), 10);
    const struct weftp_entry unknown = make_entry("c", 0), b = make_entry("b", 0);
    assert_int_equal(weftp_keyset_holder(&set.keys, &unknown), -1);
    assert_int_equal(weftp_keyset_holder(&set.keys, &b), 1);
}

/* Equal hashes are no equal keys. */
static void test_colliding_hashes(void **state)
{
    static const char *const keys[] = {
        "a", "b", "c", "a.b", "\xff", "a_1", "long key of more than sixteen"};
    struct set set;
    (void)state;
    set_init(&set);
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 7; i++) {
            struct weftp_entry entry = make_entry(keys[i], 0);
            entry.hash = 127; /* the last slot, so that the search wraps */
            assert_int_equal(claim(&set, entry), i);
        }
    }
}

static void test_names(void **state)
{
    struct weftp_names names;
    const struct weftp_name message = {.key = "message", .key_size = 7, .when = 1};
    const struct weftp_name nested = {.key = "message", .key_size = 7, .when = 2, .space = 3};
    const struct weftp_name again = {.key = "message", .key_size = 7, .when = 4};
    const struct weftp_name dotted = {.key = "a.b", .key_size = 3, .when = 1, .type = 'k'};
    const struct weftp_name more = {.key = "more", .key_size = 4, .when = 1};
    (void)state;
    assert_int_equal(weftp_names_init(&names, 3), WEFT_OK);
    weftp_names_add(&names, &message);
    weftp_names_add(&names, &nested);
    weftp_names_add(&names, &again);
    weftp_names_add(&names, &dotted);
    weftp_names_add(&names, &more); /* there is no room */
    assert_int_equal(names.count, 3);
    const uint32_t hash = weftp_key_look("message", 7).hash;
    const struct weftp_name *top = weftp_names_find(&names, "message", 7, hash, 0);
    assert_non_null(top);
    assert_int_equal(top->when, 5);
    const struct weftp_name *inner =
        weftp_names_find(&names, "message", 7, hash ^ weftp_space_salt(3), 3);
    assert_non_null(inner);
    assert_int_equal(inner->when, 2);
    assert_null(weftp_names_find(&names, "message", 7, hash ^ weftp_space_salt(1), 1));
    assert_null(weftp_names_find(&names, "massage", 7, hash, 0)); /* the hash alone is not enough */
    assert_null(weftp_names_find(&names, "more", 4, weftp_key_look("more", 4).hash, 0));
    weftp_names_deinit(&names);
}

static bool is_front_of(const char *a, const char *b)
{
    const size_t size = strlen(a);
    return strncmp(a, b, size) == 0 && b[size] == '.';
}

/* No name is both a value and an object, and none is an object that the format opens itself. */
static void test_names_of_the_schema(void **state)
{
    static const char *const objects[] = {"labels", "numeric_labels", "custom", "message",
                                          "@timestamp"};
    (void)state;
    for (const struct weftp_known_field *a = weftp_ecs_names; a->name; a++) {
        assert_true(strlen(a->name) < 64);
        assert_non_null(strchr("klfdi", a->type));
        if (a[1].name) assert_true(strcmp(a->name, a[1].name) < 0);
        for (const struct weftp_known_field *b = weftp_ecs_names; b->name; b++) {
            assert_false(is_front_of(a->name, b->name));
        }
        for (size_t i = 0; i < sizeof objects / sizeof objects[0]; i++) {
            assert_string_not_equal(a->name, objects[i]);
            assert_false(is_front_of(objects[i], a->name));
        }
    }
}

static void test_types_of_the_schema(void **state)
{
    const weft_field text = weft_str("k", "::1"), none = weft_str("k", NULL),
                     number = weft_int("k", 1);
    const weft_field large = weft_uint("k", UINT64_MAX), real = weft_double("k", 0.5);
    const weft_field nan = weft_double("k", (double)__builtin_nan("")), yes = weft_bool("k", true);
    const weft_field when = weft_time("k", (struct timespec){0, 0});
    (void)state;
    assert_true(weftp_known_accepts('k', &text, false));
    assert_false(weftp_known_accepts('k', &none, false));
    assert_false(weftp_known_accepts('k', &number, false));
    assert_true(weftp_known_accepts('k', &number, true));
    assert_true(weftp_known_accepts('l', &number, false));
    assert_false(weftp_known_accepts('l', &number, true));
    assert_false(weftp_known_accepts('l', &large, false));
    assert_false(weftp_known_accepts('l', &real, false));
    assert_true(weftp_known_accepts('f', &real, false));
    assert_true(weftp_known_accepts('f', &large, false));
    assert_false(weftp_known_accepts('f', &nan, false));
    assert_true(weftp_known_accepts('b', &yes, false));
    assert_true(weftp_known_accepts('d', &when, false));
    assert_false(weftp_known_accepts('d', &text, false));
    assert_true(weftp_known_accepts('i', &text, false));
    assert_false(weftp_known_accepts('i', &none, false));
    assert_false(weftp_known_accepts('?', &text, false));
}

static void test_addresses(void **state)
{
    static const char *const good[] = {"1.2.3.4", "::", "fe80::1", "2001:db8::FF",
                                       "::ffff:1.2.3.4"};
    static const char *const bad[] = {"",           "-",       "1.2.3",     "localhost",
                                      "1.2.3.4:80", "unknown", "a.b.c.d.e", "12"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        const weft_field field = weft_str("client.ip", good[i]);
        assert_true(weftp_known_accepts('i', &field, false));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const weft_field field = weft_str("client.ip", bad[i]);
        if (weftp_known_accepts('i', &field, false)) fail_msg("%s is no address", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_look_finds_every_byte),
                                       cmocka_unit_test(test_look_hashes_what_is_there),
                                       cmocka_unit_test(test_text),
                                       cmocka_unit_test(test_longest_text),
                                       cmocka_unit_test(test_claims),
                                       cmocka_unit_test(test_colliding_hashes),
                                       cmocka_unit_test(test_names),
                                       cmocka_unit_test(test_names_of_the_schema),
                                       cmocka_unit_test(test_types_of_the_schema),
                                       cmocka_unit_test(test_addresses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
