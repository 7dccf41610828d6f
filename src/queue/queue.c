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

/* The list, or what it should be: for the consumer to see to. */
static void changed(struct weftp_queue *queue)
{
    __atomic_fetch_add(&queue->generation, 1, __ATOMIC_SEQ_CST);
}

void weftp_queue_set(struct weftp_queue *queue, const struct weftp_queue_options *options)
{
    struct weftp_queue_options *now = &queue->options;
    weftp_lock(&queue->lock);
    now->ring_bytes = options->ring_bytes;
    __atomic_store_n(&now->overflow, options->overflow, __ATOMIC_RELAXED);
    __atomic_store_n(&now->block_ns, options->block_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&now->keep_level, options->keep_level, __ATOMIC_RELAXED);
    changed(queue);
    weftp_unlock(&queue->lock);
}

void weftp_queue_store_set(struct weftp_queue *queue, const struct weftp_queue_store *store)
{
    weftp_lock(&queue->lock);
    queue->store = store;
    changed(queue);
    weftp_unlock(&queue->lock);
}

void weftp_queue_close(struct weftp_queue *queue)
{
    const struct weftp_queue_options options = queue->options;
    const bool ready = queue->ready, barrier = queue->barrier;
    while (queue->first) {
        struct weftp_seat *seat = queue->first;
        queue->first = seat->next;
        weftp_queue_free(seat);
    }
    memset(queue, 0, sizeof *queue);
    if (ready) weftp_queue_open(queue, &options, barrier);
}

/* ---- seats ---- */

/* In the store; false: it has no room for it. */
static bool store_ring(const struct weftp_queue_store *store, struct weftp_seat *seat, size_t bytes)
{
    const int fd = store->open(store->self, weftp_ring_file_size(bytes), &seat->number);
    if (fd < 0) return false;
    const bool made = weftp_ring_create(&seat->ring, bytes, fd) == WEFT_OK;
    close(fd);
    if (made)
        seat->store = store;
    else
        store->close(store->self, seat->number);
    return made;
}

/* Give the seat a ring: in the store if there is one and it has room. */
static weft_status seat_ring(struct weftp_queue *queue, struct weftp_seat *seat)
{
    const size_t bytes = queue->options.ring_bytes;
    if (queue->store) {
        if (store_ring(queue->store, seat, bytes)) return WEFT_OK;
        queue->unstored++;
    }
    return weftp_ring_create(&seat->ring, bytes, -1);
}

static struct weftp_seat *seat_create(struct weftp_queue *queue)
{
    if (queue->seat_count >= WEFTP_QUEUE_SEATS_MAX) return NULL;
    struct weftp_seat *seat = aligned_alloc(_Alignof(struct weftp_seat), sizeof *seat);
    if (!seat) return NULL;
    memset(seat, 0, sizeof *seat);
    if (seat_ring(queue, seat) != WEFT_OK) {
        free(seat);
        return NULL;
    }
    seat->next = queue->first;
    __atomic_store_n(&queue->first, seat, __ATOMIC_RELEASE);
    queue->seat_count++;
    changed(queue);
    return seat;
}

