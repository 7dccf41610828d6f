/*
 * How the queue's consumer falls asleep and what wakes it, and what a forked child has of a queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "src/port/wait.h"
#include "support/await.h"
#include "support/child.h"
#include "support/emulated.h"

#include "queue_fixture.h"

/* ---- sleep ---- */

/* Records that come while the consumer sleeps, naps or works: each is there soon. */
static void test_every_sleep_is_woken_from(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    consumer->each = NULL;
    struct weftp_seat *seat = weftp_queue_sit(queue);
    consumer_start(consumer);
    for (int i = 0; i < 30; i++) {
        if (i % 2) AWAIT(__atomic_load_n(&queue->sleeping, __ATOMIC_ACQUIRE) == 1);
        push_at(seat, weftp_realtime_ns());
        AWAIT(weftp_ring_used(&seat->ring) == 0);
    }
    consumer_stop(consumer);
    assert_int_equal(consumer->records, 30);
    end();
}

/* A nap is not for single records to end, but for half a ring, and for questions. */
static void test_what_ends_a_nap(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    consumer->each = NULL;
    consumer->take.nap_ns = INT64_C(60000000000);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    consumer_start(consumer);
    AWAIT(__atomic_load_n(&queue->napping, __ATOMIC_ACQUIRE) == 1);
    for (size_t i = 0; i < 65536 / 2 / 64; i++) push_at(seat, 1); /* each takes 64 bytes */
    assert_int_equal(__atomic_load_n(&queue->napping, __ATOMIC_ACQUIRE), 1);
    push_at(seat, 1);
    AWAIT(weftp_ring_used(&seat->ring) == 0);
    consumer_stop(consumer);
    consumer->take.nap_ns = INT64_C(60000000000);
    consumer->take.since_wait = 0;
    consumer_start(consumer);
    AWAIT(__atomic_load_n(&queue->napping, __ATOMIC_ACQUIRE) == 1);
    push_at(seat, 1);
    assert_true(weftp_queue_drain(queue, weftp_monotonic_ms() + 10000));
    consumer_stop(consumer);
    assert_int_equal(consumer->records, 65536 / 2 / 64 + 2);
    end();
}

/* Whatever came just before the consumer would sleep: it does not. */
static void test_what_keeps_it_awake(void **state)
{
    (void)state;
    begin(QUEUE_DROPS);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    weftp_queue_lose(queue, seat, INFO, 5);
    weftp_take_sleep(&consumer->take, queue);
    (void)consumer_round_at(consumer, 10);
    assert_int_equal(consumer->lost, 1);
    push_at(seat, 6);
    weftp_take_sleep(&consumer->take, queue);
    (void)consumer_round_at(consumer, 10);
    assert_int_equal(consumer->records, 1);
    assert_false(weftp_queue_drain(queue, 0));
    weftp_take_sleep(&consumer->take, queue);
    (void)consumer_round_at(consumer, 10);
    assert_true(answered());
    push_at(weftp_queue_sit(queue), 7); /* a seat that is not in the list yet */
    weftp_take_sleep(&consumer->take, queue);
    assert_int_equal(queue->sleeping, 0);
    end();
}

/* A loss that nobody follows, and a thread that leaves a ring too many, wake it as well. */
static void test_losses_and_leavers_wake_it(void **state)
{
    (void)state;
    struct weftp_queue_counts counts;
    struct weftp_seat *seats[20];
    begin(QUEUE_DROPS);
    for (size_t i = 0; i < 20; i++) seats[i] = weftp_queue_sit(queue);
    consumer_start(consumer);
    AWAIT(__atomic_load_n(&queue->sleeping, __ATOMIC_ACQUIRE) == 1);
    weftp_queue_lose(queue, seats[0], INFO, 5);
    AWAIT(__atomic_load_n(&consumer->gaps, __ATOMIC_ACQUIRE) == 1);
    AWAIT(__atomic_load_n(&queue->sleeping, __ATOMIC_ACQUIRE) == 1);
    for (size_t i = 0; i < 20; i++) weftp_queue_leave(queue, seats[i]);
    AWAIT((weftp_queue_counts(queue, &counts), counts.seats == WEFTP_QUEUE_SPARE_MAX));
    weftp_queue_counts(queue, &counts);
    assert_int_equal(counts.lost_count, 1); /* of whichever seat */
    consumer_stop(consumer);
    end();
}

