/*
 * The ring alone: every place that an entry can begin in, full and nearly full, positions that pass
 * 2^32, and the mapping behind it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/queue/ring.h"

#define HEAD     sizeof(struct weftp_ring_entry)
#define CAPACITY WEFTP_RING_BYTES_MIN
#define KEY_STEP 7

static void begin(struct weftp_ring *ring)
{
    assert_int_equal(weftp_ring_create(ring, CAPACITY, -1), WEFT_OK);
    assert_int_equal(ring->capacity, CAPACITY);
}

/* As if so many bytes had gone through already. */
static void move_to(struct weftp_ring *ring, uint32_t position)
{
    ring->head = ring->limit = ring->taken = ring->head_seen = position;
    ring->face->producer.head = ring->face->consumer.tail = position;
}

static void *room(struct weftp_ring *ring, size_t least, size_t keep)
{
    size_t there = 0;
    void *at = weftp_ring_room_sp(ring, least, keep, &there);
    if (!at) {
        (void)weftp_ring_look_sp(ring, ring->capacity);
        at = weftp_ring_room_sp(ring, least, keep, &there);
    }
    if (at) assert_true(there >= least);
    return at;
}

/* Bytes that tell which entry they belong to. */
static void fill(unsigned char *at, size_t size, size_t seed)
{
    for (size_t i = 0; i < size; i++) at[i] = (unsigned char)(seed * KEY_STEP + i);
}

static bool push(struct weftp_ring *ring, size_t size, size_t seed)
{
    unsigned char *at = room(ring, size, 0);
    if (!at) return false;
    fill(at, size, seed);
    weftp_ring_commit_sp(ring, WEFTP_RING_RECORD, size, (int64_t)seed);
    return true;
}

static size_t whole(size_t size)
{
    return (size + HEAD + WEFTP_RING_ALIGN - 1) & ~(size_t)(WEFTP_RING_ALIGN - 1);
}

/* The next entry is the one that push made of the same arguments. */
static void take(struct weftp_ring *ring, size_t size, size_t seed)
{
    unsigned char wanted[1024];
    const uint32_t position = ring->taken;
    const struct weftp_ring_entry *entry = weftp_ring_front_sc(ring);
    assert_non_null(entry);
    assert_int_equal((uintptr_t)entry % WEFTP_RING_ALIGN, 0);
    assert_int_equal(weftp_ring_entry_size(entry), whole(size));
    assert_int_equal(weftp_ring_entry_kind(entry), WEFTP_RING_RECORD);
    assert_int_equal(entry->time_ns, (int64_t)seed);
    assert_int_equal(entry->check,
                     weftp_ring_check(ring->key, position, entry->size, entry->time_ns));
    if (size <= sizeof wanted) {
        fill(wanted, size, seed);
        assert_memory_equal(entry + 1, wanted, size);
    }
    weftp_ring_take_sc(ring);
}

static void test_capacities_are_powers_of_two_within_bounds(void **state)
{
    (void)state;
    assert_int_equal(weftp_ring_capacity(0), WEFTP_RING_BYTES_MIN);
    assert_int_equal(weftp_ring_capacity(WEFTP_RING_BYTES_MIN), WEFTP_RING_BYTES_MIN);
    assert_int_equal(weftp_ring_capacity(WEFTP_RING_BYTES_MIN + 1), 2 * WEFTP_RING_BYTES_MIN);
    assert_int_equal(weftp_ring_capacity(100000), 131072);
    assert_int_equal(weftp_ring_capacity((size_t)1 << 30), (size_t)1 << 30);
    assert_int_equal(weftp_ring_capacity(SIZE_MAX), (size_t)1 << 30);
    assert_int_equal(weftp_ring_file_size(1), WEFTP_RING_BYTES_MIN + weftp_mirror_unit());
}

