/*
 * The queue, on one thread: seats and who gets them, what happens when a ring is full, what is told
 * of losses and where, merging, questions, counts. Threads are in stress/test_queue_threads.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/consumer.h"

#define INFO   9
#define WARN   13
#define ERROR  17
#define RECORD 240 /* bytes; 256 in the ring */
#define FULL   (65536 / 256)

static struct weftp_queue *queue;
static struct consumer *consumer;

static void begin(struct weftp_queue_options options)
{
    queue = queue_create(options);
    consumer = consumer_create(queue);
}

static void end(void)
{
    free(consumer);
    queue_destroy(queue);
}

/* Push at a time, with a number in it. */
static bool push_at(struct weftp_seat *seat, int level, int64_t time_ns, uint32_t number)
{
    size_t room;
    void *at = weftp_queue_room(queue, seat, level, RECORD, &room);
    if (!at) {
        weftp_queue_lose(queue, seat, level, time_ns);
        return false;
    }
    memcpy(at, &number, sizeof number);
    weftp_queue_commit(queue, seat, RECORD, time_ns);
    return true;
}

static uint32_t number_of(const struct weftp_ring_entry *entry)
{
    uint32_t number;
    memcpy(&number, entry + 1, sizeof number);
    return number;
}

/* What came, in order: numbers of records, and -1 with the count for what was lost. */
static int64_t came[2048];
static size_t came_count;

static void note(struct consumer *self, struct weftp_seat *seat,
                 const struct weftp_ring_entry *entry)
{
    (void)self;
    (void)seat;
    came[came_count++] = number_of(entry);
}

static void round_at(int64_t now_ns)
{
    came_count = 0;
    consumer->each = note;
    (void)consumer_round_at(consumer, now_ns);
}

static size_t seats(void)
{
    struct weftp_queue_counts counts;
    weftp_queue_counts(queue, &counts);
    return counts.seats;
}

/* ---- seats ---- */

static void test_a_seat_that_was_left_is_taken_again(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    struct weftp_seat *one = weftp_queue_sit(queue), *two = weftp_queue_sit(queue);
    assert_non_null(one);
    assert_ptr_not_equal(one, two);
    assert_true(push_at(one, INFO, 1, 1));
    weftp_queue_leave(queue, one);
    assert_ptr_equal(weftp_queue_sit(queue), one); /* though not empty: its order stays */
    assert_true(push_at(one, INFO, 2, 2));
    assert_int_equal(seats(), 2);
    round_at(100);
    assert_int_equal(came_count, 2);
    assert_int_equal(came[0], 1);
    assert_int_equal(came[1], 2);
    end();
}

static void test_spare_rings_are_bounded(void **state)
{
    (void)state;
    struct weftp_seat *many[50];
    begin(QUEUE_BLOCKS);
    for (size_t i = 0; i < 50; i++) {
        many[i] = weftp_queue_sit(queue);
        assert_true(push_at(many[i], INFO, (int64_t)i, (uint32_t)i));
    }
    for (size_t i = 0; i < 50; i++) weftp_queue_leave(queue, many[i]);
    round_at(100); /* was begun with rings that are not empty */
    assert_int_equal(came_count, 50);
    assert_int_equal(seats(), 50);
    round_at(100);
    assert_int_equal(seats(), WEFTP_QUEUE_SPARE_MAX);
    assert_int_equal(consumer->take.seat_count, WEFTP_QUEUE_SPARE_MAX);
    struct weftp_queue_counts counts;
    weftp_queue_counts(queue, &counts);
    assert_int_equal(counts.pending, 0);
    for (size_t i = 0; i < WEFTP_QUEUE_SPARE_MAX; i++) assert_non_null(weftp_queue_sit(queue));
    assert_int_equal(seats(), WEFTP_QUEUE_SPARE_MAX);
    assert_non_null(weftp_queue_sit(queue));
    assert_int_equal(seats(), WEFTP_QUEUE_SPARE_MAX + 1);
    end();
}

static void test_there_are_so_many_seats_and_no_more(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    struct weftp_seat *last = NULL;
    for (size_t i = 0; i < WEFTP_QUEUE_SEATS_MAX; i++) {
        last = weftp_queue_sit(queue);
        assert_non_null(last);
        assert_true(push_at(last, INFO, (int64_t)(i * 37 % 4096), (uint32_t)i));
    }
    assert_null(weftp_queue_sit(queue));
    (void)consumer_round_at(consumer, 5000);
    assert_int_equal(consumer->records, WEFTP_QUEUE_SEATS_MAX);
    weftp_queue_leave(queue, last);
    assert_ptr_equal(weftp_queue_sit(queue), last);
    end();
}

