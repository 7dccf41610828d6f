#include "outlet.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define TICK_AGAIN_MS 1000 /* when there was no memory for it */
#define STATS_WAIT_MS 20   /* for a sink that may not answer; then its counts are those of before */

static const struct weft_sink_type_more *more_of(const struct weft_sink_type *type)
{
    return type->struct_size >= sizeof(struct weft_sink_type_more)
               ? (const struct weft_sink_type_more *)type
               : NULL;
}

static void run_tick(struct weftp_tick *tick);

/* Under the lock; read without it where that is not to be had. */
static void add(uint64_t *counter, uint64_t more)
{
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}

struct weftp_outlet *weftp_outlet_create(const struct weft_sink_type *type, void *self,
                                         const char *url)
{
    struct weftp_outlet *outlet = calloc(1, sizeof *outlet);
    if (!outlet) return NULL;
    outlet->url = strdup(url);
    if (!outlet->url) {
        free(outlet);
        return NULL;
    }
    weftp_lock_init(&outlet->lock);
    outlet->type = type;
    outlet->self = self;
    outlet->refs = 1;
    outlet->console = more_of(type) && more_of(type)->console;
    outlet->guarded = more_of(type) && more_of(type)->guarded;
    outlet->tick.run = run_tick;
    return outlet;
}

bool weftp_outlet_number(struct weftp_outlet *outlet, bool apart)
{
    outlet->numbers = weftp_numbers_create(apart);
    return outlet->numbers != NULL;
}

void weftp_outlet_ref(struct weftp_outlet *outlet)
{
    outlet->refs++;
}

void weftp_outlet_unref(struct weftp_outlet *outlet)
{
    if (!outlet || --outlet->refs > 0) return;
    weftp_ticker_drop(&outlet->tick);
    if (outlet->type->flush && outlet->settled == 0) outlet->type->flush(outlet->self, 0);
    outlet->type->close(outlet->self);
    weftp_lock_deinit(&outlet->lock);
    weftp_numbers_destroy(outlet->numbers);
    free(outlet->url);
    free(outlet);
}

/* In a child the numbers begin anew, and what the parent has lost is the parent's to tell. */
static __attribute__((noinline)) void begin_numbers(struct weftp_outlet *outlet)
{
    outlet->seq = 0;
    outlet->gap = (struct weftp_gap){0};
    weftp_numbers_begin(outlet->numbers);
}

/* Take the lock for something that may take numbers. */
static void enter(struct weftp_outlet *outlet)
{
    weftp_lock(&outlet->lock);
    if (__builtin_expect(outlet->numbers != NULL, 0) && !weftp_numbers_hold(outlet->numbers))
        begin_numbers(outlet);
}

/*
 * Hand lines to the sink and keep the books that do not depend on whose lines they are. Returns how
 * many it took.
 */
static size_t write_lines(struct weftp_outlet *outlet, struct weft_line *lines, size_t count,
                          const struct weftp_encoding *encoding)
{
    size_t written = 0;
    weft_status status = WEFT_ENOMEM;
    for (size_t i = 0; i < count; i++) lines[i].seq = outlet->seq + 1 + i;
    if (__builtin_expect(outlet->numbers && encoding->number, 0))
        lines = weftp_numbers_put(outlet->numbers, encoding, lines, count);
    if (__builtin_expect(lines != NULL, 1))
        status = outlet->type->write(outlet->self, lines, count, &written);
    if (written > count) written = count;
    uint64_t bytes = 0;
    for (size_t i = 0; i < written; i++) bytes += lines[i].size;
    add(&outlet->bytes, bytes);
    outlet->failing = status != WEFT_OK || written != count;
    outlet->seq += written;
    return written;
}

/* The same for one line. */
static bool write_line(struct weftp_outlet *outlet, struct weft_line *line,
                       const struct weftp_encoding *encoding)
{
    size_t written = 0;
    if (__builtin_expect(outlet->numbers != NULL, 0))
        return write_lines(outlet, line, 1, encoding) == 1;
    line->seq = outlet->seq + 1;
    const weft_status status = outlet->type->write(outlet->self, line, 1, &written);
    outlet->failing = status != WEFT_OK || written == 0;
    if (written == 0) return false;
    add(&outlet->bytes, line->size);
    outlet->seq++;
    return true;
}

