#include "worker.h"

#include "../port/fork_mark.h"
#include "../port/thread.h"
#include "../record/sites.h"

#include <errno.h>

#define STOP_NAP_US 100

void weftp_worker_init(struct weftp_worker *worker, struct weftp_pipeline *const *pipeline,
                       const struct weftp_queue_options *options, bool barrier)
{
    worker->pipeline = pipeline;
    worker->own = weftp_fork_mark();
    weftp_lock_init(&worker->round);
    worker->room.options = WEFTP_UNPACK_TRUSTED;
    weftp_queue_open(&worker->queue, options, barrier);
}

/* ---- one record ---- */

/* Where a record is dealt with. */
struct round {
    struct weftp_worker *worker;
    const struct weftp_pipeline *pipeline;
    struct weftp_thread *thread;
};

static void flush(const struct round *round)
{
    weftp_bulk_flush(&round->worker->bulk, round->pipeline, round->thread);
    weftp_take_release(&round->worker->take);
}

static void lose(const struct round *round, const struct weftp_ring_losses *losses)
{
    const struct weftp_gap gap =
        weftp_gap_of(losses->by_level, losses->first_ns, losses->last_ns, ENOBUFS);
    flush(round);
    weftp_bulk_lose(round->pipeline, &gap);
}

static void take_gap(const struct round *round, struct weftp_seat *seat,
                     const struct weftp_ring_entry *entry)
{
    struct weftp_ring_losses untold;
    if (weftp_take_losses(seat, entry, &untold)) lose(round, &untold);
}

/* Unpack a record for which the room may be too small. False: there is no memory. */
static bool unpack_slowly(struct weftp_worker *worker, const void *packed, size_t size,
                          struct weftp_unpacked *out)
{
    struct weftp_packed_needs needs;
    return weftp_packed_needs(packed, size, &needs) == WEFT_OK &&
           weftp_unpack_room_grow(&worker->room, needs.fields, needs.pairs) &&
           weftp_record_unpack(packed, size, &worker->room, out) == WEFT_OK;
}

/* A record that there is no memory to unpack is lost, and that is said where it would have stood. */
static void lose_record(const struct round *round, int64_t time_ns)
{
    struct weftp_gap gap = {.lost = 0};
    flush(round);
    weftp_gap_add(&gap, WEFT_LEVEL_INFO, time_ns, ENOMEM);
    weftp_bulk_lose(round->pipeline, &gap);
    weftp_counts_outcome(&round->thread->counts, false, false);
}

/* In line: a call costs seventeen instructions a record. */
static inline __attribute__((always_inline)) void take_record(const struct round *round,
                                                              const struct weftp_ring_entry *entry)
{
    struct weftp_worker *worker = round->worker;
    const void *packed = entry + 1;
    const size_t size = weftp_ring_entry_size(entry) - sizeof *entry;
    struct weftp_unpacked unpacked;
    if (weftp_record_unpack(packed, size, &worker->room, &unpacked) != WEFT_OK &&
        !unpack_slowly(worker, packed, size, &unpacked))
        lose_record(round, entry->time_ns);
    else if (weftp_bulk_add(&worker->bulk, round->pipeline, round->thread, &unpacked.record))
        flush(round);
}

/* ---- one round ---- */

static bool is_stopping(const struct weftp_worker *worker)
{
    return __atomic_load_n(&worker->stop, __ATOMIC_ACQUIRE) != 0;
}

/* What was lost by threads that have not logged since. */
static void tell_losses(const struct round *round, int64_t now_ns)
{
    struct weftp_take *take = &round->worker->take;
    bool any = false;
    for (size_t i = 0; i < take->seat_count; i++) {
        struct weftp_ring_losses untold;
        if (!weftp_take_losses(take->seats[i], NULL, &untold)) continue;
        lose(round, &untold);
        any = true;
    }
    if (any) weftp_bulk_tell(round->pipeline, round->thread, now_ns);
}

/* False: there was nothing. */
static bool go_round(const struct round *round)
{
    struct weftp_worker *worker = round->worker;
    struct weftp_take *take = &worker->take;
    const struct weftp_ring_entry *entry;
    struct weftp_seat *seat;
    const int64_t now_ns = weftp_clock_realtime_ns(&worker->clock);
    const bool any = weftp_take_begin(take, &worker->queue, now_ns);
    weftp_thread_refresh(round->thread, now_ns);
    while (!is_stopping(worker) && (entry = weftp_take_next(take, &seat)) != NULL) {
        if (weftp_ring_entry_kind(entry) == WEFTP_RING_GAP)
            take_gap(round, seat, entry);
        else
            take_record(round, entry);
        if (take->bytes >= WEFTP_BULK_RING_BYTES) flush(round);
    }
    flush(round);
    tell_losses(round, now_ns);
    weftp_take_end(take, &worker->queue);
    return any;
}

void weftp_worker_finish(struct weftp_worker *worker, const struct weftp_pipeline *pipeline,
                         struct weftp_thread *thread)
{
    const struct round round = {worker, pipeline, thread};
    worker->stop = 0;
    (void)__atomic_add_fetch(&worker->queue.asked, 1,
                             __ATOMIC_RELAXED); /* leave nothing for later */
    while (go_round(&round)) continue;
}