static void test_byte_i_and_byte_i_plus_size_are_the_same(void **state)
{
    (void)state;
    struct weftp_ring ring;
    begin(&ring);
    volatile char *data = ring.memory.data; /* the compiler does not know of the second mapping */
    assert_int_equal(ring.memory.size, CAPACITY);
    for (size_t i = 0; i < CAPACITY; i += 509) {
        data[i] = (char)(i % 127);
        assert_int_equal(data[i + CAPACITY], (char)(i % 127));
        data[i + CAPACITY] = 'x';
        assert_int_equal(data[i], 'x');
    }
    weftp_ring_destroy(&ring);
    assert_null(ring.memory.head);
    weftp_ring_destroy(&ring);
}

/* Every place that an entry can begin in, for sizes of each remainder. */
static void test_every_position_and_size(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 15, 16, 17, 31, 33, 200, 1000};
    struct weftp_ring ring;
    begin(&ring);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
        for (uint32_t at = 0; at < CAPACITY; at += WEFTP_RING_ALIGN) {
            move_to(&ring, at);
            assert_true(push(&ring, sizes[k], at + k));
            assert_true(push(&ring, 5, at));
            assert_true(weftp_ring_look_sc(&ring));
            take(&ring, sizes[k], at + k);
            take(&ring, 5, at);
            assert_null(weftp_ring_front_sc(&ring));
            weftp_ring_release_sc(&ring);
            assert_int_equal(weftp_ring_used(&ring), 0);
        }
    weftp_ring_destroy(&ring);
}

/* A ring that holds as much as it can, from a place on: then not one byte more. */
static void fill_up(struct weftp_ring *ring, uint32_t from, size_t size)
{
    move_to(ring, from);
    const size_t count = CAPACITY / whole(size), rest = CAPACITY - count * whole(size);
    for (size_t i = 0; i < count; i++) assert_true(push(ring, size, i));
    assert_false(push(ring, size, 0));
    if (rest >= HEAD) {
        assert_false(push(ring, rest - HEAD + 1, 0));
        assert_true(push(ring, rest - HEAD, 99));
    }
    assert_null(room(ring, 0, 0));
    assert_int_equal(weftp_ring_used(ring), CAPACITY);
    assert_true(weftp_ring_look_sc(ring));
    for (size_t i = 0; i < count; i++) {
        take(ring, size, i);
        assert_null(room(ring, 0, 0)); /* taken is not given back */
    }
    if (rest >= HEAD) take(ring, rest - HEAD, 99);
    assert_null(weftp_ring_front_sc(ring));
    assert_int_equal(weftp_ring_held_sc(ring), CAPACITY);
    weftp_ring_release_sc(ring);
    assert_int_equal(weftp_ring_held_sc(ring), 0);
    assert_non_null(room(ring, CAPACITY - HEAD, 0));
    assert_null(room(ring, CAPACITY - HEAD + 1, 0));
}

static void test_full_to_the_last_byte(void **state)
{
    (void)state;
    static const uint32_t from[] = {0, 16, CAPACITY - 16, 48, UINT32_MAX - 15, UINT32_MAX - 4095};
    struct weftp_ring ring;
    begin(&ring);
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        for (size_t size = 0; size < 400; size += 31) fill_up(&ring, from[i], size);
    fill_up(&ring, UINT32_MAX - 31, CAPACITY - HEAD);
    fill_up(&ring, 32, CAPACITY - HEAD - 1);
    weftp_ring_destroy(&ring);
}

static void test_positions_pass_two_to_the_32(void **state)
{
    (void)state;
    struct weftp_ring ring;
    begin(&ring);
    move_to(&ring, UINT32_MAX - 3 * (uint32_t)CAPACITY - 15);
    size_t pushed = 0, taken = 0;
    while (ring.taken > 4 * CAPACITY || taken < 1000) {
        while (push(&ring, pushed * 37 % 700, pushed)) pushed++;
        assert_true(weftp_ring_look_sc(&ring));
        for (size_t i = 0; i < 50 && weftp_ring_front_sc(&ring); i++, taken++)
            take(&ring, taken * 37 % 700, taken);
        weftp_ring_release_sc(&ring);
        assert_in_range(weftp_ring_used(&ring), 1, CAPACITY);
    }
    weftp_ring_destroy(&ring);
}

