#include "queue.h"

#include "../port/futex.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void weftp_queue_open(struct weftp_queue *queue, const struct weftp_queue_options *options,
                      bool barrier)
{
    weftp_lock_init(&queue->lock);
    queue->options = *options;
    queue->barrier = barrier;
    queue->ready = true;
}

void weftp_queue_set(struct weftp_queue *queue, const struct weftp_queue_options *options)
{
    struct weftp_queue_options *now = &queue->options;
    weftp_lock(&queue->lock);
    now->ring_bytes = options->ring_bytes;
    __atomic_store_n(&now->overflow, options->overflow, __ATOMIC_RELAXED);
    __atomic_store_n(&now->block_ns, options->block_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&now->keep_level, options->keep_level, __ATOMIC_RELAXED);
    weftp_unlock(&queue->lock);
}

void weftp_queue_store_set(struct weftp_queue *queue, const struct weftp_queue_store *store)
{
    weftp_lock(&queue->lock);
    queue->store = store;
    weftp_unlock(&queue->lock);
}

/* ---- seats ---- */

static void changed(struct weftp_queue *queue)
{
    __atomic_fetch_add(&queue->generation, 1, __ATOMIC_RELEASE);
}

/* Give the seat a ring: in the store if there is one and it has room. */
static weft_status seat_ring(struct weftp_queue *queue, struct weftp_seat *seat)
{
    const struct weftp_queue_store *store = queue->store;
    const size_t bytes = queue->options.ring_bytes;
    if (!store) return weftp_ring_create(&seat->ring, bytes, -1);
    const int fd = store->open(store->self, weftp_ring_file_size(bytes), &seat->number);
    if (fd >= 0) {
        seat->stored = weftp_ring_create(&seat->ring, bytes, fd) == WEFT_OK;
        close(fd);
        if (seat->stored) return WEFT_OK;
        store->close(store->self, seat->number);
    }
    queue->unstored++;
    return weftp_ring_create(&seat->ring, bytes, -1);
}

static struct weftp_seat *seat_create(struct weftp_queue *queue)
{
    if (queue->seat_count >= WEFTP_QUEUE_SEATS_MAX) return NULL;
    struct weftp_seat *seat = aligned_alloc(WEFTP_RING_LINE, sizeof *seat);
    if (!seat) return NULL;
    memset(seat, 0, sizeof *seat);
    if (seat_ring(queue, seat) != WEFT_OK) {
        free(seat);
        return NULL;
    }
    seat->next = queue->first;
    queue->first = seat;
    queue->seat_count++;
    changed(queue);
    return seat;
}

static struct weftp_seat *seat_adopt(struct weftp_queue *queue)
{
    const size_t capacity = weftp_ring_capacity(queue->options.ring_bytes);
    for (struct weftp_seat *seat = queue->first; queue->spare_count > 0 && seat;
         seat = seat->next) {
        if (seat->state != WEFTP_SEAT_LEFT || seat->ring.capacity != capacity) continue;
        seat->state = WEFTP_SEAT_TAKEN;
        queue->spare_count--;
        return seat;
    }
    return NULL;
}

struct weftp_seat *weftp_queue_sit(struct weftp_queue *queue)
{
    weftp_lock(&queue->lock);
    struct weftp_seat *seat = seat_adopt(queue);
    if (!seat) seat = seat_create(queue);
    weftp_unlock(&queue->lock);
    return seat;
}

void weftp_queue_leave(struct weftp_queue *queue, struct weftp_seat *seat)
{
    weftp_lock(&queue->lock);
    seat->state = WEFTP_SEAT_LEFT;
    queue->spare_count++;
    if (queue->spare_count > WEFTP_QUEUE_SPARE_MAX) changed(queue); /* for the consumer to see to */
    weftp_unlock(&queue->lock);
}

/* ---- books ---- */

static int level_index(int level)
{
    const int index = level / 4; /* levels are 1, 5, 9 … 21 */
    return index < 0 ? 0 : index >= WEFTP_RING_LEVELS ? WEFTP_RING_LEVELS - 1 : index;
}