/* Whoever saves a crash reads the list without its lock: no seat is freed meanwhile, and later all are. */
static void test_a_frozen_list_keeps_its_seats(void **state)
{
    (void)state;
    struct weftp_seat *many[20];
    begin(QUEUE_BLOCKS);
    for (size_t i = 0; i < 20; i++) many[i] = weftp_queue_sit(queue);
    for (size_t i = 0; i < 20; i++) weftp_queue_leave(queue, many[i]);
    weftp_queue_freeze(queue, 60000);
    round_at(100);
    assert_int_equal(seats(), 20);
    assert_int_equal(queue->removing, 0);
    weftp_queue_freeze(queue, 0);
    round_at(100);
    assert_int_equal(seats(), WEFTP_QUEUE_SPARE_MAX);
    assert_int_equal(queue->removing, 0);
    end();
}

/* Rings of a size that is not wanted any more are nobody's, and go. */
static void test_another_ring_size(void **state)
{
    (void)state;
    struct weftp_seat *many[10];
    struct weftp_queue_options options = QUEUE_BLOCKS;
    begin(options);
    for (size_t i = 0; i < 5; i++) many[i] = weftp_queue_sit(queue);
    assert_true(push_at(many[0], INFO, 1, 7));
    for (size_t i = 0; i < 4; i++) weftp_queue_leave(queue, many[i]);
    options.ring_bytes = 128 << 10;
    weftp_queue_set(queue, &options);
    struct weftp_seat *large = weftp_queue_sit(queue);
    assert_int_equal(large->ring.capacity, 128 << 10);
    assert_int_equal(seats(), 6);
    round_at(100);
    assert_int_equal(came_count, 1);
    round_at(100);
    assert_int_equal(seats(), 2); /* the large one, and the one that is still taken */
    assert_int_equal(many[4]->ring.capacity, 64 << 10);
    end();
}

/* ---- a store ---- */

struct shelf {
    uint32_t opened, closed, last_closed;
    bool full, broken;
};

static int shelf_open(void *self, size_t bytes, uint32_t *number)
{
    struct shelf *shelf = self;
    if (shelf->full) return -1;
    *number = ++shelf->opened;
    int ends[2];
    if (shelf->broken && pipe(ends) == 0) {
        close(ends[1]);
        return ends[0]; /* cannot be mapped */
    }
    const int fd = memfd_create("test-shelf", MFD_CLOEXEC);
    if (fd >= 0) assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    return fd;
}

static void shelf_close(void *self, uint32_t number)
{
    struct shelf *shelf = self;
    shelf->closed++;
    shelf->last_closed = number;
}

static void test_rings_of_a_store(void **state)
{
    (void)state;
    struct shelf shelf = {0}, next = {0};
    const struct weftp_queue_store store = {&shelf, shelf_open, shelf_close};
    const struct weftp_queue_store other = {&next, shelf_open, shelf_close};
    begin(QUEUE_BLOCKS);
    struct weftp_seat *own = weftp_queue_sit(queue);
    weftp_queue_leave(queue, own);
    weftp_queue_store_set(queue, &store);
    struct weftp_seat *stored = weftp_queue_sit(queue);
    assert_ptr_not_equal(stored, own); /* what lies outside would not be found again */
    assert_int_equal(stored->number, 1);
    round_at(1);
    assert_int_equal(seats(), 1);
    weftp_queue_leave(queue, stored);
    assert_ptr_equal(weftp_queue_sit(queue), stored);
    weftp_queue_store_set(queue, &other);
    weftp_queue_leave(queue, stored);
    round_at(1);
    assert_int_equal(shelf.closed, 1); /* by the store that it came from */
    assert_int_equal(shelf.last_closed, 1);
    assert_int_equal(next.closed, 0);
    end();
}