/* The lines that are missing come before those that follow: one record says so, and the ledger begins anew. */
static bool tell_gap(struct weftp_outlet *outlet, struct weftp_thread *thread, int64_t time_ns,
                     const struct weftp_encoding *encoding)
{
    struct weftp_gap_fields described;
    struct weft_record record;
    bool trimmed;
    weftp_gap_describe(&outlet->gap, &described);
    const struct weftp_word word = {WEFT_LEVEL_WARN, time_ns, "records lost", described.fields,
                                    described.count};
    weftp_own_record(&record, thread, &word);
    if (!weftp_line_encode(encoding, &record, &thread->own, &trimmed)) return false;
    struct weft_line line = {.data = thread->own.data,
                             .size = weftp_out_size(&thread->own),
                             .time_ns = time_ns,
                             .logger = record.logger,
                             .logger_size = record.logger_size,
                             .level = WEFT_LEVEL_WARN};
    if (!write_line(outlet, &line, encoding)) return false;
    outlet->gap = (struct weftp_gap){0};
    weftp_count(&thread->counts.own_records);
    return true;
}

static void note_loss(struct weftp_outlet *outlet, int level, int64_t time_ns, int err)
{
    add(&outlet->dropped, 1);
    add(&outlet->failures, 1);
    __atomic_store_n(&outlet->last_errno, err, __ATOMIC_RELAXED);
    weftp_gap_add(&outlet->gap, level, time_ns, err);
    outlet->seq++;
}

/* Whether this failure may be said on stderr: the first one, and then one in a while. */
static void ask_report(struct weftp_outlet *outlet, struct weftp_failure *failure)
{
    const int64_t now = weftp_monotonic_ms();
    failure->due = now >= outlet->report_at_ms;
    if (!failure->due) return;
    failure->lost = outlet->dropped - outlet->reported;
    outlet->reported = outlet->dropped;
    outlet->report_at_ms = now + WEFTP_REPORT_INTERVAL_MS;
}

static void explain(struct weftp_outlet *outlet, struct weftp_failure *failure)
{
    const struct weft_sink_type_more *more = more_of(outlet->type);
    failure->error = (struct weft_sink_error){.err = EIO, .what = "write"};
    if (outlet->numbers && outlet->numbers->failed) {
        outlet->numbers->failed = false;
        failure->error = (struct weft_sink_error){.err = ENOMEM, .what = "number"};
    } else if (more && more->explain) {
        more->explain(outlet->self, &failure->error);
    }
}

/* The line is lost. */
static void note_failure(struct weftp_outlet *outlet, const struct weft_line *line,
                         struct weftp_failure *failure)
{
    explain(outlet, failure);
    note_loss(outlet, (int)line->level, line->time_ns, failure->error.err);
    ask_report(outlet, failure);
}

/* The line was taken, but something beside it failed: a rotation, a compression. */
static void note_trouble(struct weftp_outlet *outlet, struct weftp_failure *failure)
{
    explain(outlet, failure);
    add(&outlet->failures, 1);
    __atomic_store_n(&outlet->last_errno, failure->error.err, __ATOMIC_RELAXED);
    ask_report(outlet, failure);
}

/* What went wrong between two lines is told with the next. */
static void tell_trouble(struct weftp_outlet *outlet, struct weftp_failure *failure)
{
    failure->error = outlet->trouble;
    ask_report(outlet, failure);
    if (failure->due) outlet->trouble.err = 0;
}

/* A flush or a tick came back. */
static void note_care(struct weftp_outlet *outlet, weft_status status)
{
    struct weftp_failure failure;
    if (status == WEFT_OK || status == WEFT_ETIMEOUT) return;
    explain(outlet, &failure);
    add(&outlet->failures, 1);
    __atomic_store_n(&outlet->last_errno, failure.error.err, __ATOMIC_RELAXED);
    outlet->trouble = failure.error;
}

/* Have the sink called back when it keeps something; where there is no thread for that, it keeps nothing. */
static void look_after(struct weftp_outlet *outlet)
{
    const struct weft_sink_type_more *more = more_of(outlet->type);
    if (!more || !more->pending_ms || outlet->ticking) return;
    const uint32_t delay_ms = more->pending_ms(outlet->self);
    if (delay_ms == 0) return;
    outlet->ticking = weftp_ticker_arm(&outlet->tick, delay_ms);
    if (outlet->ticking || !outlet->type->flush) return;
    const int cancel_state = weftp_cancel_disable();
    note_care(outlet, outlet->type->flush(outlet->self, 0));
    weftp_cancel_restore(cancel_state);
}

