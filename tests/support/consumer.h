/*
 * A consumer of a queue, for tests of the queue alone: takes rounds, counts what comes and what it
 * is told was lost, and can be made to stall.
 */
#ifndef TEST_SUPPORT_CONSUMER_H
#define TEST_SUPPORT_CONSUMER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "src/port/process.h"
#include "src/queue/take.h"

#define CONSUMER_GIVE_BACK 65536

struct consumer {
    struct weftp_queue *queue;
    void (*each)(struct consumer *consumer, struct weftp_seat *seat,
                 const struct weftp_ring_entry *entry); /* NULL: nothing; of records alone */
    void *arg;
    struct weftp_take take;
    uint64_t records, lost, by_level[WEFTP_RING_LEVELS];
    uint64_t gaps, waits;          /* atomic */
    struct weftp_ring_losses last; /* that it was told of */
    pthread_t thread;
    int stop, stalled, stalling; /* atomic; the last: it does stall */
    bool napless;                /* wait without naps: for what happens when it falls asleep */
};

static inline void consumer_lose(struct consumer *consumer, const struct weftp_ring_losses *losses)
{
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++) {
        consumer->by_level[i] += losses->by_level[i];
        consumer->lost += losses->by_level[i];
    }
    consumer->last = *losses;
    __atomic_store_n(&consumer->gaps, consumer->gaps + 1, __ATOMIC_RELEASE);
}

static inline void consumer_entry(struct consumer *consumer, struct weftp_seat *seat,
                                  const struct weftp_ring_entry *entry)
{
    struct weftp_ring_losses losses;
    if (weftp_ring_entry_kind(entry) == WEFTP_RING_GAP) {
        if (weftp_take_losses(seat, entry, &losses)) consumer_lose(consumer, &losses);
        return;
    }
    consumer->records++;
    if (consumer->each) consumer->each(consumer, seat, entry);
}

static inline void consumer_stall(struct consumer *consumer)
{
    const struct timespec pause = {0, 200000};
    while (__atomic_load_n(&consumer->stalled, __ATOMIC_ACQUIRE)) {
        __atomic_store_n(&consumer->stalling, 1, __ATOMIC_RELEASE);
        nanosleep(&pause, NULL);
    }
    __atomic_store_n(&consumer->stalling, 0, __ATOMIC_RELEASE);
}

/* One round as the worker makes them; false: there was nothing. */
static inline bool consumer_round_at(struct consumer *consumer, int64_t now_ns)
{
    struct weftp_take *take = &consumer->take;
    const struct weftp_ring_entry *entry;
    struct weftp_seat *seat;
    struct weftp_ring_losses losses;
    const bool any = weftp_take_begin(take, consumer->queue, now_ns);
    while ((entry = weftp_take_next(take, &seat)) != NULL) {
        consumer_stall(consumer);
        consumer_entry(consumer, seat, entry);
        if (take->bytes < CONSUMER_GIVE_BACK) continue;
        weftp_take_release(take);
        take->bytes = 0;
    }
    weftp_take_release(take);
    for (size_t i = 0; i < take->seat_count; i++) {
        seat = take->seats[i];
        if (seat->done > __atomic_load_n(&seat->pushed, __ATOMIC_RELAXED)) abort();
        if (weftp_take_losses(seat, NULL, &losses)) consumer_lose(consumer, &losses);
    }
    weftp_take_end(take, consumer->queue);
    return any;
}

static inline bool consumer_round(struct consumer *consumer)
{
    return consumer_round_at(consumer, weftp_realtime_ns());
}

static inline void *consumer_run(void *arg)
{
    struct consumer *consumer = arg;
    while (!__atomic_load_n(&consumer->stop, __ATOMIC_ACQUIRE))
        if (!consumer_round(consumer) && !__atomic_load_n(&consumer->stop, __ATOMIC_ACQUIRE)) {
            if (consumer->napless)
                weftp_take_sleep(&consumer->take, consumer->queue);
            else
                weftp_take_wait(&consumer->take, consumer->queue);
            __atomic_store_n(&consumer->waits, consumer->waits + 1, __ATOMIC_RELAXED);
        }
    return NULL;
}

static inline struct consumer *consumer_create(struct weftp_queue *queue)
{
    struct consumer *consumer = calloc(1, sizeof *consumer);
    if (!consumer) abort();
    consumer->queue = queue;
    return consumer;
}

static inline void consumer_start(struct consumer *consumer)
{
    consumer->stop = 0;
    if (pthread_create(&consumer->thread, NULL, consumer_run, consumer) != 0) abort();
}

/* End its thread, which leaves in the queue what comes later. */
static inline void consumer_stop(struct consumer *consumer)
{
    __atomic_store_n(&consumer->stop, 1, __ATOMIC_SEQ_CST);
    (void)weftp_queue_drain(consumer->queue, 0);
    if (pthread_join(consumer->thread, NULL) != 0) abort();
    while (consumer_round(consumer)) continue;
}

/* ---- producers ---- */

static inline bool queue_push(struct weftp_queue *queue, struct weftp_seat *seat, int level,
                              const void *bytes, size_t size)
{
    size_t room;
    const int64_t now_ns = weftp_realtime_ns();
    void *at = weftp_queue_room(queue, seat, level, size, &room);
    if (!at) {
        weftp_queue_lose(queue, seat, level, now_ns);
        return false;
    }
    memcpy(at, bytes, size);
    weftp_queue_commit(queue, seat, size, now_ns);
    return true;
}

#define QUEUE_BLOCKS ((struct weftp_queue_options){.ring_bytes = 65536, .block_ns = INT64_MAX})
#define QUEUE_DROPS                                                                                \
    ((struct weftp_queue_options){.ring_bytes = 65536, .overflow = WEFTP_OVERFLOW_DROP})

static inline struct weftp_queue *queue_create(struct weftp_queue_options options)
{
    struct weftp_queue *queue = aligned_alloc(_Alignof(struct weftp_queue), sizeof *queue);
    if (!queue) abort();
    memset(queue, 0, sizeof *queue);
    weftp_queue_open(queue, &options, weftp_barrier_register());
    return queue;
}

static inline void queue_destroy(struct weftp_queue *queue)
{
    weftp_queue_close(queue);
    weftp_lock_deinit(&queue->lock);
    free(queue);
}

#endif
