#include "take.h"

#include "../port/futex.h"
#include "../port/process.h"

#include <string.h>

#define NAP_MIN_NS 50000   /* while much comes */
#define NAP_MAX_NS 1600000 /* when that has brought nothing, the consumer sleeps */
#define MUCH_BYTES 16384   /* taken between two waits */
#define AHEAD_MAX_NS                                                                               \
    1000000 /* an entry from further in the future is no race but a clock that was set */

/* ---- which seats there are ---- */

static bool untold(const struct weftp_seat *seat)
{
    return __atomic_load_n(&seat->lost_count, __ATOMIC_ACQUIRE) != seat->told_count;
}

static void unlink_seat(struct weftp_queue *queue, struct weftp_seat **at)
{
    struct weftp_seat *seat = *at;
    __atomic_store_n(at, seat->next, __ATOMIC_RELEASE);
    queue->spare_count--;
    queue->seat_count--;
    queue->gone_pushed += seat->pushed;
    queue->gone_done += seat->done;
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++)
        queue->gone[i] += seat->ring.face->lost.by_level[i];
    weftp_queue_free(seat);
}

/* A crash is being saved: whatever is taken now might be written twice. */
static inline bool is_frozen(struct weftp_queue *queue)
{
    const uint32_t until_ms = __atomic_load_n(&queue->frozen, __ATOMIC_RELAXED);
    if (__builtin_expect(until_ms == 0, 1)) return false;
    if ((int32_t)(until_ms - (uint32_t)weftp_monotonic_ms()) > 0) return true;
    weftp_queue_freeze(queue, 0);
    return false;
}

/*
 * Whoever saves a crash reads the list without its lock: it says so first and then waits for this, as
 * this says so first and then looks for that.
 */
static bool begin_to_remove(struct weftp_queue *queue)
{
    if (queue->spare_count == 0) return false;
    __atomic_store_n(&queue->removing, 1, __ATOMIC_SEQ_CST);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!is_frozen(queue)) return true;
    __atomic_store_n(&queue->removing, 0, __ATOMIC_RELEASE);
    return false;
}

/* Seats that are too many go when they are empty: until then the list is read again and again. */
static void read_list(struct weftp_take *take, struct weftp_queue *queue)
{
    const unsigned generation = __atomic_load_n(&queue->generation, __ATOMIC_ACQUIRE);
    if (take->listed && take->generation == generation) return;
    weftp_lock(&queue->lock);
    take->listed = true;
    take->generation = generation;
    take->seat_count = 0;
    const bool removes = begin_to_remove(queue);
    for (struct weftp_seat **at = &queue->first; *at;) {
        struct weftp_seat *seat = *at;
        const bool surplus = weftp_queue_surplus(queue, seat);
        if (surplus && removes && weftp_ring_used(&seat->ring) == 0 && !untold(seat)) {
            unlink_seat(queue, at);
            continue;
        }
        if (surplus) take->listed = false;
        take->seats[take->seat_count++] = seat;
        at = &seat->next;
    }
    if (removes) __atomic_store_n(&queue->removing, 0, __ATOMIC_RELEASE);
    weftp_unlock(&queue->lock);
}

/* ---- a heap of seats, the one with the oldest front entry first ---- */

static int64_t front_ns(const struct weftp_seat *seat)
{
    return weftp_ring_front_sc(&seat->ring)->time_ns;
}

static void sift_down(struct weftp_take *take, size_t at)
{
    struct weftp_seat **heap = take->heap;
    struct weftp_seat *seat = heap[at];
    const int64_t time_ns = front_ns(seat);
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= take->heap_count) break;
        if (child + 1 < take->heap_count && front_ns(heap[child + 1]) < front_ns(heap[child]))
            child++;
        if (front_ns(heap[child]) >= time_ns) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = seat;
}

static bool is_asked(const struct weftp_take *take, const struct weftp_queue *queue)
{
    return take->answering || __atomic_load_n(&queue->asked, __ATOMIC_ACQUIRE) !=
                                  __atomic_load_n(&queue->answered, __ATOMIC_RELAXED);
}

bool weftp_take_begin(struct weftp_take *take, struct weftp_queue *queue, int64_t now_ns)
{
    const bool ask = !take->answering && is_asked(take, queue);
    if (ask) take->asked = __atomic_load_n(&queue->asked, __ATOMIC_ACQUIRE);
    if (ask) take->answering = true;
    const bool frozen = is_frozen(queue);
    take->queue = queue;
    take->until_ns = now_ns;
    take->turn = NULL;
    take->heap_count = 0;
    read_list(take, queue);
    for (size_t i = 0; i < take->seat_count; i++) {
        struct weftp_seat *seat = take->seats[i];
        const bool any = weftp_ring_look_sc(&seat->ring);
        if (any && !frozen) take->heap[take->heap_count++] = seat;
        if (!ask) continue;
        seat->owing = any;
        seat->owed = seat->ring.head_seen;
    }
    for (size_t i = take->heap_count / 2; i-- > 0;) sift_down(take, i);
    return take->heap_count > 0 || take->answering;
}

/* The seat whose turn it was has gone on, perhaps to its end. */
static void end_turn(struct weftp_take *take)
{
    if (!take->turn) return;
    take->turn = NULL;
    if (!weftp_ring_front_sc(&take->heap[0]->ring)) take->heap[0] = take->heap[--take->heap_count];
    if (take->heap_count > 0) sift_down(take, 0);
}

