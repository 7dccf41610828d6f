/*
 * A record at a time, to a consumer that sleeps at once when there is none: wherever it is in
 * falling asleep, it takes the record. Nothing else would wake it: a wake that is lost is for ever.
 */
#ifndef TEST_SUPPORT_WAKES_H
#define TEST_SUPPORT_WAKES_H

#include <sched.h>

#include "support/consumer.h"

static inline bool is_soon_taken(const struct weftp_seat *seat)
{
    const int64_t end_ms = weftp_monotonic_ms() + 10000;
    for (unsigned turn = 1; weftp_ring_used(&seat->ring) > 0; turn++) {
        if (turn % 500) continue;
        if (weftp_monotonic_ms() > end_ms) return false;
        sched_yield();
    }
    return true;
}

static inline void pause_a_little(unsigned *seed)
{
    const int turns = rand_r(seed) % 300;
    for (int i = 0; i < turns; i++) __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/*
 * Without `barrier` as where there is no membarrier. Returns how many were taken in time; the first
 * that is not ends it.
 */
static inline uint64_t queue_wakes(bool barrier, uint32_t count)
{
    struct weftp_queue *queue = queue_create(QUEUE_BLOCKS);
    struct consumer *consumer = consumer_create(queue);
    struct weftp_seat *seat = weftp_queue_sit(queue);
    unsigned seed = 1;
    queue->barrier = queue->barrier && barrier;
    consumer->napless = true;
    consumer_start(consumer);
    uint32_t taken = 0;
    for (; taken < count; taken++) {
        if (!queue_push(queue, seat, 9, "x", 1) || !is_soon_taken(seat)) break;
        pause_a_little(&seed);
    }
    consumer_stop(consumer);
    free(consumer);
    queue_destroy(queue);
    return taken;
}

#endif
