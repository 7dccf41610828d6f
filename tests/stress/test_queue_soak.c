/*
 * A hundred million records with numbers through the queue, by two threads, without a loss, a
 * reversal or a changed byte (prints how many a second), and millions of wakes. Not run in CI.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "src/port/wait.h"
#include "support/wakes.h"

#define RECORDS   UINT64_C(100000000)
#define PRODUCERS 2
#define WAKES     3000000
#define INFO      9

struct producer {
    pthread_t thread;
    struct weftp_queue *queue;
    uint64_t index, accepted;
};

struct progress {
    uint64_t next[PRODUCERS], wrong;
};

/* Of a size that goes through all remainders; begins and ends with its number. */
static size_t size_of(uint64_t number)
{
    return 24 + number * 29 % 700;
}

static void *produce(void *arg)
{
    struct producer *producer = arg;
    struct weftp_seat *seat = weftp_queue_sit(producer->queue);
    if (!seat) return NULL;
    for (uint64_t i = 0; i < RECORDS / PRODUCERS; i++) {
        const size_t size = size_of(i);
        const int64_t now_ns = weftp_realtime_ns();
        size_t room;
        char *at = weftp_queue_room(producer->queue, seat, INFO, size, &room);
        if (!at) return NULL;
        memcpy(at, &producer->index, 8);
        memcpy(at + 8, &i, 8);
        memcpy(at + size - 8, &i, 8);
        weftp_queue_commit(producer->queue, seat, size, now_ns);
        producer->accepted++;
    }
    weftp_queue_leave(producer->queue, seat);
    return producer;
}

static void check(struct consumer *consumer, struct weftp_seat *seat,
                  const struct weftp_ring_entry *entry)
{
    struct progress *progress = consumer->arg;
    uint64_t index, number, last;
    (void)seat;
    memcpy(&index, entry + 1, 8);
    memcpy(&number, (const char *)(entry + 1) + 8, 8);
    memcpy(&last, (const char *)(entry + 1) + size_of(number) - 8, 8);
    if (index >= PRODUCERS || number != progress->next[index] || last != number)
        progress->wrong++;
    else
        progress->next[index]++;
}

static void test_a_hundred_million(void **state)
{
    (void)state;
    struct progress progress = {0};
    struct producer producers[PRODUCERS] = {0};
    struct weftp_queue *queue =
        queue_create((struct weftp_queue_options){.ring_bytes = 256 << 10, .block_ns = INT64_MAX});
    struct consumer *consumer = consumer_create(queue);
    consumer->each = check;
    consumer->arg = &progress;
    consumer_start(consumer);
    const int64_t before_ns = weftp_monotonic_ns();
    for (uint64_t i = 0; i < PRODUCERS; i++) {
        producers[i].queue = queue;
        producers[i].index = i;
        assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
    }
    for (size_t i = 0; i < PRODUCERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(producers[i].thread, &result), 0);
        assert_non_null(result);
    }
    assert_true(weftp_queue_drain(queue, INT64_MAX));
    const double seconds = (double)(weftp_monotonic_ns() - before_ns) / 1e9;
    consumer_stop(consumer);
    printf("%.2f million records a second\n", (double)RECORDS / seconds / 1e6);
    assert_int_equal(progress.wrong, 0);
    assert_int_equal(consumer->records, RECORDS);
    assert_int_equal(consumer->lost, 0);
    for (size_t i = 0; i < PRODUCERS; i++) assert_int_equal(progress.next[i], RECORDS / PRODUCERS);
    free(consumer);
    queue_destroy(queue);
}

/* Without the barrier one in some hundred thousand is lost. */
static void test_no_wake_is_lost(void **state)
{
    (void)state;
    assert_int_equal(queue_wakes(true, WAKES), WAKES);
    assert_int_equal(queue_wakes(false, WAKES), WAKES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_hundred_million),
                                       cmocka_unit_test(test_no_wake_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