/* Up to when the first seat's entries are the oldest. */
static int64_t rival_ns(const struct weftp_take *take)
{
    int64_t time_ns = take->until_ns;
    for (size_t i = 1; i < take->heap_count && i <= 2; i++) {
        const int64_t other_ns = front_ns(take->heap[i]);
        if (other_ns < time_ns) time_ns = other_ns;
    }
    return time_ns;
}

const struct weftp_ring_entry *weftp_take_next_turn(struct weftp_take *take,
                                                    struct weftp_seat **out)
{
    end_turn(take);
    if (take->heap_count == 0 || is_frozen(take->queue)) return NULL;
    struct weftp_seat *seat = take->heap[0];
    const struct weftp_ring_entry *entry = weftp_ring_front_sc(&seat->ring);
    if (entry->time_ns > take->until_ns && entry->time_ns - take->until_ns < AHEAD_MAX_NS)
        return NULL;
    take->turn = seat;
    take->turn_ns = rival_ns(take);
    *out = seat;
    return weftp_take_front(take, seat, entry);
}

static void release_seat(struct weftp_seat *seat)
{
    if (weftp_ring_held_sc(&seat->ring) == 0) return;
    weftp_ring_release_sc(&seat->ring);
    __atomic_store_n(&seat->done, seat->done + seat->taken, __ATOMIC_RELEASE);
    seat->taken = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__atomic_load_n(&seat->waiting, __ATOMIC_RELAXED) == 0) return;
    __atomic_store_n(&seat->waiting, 0, __ATOMIC_SEQ_CST);
    weftp_futex_wake(&seat->waiting);
}

void weftp_take_release(struct weftp_take *take)
{
    for (size_t i = 0; i < take->seat_count; i++) release_seat(take->seats[i]);
    take->since_wait += take->bytes;
    take->bytes = 0;
}

/* Under way to an answer: some of what was there then may be younger than this round. */
static bool still_owes(struct weftp_seat *seat)
{
    if (seat->owing && (int32_t)(seat->ring.taken - seat->owed) >= 0) seat->owing = false;
    return seat->owing;
}

void weftp_take_end(struct weftp_take *take, struct weftp_queue *queue)
{
    if (!take->answering) return;
    for (size_t i = 0; i < take->seat_count; i++)
        if (still_owes(take->seats[i])) return;
    take->answering = false;
    __atomic_store_n(&queue->answered, take->asked, __ATOMIC_RELEASE);
    weftp_futex_wake(&queue->answered);
}

/* Read the counts as they are; false: something that came before them is still in the ring. */
static bool read_losses(const struct weftp_seat *seat, struct weftp_ring_losses *now)
{
    const struct weftp_ring_losses *lost = &seat->ring.face->lost;
    if (!untold(seat)) return false;
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++)
        now->by_level[i] = __atomic_load_n(&lost->by_level[i], __ATOMIC_RELAXED);
    now->first_ns = __atomic_load_n(&lost->first_ns, __ATOMIC_RELAXED);
    now->last_ns = __atomic_load_n(&lost->last_ns, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return weftp_ring_used(&seat->ring) == 0;
}

bool weftp_take_losses(struct weftp_seat *seat, const struct weftp_ring_entry *gap,
                       struct weftp_ring_losses *losses)
{
    struct weftp_ring_losses now;
    uint64_t sum = 0;
    if (gap)
        memcpy(&now, gap + 1, sizeof now);
    else if (!read_losses(seat, &now))
        return false;
    *losses = now;
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++) {
        uint64_t *told = &seat->ring.face->told[i];
        const bool more = now.by_level[i] > *told;
        losses->by_level[i] = more ? now.by_level[i] - *told : 0;
        if (more) *told = now.by_level[i];
        sum += losses->by_level[i];
    }
    if (sum == 0) return false;
    /* Since the last GAP entry some may have been told of without one. */
    if (seat->told_count > 0 && losses->first_ns < seat->told_ns) losses->first_ns = seat->told_ns;
    seat->told_ns = losses->last_ns;
    seat->told_count += sum;
    return true;
}

/* ---- sleep ---- */

static bool has_work(struct weftp_take *take, struct weftp_queue *queue)
{
    if (is_asked(take, queue)) return true;
    read_list(take, queue);
    for (size_t i = 0; i < take->seat_count; i++)
        if (weftp_ring_look_sc(&take->seats[i]->ring) || untold(take->seats[i])) return true;
    return false;
}

static void nap(struct weftp_take *take, struct weftp_queue *queue)
{
    __atomic_store_n(&queue->napping, 1, __ATOMIC_SEQ_CST);
    if (!is_asked(take, queue)) weftp_futex_wait(&queue->napping, 1, take->nap_ns);
    __atomic_store_n(&queue->napping, 0, __ATOMIC_RELAXED);
}

void weftp_take_sleep(struct weftp_take *take, struct weftp_queue *queue)
{
    __atomic_store_n(&queue->sleeping, 1, __ATOMIC_SEQ_CST);
    if (queue->barrier) weftp_barrier_all(); /* else every producer fences */
    if (!has_work(take, queue)) weftp_futex_wait(&queue->sleeping, 1, INT64_MAX);
    __atomic_store_n(&queue->sleeping, 0, __ATOMIC_SEQ_CST);
}

void weftp_take_wait(struct weftp_take *take, struct weftp_queue *queue)
{
    if (take->nap_ns < NAP_MIN_NS || take->since_wait >= MUCH_BYTES) take->nap_ns = NAP_MIN_NS;
    take->since_wait = 0;
    for (;;) {
        nap(take, queue);
        if (has_work(take, queue)) return;
        if (take->nap_ns >= NAP_MAX_NS) break;
        take->nap_ns *= 2;
    }
    weftp_take_sleep(take, queue);
}
