/*
 * The public face of life: weft/options.h.
 */
#include "../../sinks/memory.h"
#include "../mdc/mdc.h"
#include "system.h"

#include <errno.h>

static bool may_configure(void)
{
    return !weftp_thread_inside() && weftp_system_state() != WEFTP_STATE_SHUT;
}

weft_status weft_init(const weft_options *options)
{
    if (options && options->struct_size == 0) return WEFT_EINVAL;
    if (!may_configure()) return WEFT_ESTATE;
    return weftp_system_configure(options);
}

weft_status weft_reload(void)
{
    if (!may_configure()) return WEFT_ESTATE;
    return weftp_system_reload(NULL);
}

static weft_status flush(const struct weftp_pipeline *pipeline, int64_t deadline_ms)
{
    const bool drained = !pipeline->worker || weftp_worker_drain(pipeline->worker, deadline_ms);
    /* The end has begun, and does not wait for a sink: nor do we. */
    if (!drained && weftp_monotonic_ms() < deadline_ms) return WEFT_ETIMEOUT;
    const weft_status status = weftp_pipeline_flush(pipeline, deadline_ms);
    return drained || status == WEFT_EIO ? status : WEFT_ETIMEOUT;
}

weft_status weft_flush(uint32_t timeout_ms)
{
    struct weftp_thread *thread;
    const int saved_errno = errno;
    const int64_t deadline_ms = weftp_deadline_ms(timeout_ms);
    if (weftp_system_state() != WEFTP_STATE_RUNNING) return WEFT_OK;
    const enum weftp_enter entered = weftp_thread_enter(&thread);
    if (entered == WEFTP_ENTER_NO_MEMORY) return WEFT_ENOMEM;
    if (entered == WEFTP_ENTER_REENTRANT) return WEFT_ESTATE;
    const struct weftp_pipeline *pipeline = weftp_system_pipeline();
    const int cancel_state = weftp_cancel_disable();
    const weft_status status = pipeline ? flush(pipeline, deadline_ms) : WEFT_OK;
    weftp_cancel_restore(cancel_state);
    weftp_thread_leave(thread);
    errno = saved_errno;
    return status;
}

weft_status weft_shutdown(uint32_t timeout_ms)
{
    if (weftp_thread_inside()) return WEFT_ESTATE;
    return weftp_system_shutdown(timeout_ms);
}

static uint64_t load(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void fill_sinks(weft_stats *stats)
{
    const struct weftp_pipeline *pipeline = weftp_system_pipeline();
    if (!pipeline) {
        stats->sink_count = weftp_system.last_sink_count;
        memcpy(stats->sinks, weftp_system.last_sinks, sizeof stats->sinks);
        return;
    }
    for (size_t i = 0; i < pipeline->slot_count; i++)
        weftp_outlet_stats(pipeline->slots[i].outlet, &stats->sinks[stats->sink_count++]);
}

/* Returns what the end has left in the queue. */
static uint64_t fill_queue(weft_stats *stats)
{
    struct weftp_queue_counts queue;
    weftp_thread_busy(true);
    weftp_queue_counts(&weftp_system.worker.queue, &queue);
    weftp_thread_busy(false);
    stats->dropped_queue = queue.lost_count;
    memcpy(stats->dropped_queue_by_level, queue.lost, sizeof stats->dropped_queue_by_level);
    stats->queue_unstored = queue.unstored;
    if (weftp_system.queue_over) return queue.pending;
    stats->queued = queue.pending;
    return 0;
}

/* accepted is counted apart from what became of it, but for calls that never got as far as a thread's own counters. */
static void fill_totals(weft_stats *stats, uint64_t abandoned)
{
    struct weftp_thread_counts sum;
    weftp_threads_sum(&sum);
    stats->dropped_reentrant = load(&weftp_system.dropped_reentrant);
    stats->dropped_shutdown = load(&weftp_system.dropped_shutdown) + abandoned;
    const uint64_t dropped_start = load(&weftp_system.dropped_start);
    stats->accepted = sum.accepted + stats->dropped_reentrant + stats->dropped_shutdown -
                      abandoned + dropped_start;
    stats->written = sum.written;
    stats->dropped_sink = sum.dropped_sink;
    stats->dropped_memory = sum.dropped_memory + dropped_start;
    stats->dropped = stats->dropped_reentrant + stats->dropped_shutdown + stats->dropped_memory +
                     stats->dropped_sink + stats->dropped_queue;
    stats->truncated = sum.truncated;
    stats->renamed = sum.renamed;
    stats->own_records = sum.own_records;
    stats->queue_large = sum.large;
    stats->recovered = load(&weftp_system.recovered);
}

static void fill_modules(weft_stats *stats)
{
    struct weftp_mdc_counts mdc;
    weftp_mdc_counts(&mdc);
    stats->mdc_rejected = mdc.rejected;
    stats->mdc_leaked = mdc.leaked;
    stats->mdc_bad_tokens = mdc.bad_tokens;
    weftp_loggers_counts(&stats->loggers_rejected, &stats->bound_rejected);
    stats->headers_rejected = weftp_propagate_rejected();
    stats->config_errors = load(&weftp_system.config_errors);
}

weft_status weft_stats_get(weft_stats *stats, size_t stats_size)
{
    weft_stats all = {.struct_size = stats_size};
    if (!stats || stats_size < sizeof stats->struct_size) return WEFT_EINVAL;
    if (weftp_thread_inside()) return WEFT_ESTATE;
    weftp_system_lock();
    fill_totals(&all, fill_queue(&all));
    fill_sinks(&all);
    weftp_system_unlock();
    fill_modules(&all);
    memcpy(stats, &all, stats_size < sizeof all ? stats_size : sizeof all);
    return WEFT_OK;
}

weft_status weft_memory_dump(int fd)
{
    weft_status status = WEFT_ENOTFOUND;
    if (weftp_thread_inside()) return WEFT_ESTATE;
    const int cancel_state = weftp_cancel_disable();
    weftp_system_lock();
    const struct weftp_pipeline *pipeline = weftp_system_pipeline();
    if (pipeline) weftp_system_queue_drain(pipeline, weftp_deadline_ms(WEFTP_EXIT_TIMEOUT_MS));
    for (size_t i = 0; pipeline && i < pipeline->slot_count; i++) {
        struct weftp_outlet *outlet = pipeline->slots[i].outlet;
        if (strcmp(outlet->type->name, "memory") != 0) continue;
        weftp_lock(&outlet->lock);
        const weft_status dumped = weftp_memory_dump(outlet->self, fd);
        weftp_unlock(&outlet->lock);
        if (status == WEFT_ENOTFOUND || dumped != WEFT_OK) status = dumped;
    }
    weftp_system_unlock();
    weftp_cancel_restore(cancel_state);
    return status;
}

const char *weft_version(void)
{
    return WEFT_VERSION_TEXT;
}
