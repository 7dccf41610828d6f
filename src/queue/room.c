/*
 * When a ring is full, or has losses to tell of.
 */
#include "../port/futex.h"
#include "../port/wait.h"
#include "queue.h"

#include <string.h>

#define SPINS        200 /* looks before the producer sleeps */
#define SLEEP_MAX_NS INT64_C(1000000000)
#define ENOUGH(seat) ((seat)->ring.capacity / 8) /* who has waited waits until so much is free */

#define GAP_BYTES (sizeof(struct weftp_ring_losses) + sizeof(struct weftp_ring_entry))
_Static_assert(GAP_BYTES % WEFTP_RING_ALIGN == 0, "it takes as much room as it says");

static bool has_room(struct weftp_seat *seat, size_t needed)
{
    return weftp_ring_look_sp(&seat->ring, seat->ring.capacity) >= needed;
}

/* At half of the ring the producer looks up, and a consumer that naps wakes in time. */
static bool has_room_by_half(struct weftp_queue *queue, struct weftp_seat *seat, size_t needed)
{
    if (weftp_ring_look_sp(&seat->ring, seat->ring.capacity / 2) >= needed) return true;
    if (__atomic_load_n(&queue->napping, __ATOMIC_RELAXED) != 0) weftp_queue_wake(queue);
    return has_room(seat, needed);
}

/* Push what was lost before what comes now; there is room for both. */
static void say_losses(struct weftp_seat *seat)
{
    const struct weftp_ring_losses *lost = &seat->ring.face->lost;
    size_t room;
    void *at = weftp_ring_room_sp(&seat->ring, sizeof *lost, 0, &room);
    memcpy(at, lost, sizeof *lost);
    weftp_ring_commit_sp(&seat->ring, WEFTP_RING_GAP, sizeof *lost, lost->last_ns);
    seat->said_count = seat->lost_count;
}

static bool is_closing(const struct weftp_queue *queue)
{
    return __atomic_load_n(&queue->closing, __ATOMIC_SEQ_CST) != 0;
}

/* Sleep until the consumer gives back, or a while. It looks at `waiting` after it has given back. */
static void sleep_for_room(const struct weftp_queue *queue, struct weftp_seat *seat, size_t needed,
                           int64_t left_ns)
{
    __atomic_store_n(&seat->waiting, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!has_room(seat, needed) && !is_closing(queue))
        weftp_futex_wait(&seat->waiting, 1, left_ns < SLEEP_MAX_NS ? left_ns : SLEEP_MAX_NS);
    __atomic_store_n(&seat->waiting, 0, __ATOMIC_RELAXED);
}

static bool spin_for_room(struct weftp_seat *seat, size_t needed)
{
    for (unsigned i = 0; i < SPINS; i++) {
        if (has_room(seat, needed)) return true;
        weftp_relax();
    }
    return false;
}

/* Wait for `least` bytes, and then for enough that the next records need not wait as well. */
static bool wait_for_room(struct weftp_queue *queue, struct weftp_seat *seat, size_t least)
{
    const size_t enough = least > ENOUGH(seat) ? least : ENOUGH(seat);
    const int64_t block_ns = __atomic_load_n(&queue->options.block_ns, __ATOMIC_RELAXED);
    const int64_t now_ns = weftp_monotonic_ns();
    const int64_t end_ns = block_ns < INT64_MAX - now_ns ? now_ns + block_ns : INT64_MAX;
    if (spin_for_room(seat, enough)) return true;
    while (!has_room(seat, enough)) {
        const int64_t left_ns = end_ns == INT64_MAX ? INT64_MAX : end_ns - weftp_monotonic_ns();
        if (left_ns <= 0 || is_closing(queue)) return has_room(seat, least);
        weftp_queue_wake(queue);
        sleep_for_room(queue, seat, enough, left_ns);
    }
    return true;
}

void *weftp_queue_room_slow(struct weftp_queue *queue, struct weftp_seat *seat, int level,
                            size_t least, size_t *room)
{
    const size_t kept = weftp_queue_kept(queue, seat, level);
    const bool owes = seat->lost_count != seat->said_count;
    const size_t needed = least + sizeof(struct weftp_ring_entry) + (owes ? GAP_BYTES : 0);
    const bool blocks =
        __atomic_load_n(&queue->options.overflow, __ATOMIC_RELAXED) == WEFTP_OVERFLOW_BLOCK;
    if (least > seat->ring.capacity || needed > seat->ring.capacity) return NULL;
    if (!has_room_by_half(queue, seat, needed + kept) &&
        !(blocks && kept == 0 && wait_for_room(queue, seat, needed)))
        return NULL;
    /* The record is sure to follow: only then is the gap said. */
    if (owes) say_losses(seat);
    return weftp_ring_room_sp(&seat->ring, least, kept, room);
}
