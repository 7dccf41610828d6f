/*
 * When a ring is full, or has losses to tell of.
 */
#include "../port/futex.h"
#include "../port/wait.h"
#include "queue.h"

#include <string.h>

#define SPINS        200 /* looks before the producer sleeps */
#define NAP_NS       INT64_C(20000000)
#define ENOUGH(seat) ((seat)->ring.capacity / 8) /* who has waited waits until so much is free */

/* Push what was lost before what comes now. It is a whole entry, or none. */
static bool say_losses(struct weftp_seat *seat)
{
    const size_t size = sizeof seat->lost;
    size_t room;
    void *at = weftp_ring_room_sp(&seat->ring, size, 0, &room);
    if (!at) return false;
    memcpy(at, &seat->lost, size);
    weftp_ring_commit_sp(&seat->ring, WEFTP_RING_GAP, size, seat->lost.last_ns);
    seat->said_count = seat->lost_count;
    return true;
}

static bool has_room(const struct weftp_seat *seat, size_t needed)
{
    return seat->ring.capacity - weftp_ring_used(&seat->ring) >= needed;
}

/* Sleep until the consumer gives back, or a while. It looks at `waiting` after it has given back. */
static void sleep_for_room(struct weftp_seat *seat, size_t needed, int64_t left_ns)
{
    __atomic_store_n(&seat->waiting, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!has_room(seat, needed))
        weftp_futex_wait(&seat->waiting, 1, left_ns < NAP_NS ? left_ns : NAP_NS);
    __atomic_store_n(&seat->waiting, 0, __ATOMIC_RELAXED);
}

static bool spin_for_room(const struct weftp_seat *seat, size_t needed)
{
    for (unsigned i = 0; i < SPINS; i++) {
        if (has_room(seat, needed)) return true;
        weftp_relax();
    }
    return false;
}

/* Wait for `least` bytes, and then for enough that the next records need not wait as well. */
static bool wait_for_room(struct weftp_queue *queue, struct weftp_seat *seat, size_t least,
                          int64_t block_ns)
{
    const size_t enough = least > ENOUGH(seat) ? least : ENOUGH(seat);
    const int64_t end_ns = block_ns == INT64_MAX ? INT64_MAX : weftp_monotonic_ns() + block_ns;
    if (spin_for_room(seat, enough)) return true;
    while (!has_room(seat, enough)) {
        const int64_t left_ns = end_ns == INT64_MAX ? INT64_MAX : end_ns - weftp_monotonic_ns();
        if (left_ns <= 0 || __atomic_load_n(&queue->closing, __ATOMIC_ACQUIRE))
            return has_room(seat, least);
        weftp_queue_wake(queue);
        sleep_for_room(seat, enough, left_ns);
    }
    return true;
}

void *weftp_queue_room_slow(struct weftp_queue *queue, struct weftp_seat *seat, int level,
                            size_t least, size_t *room)
{
    const size_t gap = sizeof seat->lost + sizeof(struct weftp_ring_entry);
    const size_t kept = weftp_queue_kept(queue, seat, level);
    const bool owes = seat->lost_count != seat->said_count;
    const size_t needed = least + sizeof(struct weftp_ring_entry) + (owes ? gap : 0);
    const bool blocks =
        __atomic_load_n(&queue->options.overflow, __ATOMIC_RELAXED) == WEFTP_OVERFLOW_BLOCK;
    if (needed > seat->ring.capacity) return NULL;
    if (blocks && kept == 0) {
        const int64_t block_ns = __atomic_load_n(&queue->options.block_ns, __ATOMIC_RELAXED);
        if (!has_room(seat, needed) && !wait_for_room(queue, seat, needed, block_ns)) return NULL;
    }
    /* The record is sure to follow: only then is the gap said. */
    if (!has_room(seat, needed + kept)) return NULL;
    if (owes && !say_losses(seat)) return NULL;
    return weftp_ring_room_sp(&seat->ring, least, kept, room);
}