static void call_tick(struct weftp_outlet *outlet)
{
    const struct weft_sink_type_more *more = more_of(outlet->type);
    weftp_lock(&outlet->lock);
    outlet->ticking = false;
    if (more->tick) note_care(outlet, more->tick(outlet->self));
    look_after(outlet);
    weftp_unlock(&outlet->lock);
}

/* Inside of a call as far as weft is concerned: a sink that logs from here does not wait for itself. */
static void run_tick(struct weftp_tick *tick)
{
    struct weftp_outlet *outlet =
        (struct weftp_outlet *)(void *)((char *)tick - offsetof(struct weftp_outlet, tick));
    struct weftp_thread *thread = NULL;
    if (weftp_thread_enter(&thread) != WEFTP_ENTER_OK) {
        (void)weftp_ticker_arm(tick, TICK_AGAIN_MS);
        return;
    }
    call_tick(outlet);
    weftp_thread_leave(thread);
}

bool weftp_outlet_deliver(struct weftp_outlet *outlet, struct weftp_thread *thread,
                          struct weft_line *line, const struct weftp_encoding *encoding,
                          struct weftp_failure *failure)
{
    const int cancel_state = outlet->guarded ? 0 : weftp_cancel_disable();
    enter(outlet);
    add(&outlet->accepted, 1);
    bool written = outlet->gap.lost == 0 || tell_gap(outlet, thread, line->time_ns, encoding);
    if (written) written = write_line(outlet, line, encoding);
    if (!written)
        note_failure(outlet, line, failure);
    else if (outlet->failing)
        note_trouble(outlet, failure);
    else if (__builtin_expect(outlet->trouble.err != 0, 0))
        tell_trouble(outlet, failure);
    add(&outlet->written, written);
    look_after(outlet);
    weftp_unlock(&outlet->lock);
    if (!outlet->guarded) weftp_cancel_restore(cancel_state);
    return written;
}

/* Deliver lines up to the first that is lost; returns how many were dealt with. */
static size_t deliver_some(struct weftp_outlet *outlet, struct weftp_thread *thread,
                           const struct weftp_lines *rest, const struct weftp_encoding *encoding,
                           struct weftp_failure *failure)
{
    struct weft_line *lines = rest->lines;
    size_t written = 0;
    if (outlet->gap.lost == 0 || tell_gap(outlet, thread, lines->time_ns, encoding))
        written = write_lines(outlet, lines, rest->count, encoding);
    add(&outlet->accepted, written);
    add(&outlet->written, written);
    if (written < rest->count) {
        add(&outlet->accepted, 1);
        rest->lost[written] = true;
        note_failure(outlet, &lines[written], failure);
        return written + 1;
    }
    if (outlet->failing)
        note_trouble(outlet, failure);
    else if (__builtin_expect(outlet->trouble.err != 0, 0))
        tell_trouble(outlet, failure);
    return written;
}

size_t weftp_outlet_deliver_many(struct weftp_outlet *outlet, struct weftp_thread *thread,
                                 const struct weftp_lines *lines,
                                 const struct weftp_encoding *encoding,
                                 struct weftp_failure *failure)
{
    struct weftp_failure one = {0};
    size_t lost = 0;
    enter(outlet);
    for (size_t done = 0; done < lines->count;) {
        const struct weftp_lines rest = {lines->lines + done, lines->count - done,
                                         lines->lost + done};
        const size_t dealt_with = deliver_some(outlet, thread, &rest, encoding, &one);
        done += dealt_with;
        lost += rest.lost[dealt_with - 1];
        if (one.due) *failure = one;
    }
    look_after(outlet);
    weftp_unlock(&outlet->lock);
    return lost;
}

void weftp_outlet_lose_many(struct weftp_outlet *outlet, const struct weftp_gap *gap)
{
    enter(outlet);
    add(&outlet->accepted, gap->lost);
    add(&outlet->dropped, gap->lost);
    outlet->reported += gap->lost; /* said in the stream; stderr is for sinks that fail */
    weftp_gap_join(&outlet->gap, gap);
    outlet->seq += gap->lost;
    weftp_unlock(&outlet->lock);
}

