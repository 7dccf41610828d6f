#include "take.h"

#include "../port/futex.h"
#include "../port/process.h"
#include "../port/wait.h"

#include <stdlib.h>
#include <string.h>

#define NAPS   16
#define NAP_NS 50000
#define AHEAD_MAX_NS                                                                               \
    1000000 /* an entry from further in the future is no race but a clock that was set */

/* ---- which seats there are ---- */

static struct weftp_seat **unlink_spare(struct weftp_queue *queue, struct weftp_seat **at)
{
    struct weftp_seat *seat = *at;
    if (seat->state != WEFTP_SEAT_LEFT || queue->spare_count <= WEFTP_QUEUE_SPARE_MAX ||
        weftp_ring_used(&seat->ring) != 0 || seat->lost_count != seat->told_count)
        return &seat->next;
    *at = seat->next;
    queue->spare_count--;
    queue->seat_count--;
    queue->gone_pushed += seat->pushed;
    queue->gone_done += seat->done;
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++)
        queue->gone.by_level[i] += seat->lost.by_level[i];
    weftp_ring_destroy(&seat->ring);
    if (seat->stored && queue->store) queue->store->close(queue->store->self, seat->number);
    free(seat);
    return at;
}

static bool make_room(struct weftp_take *take, size_t count)
{
    if (count <= take->capacity) return true;
    const size_t capacity = count + 16;
    struct weftp_seat **seats = realloc(take->seats, capacity * sizeof *seats);
    if (seats) take->seats = seats;
    struct weftp_seat **heap = realloc(take->heap, capacity * sizeof *heap);
    if (heap) take->heap = heap;
    if (!seats || !heap) return false;
    take->capacity = capacity;
    return true;
}

/* Without memory for the list, the new seats wait until there is some. */
static void read_list(struct weftp_take *take, struct weftp_queue *queue)
{
    const unsigned generation = __atomic_load_n(&queue->generation, __ATOMIC_ACQUIRE);
    if (take->listed && take->generation == generation) return;
    weftp_lock(&queue->lock);
    for (struct weftp_seat **at = &queue->first; *at;) at = unlink_spare(queue, at);
    take->listed = make_room(take, queue->seat_count);
    take->seat_count = 0;
    for (struct weftp_seat *seat = queue->first; seat && take->seat_count < take->capacity;
         seat = seat->next)
        take->seats[take->seat_count++] = seat;
    take->generation = generation;
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

bool weftp_take_begin(struct weftp_take *take, struct weftp_queue *queue, int64_t now_ns)
{
    take->asked = __atomic_load_n(&queue->asked, __ATOMIC_ACQUIRE);
    const bool question = take->asked != __atomic_load_n(&queue->answered, __ATOMIC_RELAXED);
    take->until_ns = question ? INT64_MAX : now_ns;
    take->heap_count = 0;
    take->bytes = 0;
    read_list(take, queue);
    for (size_t i = 0; i < take->seat_count; i++)
        if (weftp_ring_look_sc(&take->seats[i]->ring))
            take->heap[take->heap_count++] = take->seats[i];
    for (size_t i = take->heap_count / 2; i-- > 0;) sift_down(take, i);
    return take->heap_count > 0 || question;
}

const struct weftp_ring_entry *weftp_take_next(struct weftp_take *take, struct weftp_seat **out)
{
    if (take->heap_count == 0) return NULL;
    struct weftp_seat *seat = take->heap[0];
    const struct weftp_ring_entry *entry = weftp_ring_front_sc(&seat->ring);
    if (entry->time_ns > take->until_ns && entry->time_ns - take->until_ns < AHEAD_MAX_NS)
        return NULL;
    weftp_ring_take_sc(&seat->ring);
    seat->taken += weftp_ring_entry_kind(entry) == WEFTP_RING_RECORD;
    take->bytes += weftp_ring_entry_size(entry);
    if (!weftp_ring_front_sc(&seat->ring)) take->heap[0] = take->heap[--take->heap_count];
    if (take->heap_count > 0) sift_down(take, 0);
    *out = seat;
    return entry;
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
}

void weftp_take_end(struct weftp_take *take, struct weftp_queue *queue)
{
    if (take->asked == __atomic_load_n(&queue->answered, __ATOMIC_RELAXED) || !take->listed) return;
    __atomic_store_n(&queue->answered, take->asked, __ATOMIC_RELEASE);
    weftp_futex_wake(&queue->answered);
}

/* Read the counts as they are; false: something that came before them is still in the ring. */
static bool read_losses(const struct weftp_seat *seat, struct weftp_ring_losses *now)
{
    if (__atomic_load_n(&seat->lost_count, __ATOMIC_ACQUIRE) == seat->told_count) return false;
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++)
        now->by_level[i] = __atomic_load_n(&seat->lost.by_level[i], __ATOMIC_RELAXED);
    now->first_ns = __atomic_load_n(&seat->lost.first_ns, __ATOMIC_RELAXED);
    now->last_ns = __atomic_load_n(&seat->lost.last_ns, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return weftp_ring_used(&seat->ring) == 0;
}

bool weftp_take_losses(struct weftp_seat *seat, const struct weftp_ring_entry *gap,
                       struct weftp_ring_losses *untold)
{
    struct weftp_ring_losses now;
    uint64_t sum = 0;
    if (gap)
        memcpy(&now, gap + 1, sizeof now);
    else if (!read_losses(seat, &now))
        return false;
    *untold = now;
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++) {
        const bool more = now.by_level[i] > seat->told[i];
        untold->by_level[i] = more ? now.by_level[i] - seat->told[i] : 0;
        if (more) seat->told[i] = now.by_level[i];
        sum += untold->by_level[i];
    }
    seat->told_count += sum;
    return sum > 0;
}

/* ---- sleep ---- */

static bool has_work(struct weftp_take *take, struct weftp_queue *queue)
{
    if (__atomic_load_n(&queue->asked, __ATOMIC_ACQUIRE) !=
        __atomic_load_n(&queue->answered, __ATOMIC_RELAXED))
        return true;
    read_list(take, queue);
    for (size_t i = 0; i < take->seat_count; i++)
        if (weftp_ring_look_sc(&take->seats[i]->ring)) return true;
    return !take->listed;
}

static void sleep_deep(struct weftp_take *take, struct weftp_queue *queue)
{
    __atomic_store_n(&queue->sleeping, 1, __ATOMIC_SEQ_CST);
    weftp_barrier_all();
    if (!has_work(take, queue)) weftp_futex_wait(&queue->sleeping, 1, INT64_MAX);
    __atomic_store_n(&queue->sleeping, 0, __ATOMIC_SEQ_CST);
}

void weftp_take_wait(struct weftp_take *take, struct weftp_queue *queue)
{
    for (unsigned i = 0; i < NAPS; i++) {
        weftp_sleep_ns(NAP_NS);
        if (has_work(take, queue)) return;
    }
    sleep_deep(take, queue);
}

void weftp_take_deinit(struct weftp_take *take)
{
    free(take->seats);
    free(take->heap);
    memset(take, 0, sizeof *take);
}