static struct weftp_seat *seat_adopt(struct weftp_queue *queue)
{
    for (struct weftp_seat *seat = queue->first; queue->spare_count > 0 && seat;
         seat = seat->next) {
        if (seat->state != WEFTP_SEAT_LEFT || !weftp_queue_fits(queue, seat)) continue;
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
    const bool surplus = weftp_queue_surplus(queue, seat);
    if (surplus) changed(queue);
    weftp_unlock(&queue->lock);
    if (surplus) weftp_queue_wake(queue);
}

bool weftp_queue_fits(const struct weftp_queue *queue, const struct weftp_seat *seat)
{
    return seat->store == queue->store &&
           seat->ring.capacity == weftp_ring_capacity(queue->options.ring_bytes);
}

bool weftp_queue_surplus(const struct weftp_queue *queue, const struct weftp_seat *seat)
{
    return seat->state == WEFTP_SEAT_LEFT &&
           (queue->spare_count > WEFTP_QUEUE_SPARE_MAX || !weftp_queue_fits(queue, seat));
}

void weftp_queue_free(struct weftp_seat *seat)
{
    const struct weftp_queue_store *store = seat->store;
    const bool empty = weftp_ring_used(&seat->ring) == 0;
    weftp_ring_destroy(&seat->ring);
    if (store && empty) store->close(store->self, seat->number);
    free(seat);
}

/* ---- books ---- */

static int level_index(int level)
{
    const int index = (level - 1) / 4; /* levels are 1, 5, 9 … 21 */
    return index < 0 ? 0 : index >= WEFTP_RING_LEVELS ? WEFTP_RING_LEVELS - 1 : index;
}

void weftp_queue_lose(struct weftp_queue *queue, struct weftp_seat *seat, int level,
                      int64_t time_ns)
{
    struct weftp_ring_losses *lost = &seat->ring.face->lost;
    uint64_t *count = &lost->by_level[level_index(level)];
    if (seat->lost_count == seat->said_count)
        __atomic_store_n(&lost->first_ns, time_ns, __ATOMIC_RELAXED);
    __atomic_store_n(&lost->last_ns, time_ns, __ATOMIC_RELAXED);
    /* Whoever sees it sees what was pushed before it. */
    __atomic_store_n(count, *count + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&seat->lost_count, seat->lost_count + 1, __ATOMIC_RELEASE);
    weftp_queue_published(queue);
}

void weftp_queue_counts(struct weftp_queue *queue, struct weftp_queue_counts *counts)
{
    *counts = (struct weftp_queue_counts){.unstored = 0};
    if (!queue->ready) return;
    weftp_lock(&queue->lock);
    uint64_t pushed = queue->gone_pushed, done = queue->gone_done;
    memcpy(counts->lost, queue->gone, sizeof counts->lost);
    for (const struct weftp_seat *seat = queue->first; seat; seat = seat->next) {
        done += __atomic_load_n(&seat->done, __ATOMIC_ACQUIRE);
        pushed += __atomic_load_n(&seat->pushed, __ATOMIC_RELAXED);
        for (size_t i = 0; i < WEFTP_RING_LEVELS; i++)
            counts->lost[i] +=
                __atomic_load_n(&seat->ring.face->lost.by_level[i], __ATOMIC_RELAXED);
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
    uint32_t *const words[] = {&queue->sleeping, &queue->napping};
    for (size_t i = 0; i < 2; i++)
        if (__atomic_exchange_n(words[i], 0, __ATOMIC_SEQ_CST) != 0) weftp_futex_wake(words[i]);
}

bool weftp_queue_drain(struct weftp_queue *queue, int64_t deadline_ms)
{
    const uint32_t question = __atomic_add_fetch(&queue->asked, 1, __ATOMIC_SEQ_CST);
    const uint32_t was_closing = __atomic_load_n(&queue->closing, __ATOMIC_SEQ_CST);
    weftp_queue_wake(queue);
    for (;;) {
        const uint32_t answered = __atomic_load_n(&queue->answered, __ATOMIC_ACQUIRE);
        if ((int32_t)(answered - question) >= 0) return true;
        if (__atomic_load_n(&queue->closing, __ATOMIC_SEQ_CST) != was_closing) return false;
        const int64_t left_ms =
            deadline_ms == INT64_MAX ? 1000 : deadline_ms - weftp_monotonic_ms();
        if (left_ms <= 0) return false;
        weftp_futex_wait(&queue->answered, answered, (left_ms < 1000 ? left_ms : 1000) * 1000000);
    }
}

void weftp_queue_closing(struct weftp_queue *queue, bool closing)
{
    __atomic_store_n(&queue->closing, closing, __ATOMIC_SEQ_CST);
    if (!closing) return;
    weftp_futex_wake(&queue->answered);
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
    for (struct weftp_seat *seat = queue->first; seat; seat = seat->next)
        seat->store = NULL; /* the parent's */
    weftp_queue_close(queue);
}