void weftp_outlet_tell(struct weftp_outlet *outlet, struct weftp_thread *thread, int64_t time_ns,
                       const struct weftp_encoding *encoding)
{
    enter(outlet);
    if (outlet->gap.lost > 0) (void)tell_gap(outlet, thread, time_ns, encoding);
    look_after(outlet);
    weftp_unlock(&outlet->lock);
}

void weftp_outlet_lose(struct weftp_outlet *outlet, int level, int64_t time_ns, int err)
{
    enter(outlet);
    add(&outlet->accepted, 1);
    note_loss(outlet, level, time_ns, err);
    weftp_unlock(&outlet->lock);
}

weft_status weftp_outlet_flush(struct weftp_outlet *outlet, int64_t deadline_ms)
{
    if (!weftp_lock_until(&outlet->lock, deadline_ms)) return WEFT_ETIMEOUT;
    weft_status status = outlet->failing ? WEFT_EIO : WEFT_OK;
    if (outlet->type->flush) {
        const int64_t left =
            deadline_ms == INT64_MAX ? UINT32_MAX : deadline_ms - weftp_monotonic_ms();
        const weft_status flushed =
            outlet->type->flush(outlet->self, left > 0 ? (uint32_t)left : 0);
        note_care(outlet, flushed);
        if (flushed != WEFT_OK) status = flushed;
    }
    look_after(outlet);
    weftp_unlock(&outlet->lock);
    return status;
}

static uint64_t held_by(const struct weftp_outlet *outlet)
{
    const struct weft_sink_type_more *more = more_of(outlet->type);
    return more && more->held ? more->held(outlet->self) : 0;
}

bool weftp_outlet_keeps(const struct weftp_outlet *outlet)
{
    const struct weft_sink_type_more *more = more_of(outlet->type);
    if (!more || !more->held) return false;
    return !more->keeps || more->keeps(outlet->self);
}

void weftp_outlet_reopen(struct weftp_outlet *outlet)
{
    const struct weft_sink_type_more *more = more_of(outlet->type);
    if (!more || !more->reopen) return;
    weftp_lock(&outlet->lock);
    more->reopen(outlet->self);
    weftp_unlock(&outlet->lock);
}

uint64_t weftp_outlet_settle(struct weftp_outlet *outlet)
{
    if (outlet->refs > 1) return 0;
    weftp_lock(&outlet->lock);
    const uint64_t lost = held_by(outlet) - outlet->settled;
    outlet->settled += lost;
    add(&outlet->written, 0 - lost);
    add(&outlet->dropped, lost);
    weftp_unlock(&outlet->lock);
    return lost;
}

/* The URL without its options, so that paths are told and secrets are not. */
static void copy_name(char name[WEFT_SINK_NAME_MAX_], const char *url)
{
    size_t size = strcspn(url, "?");
    if (size >= WEFT_SINK_NAME_MAX_) size = WEFT_SINK_NAME_MAX_ - 1;
    memcpy(name, url, size);
    name[size] = '\0';
}

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void weftp_outlet_stats(struct weftp_outlet *outlet, weft_sink_stats *stats)
{
    const bool locked = weftp_lock_until(&outlet->lock, weftp_monotonic_ms() + STATS_WAIT_MS);
    copy_name(stats->name, outlet->url);
    stats->accepted = load(&outlet->accepted);
    stats->written = load(&outlet->written);
    stats->dropped = load(&outlet->dropped);
    stats->failures = load(&outlet->failures);
    stats->bytes = load(&outlet->bytes);
    stats->last_errno = __atomic_load_n(&outlet->last_errno, __ATOMIC_RELAXED);
    stats->held = 0;
    if (!locked) return;
    stats->held = (uint32_t)(held_by(outlet) - outlet->settled);
    weftp_unlock(&outlet->lock);
}

void weftp_outlet_forked(struct weftp_outlet *outlet)
{
    const struct weft_sink_type_more *more = more_of(outlet->type);
    weftp_lock_init(&outlet->lock);
    outlet->accepted = outlet->written = outlet->dropped = 0;
    outlet->failures = outlet->bytes = outlet->reported = outlet->settled = 0;
    outlet->gap = (struct weftp_gap){0};
    outlet->trouble.err = 0;
    outlet->ticking = false;
    if (more && more->forked) more->forked(outlet->self);
}
