#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "support/literal_keys.h"

#include "src/base/out.h"
#include "src/encode/registry.h"
#include "src/record/key_list.h"
#include "src/record/packed_form.h"
#include "src/record/pair.h"
#include "src/record/sites.h"
#include "src/record/templates.h"

#define ROOM 4096

static struct weft_record record_of(const weft_site *site, const weft_field *fields, size_t count)
{
    return (struct weft_record){.struct_size = sizeof(struct weft_record),
                                .time_ns = 1,
                                .level = WEFT_LEVEL_INFO,
                                .logger = "l",
                                .logger_size = 1,
                                .thread = "t",
                                .thread_size = 1,
                                .message = "m",
                                .message_size = 1,
                                .site = site,
                                .fields = fields,
                                .field_count = count};
}

static char bytes[ROOM];
static size_t packed_size;
static weft_field room_fields[64];
static struct weft_pair room_pairs[8];
static struct weftp_unpacked view;

static weft_status unpack_with(unsigned options, const struct weftp_key_lists *lists)
{
    const struct weftp_unpack_room room = {.options = options,
                                           .fields = room_fields,
                                           .field_count = 64,
                                           .pairs = room_pairs,
                                           .pair_count = 8,
                                           .lists = lists};
    return weftp_record_unpack(bytes, packed_size, &room, &view);
}

static weft_status unpack(unsigned options)
{
    return unpack_with(options, NULL);
}

static unsigned template_number(void)
{
    return ((const struct weftp_packed_head *)(const void *)bytes)->template_number;
}

static void assert_same_field(const weft_field *a, const weft_field *b)
{
    assert_int_equal(a->type, b->type);
    assert_string_equal(a->key, b->key);
    assert_int_equal(a->reserved, 0);
    if (a->type != WEFT_TYPE_STR || !a->v.p) {
        assert_true(a->v.u == b->v.u);
        return;
    }
    const size_t size = b->size == WEFT_SIZE_UNKNOWN_ ? strlen(b->v.p) : b->size;
    assert_int_equal(a->size, size);
    assert_memory_equal(a->v.p, b->v.p, size);
}

static void encode(const struct weft_record *record, void *self, struct weft_out *out)
{
    weftp_out_init(out, 65536);
    weftp_encoders_builtin[0]->encode(self, record, NULL, out);
    assert_false(out->overflow);
}

/* As the call's own, as unpacked, and as one without a site: the same line. */
static void assert_same_lines(const struct weft_record *record)
{
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    const struct weft_encoder_options options = {
        .struct_size = sizeof options, .host = "h", .options = none};
    static void *self; /* of all records, as shapes are kept in it */
    struct weft_record bare = *record;
    struct weft_out out[3];
    if (!self) assert_int_equal(weftp_encoders_builtin[0]->open(&self, &options), WEFT_OK);
    bare.site = NULL;
    for (int round = 0; round < 2; round++) {
        encode(record, self, &out[0]);
        encode(&view.record, self, &out[1]);
        encode(&bare, self, &out[2]);
        const size_t size = weftp_out_size(&out[2]);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(weftp_out_size(&out[i]), size);
            assert_memory_equal(out[i].data, out[2].data, size);
        }
        for (int i = 0; i < 3; i++) weftp_out_deinit(&out[i]);
    }
}

/* What is read without trust, with the list that a file would have, is the same. */
static void assert_same_from_list(const weft_field *fields, size_t count)
{
    char list[WEFTP_KEY_LIST_MAX];
    const char *by_number[64] = {NULL};
    const struct weftp_key_lists lists = {by_number, 64};
    const uint32_t number = template_number();
    assert_in_range(number, 1, 63);
    const struct weftp_template *known = weftp_template_at(number);
    const size_t size = weftp_key_list_size(known);
    weftp_key_list_lay(list, known);
    for (size_t less = 0; less < size; less++)
        assert_int_equal(weftp_key_list_check(list, less), 0);
    assert_int_equal(weftp_key_list_check(list, sizeof list), size);
    assert_int_equal(unpack_with(0, &lists), WEFT_EINVAL);
    by_number[number] = list;
    assert_int_equal(unpack_with(0, &lists), WEFT_OK);
    assert_int_equal(view.record.field_count, count);
    assert_null(view.record.site);
    for (size_t i = 0; i < count; i++) assert_same_field(&view.record.fields[i], &fields[i]);
}