static void test_a_store_without_room(void **state)
{
    (void)state;
    struct shelf shelf = {.full = true};
    const struct weftp_queue_store store = {&shelf, shelf_open, shelf_close};
    struct weftp_queue_counts counts;
    begin(QUEUE_BLOCKS);
    weftp_queue_store_set(queue, &store);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    assert_non_null(seat);
    assert_true(push_at(seat, INFO, 1, 1));
    shelf.full = false;
    shelf.broken = true;
    assert_non_null(weftp_queue_sit(queue));
    assert_int_equal(shelf.closed, 1);
    weftp_queue_counts(queue, &counts);
    assert_int_equal(counts.unstored, 2);
    shelf.broken = false;
    struct weftp_seat *stored = weftp_queue_sit(queue);
    assert_true(push_at(stored, INFO, 1, 1));
    struct weftp_seat *empty = weftp_queue_sit(queue);
    assert_ptr_equal(empty->store, &store);
    weftp_queue_close(queue);
    assert_int_equal(shelf.closed, 2); /* the empty one; the other is for who comes next */
    end();
}

/* ---- a full ring ---- */

static void test_drop_counts_and_says_where(void **state)
{
    (void)state;
    begin(QUEUE_DROPS);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < FULL; i++) accepted += push_at(seat, INFO, i, i);
    assert_int_equal(accepted, FULL);
    for (uint32_t i = 0; i < 10; i++) assert_false(push_at(seat, INFO, 1000 + i, i));
    assert_false(push_at(seat, ERROR, 1010, 0));
    struct weftp_ring_losses losses;
    assert_false(weftp_take_losses(seat, NULL, &losses)); /* first what came before */
    round_at(500);
    assert_int_equal(consumer->records, FULL);
    assert_int_equal(consumer->lost, 11); /* though the thread says nothing more */
    assert_int_equal(consumer->by_level[2], 10);
    assert_int_equal(consumer->by_level[4], 1);
    assert_int_equal(consumer->last.first_ns, 1000);
    assert_int_equal(consumer->last.last_ns, 1010);
    assert_true(push_at(seat, INFO, 2000, 1));
    round_at(3000);
    assert_int_equal(consumer->records, FULL + 1);
    assert_int_equal(consumer->lost, 11);
    struct weftp_queue_counts counts;
    weftp_queue_counts(queue, &counts);
    assert_int_equal(counts.lost_count, 11);
    assert_int_equal(counts.lost[2], 10);
    assert_int_equal(counts.pending, 0);
    end();
}

/* Records around the gap: what is lost between two records is said between them. */
static uint64_t lost_before[2048];

static void note_lost(struct consumer *self, struct weftp_seat *seat,
                      const struct weftp_ring_entry *entry)
{
    (void)seat;
    lost_before[number_of(entry)] = self->lost;
}

static void test_a_gap_is_said_in_place(void **state)
{
    (void)state;
    begin(QUEUE_DROPS);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    const struct weftp_ring_entry *entry;
    struct weftp_seat *whose;
    uint32_t next = 0;
    while (push_at(seat, INFO, next, next)) next++;
    const uint32_t before = next;
    assert_false(push_at(seat, WARN, next, next));
    /* Take four: there is room for the gap and the next ones, behind what is there. */
    assert_true(weftp_take_begin(&consumer->take, queue, 10000));
    for (int i = 0; i < 4; i++) {
        entry = weftp_take_next(&consumer->take, &whose);
        consumer_entry(consumer, whose, entry);
    }
    weftp_take_release(&consumer->take);
    assert_true(push_at(seat, INFO, next, next));
    assert_true(push_at(seat, INFO, next + 1, next + 1));
    assert_true(push_at(seat, INFO, next + 2, next + 2));
    assert_false(push_at(seat, INFO, next + 3, next + 3));
    consumer->each = note_lost;
    (void)consumer_round_at(consumer, 10000);
    assert_int_equal(lost_before[before - 1], 0);
    assert_int_equal(lost_before[before], 2);
    assert_int_equal(lost_before[before + 2], 2);
    assert_int_equal(consumer->by_level[3], 1);
    assert_int_equal(consumer->by_level[2], 2);
    assert_int_equal(consumer->gaps, 2);
    assert_int_equal(consumer->last.first_ns, next + 3);
    end();
}

/* What was told without a GAP entry is not told again with one, and its times neither. */
static void test_silent_losses_are_told_once(void **state)
{
    (void)state;
    begin(QUEUE_DROPS);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    weftp_queue_lose(queue, seat, INFO, 100);
    weftp_queue_lose(queue, seat, INFO, 150);
    round_at(1000);
    assert_int_equal(consumer->lost, 2);
    weftp_queue_lose(queue, seat, INFO, 200);
    weftp_queue_lose(queue, seat, INFO, 210);
    assert_true(push_at(seat, INFO, 220, 1));
    round_at(1000);
    assert_int_equal(consumer->lost, 4);
    assert_int_equal(consumer->gaps, 2);
    assert_in_range(consumer->last.first_ns, 150, 200);
    assert_int_equal(consumer->last.last_ns, 210);
    end();
}