/* ---- the thread ---- */

static bool go_round_now(struct weftp_worker *worker)
{
    struct weftp_thread *thread = NULL;
    bool any = false;
    if (weftp_thread_enter(&thread) != WEFTP_ENTER_OK) return false;
    const struct round round = {worker, __atomic_load_n(worker->pipeline, __ATOMIC_ACQUIRE),
                                thread};
    weftp_lock(&worker->round);
    if (round.pipeline) any = go_round(&round);
    weftp_unlock(&worker->round);
    weftp_thread_leave(thread);
    return any;
}

/* The program's free may be called under the queue's lock, and log. */
static void wait(struct weftp_worker *worker)
{
    weftp_thread_busy(true);
    weftp_take_wait(&worker->take, &worker->queue);
    weftp_thread_busy(false);
}

static void *run(void *arg)
{
    struct weftp_worker *worker = arg;
    if (worker->seated) worker->seated(); /* it has none, but may crash as well */
    weftp_thread_adopt(worker->state);
    while (!is_stopping(worker))
        if (!go_round_now(worker) && !is_stopping(worker)) wait(worker);
    weftp_thread_forget();
    if (worker->unseated) worker->unseated();
    __atomic_store_n(&worker->ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

static bool start(struct weftp_worker *worker)
{
    const int64_t now_ms = weftp_monotonic_ms();
    if (now_ms < worker->retry_ms) return false;
    worker->stop = worker->ended = 0;
    if (!worker->room.kept) worker->room.kept = weftp_kept_create();
    worker->state = weftp_thread_reserve();
    if (worker->state && weftp_thread_start(&worker->thread, "weft-queue", false, run, worker) == 0)
        return true;
    if (worker->state) weftp_thread_discard(worker->state);
    worker->retry_ms = now_ms + WEFTP_WORKER_RETRY_MS;
    return false;
}

bool weftp_worker_ready(struct weftp_worker *worker)
{
    weftp_lock(&worker->queue.lock);
    if (!worker->running) worker->running = start(worker);
    const bool running = worker->running;
    weftp_unlock(&worker->queue.lock);
    return running;
}

/* Without a thread there are no seats, and nothing was pushed. */
bool weftp_worker_drain(struct weftp_worker *worker, int64_t deadline_ms)
{
    const bool inside = weftp_thread_inside();
    if (!inside) weftp_thread_busy(true);
    weftp_lock(&worker->queue.lock);
    const bool running = worker->running && *worker->own;
    weftp_unlock(&worker->queue.lock);
    if (!inside) weftp_thread_busy(false);
    return !running || weftp_queue_drain(&worker->queue, deadline_ms);
}

bool weftp_worker_stop(struct weftp_worker *worker, int64_t deadline_ms)
{
    weftp_thread_busy(true);
    weftp_lock(&worker->queue.lock);
    const bool running = worker->running;
    worker->running = false;
    weftp_unlock(&worker->queue.lock);
    weftp_thread_busy(false);
    if (!running) return true;
    __atomic_store_n(&worker->stop, 1, __ATOMIC_SEQ_CST);
    (void)__atomic_add_fetch(&worker->queue.asked, 1,
                             __ATOMIC_SEQ_CST); /* so that it does not sleep again */
    weftp_queue_wake(&worker->queue);
    while (!__atomic_load_n(&worker->ended, __ATOMIC_ACQUIRE)) {
        if (weftp_monotonic_ms() >= deadline_ms) {
            (void)pthread_detach(worker->thread);
            return false;
        }
        weftp_nap_us(STOP_NAP_US);
    }
    (void)pthread_join(worker->thread, NULL);
    return true;
}

void weftp_worker_fork_prepare(struct weftp_worker *worker, int64_t deadline_ms)
{
    worker->still = worker->queue.ready && weftp_lock_until(&worker->round, deadline_ms);
}

void weftp_worker_fork_parent(struct weftp_worker *worker)
{
    if (worker->still) weftp_unlock(&worker->round);
    worker->still = false;
}

void weftp_worker_fork_child(struct weftp_worker *worker)
{
    if (worker->still) {
        if (worker->running) weftp_thread_discard(worker->state);
        weftp_worker_deinit(worker);
    }
    worker->running = worker->still = false;
    worker->state = NULL;
    worker->retry_ms = 0;
    if (worker->own) *worker->own = 1;
    weftp_lock_init(&worker->round);
    /* What a thread in the middle of something had in hands may be anything: it is left where it is. */
    worker->take = (struct weftp_take){.listed = false};
    worker->bulk = (struct weftp_bulk){.count = 0};
    worker->room = (struct weftp_unpack_room){.options = WEFTP_UNPACK_TRUSTED};
}

void weftp_worker_deinit(struct weftp_worker *worker)
{
    worker->take = (struct weftp_take){.listed = false};
    weftp_bulk_deinit(&worker->bulk);
    weftp_unpack_room_deinit(&worker->room);
}