void weftp_queue_lose(struct weftp_seat *seat, int level, int64_t time_ns)
{
    struct weftp_ring_losses *lost = &seat->lost;
    uint64_t *count = &lost->by_level[level_index(level)];
    if (seat->lost_count == seat->said_count)
        __atomic_store_n(&lost->first_ns, time_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&lost->last_ns, time_ns, __ATOMIC_RELAXED);
    __atomic_store_n(count, *count + 1, __ATOMIC_RELAXED);
    __atomic_store_n(&seat->lost_count, seat->lost_count + 1, __ATOMIC_RELEASE);
}

void weftp_queue_counts(struct weftp_queue *queue, struct weftp_queue_counts *counts)
{
    *counts = (struct weftp_queue_counts){.unstored = 0};
    if (!queue->ready) return;
    weftp_lock(&queue->lock);
    uint64_t pushed = queue->gone_pushed, done = queue->gone_done;
    memcpy(counts->lost, queue->gone.by_level, sizeof counts->lost);
    for (const struct weftp_seat *seat = queue->first; seat; seat = seat->next) {
        done += __atomic_load_n(&seat->done, __ATOMIC_ACQUIRE);
        pushed += __atomic_load_n(&seat->pushed, __ATOMIC_RELAXED);
        for (size_t i = 0; i < WEFTP_RING_LEVELS; i++)
            counts->lost[i] += __atomic_load_n(&seat->lost.by_level[i], __ATOMIC_RELAXED);
    }
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++) counts->lost_count += counts->lost[i];
    counts->pending = pushed - done;
    counts->unstored = queue->unstored;
    counts->seats = queue->seat_count;
    weftp_unlock(&queue->lock);
}

/* ---- questions ---- */

void weftp_queue_wake(struct weftp_queue *queue)
{
    if (__atomic_exchange_n(&queue->sleeping, 0, __ATOMIC_SEQ_CST) != 0)
        weftp_futex_wake(&queue->sleeping);
}

bool weftp_queue_drain(struct weftp_queue *queue, int64_t deadline_ms)
{
    const uint32_t question = __atomic_add_fetch(&queue->asked, 1, __ATOMIC_SEQ_CST);
    weftp_queue_wake(queue);
    for (;;) {
        const uint32_t answered = __atomic_load_n(&queue->answered, __ATOMIC_ACQUIRE);
        if ((int32_t)(answered - question) >= 0) return true;
        const int64_t left_ms =
            deadline_ms == INT64_MAX ? 1000 : deadline_ms - weftp_monotonic_ms();
        if (left_ms <= 0) return false;
        weftp_futex_wait(&queue->answered, answered, left_ms * 1000000);
    }
}

void weftp_queue_closing(struct weftp_queue *queue, bool closing)
{
    __atomic_store_n(&queue->closing, closing, __ATOMIC_SEQ_CST);
    if (!closing) return;
    weftp_lock(&queue->lock);
    for (struct weftp_seat *seat = queue->first; seat; seat = seat->next) {
        __atomic_store_n(&seat->waiting, 0, __ATOMIC_SEQ_CST);
        weftp_futex_wake(&seat->waiting);
    }
    weftp_unlock(&queue->lock);
}

/* ---- fork ---- */

void weftp_queue_fork_prepare(struct weftp_queue *queue)
{
    if (queue->ready) weftp_lock(&queue->lock);
}

void weftp_queue_fork_parent(struct weftp_queue *queue)
{
    if (queue->ready) weftp_unlock(&queue->lock);
}

void weftp_queue_fork_child(struct weftp_queue *queue)
{
    struct weftp_seat *seat = queue->first;
    const struct weftp_queue_options options = queue->options;
    const bool ready = queue->ready, barrier = queue->barrier;
    while (seat) {
        struct weftp_seat *next = seat->next;
        weftp_ring_destroy(&seat->ring);
        free(seat);
        seat = next;
    }
    memset(queue, 0, sizeof *queue);
    if (ready) weftp_queue_open(queue, &options, barrier);
}