/* Nothing is looked at again for 2^32 bytes: what the producer saw is then as old as can be. */
static void test_a_look_from_long_ago(void **state)
{
    (void)state;
    struct weftp_ring ring;
    size_t there;
    begin(&ring);
    for (uint32_t at = UINT32_MAX - 15; at >= UINT32_MAX - 159; at -= 16) {
        move_to(&ring, at);
        assert_int_equal(weftp_ring_look_sp(&ring, CAPACITY), CAPACITY);
        assert_true(push(&ring, CAPACITY - HEAD - 16, 1));
        assert_non_null(weftp_ring_room_sp(&ring, 0, 0, &there)); /* without a look */
        assert_int_equal(there, 0);
        assert_null(weftp_ring_room_sp(&ring, 1, 0, &there));
        assert_int_equal(weftp_ring_look_sp(&ring, CAPACITY / 2), 0);
        assert_null(weftp_ring_room_sp(&ring, 0, 0, &there));
        assert_int_equal(weftp_ring_look_sp(&ring, CAPACITY), 16);
    }
    weftp_ring_destroy(&ring);
}

static void test_room_keeps_what_it_is_told_to(void **state)
{
    (void)state;
    struct weftp_ring ring;
    size_t there = 0;
    begin(&ring);
    (void)weftp_ring_look_sp(&ring, CAPACITY);
    assert_non_null(weftp_ring_room_sp(&ring, 100, 0, &there));
    assert_int_equal(there, CAPACITY - HEAD);
    assert_non_null(weftp_ring_room_sp(&ring, 100, CAPACITY / 4, &there));
    assert_int_equal(there, CAPACITY - CAPACITY / 4 - HEAD);
    assert_non_null(weftp_ring_room_sp(&ring, there, CAPACITY / 4, &there));
    assert_null(weftp_ring_room_sp(&ring, there + 1, CAPACITY / 4, &there));
    assert_int_equal(weftp_ring_look_sp(&ring, CAPACITY / 2), CAPACITY / 2);
    assert_non_null(weftp_ring_room_sp(&ring, CAPACITY / 4 - HEAD, CAPACITY / 4, &there));
    assert_null(weftp_ring_room_sp(&ring, CAPACITY / 4 - HEAD + 1, CAPACITY / 4, &there));
    weftp_ring_destroy(&ring);
}

/* Later entries are not looked at until the next look; what was not committed is not there. */
static void test_the_consumer_sees_what_was_published(void **state)
{
    (void)state;
    struct weftp_ring ring;
    begin(&ring);
    assert_false(weftp_ring_look_sc(&ring));
    memset(room(&ring, 64, 0), 'x', 64);
    assert_false(weftp_ring_look_sc(&ring));
    assert_true(push(&ring, 64, 1));
    assert_null(weftp_ring_front_sc(&ring));
    assert_true(weftp_ring_look_sc(&ring));
    assert_true(push(&ring, 64, 2));
    take(&ring, 64, 1);
    assert_null(weftp_ring_front_sc(&ring));
    assert_true(weftp_ring_look_sc(&ring));
    take(&ring, 64, 2);
    weftp_ring_destroy(&ring);
}

static void test_kinds(void **state)
{
    (void)state;
    struct weftp_ring ring;
    begin(&ring);
    for (unsigned kind = 0; kind < WEFTP_RING_ALIGN; kind++) {
        (void)room(&ring, 40, 0);
        weftp_ring_commit_sp(&ring, (enum weftp_ring_kind)kind, 40, -5);
    }
    assert_true(weftp_ring_look_sc(&ring));
    for (unsigned kind = 0; kind < WEFTP_RING_ALIGN; kind++) {
        const struct weftp_ring_entry *entry = weftp_ring_front_sc(&ring);
        assert_int_equal(weftp_ring_entry_kind(entry), kind);
        assert_int_equal(weftp_ring_entry_size(entry), 64);
        assert_int_equal(entry->time_ns, -5);
        weftp_ring_take_sc(&ring);
    }
    assert_null(weftp_ring_front_sc(&ring));
    weftp_ring_destroy(&ring);
}