/* The thread's voluntary context switches. */
static long switches_of(pid_t thread)
{
    char path[64], line[128];
    long count = -1;
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1) break;
    if (file) fclose(file);
    return count;
}

static pid_t consumer_id; /* atomic */

static void *run_with_id(void *arg)
{
    __atomic_store_n(&consumer_id, (pid_t)weftp_thread_id(), __ATOMIC_SEQ_CST);
    return consumer_run(arg);
}

/* The whole five seconds are weft's own test's; here that no timer is left. */
static void test_idle_costs_nothing(void **state)
{
    (void)state;
    if (under_emulator()) skip();
    begin(QUEUE_BLOCKS);
    assert_int_equal(pthread_create(&consumer->thread, NULL, run_with_id, consumer), 0);
    push_at(weftp_queue_sit(queue), weftp_realtime_ns());
    AWAIT(__atomic_load_n(&queue->sleeping, __ATOMIC_ACQUIRE) == 1);
    const pid_t id = __atomic_load_n(&consumer_id, __ATOMIC_SEQ_CST);
    weftp_sleep_ns(20000000);
    const long before = switches_of(id);
    assert_true(before > 0);
    weftp_sleep_ns(600000000);
    assert_int_equal(switches_of(id), before);
    consumer_stop(consumer);
    end();
}

/* ---- fork ---- */

static int no_room(void *self, size_t bytes, uint32_t *number)
{
    (void)self;
    (void)bytes;
    (void)number;
    return -1;
}

static void end_the_child(void *self, uint32_t number)
{
    (void)self;
    (void)number;
    _exit(95);
}

static void in_the_child(struct weftp_seat *parents)
{
    /* As if the parent's ring were in a store, which is no business of the child's. */
    const struct weftp_queue_store store = {NULL, no_room, end_the_child};
    parents->store = &store;
    weftp_queue_fork_child(queue);
    struct weftp_queue_counts counts;
    weftp_queue_counts(queue, &counts);
    EXPECT(counts.seats == 0 && counts.pending == 0 && queue->ready);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    EXPECT(seat != NULL);
    for (int i = 0; i < 100; i++) push_at(seat, i);
    struct consumer *mine = consumer_create(queue);
    (void)consumer_round_at(mine, 1000);
    EXPECT(mine->records == 100 && mine->lost == 0);
    free(mine);
    weftp_queue_close(queue);
    _exit(0);
}

static void test_a_child_has_nothing_of_the_parents(void **state)
{
    (void)state;
    begin(QUEUE_BLOCKS);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    push_at(seat, 6);
    (void)consumer_round_at(consumer, 1000);
    weftp_queue_fork_prepare(queue);
    const pid_t pid = fork();
    if (pid == 0) in_the_child(seat);
    weftp_queue_fork_parent(queue);
    assert_int_equal(test_wait(pid, 20), 0);
    push_at(seat, 7);
    (void)consumer_round_at(consumer, 1000);
    assert_int_equal(consumer->records, 2);
    assert_int_equal(came[1], 7);
    end();
    static struct weftp_queue none; /* never opened: nothing happens */
    weftp_queue_fork_prepare(&none);
    weftp_queue_fork_parent(&none);
    weftp_queue_fork_child(&none);
    assert_false(none.ready);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_sleep_is_woken_from),
        cmocka_unit_test(test_what_ends_a_nap),
        cmocka_unit_test(test_what_keeps_it_awake),
        cmocka_unit_test(test_losses_and_leavers_wake_it),
        cmocka_unit_test(test_idle_costs_nothing),
        cmocka_unit_test(test_a_child_has_nothing_of_the_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