static void test_all_levels_have_their_count(void **state)
{
    (void)state;
    static const int levels[] = {-3, 0, 1, 4, 5, 8, 9, 12, 13, 16, 17, 20, 21, 24, 127};
    static const uint64_t wanted[] = {4, 2, 2, 2, 2, 3};
    begin(QUEUE_DROPS);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        weftp_queue_lose(queue, seat, levels[i], 1);
    round_at(1000);
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++)
        assert_int_equal(consumer->by_level[i], wanted[i]);
    end();
}

static void test_the_last_quarter_is_kept(void **state)
{
    (void)state;
    struct weftp_queue_options options = QUEUE_DROPS;
    options.keep_level = WARN;
    for (int blocks = 0; blocks < 2; blocks++) {
        if (blocks) options.overflow = WEFTP_OVERFLOW_BLOCK;
        options.block_ns = INT64_MAX; /* none of those below waits */
        begin(options);
        struct weftp_seat *seat = weftp_queue_sit(queue);
        uint32_t below = 0, above = 0;
        while (push_at(seat, INFO, 1, 1)) below++;
        assert_int_equal(below, FULL * 3 / 4);
        options.block_ns = 1000;
        weftp_queue_set(queue, &options);
        while (push_at(seat, WARN, 1, 1)) above++;
        assert_int_equal(above, FULL / 4 - 1); /* one's room takes the gap that says the first */
        options.block_ns = INT64_MAX;
        weftp_queue_set(queue, &options);
        assert_false(push_at(seat, INFO, 1, 1));
        round_at(1000);
        assert_int_equal(consumer->records, below + above);
        assert_int_equal(consumer->lost, 3);
        assert_int_equal(consumer->by_level[3], 1);
        assert_true(push_at(seat, INFO, 1, 1));
        end();
    }
}

static void test_what_can_never_fit_is_refused(void **state)
{
    (void)state;
    size_t room;
    begin(QUEUE_BLOCKS);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    assert_null(weftp_queue_room(queue, seat, INFO, 65536, &room));
    assert_null(weftp_queue_room(queue, seat, INFO, SIZE_MAX - 8, &room));
    assert_non_null(weftp_queue_room(queue, seat, INFO, 65536 - 16, &room));
    weftp_queue_lose(queue, seat, INFO, 1);
    assert_null(weftp_queue_room(queue, seat, INFO, 65536 - 16, &room));
    assert_non_null(weftp_queue_room(queue, seat, INFO, 65536 - 16 - 80, &room));
    end();
}

static void test_blocking_has_an_end(void **state)
{
    (void)state;
    struct weftp_queue_options options = QUEUE_BLOCKS;
    options.block_ns = 30000000;
    begin(options);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    for (uint32_t i = 0; i < FULL; i++) assert_true(push_at(seat, INFO, 1, i));
    const int64_t before_ms = weftp_monotonic_ms();
    assert_false(push_at(seat, INFO, 1, 0));
    assert_in_range(weftp_monotonic_ms() - before_ms, 29, 5000);
    weftp_queue_closing(queue, true);
    options.block_ns = INT64_MAX;
    weftp_queue_set(queue, &options);
    assert_false(push_at(seat, INFO, 1, 0)); /* at once */
    round_at(1000);
    assert_int_equal(consumer->lost, 2);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_seat_that_was_left_is_taken_again),
        cmocka_unit_test(test_spare_rings_are_bounded),
        cmocka_unit_test(test_there_are_so_many_seats_and_no_more),
        cmocka_unit_test(test_a_frozen_list_keeps_its_seats),
        cmocka_unit_test(test_another_ring_size),
        cmocka_unit_test(test_rings_of_a_store),
        cmocka_unit_test(test_a_store_without_room),
        cmocka_unit_test(test_drop_counts_and_says_where),
        cmocka_unit_test(test_a_gap_is_said_in_place),
        cmocka_unit_test(test_silent_losses_are_told_once),
        cmocka_unit_test(test_all_levels_have_their_count),
        cmocka_unit_test(test_the_last_quarter_is_kept),
        cmocka_unit_test(test_what_can_never_fit_is_refused),
        cmocka_unit_test(test_blocking_has_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
