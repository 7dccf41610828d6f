#include "enqueue.h"

#include "../record/pack_known.h"
#include "../record/sites.h"
#include "../record/templates.h"
#include "pipeline.h"

#define SHARE(seat) ((seat)->ring.capacity / 4) /* bytes of a ring that one record may take */
#define LEAST       384 /* bytes that a record is thought to take before it is packed */

#define STUCK_MS     200 /* without progress, after which the worker may be waiting for us */
#define STUCK_NAP_US 200
#define SETTLE_MS    5000
#define LARGE_MS     20 /* that a large record waits where others do not: it takes long anyway */

enum enqueued {
    PUSHED, /* it is in the ring */
    LOST,   /* the policy let it go; that is counted */
    NOT /* it is to be handed over by the caller itself, now: nothing of this thread is before it */
};

/* What is called there are points of cancellation, and locks are held. */
static bool take_seat(struct weftp_worker *worker, struct weftp_thread *thread)
{
    const int cancel_state = weftp_cancel_disable();
    if (weftp_worker_ready(worker)) thread->seat = weftp_queue_sit(&worker->queue);
    weftp_cancel_restore(cancel_state);
    if (!thread->seat) return false;
    thread->queue = &worker->queue;
    thread->unseated = worker->unseated;
    if (worker->seated) worker->seated();
    return true;
}

static enum enqueued lose(struct weftp_thread *thread, const struct weft_record *record)
{
    weftp_queue_lose(thread->queue, thread->seat, record->level, record->time_ns);
    return LOST;
}

/* How long this record may wait to be handed over by its caller. */
static int64_t patience_ms(const struct weftp_queue *queue, const struct weft_record *record)
{
    const int64_t block_ns = __atomic_load_n(&queue->options.block_ns, __ATOMIC_RELAXED);
    const bool blocks =
        __atomic_load_n(&queue->options.overflow, __ATOMIC_RELAXED) == WEFTP_OVERFLOW_BLOCK &&
        record->level >= __atomic_load_n(&queue->options.keep_level, __ATOMIC_RELAXED);
    if (record->flags & WEFTP_RECORD_PRINTED) return STUCK_MS;
    if (!blocks) return LARGE_MS;
    return block_ns == INT64_MAX ? INT64_MAX : block_ns / 1000000;
}

/*
 * Too large for a ring: the caller writes it itself, once all that came before it is written. A sink
 * that has just answered the worker is sure not to hold the caller up for long.
 */
static enum enqueued by_hand(struct weftp_worker *worker, struct weftp_thread *thread,
                             const struct weft_record *record)
{
    const int64_t most_ms = patience_ms(&worker->queue, record);
    const int64_t deadline_ms = most_ms == INT64_MAX ? most_ms : weftp_monotonic_ms() + most_ms;
    weftp_count(&thread->counts.large);
    if (weftp_queue_drain(&worker->queue, deadline_ms) || record->flags & WEFTP_RECORD_PRINTED)
        return NOT;
    return lose(thread, record);
}

/*
 * Before a record of a print: the worker may be running the very code that prints, which waits for
 * whoever reads the prints. So wait for room only as long as the worker gets on. False: it does not;
 * the record is to be handed over by the caller itself, past those that wait.
 */
static bool gets_on(struct weftp_worker *worker, struct weftp_thread *thread)
{
    struct weftp_queue *queue = &worker->queue;
    const struct weftp_seat *seat = thread->seat;
    if (!seat ||
        __atomic_load_n(&queue->options.overflow, __ATOMIC_RELAXED) != WEFTP_OVERFLOW_BLOCK)
        return true; /* nobody waits */
    uint32_t used = weftp_ring_used(&seat->ring);
    for (int64_t until_ms = 0; used > seat->ring.capacity / 2;) {
        const int64_t now_ms = weftp_monotonic_ms();
        const uint32_t now_used = weftp_ring_used(&seat->ring);
        if (until_ms == 0 || now_used < used) until_ms = now_ms + STUCK_MS;
        used = now_used;
        if (now_ms >= until_ms) thread->overtakes = true;
        if (thread->overtakes) return false;
        weftp_queue_wake(queue);
        weftp_nap_us(STUCK_NAP_US);
    }
    thread->overtakes = false;
    return true;
}

void weftp_enqueue_settle(struct weftp_thread *thread)
{
    if (weftp_ring_used(&thread->seat->ring) == 0) return;
    (void)weftp_queue_drain(thread->queue, weftp_monotonic_ms() + SETTLE_MS);
}

/* It did not fit into the room that there was: ask for as much as it takes. */
static enum enqueued push_measured(struct weftp_worker *worker, struct weftp_thread *thread,
                                   const struct weft_record *record, unsigned options)
{
    struct weftp_seat *seat = thread->seat;
    size_t room = 0, size = weftp_packed_size(record, options);
    if (size > SHARE(seat)) return by_hand(worker, thread, record);
    void *to = weftp_queue_room(&worker->queue, seat, record->level, size, &room);
    if (!to || weftp_record_pack(record, options, to, room, &size) != WEFT_OK)
        return lose(thread, record);
    weftp_queue_commit(&worker->queue, seat, size, record->time_ns);
    return PUSHED;
}

/* What a site is packed as. Its first record registers it and has its keys learnt. */
static inline unsigned options_of(const struct weft_record *record)
{
    weft_site *site = (weft_site *)(uintptr_t)record->site;
    if (!weftp_site_register(site)) return WEFTP_PACK_KEYS;
    weftp_template_know(site, record->fields, record->field_count);
    return WEFTP_PACK_KEYS | WEFTP_PACK_SITE_BY_ID;
}

static inline enum enqueued push(struct weftp_worker *worker, struct weftp_thread *thread,
                                 const struct weft_record *record)
{
    if (__builtin_expect(*worker->own == 0, 0)) return NOT;
    if (__builtin_expect(!thread->seat, 0) && !take_seat(worker, thread)) return NOT;
    struct weftp_seat *seat = thread->seat;
    size_t room, size = 0;
    const unsigned options = options_of(record);
    const struct weftp_template *known =
        options & WEFTP_PACK_SITE_BY_ID ? weftp_template_of(record->site) : NULL;
    void *to = weftp_queue_room(&worker->queue, seat, record->level, LEAST, &room);
    if (__builtin_expect(!to, 0)) return lose(thread, record);
    if (room > SHARE(seat)) room = SHARE(seat);
    if (known) size = weftp_pack_known(record, known, to, room);
    if (size == 0 && weftp_record_pack(record, options, to, room, &size) != WEFT_OK)
        return push_measured(worker, thread, record, options);
    weftp_queue_commit(&worker->queue, seat, size, record->time_ns);
    return PUSHED;
}

void weftp_enqueue(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                   struct weft_record *record)
{
    struct weftp_worker *worker = pipeline->worker;
    if (record->level < pipeline->floor) return;
    if (__builtin_expect(record->flags & WEFTP_RECORD_PRINTED, 0)) {
        if (!weftp_pipeline_takes(pipeline, record->flags)) return;
        if (!gets_on(worker, thread)) {
            weftp_pipeline_write(pipeline, thread, record);
            return;
        }
    }
    if (__builtin_expect(push(worker, thread, record) == NOT, 0))
        weftp_pipeline_write(pipeline, thread, record);
    else
        weftp_count(&thread->counts.accepted);
}