/* What belongs to another place, another time, another size or another ring has another check. */
static void test_the_check_tells_entries_apart(void **state)
{
    (void)state;
    const uint32_t check = weftp_ring_check(7, 4096, 64, 1000);
    assert_int_equal(weftp_ring_check(7, 4096, 64, 1000), check);
    for (uint32_t bit = 0; bit < 32; bit++) {
        assert_int_not_equal(weftp_ring_check(7 ^ 1u << bit, 4096, 64, 1000), check);
        assert_int_not_equal(weftp_ring_check(7, 4096 ^ 1u << bit, 64, 1000), check);
        assert_int_not_equal(weftp_ring_check(7, 4096, 64 ^ 1u << bit, 1000), check);
        assert_int_not_equal(weftp_ring_check(7, 4096, 64, 1000 ^ (int64_t)1 << bit), check);
    }
    struct weftp_ring one, other;
    begin(&one);
    begin(&other);
    assert_int_not_equal(one.key, other.key);
    weftp_ring_destroy(&one);
    weftp_ring_destroy(&other);
}

/* A second mapping of the file reads what the ring's own left. */
static void test_a_file_is_read_back(void **state)
{
    (void)state;
    struct weftp_ring ring;
    struct weftp_mirror other = {0};
    const size_t unit = weftp_mirror_unit();
    const int fd = memfd_create("test-ring", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)weftp_ring_file_size(CAPACITY)), 0);
    assert_int_equal(weftp_ring_create(&ring, CAPACITY, fd), WEFT_OK);
    move_to(&ring, (uint32_t)CAPACITY - 16);
    assert_true(push(&ring, 100, 3));
    weftp_ring_destroy(&ring);
    assert_int_equal(weftp_mirror_map(&other, fd, unit, CAPACITY), 0);
    close(fd);
    const struct weftp_ring_face *face = (const void *)other.head;
    assert_memory_equal(face->magic, WEFTP_RING_MAGIC, 8);
    assert_int_equal(face->version, WEFTP_RING_VERSION);
    assert_int_equal(face->face_size, unit);
    assert_int_equal(face->capacity, CAPACITY);
    assert_int_equal(face->byte_order, 0x01020304);
    assert_int_equal(face->producer.head - face->consumer.tail, whole(100));
    const struct weftp_ring_entry *entry = (const void *)(other.data + CAPACITY - 16);
    unsigned char wanted[100];
    fill(wanted, sizeof wanted, 3);
    assert_memory_equal(entry + 1, wanted, sizeof wanted);
    assert_int_equal(entry->check, weftp_ring_check(face->key, (uint32_t)CAPACITY - 16, entry->size,
                                                    entry->time_ns));
    weftp_mirror_unmap(&other);
}

static void test_no_descriptor_no_ring(void **state)
{
    (void)state;
    struct weftp_ring ring;
    int ends[2];
    assert_int_equal(pipe(ends), 0); /* is no memory to map */
    assert_int_equal(weftp_ring_create(&ring, CAPACITY, ends[0]), WEFT_ENOMEM);
    weftp_ring_destroy(&ring);
    close(ends[0]);
    close(ends[1]);
    struct weftp_mirror mirror = {0};
    assert_int_not_equal(weftp_mirror_map(&mirror, 0, SIZE_MAX / 2, CAPACITY), 0);
    assert_null(mirror.head);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacities_are_powers_of_two_within_bounds),
        cmocka_unit_test(test_byte_i_and_byte_i_plus_size_are_the_same),
        cmocka_unit_test(test_every_position_and_size),
        cmocka_unit_test(test_full_to_the_last_byte),
        cmocka_unit_test(test_positions_pass_two_to_the_32),
        cmocka_unit_test(test_a_look_from_long_ago),
        cmocka_unit_test(test_room_keeps_what_it_is_told_to),
        cmocka_unit_test(test_the_consumer_sees_what_was_published),
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_the_check_tells_entries_apart),
        cmocka_unit_test(test_a_file_is_read_back),
        cmocka_unit_test(test_no_descriptor_no_ring),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