/* Pack and unpack; returns the number of the template that was used. */
static unsigned through(const weft_site *site, const weft_field *fields, size_t count)
{
    struct weft_record record = record_of(site, fields, count);
    memset(bytes, 0xA5, sizeof bytes);
    assert_int_equal(
        weftp_record_pack(&record, WEFTP_PACK_SITE_BY_ID, bytes, sizeof bytes, &packed_size),
        WEFT_OK);
    assert_int_equal(unpack(WEFTP_UNPACK_TRUSTED), WEFT_OK);
    size_t n = 0;
    while (n < count && fields[n].type != WEFT_TYPE_END_) n++;
    assert_int_equal(view.record.field_count, n);
    for (size_t i = 0; i < n; i++) assert_same_field(&view.record.fields[i], &fields[i]);
    assert_int_equal(view.site_id, site->id);
    assert_string_equal(view.record.site->func, weftp_site_at(site->id)->func);
    record.field_count = n;
    assert_same_lines(&record);
    if (template_number() > 0) assert_same_from_list(fields, n);
    return template_number();
}

#define SITE(name)                                                                                 \
    static weft_site name = {"t.c", #name, 1, 0, 0, 0, 0};                                         \
    assert_int_not_equal(weftp_site_register(&(name)), 0)

/* What the first record had, and one that has the same keys with other values. */
static void keys_of_the_call(void **state)
{
    (void)state;
    if (!has_templates()) return;
    SITE(site);
    static const int64_t numbers[] = {0, -1, INT32_MAX, INT64_MAX, INT64_MIN, INT32_MIN};
    static const char *const texts[] = {"", "a", "abcd", "twelve bytes", "x\"y\n"};
    for (size_t i = 0; i < 30; i++) {
        const weft_field fields[] = {
            weft_str("text", texts[i % 5]),
            weft_int("number", numbers[i % 6]),
            weft_uint("count", (uint64_t)i << 40),
            weft_bool("yes", i % 2),
            weft_double("d", (double)i / 3),
            weft_strn("cut", "abcdef", i % 7),
            weft_end_(),
        };
        if (i == 0) weftp_template_learn(&site, fields, WEFT_SIZE_UNKNOWN_);
        assert_int_equal(through(&site, fields, i % 2 ? 6 : WEFT_SIZE_UNKNOWN_), site.state);
        assert_ptr_not_equal(view.record.fields[0].key, fields[0].key);
        assert_int_equal(unpack(0), WEFT_EINVAL); /* only this process knows the keys */
    }
    assert_int_equal(weftp_template_at(site.state)->count, 6);
    assert_null(weftp_template_at(0));
    assert_null(weftp_template_at(weftp_templates_count() + 1));
}

/* Anything else than the first record had goes with its keys, and is what it is. */
static void other_records_of_the_site(void **state)
{
    (void)state;
    if (!has_templates()) return;
    SITE(site);
    SITE(other);
    char same[] = "beta";
    const weft_field first[] = {weft_int("alpha", 1), weft_str("beta", "x")};
    weftp_template_learn(&site, first, 2);
    assert_int_equal(through(&site, first, 2), site.state);
    weft_field fields[4] = {first[0], first[1], weft_int("gamma", 2), weft_end_()};
    assert_int_equal(through(&site, fields, 3), 0);
    assert_int_equal(through(&site, fields, 4), 0);
    assert_int_equal(through(&site, fields, 1), 0);
    assert_int_equal(through(&site, fields, 0), 0);
    fields[0] = weft_end_();
    assert_int_equal(through(&site, fields, 4), 0);
    fields[0] = weft_none();
    fields[0].key = "alpha";
    assert_int_equal(through(&site, fields, 2), 0);
    fields[0] = weft_uint("alpha", 1);
    assert_int_equal(through(&site, fields, 2), 0);
    fields[0] = first[0];
    fields[0].key_size = 0;
    assert_int_equal(through(&site, fields, 2), 0);
    fields[0] = first[0];
    fields[1].v.p = NULL;
    assert_int_equal(through(&site, fields, 2), 0);
    fields[1] = first[1];
    fields[1].key = same;
    assert_int_equal(through(&site, fields, 2), 0);
    same[0] = 'B';
    assert_int_equal(through(&site, fields, 2), 0);
    fields[1] = first[1];
    assert_int_equal(through(&site, fields, 2), site.state);
    assert_int_equal(through(&other, fields, 2), 0);
    other.state = site.state; /* of somebody else */
    assert_int_equal(through(&other, fields, 2), 0);
    other.state = weftp_templates_count() + 1;
    assert_int_equal(through(&other, fields, 2), 0);
}

static char writable[] = "written";

/* Keys that might change, and places that might be anything tomorrow. */
static void no_template(void **state)
{
    (void)state;
    SITE(stack_key);
    SITE(data_key);
    SITE(heap_key);
    SITE(cut_key);
    SITE(with_none);
    SITE(with_object);
    SITE(nothing);
    SITE(too_many);
    char on_stack[] = "on_stack", *on_heap = strdup("on_heap");
    weft_field fields[WEFTP_TEMPLATE_FIELDS_MAX + 1];
    struct {
        weft_site *site;
        weft_field field;
    } cases[] = {
        {&stack_key, weft_int(on_stack, 1)}, {&data_key, weft_int(writable, 1)},
        {&heap_key, weft_int(on_heap, 1)},   {&cut_key, weft_int("longer", 1)},
        {&with_none, weft_none()},           {&with_object, weft_duration_ns("took", 1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if (cases[i].field.key) cases[i].field.key_size = (uint8_t)strlen(cases[i].field.key);
        if (cases[i].site == &cut_key) cases[i].field.key_size = 3;
        fields[0] = weft_int("first", 1);
        fields[1] = cases[i].field;
        weftp_template_learn(cases[i].site, fields, 2);
        assert_int_equal(cases[i].site->state, WEFTP_TEMPLATE_NONE);
    }
    weft_site on_the_stack = {"t.c", "stack", 1, 0, 0, 0, 0};
    weftp_template_learn(&on_the_stack, fields, 1);
    assert_int_equal(on_the_stack.state, WEFTP_TEMPLATE_NONE);
    weftp_template_learn(&nothing, NULL, 0);
    assert_int_equal(nothing.state, WEFTP_TEMPLATE_NONE);
    for (size_t i = 0; i <= WEFTP_TEMPLATE_FIELDS_MAX; i++) fields[i] = weft_int("k", 1);
    weftp_template_learn(&too_many, fields, WEFTP_TEMPLATE_FIELDS_MAX + 1);
    assert_int_equal(too_many.state, WEFTP_TEMPLATE_NONE);
    free(on_heap);
}

struct watched {
    uint32_t seen, last; /* how many, and the number of the last one */
    uint32_t refused;    /* a number */
    const weft_site *site;
    bool given; /* its site had the number when it was told */
};

static bool see(void *arg, const struct weftp_template *known)
{
    struct watched *watched = arg;
    watched->seen++;
    watched->last = known->site.state;
    if (watched->site && watched->site->state != 0) watched->given = true;
    return known->site.state != watched->refused;
}

/* Whoever watches knows a template before any record can name it. */
static void watched_templates(void **state)
{
    (void)state;
    if (!has_templates()) return;
    SITE(before);
    SITE(later);
    SITE(last);
    struct watched watched = {.site = &later};
    const weft_field fields[] = {weft_int("key", 1)};
    weftp_template_learn(&before, fields, 1);
    assert_true(weftp_templates_watch(see, &watched));
    assert_int_equal(watched.seen, weftp_templates_count());
    weftp_template_learn(&later, fields, 1);
    assert_int_equal(watched.last, later.state);
    assert_int_equal(watched.seen, weftp_templates_count());
    assert_false(watched.given);
    assert_int_equal(through(&before, fields, 1), before.state);
    assert_int_equal(through(&later, fields, 1), later.state);
    weftp_templates_unwatch(see, &watched);
    weftp_template_learn(&last, fields, 1);
    assert_int_equal(watched.last, later.state);
}

/* One that a watcher could not write is named by no record, and its number is nobody else's. */
static void refused_template(void **state)
{
    (void)state;
    if (!has_templates()) return;
    SITE(refused);
    SITE(next);
    const uint32_t count = weftp_templates_count();
    struct watched first = {.seen = 0}, second = {.refused = count + 1};
    const weft_field fields[] = {weft_int("key", 1)};
    assert_true(weftp_templates_watch(see, &first));
    assert_true(weftp_templates_watch(see, &second));
    weftp_template_learn(&refused, fields, 1);
    assert_int_equal(refused.state, WEFTP_TEMPLATE_NONE);
    assert_int_equal(through(&refused, fields, 1), 0);
    assert_int_equal(first.last, count + 1);
    weftp_template_learn(&next, fields, 1);
    assert_int_equal(next.state, count + 2);
    assert_int_equal(first.last, count + 2);
    weftp_templates_unwatch(see, &first);
    weftp_templates_unwatch(see, &second);
    /* One who has not got what there is does not watch at all. */
    second.seen = 0;
    assert_false(weftp_templates_watch(see, &second));
    assert_int_equal(second.seen, count + 1);
    SITE(after);
    weftp_template_learn(&after, fields, 1);
    assert_int_equal(after.state, count + 3);
    assert_int_equal(second.seen, count + 1);
}

static void many_watchers(void **state)
{
    struct watched watched[WEFTP_TEMPLATE_WATCHERS_MAX] = {{0}}, one_more = {.seen = 0};
    (void)state;
    for (size_t i = 0; i < WEFTP_TEMPLATE_WATCHERS_MAX; i++)
        assert_true(weftp_templates_watch(see, &watched[i]));
    assert_false(weftp_templates_watch(see, &one_more));
    assert_int_equal(one_more.seen, 0);
    for (size_t i = 0; i < WEFTP_TEMPLATE_WATCHERS_MAX; i++)
        weftp_templates_unwatch(see, &watched[i]);
}

/* Lists and records of which any byte is another one are refused, or make fields in their bounds. */
static void hostile_lists(void **state)
{
    (void)state;
    if (!has_templates()) return;
    SITE(site);
    const weft_field fields[] = {weft_str("text", "0123456789"), weft_int("wide", INT64_MAX),
                                 weft_int("small", 1), weft_double("real", 1.5)};
    weftp_template_learn(&site, fields, 4);
    through(&site, fields, 4);
    const struct weftp_template *known = weftp_template_at(site.state);
    const size_t list_size = weftp_key_list_size(known), fields_size = packed_size;
    char *list = malloc(list_size), *packed = malloc(fields_size);
    weftp_key_list_lay(list, known);
    const char *by_number[1] = {list};
    const struct weftp_key_lists lists = {by_number, 1};
    assert_non_null(memcpy(packed, bytes, fields_size));
    const size_t at = sizeof(struct weftp_packed_head) + 3; /* behind logger, thread, message */
    for (size_t flip = 0; flip < (list_size + fields_size - at) * 8; flip++) {
        const size_t byte = flip / 8;
        char *flipped = byte < list_size ? list + byte : packed + at + byte - list_size;
        *flipped ^= (char)(1 << flip % 8);
        weft_field got[4] = {{.type = 0}};
        const char *end = packed + fields_size;
        if (weftp_key_list_check(list, list_size) == list_size &&
            weftp_key_list_unpack(&lists, 0, packed + at, end, got, 4))
            for (size_t i = 0; i < 4; i++) {
                assert_true(weftp_template_takes(got[i].type));
                assert_int_equal(strlen(got[i].key), got[i].key_size);
                if (got[i].type == WEFT_TYPE_STR)
                    assert_true((const char *)got[i].v.p + got[i].size <= end);
            }
        *flipped ^= (char)(1 << flip % 8);
    }
    weft_field got[5];
    assert_null(weftp_key_list_unpack(&lists, 0, packed + at, packed + fields_size, got, 3));
    assert_null(weftp_key_list_unpack(&lists, 0, packed + at, packed + fields_size, got, 5));
    assert_null(weftp_key_list_unpack(&lists, 1, packed + at, packed + fields_size, got, 4));
    assert_null(weftp_key_list_unpack(NULL, 0, packed + at, packed + fields_size, got, 4));
    free(list);
    free(packed);
}

static struct weftp_pair_set *set_of(const weft_field *fields, size_t count)
{
    const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;
    struct weftp_pair_set *set;
    assert_int_equal(weftp_pairs_put(&set, NULL, fields, count, &limits, NULL), WEFT_OK);
    return set;
}

static void assert_same_pairs(const struct weft_pair *pairs, const struct weftp_pair_set *set,
                              size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(pairs[i].json, set->pairs[i].json);
        assert_same_field(&pairs[i].field, &set->pairs[i].field);
    }
}

/* Pack and unpack; returns the number of the template that was used. */
static unsigned front_through(const struct weft_record *record)
{
    memset(bytes, 0xA5, sizeof bytes);
    assert_int_equal(
        weftp_record_pack(record, WEFTP_PACK_SITE_BY_ID, bytes, sizeof bytes, &packed_size),
        WEFT_OK);
    assert_int_equal(packed_size % WEFTP_PACKED_ALIGN, 0);
    assert_int_equal(unpack(WEFTP_UNPACK_TRUSTED), WEFT_OK);
    const struct weft_record *got = &view.record;
    assert_memory_equal(got->logger, record->logger, record->logger_size);
    assert_memory_equal(got->thread, record->thread, record->thread_size);
    assert_memory_equal(got->message, record->message, record->message_size);
    assert_true(got->time_ns == record->time_ns && got->pid == record->pid &&
                got->tid == record->tid && got->level == record->level &&
                got->flags == record->flags && got->message_size == record->message_size &&
                got->logger_size == record->logger_size &&
                got->thread_size == record->thread_size && got->mdc_count == record->mdc_count &&
                got->bound_count == record->bound_count);
    assert_int_equal(got->trace != NULL, record->trace != NULL);
    if (record->trace) assert_memory_equal(got->trace, record->trace, sizeof *record->trace);
    assert_int_equal(got->field_count, 2);
    assert_same_field(&got->fields[0], &record->fields[0]);
    assert_same_field(&got->fields[1], &record->fields[1]);
    return template_number();
}

/* All else that a record has, beside fields whose keys are known. */
static void front_of_the_record(void **state)
{
    (void)state;
    if (!has_templates()) return;
    SITE(site);
    static const char text[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ+-*/";
    const weft_field some[] = {weft_str("user", "u-1"), weft_int("n", 7)};
    struct weftp_pair_set *bound = set_of(some + 1, 1), *mdc = set_of(some, 2);
    const struct weft_trace trace = {"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", "", 1};
    for (size_t size = 0; size < sizeof text; size++) {
        const weft_field fields[] = {weft_strn("text", text, size), weft_double("d", 0.0)};
        struct weft_record record = record_of(&site, fields, 2);
        if (size == 0) weftp_template_learn(&site, fields, 2);
        record.message = record.logger = record.thread = text;
        record.message_size = size;
        record.logger_size = size / 2;
        record.thread_size = size / 3;
        record.flags = WEFT_CONST_MSG_;
        record.tid = INT32_MAX;
        record.trace = size % 2 ? &trace : NULL;
        record.bound = size % 3 ? bound->pairs : NULL;
        record.bound_count = size % 3 ? 1 : 0;
        record.mdc = mdc->pairs;
        record.mdc_count = 2;
        assert_int_equal(front_through(&record), site.state);
        assert_same_pairs(view.record.mdc, mdc, 2);
        assert_same_pairs(view.record.bound, bound, record.bound_count);
        struct weft_record odd = record;
        odd.mdc_count = 1; /* no whole set */
        assert_int_equal(front_through(&odd), 0);
        odd = record;
        odd.pid = INT64_MIN;
        assert_int_equal(front_through(&odd), 0);
        odd = record;
        odd.tid = INT64_C(1) << 31;
        assert_int_equal(front_through(&odd), 0);
    }
    weftp_pairs_unref(bound);
    weftp_pairs_unref(mdc);
}

/* Room that is less than the record takes is not written behind. */
static void little_room(void **state)
{
    (void)state;
    if (!has_templates()) return;
    SITE(site);
    const weft_field fields[] = {weft_str("key_of_a_text", "some text that takes its room"),
                                 weft_int("wide", INT64_MAX), weft_str("last", "the end")};
    const struct weft_record record = record_of(&site, fields, 3);
    weftp_template_learn(&site, fields, 3);
    for (size_t room = 0; room < 320; room++) {
        char *exact = malloc(room + 1);
        assert_non_null(exact);
        exact[room] = 'E';
        const weft_status status =
            weftp_record_pack(&record, WEFTP_PACK_SITE_BY_ID, exact, room, &packed_size);
        assert_int_equal(exact[room], 'E');
        if (!status) assert_true(packed_size <= room);
        if (room >= weftp_packed_size(&record, WEFTP_PACK_SITE_BY_ID))
            assert_int_equal(status, WEFT_OK);
        free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_of_the_call), cmocka_unit_test(other_records_of_the_site),
        cmocka_unit_test(no_template),      cmocka_unit_test(watched_templates),
        cmocka_unit_test(refused_template), cmocka_unit_test(many_watchers),
        cmocka_unit_test(hostile_lists),    cmocka_unit_test(front_of_the_record),
        cmocka_unit_test(little_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
