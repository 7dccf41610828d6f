/*
 * The queue's life: when there is one, and how it ends.
 */
#include "../pipeline/recover.h"
#include "../queue/store.h"
#include "../record/sites.h"
#include "complaints.h"
#include "crash.h"
#include "system.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOSING_SHARE                                                                              \
    4 /* of the time that is left, the last quarter is for calls that wait for room */

/* In a child that _Fork(3) or clone(2) made, what there is belongs to the parent. */
static bool is_open(void)
{
    return weftp_system.worker.queue.ready && *weftp_system.worker.own;
}

static void options_of(const struct weftp_settings *settings, struct weftp_queue_options *options)
{
    const struct weftp_overflow_setting *overflow = &settings->overflow;
    const int64_t block_ns =
        overflow->block_ms == UINT32_MAX ? INT64_MAX : (int64_t)overflow->block_ms * 1000000;
    *options = (struct weftp_queue_options){.ring_bytes = settings->queue_bytes,
                                            .overflow = overflow->drop ? WEFTP_OVERFLOW_DROP
                                                                       : WEFTP_OVERFLOW_BLOCK,
                                            .block_ns = block_ns,
                                            .keep_level = overflow->keep_level};
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static void complain(struct weftp_complaints *complaints, const char *variable, const char *dir,
                     const char *why)
{
    char text[512];
    (void)snprintf(text, sizeof text, "%s: %.200s %s; what is queued lives in memory alone",
                   variable, dir, why);
    weftp_complaints_keep(complaints, text);
}

/* What processes that died have left in a folder goes to the sinks before anything new. */
static weft_status recover(const char *dir, const struct weftp_pipeline *pipeline)
{
    struct weftp_recovered done = {.records = 0};
    struct weftp_thread *thread = NULL;
    if (weftp_thread_enter(&thread) != WEFTP_ENTER_OK) return WEFT_ESTATE;
    const weft_status status = weftp_recover(dir, pipeline, thread, &done);
    weftp_thread_leave(thread);
    __atomic_fetch_add(&weftp_system.recovered, done.records, __ATOMIC_RELAXED);
    return status;
}

/* Without a queue, what others have left is all that a folder is for. */
static void recover_only(const char *variable, const char *dir,
                         const struct weftp_pipeline *pipeline, struct weftp_complaints *complaints)
{
    char text[320];
    if (recover(dir, pipeline) != WEFT_EINVAL) return;
    (void)snprintf(text, sizeof text,
                   "%s: %.200s is no folder of mode 0700 of this user; it was not looked into",
                   variable, dir);
    weftp_complaints_keep(complaints, text);
}

/* Rings of threads that have one stay where they are. */
static void apply_queue_dir(const struct weftp_settings *settings,
                            const struct weftp_pipeline *pipeline,
                            struct weftp_complaints *complaints)
{
    char why[160] = "";
    if (!settings->queue_dir || is_same(settings->queue_dir, weftp_system.queue_dir)) return;
    if (!settings->async) {
        recover_only("WEFT_QUEUE_DIR", settings->queue_dir, pipeline, complaints);
        return;
    }
    (void)recover(settings->queue_dir, pipeline);
    if (weftp_system.store) return;
    if (weftp_store_open(&weftp_system.store, settings->queue_dir, why, sizeof why) != WEFT_OK) {
        complain(complaints, "WEFT_QUEUE_DIR", settings->queue_dir, why);
        return;
    }
    weftp_queue_store_set(&weftp_system.worker.queue, weftp_store_type(weftp_system.store));
    weftp_system.queue_dir = strdup(settings->queue_dir);
}

static void apply_crash(const struct weftp_settings *settings,
                        const struct weftp_pipeline *pipeline, struct weftp_complaints *complaints)
{
    char why[160] = "";
    if (is_same(settings->crash_dir, weftp_system.crash_dir)) return;
    weftp_crash_remove();
    free(weftp_system.crash_dir);
    weftp_system.crash_dir = NULL;
    if (!settings->crash_dir) return;
    if (!settings->async) {
        recover_only("WEFT_CRASH", settings->crash_dir, pipeline, complaints);
        return;
    }
    (void)recover(settings->crash_dir, pipeline);
    if (weftp_crash_install(settings->crash_dir, &weftp_system.worker.queue, why, sizeof why) ==
        WEFT_OK)
        weftp_system.crash_dir = strdup(settings->crash_dir);
    else
        complain(complaints, "WEFT_CRASH", settings->crash_dir, why);
}

static void open_queue(const struct weftp_settings *settings, struct weftp_pipeline *pipeline)
{
    struct weftp_worker *worker = &weftp_system.worker;
    struct weftp_queue_options options;
    options_of(settings, &options);
    if (!worker->queue.ready) { /* nobody reads these yet */
        worker->seated = weftp_crash_thread_begin;
        worker->unseated = weftp_crash_thread_end;
        weftp_worker_init(worker, &weftp_system.pipeline, &options, weftp_barrier_register());
    }
    weftp_thread_busy(true); /* a signal handler that logs must not wait for the lock */
    weftp_queue_set(&worker->queue, &options);
    weftp_thread_busy(false);
    pipeline->worker = worker;
}

void weftp_system_queue_apply(const struct weftp_settings *settings,
                              struct weftp_pipeline *pipeline, struct weftp_complaints *complaints)
{
    if ((settings->queue_dir || settings->crash_dir) && !settings->async)
        weftp_complaints_keep(complaints, "WEFT_QUEUE_DIR and WEFT_CRASH are for the queue: "
                                          "nothing is queued without WEFT_ASYNC=on");
    if (settings->async) open_queue(settings, pipeline);
    apply_queue_dir(settings, pipeline, complaints);
    apply_crash(settings, pipeline, complaints);
}

void weftp_system_queue_settle(const struct weftp_settings *settings)
{
    if (settings->async || !is_open()) return;
    const int64_t deadline_ms = weftp_deadline_ms(WEFTP_EXIT_TIMEOUT_MS);
    (void)weftp_worker_drain(&weftp_system.worker, deadline_ms);
}

void weftp_system_queue_drain(const struct weftp_pipeline *pipeline, int64_t deadline_ms)
{
    if (pipeline->worker) (void)weftp_worker_drain(pipeline->worker, deadline_ms);
}

/* ---- the end ---- */

/*
 * Calls that wait for room get it as long as the worker gets on; then they give up. The worker comes
 * first: who waits for calls holds the threads' lock, and one that has just been started needs it.
 */
static void let_go(struct weftp_worker *worker, int64_t deadline_ms)
{
    const int64_t now_ms = weftp_monotonic_ms();
    const int64_t share = deadline_ms == INT64_MAX ? 0 : (deadline_ms - now_ms) / CLOSING_SHARE;
    (void)weftp_worker_drain(worker, deadline_ms - share);
    if (weftp_threads_wait(deadline_ms - share)) return;
    weftp_thread_busy(true);
    weftp_queue_closing(&worker->queue, true);
    weftp_thread_busy(false);
}

bool weftp_system_queue_end(int64_t deadline_ms)
{
    struct weftp_worker *worker = &weftp_system.worker;
    if (!is_open()) return true;
    let_go(worker, deadline_ms);
    const bool drained = weftp_worker_drain(worker, deadline_ms);
    const bool stopped = weftp_worker_stop(worker, deadline_ms);
    weftp_system.queue_over = true;
    if (!drained || !stopped) return false;
    weftp_crash_remove();
    return true;
}

void weftp_system_queue_finish(const struct weftp_pipeline *pipeline, struct weftp_thread *thread)
{
    if (is_open()) weftp_worker_finish(&weftp_system.worker, pipeline, thread);
}

/* What could not be written stays in the files for the next start. */
void weftp_system_queue_free(void)
{
    struct weftp_queue_counts counts;
    if (!is_open()) return;
    weftp_queue_counts(&weftp_system.worker.queue, &counts);
    weftp_worker_deinit(&weftp_system.worker);
    weftp_queue_close(&weftp_system.worker.queue);
    weftp_store_close(weftp_system.store, counts.pending > 0);
    free(weftp_system.queue_dir);
    free(weftp_system.crash_dir);
    weftp_system.store = NULL;
    weftp_system.queue_dir = weftp_system.crash_dir = NULL;
}

/* ---- fork ---- */

void weftp_system_queue_fork_prepare(int64_t deadline_ms)
{
    weftp_worker_fork_prepare(&weftp_system.worker, deadline_ms);
    weftp_queue_fork_prepare(&weftp_system.worker.queue);
    weftp_sites_fork_prepare();
}

void weftp_system_queue_fork_parent(void)
{
    weftp_sites_fork_parent();
    weftp_queue_fork_parent(&weftp_system.worker.queue);
    weftp_worker_fork_parent(&weftp_system.worker);
}

void weftp_system_queue_fork_child(void)
{
    weftp_clock_forked();
    weftp_sites_fork_child();
    weftp_queue_fork_child(&weftp_system.worker.queue);
    weftp_worker_fork_child(&weftp_system.worker);
    if (weftp_system.store) {
        weftp_store_fork_child(weftp_system.store);
        weftp_queue_store_set(&weftp_system.worker.queue, weftp_store_type(weftp_system.store));
    }
    weftp_crash_fork_child();
    weftp_system.queue_over = false;
    weftp_system.recovered = 0;
}
