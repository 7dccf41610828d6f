/*
 * The queue's order, answers and counts. What needs several busy threads is in
 * stress/test_queue_threads.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_fixture.h"

#define AHEAD INT64_C(1000000) /* ns, after which an entry is not from the future any more */

/* ---- merging ---- */

static void test_the_oldest_comes_first(void **state)
{
    (void)state;
    struct weftp_seat *seats[7];
    begin(QUEUE_BLOCKS);
    for (size_t i = 0; i < 7; i++) seats[i] = weftp_queue_sit(queue);
    for (int64_t time = 0; time < 200; time++) push_at(seats[time * 31 % 97 % 7], time);
    assert_true(consumer_round_at(consumer, 1000));
    assert_int_equal(came_count, 200);
    for (int64_t i = 0; i < 200; i++) assert_int_equal(came[i], i);
    assert_false(consumer_round_at(consumer, 1000));
    end();
}

/* A clock that goes back: one thread's entries stay as they were pushed. */
static void test_one_threads_order_is_sacred(void **state)
{
    (void)state;
    static const int64_t times[] = {50, 40, 60, 5, 70}, wanted[] = {45, 50, 40, 55, 60, 5, 70};
    begin(QUEUE_BLOCKS);
    struct weftp_seat *one = weftp_queue_sit(queue), *two = weftp_queue_sit(queue);
    for (size_t i = 0; i < 5; i++) push_at(one, times[i]);
    push_at(two, 45);
    push_at(two, 55);
    (void)consumer_round_at(consumer, 1000);
    for (size_t i = 0; i < 7; i++) assert_int_equal(came[i], wanted[i]);
    end();
}

static void test_what_is_younger_than_the_round_waits(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    struct weftp_seat *one = weftp_queue_sit(queue), *two = weftp_queue_sit(queue);
    push_at(one, 100);
    push_at(one, 201);
    push_at(two, 150);
    push_at(two, 200);
    (void)consumer_round_at(consumer, 200);
    assert_int_equal(came_count, 3);
    assert_int_equal(came[2], 200);
    (void)consumer_round_at(consumer, 201);
    assert_int_equal(came_count, 4);
    push_at(one, 201 + AHEAD); /* the clock was set back since */
    (void)consumer_round_at(consumer, 201);
    assert_int_equal(came_count, 5);
    end();
}

/* ---- questions ---- */

/* An answer is no leave to change the order: what is younger than the round waits, and so does it. */
static void test_an_answer_comes_after_all_that_was_there(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    struct weftp_seat *one = weftp_queue_sit(queue);
    push_at(one, 100);
    push_at(one, 300);
    assert_false(weftp_queue_drain(queue, 0));
    assert_true(consumer_round_at(consumer, 200));
    assert_int_equal(came_count, 1);
    assert_false(answered());
    push_at(one, 400); /* not asked for */
    assert_true(consumer_round_at(consumer, 300));
    assert_int_equal(came_count, 2);
    assert_true(answered());
    assert_true(consumer_round_at(consumer, 300));
    assert_int_equal(came_count, 2);
    end();
}

static void test_a_question_to_an_empty_queue(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    assert_false(weftp_queue_drain(queue, 0));
    assert_true(consumer_round_at(consumer, 0));
    assert_true(answered());
    assert_false(weftp_queue_drain(queue, 0));
    queue->asked = queue->answered = UINT32_MAX; /* counts pass 2^32 */
    assert_false(weftp_queue_drain(queue, 0));
    assert_true(consumer_round_at(consumer, 0));
    assert_true(answered());
    assert_int_equal(queue->answered, 0);
    end();
}

/* Which position was asked for is told apart over all 2^32 of them. */
static void test_answers_when_positions_pass_two_to_the_32(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    struct weftp_seat *one = weftp_queue_sit(queue);
    const uint32_t from[] = {UINT32_MAX - 63, UINT32_MAX / 2 - 63, 0};
    for (size_t i = 0; i < 3; i++) {
        one->ring.head = one->ring.limit = one->ring.taken = one->ring.head_seen = from[i];
        one->ring.face->producer.head = one->ring.face->consumer.tail = from[i];
        push_at(one, 1);
        push_at(one, 2);
        assert_false(weftp_queue_drain(queue, 0));
        assert_true(consumer_round_at(consumer, 1));
        assert_false(answered());
        assert_true(consumer_round_at(consumer, 2));
        assert_true(answered());
    }
    end();
}

struct asker {
    pthread_t thread;
    int64_t deadline_ms;
    bool told;
};

static void *ask(void *arg)
{
    struct asker *asker = arg;
    asker->told = weftp_queue_drain(queue, asker->deadline_ms);
    return NULL;
}

static void test_many_ask_at_once(void **state)
{
    (void)state;
    struct asker askers[8];
    begin(QUEUE_BLOCKS);
    consumer->each = NULL;
    struct weftp_seat *seat = weftp_queue_sit(queue);
    consumer_start(consumer);
    for (int turn = 0; turn < 20; turn++) {
        for (int i = 0; i < turn; i++) push_at(seat, weftp_realtime_ns());
        for (size_t i = 0; i < 8; i++) {
            askers[i].deadline_ms = INT64_MAX;
            assert_int_equal(pthread_create(&askers[i].thread, NULL, ask, &askers[i]), 0);
        }
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(pthread_join(askers[i].thread, NULL), 0);
            assert_true(askers[i].told);
        }
        struct weftp_queue_counts counts;
        weftp_queue_counts(queue, &counts);
        assert_int_equal(counts.pending, 0);
    }
    consumer_stop(consumer);
    assert_int_equal(consumer->records, 190);
    end();
}

static void test_a_deadline_passes(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    const int64_t before_ms = weftp_monotonic_ms();
    assert_false(weftp_queue_drain(queue, before_ms + 30));
    assert_in_range(weftp_monotonic_ms() - before_ms, 29, 5000);
    end();
}

/* ---- counts ---- */

static void test_counts(void **state)
{
    (void)state;
    struct weftp_queue_counts counts;
    static struct weftp_queue none;
    weftp_queue_counts(&none, &counts); /* was never opened */
    assert_int_equal(counts.seats, 0);
    begin(QUEUE_BLOCKS);
    struct weftp_seat *one = weftp_queue_sit(queue), *two = weftp_queue_sit(queue), *whose;
    for (int64_t i = 0; i < 3; i++) push_at(one, i);
    push_at(two, 10);
    weftp_queue_lose(queue, two, INFO, 5);
    weftp_queue_counts(queue, &counts);
    assert_int_equal(counts.pending, 4);
    assert_int_equal(counts.lost_count, 1);
    assert_int_equal(counts.seats, 2);
    assert_true(weftp_take_begin(&consumer->take, queue, 100));
    assert_non_null(weftp_take_next(&consumer->take, &whose));
    weftp_queue_counts(queue, &counts);
    assert_int_equal(counts.pending, 4); /* taken is not given back */
    weftp_take_release(&consumer->take);
    weftp_queue_counts(queue, &counts);
    assert_int_equal(counts.pending, 3);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_oldest_comes_first),
        cmocka_unit_test(test_one_threads_order_is_sacred),
        cmocka_unit_test(test_what_is_younger_than_the_round_waits),
        cmocka_unit_test(test_an_answer_comes_after_all_that_was_there),
        cmocka_unit_test(test_a_question_to_an_empty_queue),
        cmocka_unit_test(test_answers_when_positions_pass_two_to_the_32),
        cmocka_unit_test(test_many_ask_at_once),
        cmocka_unit_test(test_a_deadline_passes),
        cmocka_unit_test(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
