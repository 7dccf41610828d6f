#include "system.h"

#include "capture.h"
#include "complaints.h"
#include "program.h"
#include "watch.h"

#include "../port/errno_text.h"
#include "../port/stdio.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct weftp_system weftp_system = {.lock = WEFTP_LOCK_INIT, .program = WEFT_OPTIONS_INIT};

/* Whether this thread holds the lock. */
static _Thread_local bool holds;

void weftp_system_lock(void)
{
    holds = true;
    weftp_lock(&weftp_system.lock);
}

bool weftp_system_lock_until(int64_t deadline_ms)
{
    const bool held = holds; /* by a caller further up, who forks from inside of it */
    holds = true;
    const bool locked = weftp_lock_until(&weftp_system.lock, deadline_ms);
    holds = held || locked;
    return locked;
}

void weftp_system_unlock(void)
{
    weftp_unlock(&weftp_system.lock);
    holds = false;
}

bool weftp_system_holds(void)
{
    return holds;
}

void weftp_system_lock_anew(void)
{
    weftp_lock_init(&weftp_system.lock);
    holds = false;
}

void weftp_system_say(const struct weftp_word *word)
{
    struct weftp_thread *thread = NULL;
    if (!weftp_system.pipeline || weftp_thread_enter(&thread) != WEFTP_ENTER_OK) return;
    weftp_thread_refresh(thread, weftp_realtime_ns());
    weftp_pipeline_say(weftp_system.pipeline, thread, word);
    weftp_thread_leave(thread);
}

/* ---- publishing ---- */

/*
 * What is lost with the sinks that close now, and was not told of yet, is told before. `last`: there
 * will be no other pipeline for what the queue holds.
 */
static weft_status retire(const struct weftp_pipeline *pipeline, int64_t deadline_ms, bool last)
{
    struct weftp_thread *thread = NULL;
    if (weftp_thread_enter(&thread) != WEFTP_ENTER_OK) return WEFT_ESTATE;
    weftp_thread_refresh(thread, weftp_realtime_ns());
    if (last) weftp_system_queue_finish(pipeline, thread);
    const weft_status status = weftp_pipeline_retire(pipeline, thread, deadline_ms);
    weftp_thread_leave(thread);
    return status;
}

void weftp_system_publish(struct weftp_pipeline *next, bool destroy_previous)
{
    struct weftp_pipeline *previous = weftp_system.pipeline;
    if (previous) weftp_system_queue_drain(previous, weftp_deadline_ms(WEFTP_RETIRE_TIMEOUT_MS));
    __atomic_store_n(&weftp_system.pipeline, next, __ATOMIC_SEQ_CST);
    const bool moved = weftp_threads_wait(weftp_deadline_ms(WEFTP_RETIRE_TIMEOUT_MS));
    if (!destroy_previous) return;
    if (moved) {
        weftp_pipeline_destroy(weftp_system.retired);
        weftp_system.retired = NULL;
        if (previous) (void)retire(previous, weftp_deadline_ms(WEFTP_EXIT_TIMEOUT_MS), false);
        weftp_pipeline_destroy(previous);
        return;
    }
    /* Some thread is stuck in a sink. It will leave; until then its pipeline stays, and one older than that for ever. */
    weftp_system.retired = previous;
}

/* ---- start, configure ---- */

static weft_status apply_levels(const struct weftp_settings *settings, int floor)
{
    struct weftp_level_setting *levels = calloc(settings->level_count + 1, sizeof *levels);
    if (!levels) return WEFT_ENOMEM;
    for (size_t i = 0; i < settings->level_count; i++)
        levels[i] =
            (struct weftp_level_setting){settings->levels[i].logger, settings->levels[i].level};
    const weft_status status = weftp_loggers_configure(levels, settings->level_count, floor);
    free(levels);
    return status;
}

weft_status weftp_system_levels(void)
{
    return apply_levels(weftp_system.settings, weftp_system.pipeline->floor);
}

/* What is asked for, and how. */
struct request {
    const weft_options *program;
    bool strict; /* a file that is of no use leaves everything as it is */
};

static weft_status load_and_wire(const struct request *request, struct weftp_settings **settings,
                                 struct weftp_pipeline **pipeline,
                                 struct weftp_complaints *complaints)
{
    struct weftp_pipeline *current = weftp_system.real ? weftp_system.real : weftp_system.pipeline;
    const struct weftp_known known = {weftp_system.catalog.encoder_names,
                                      weftp_system.catalog.sink_names,
                                      weftp_system.catalog.propagator_names};
    weft_status (*load)(struct weftp_settings **, const struct weftp_settings *,
                        const weft_options *, const struct weftp_known *, weftp_complain, void *) =
        request->strict ? weftp_settings_refresh : weftp_settings_reload;
    weft_status status = load(settings, weftp_system.settings, request->program, &known,
                              weftp_complaints_keep, complaints);
    if (status) return status;
    const struct weftp_wired previous = {weftp_system.settings, current};
    status = weftp_wire(pipeline, *settings, &weftp_system.catalog, &previous,
                        weftp_complaints_keep, complaints);
    if (status) goto fail;
    status = weftp_system_propagation(*settings);
    if (!status) status = apply_levels(*settings, (*pipeline)->floor);
    if (status) goto fail_pipeline;
    return WEFT_OK;
fail_pipeline:
    weftp_pipeline_destroy(*pipeline);
fail:
    weftp_settings_free(*settings);
    return status;
}

/* Put new settings and their pipeline in force; while a test captures, it keeps what it has. */
static void take_over(struct weftp_settings *settings, struct weftp_pipeline *pipeline)
{
    if (weftp_system.real) {
        weftp_pipeline_destroy(weftp_system.real);
        weftp_system.real = pipeline;
    } else {
        weftp_system_publish(pipeline, true);
    }
    /* A reload is what is asked for after files were moved away. */
    if (weftp_system_state() == WEFTP_STATE_RUNNING) weftp_pipeline_reopen(pipeline);
    weftp_settings_free(weftp_system.settings);
    weftp_system.settings = settings;
}

static weft_status prepare(void)
{
    if (!weftp_system.catalog.sinks[0]) weftp_catalog_init(&weftp_system.catalog);
    const weft_status status = weftp_threads_init();
    if (status) return status;
    if (!weftp_system.locale) weftp_system.locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
    if (!weftp_system.locale) weftp_system.locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return WEFT_OK;
}

/* What is captured; nothing when nobody would take it. */
static unsigned streams_for(const struct weftp_settings *settings,
                            const struct weftp_pipeline *pipeline)
{
    return weftp_pipeline_takes(pipeline, WEFTP_RECORD_PRINTED) ? settings->capture : 0;
}

/* Threads and handlers that the settings ask for. */
static void apply_life(const struct weftp_settings *settings, const struct weftp_pipeline *pipeline,
                       struct weftp_complaints *complaints)
{
    const unsigned streams = streams_for(settings, pipeline);
    char text[160];
    weftp_capture_apply(streams, weftp_complaints_keep, complaints);
    if (settings->capture && !streams)
        weftp_complaints_keep(
            complaints, "WEFT_CAPTURE: none of the sinks takes prints, callback: and those of the "
                        "program do not; nothing is captured");
    const int err =
        weftp_watch_apply(settings, weftp_pipeline_keeps(pipeline) || weftp_capture_is_on());
    if (!err) return;
    (void)snprintf(text, sizeof text,
                   "no thread for signals and for watching the configuration: %s; both are off",
                   weftp_errno_text(err));
    weftp_complaints_keep(complaints, text);
}

static weft_status configure_locked(const weft_options *program, bool strict)
{
    struct weftp_settings *settings = NULL;
    struct weftp_pipeline *pipeline = NULL;
    struct weftp_complaints complaints = {.count = 0};
    weft_options copy;
    weft_status status = prepare();
    if (status) return status;
    status = weftp_program_copy(&copy, program ? program : &weftp_system.program);
    if (status) return status;
    const struct request request = {&copy, strict};
    status = load_and_wire(&request, &settings, &pipeline, &complaints);
    if (status) {
        weftp_program_free(&copy);
        if (status == WEFT_EINVAL) weftp_complaints_say(&complaints);
        weftp_complaints_forget(&complaints);
        return status;
    }
    weftp_program_free(&weftp_system.program);
    weftp_system.program = copy;
    /* What was printed until now goes where it would have gone. */
    if (!streams_for(settings, pipeline))
        weftp_capture_stop(weftp_deadline_ms(WEFTP_EXIT_TIMEOUT_MS));
    weftp_system_queue_apply(settings, pipeline, &complaints);
    take_over(settings, pipeline);
    weftp_system_queue_settle(settings);
    __atomic_store_n(&weftp_system.state, WEFTP_STATE_RUNNING, __ATOMIC_RELEASE);
    apply_life(settings, pipeline, &complaints);
    weftp_complaints_settle(&complaints);
    if (settings->explain) weftp_settings_explain(settings, weftp_stdio_real(STDERR_FILENO));
    return WEFT_OK;
}

weft_status weftp_system_configure(const weft_options *program)
{
    const int saved_errno = errno;
    const int cancel_state = weftp_cancel_disable();
    weftp_fork_hook();
    weftp_system_lock();
    const weft_status status =
        weftp_system.state == WEFTP_STATE_SHUT ? WEFT_ESTATE : configure_locked(program, false);
    weftp_system_unlock();
    weftp_cancel_restore(cancel_state);
    errno = saved_errno;
    return status;
}

weft_status weftp_system_reload(const char *why)
{
    const int saved_errno = errno;
    const int cancel_state = weftp_cancel_disable();
    weftp_fork_hook();
    weftp_system_lock();
    weft_status status = WEFT_ESTATE;
    if (weftp_system.state != WEFTP_STATE_SHUT)
        status = configure_locked(NULL, weftp_system.state == WEFTP_STATE_RUNNING);
    if (why && status != WEFT_ESTATE) {
        const weft_field fields[] = {weft_str("reason", why)};
        const struct weftp_word word = {.level = status ? WEFT_LEVEL_ERROR : WEFT_LEVEL_INFO,
                                        .message = status ? "configuration not reloaded"
                                                          : "configuration reloaded",
                                        .fields = fields,
                                        .count = 1};
        weftp_system_say(&word);
    }
    weftp_system_unlock();
    weftp_cancel_restore(cancel_state);
    errno = saved_errno;
    return status;
}

static void catch_up(void)
{
    const int saved_errno = errno;
    const int cancel_state = weftp_cancel_disable();
    weftp_capture_catch_up();
    weftp_cancel_restore(cancel_state);
    errno = saved_errno;
}

void weftp_system_attend(void)
{
    if (weftp_thread_inside() || weftp_system_holds()) return;
    if (weftp_system_attention() & WEFTP_ATTENTION_CAPTURE) catch_up();
    const unsigned forked = WEFTP_ATTENTION_FORKED;
    if (!(__atomic_fetch_and(&weftp_system.attention, ~forked, __ATOMIC_RELAXED) & forked)) return;
    const int cancel_state = weftp_cancel_disable();
    weftp_system_lock();
    if (weftp_system.state == WEFTP_STATE_RUNNING)
        (void)weftp_watch_apply(weftp_system.settings, weftp_pipeline_keeps(weftp_system.pipeline));
    weftp_system_unlock();
    weftp_cancel_restore(cancel_state);
}

weft_status weftp_system_start(void)
{
    const int saved_errno = errno;
    const int cancel_state = weftp_cancel_disable();
    weft_status status = WEFT_OK;
    weftp_fork_hook();
    weftp_system_lock();
    if (weftp_system.state == WEFTP_STATE_NEW) status = configure_locked(NULL, false);
    if (weftp_system.state == WEFTP_STATE_SHUT) status = WEFT_ESTATE;
    weftp_system_unlock();
    weftp_cancel_restore(cancel_state);
    errno = saved_errno;
    return status;
}

/* ---- the end ---- */

/* Sinks are about to be closed; their counts can be asked for afterwards, too. */
static void keep_sink_stats(const struct weftp_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->slot_count; i++)
        weftp_outlet_stats(pipeline->slots[i].outlet, &weftp_system.last_sinks[i]);
    weftp_system.last_sink_count = pipeline->slot_count;
}

/* A sink that prints what it gets from the queue is heard; it has half of the time. */
static void end_capture(int64_t deadline_ms)
{
    const int64_t now_ms = weftp_monotonic_ms();
    const int64_t half_ms =
        deadline_ms == INT64_MAX ? deadline_ms : now_ms + (deadline_ms - now_ms) / 2;
    if (weftp_capture_is_on() && weftp_system.pipeline)
        weftp_system_queue_drain(weftp_system.pipeline, half_ms);
    weftp_capture_stop(deadline_ms);
}

weft_status weftp_system_shutdown(uint32_t timeout_ms)
{
    const int64_t deadline_ms = weftp_deadline_ms(timeout_ms);
    const int cancel_state = weftp_cancel_disable();
    weft_status status = WEFT_OK;
    if (!weftp_system_lock_until(deadline_ms)) { /* by a reload whose sink does not answer */
        weftp_cancel_restore(cancel_state);
        return WEFT_ETIMEOUT;
    }
    const bool running = weftp_system.state == WEFTP_STATE_RUNNING;
    if (running) end_capture(deadline_ms);
    __atomic_store_n(&weftp_system.state, WEFTP_STATE_SHUT, __ATOMIC_SEQ_CST);
    struct weftp_pipeline *pipeline = weftp_system.pipeline;
    if (running && pipeline) {
        const bool ended = weftp_system_queue_end(deadline_ms);
        __atomic_store_n(&weftp_system.pipeline, NULL, __ATOMIC_SEQ_CST);
        const bool moved = ended && weftp_threads_wait(deadline_ms);
        status = moved ? retire(pipeline, deadline_ms, true) : WEFT_ETIMEOUT;
        if (moved) keep_sink_stats(pipeline);
        if (moved) weftp_pipeline_destroy(pipeline);
        if (moved) weftp_pipeline_destroy(weftp_system.retired);
        if (moved) weftp_ticker_stop();
        weftp_stdio_forget();
        weftp_system.retired = NULL;
    }
    weftp_system_unlock();
    weftp_watch_stop(deadline_ms);
    weftp_cancel_restore(cancel_state);
    return status;
}

/*
 * Runs after the program's own exit handlers and destructors, so that they may still log. Frees all that nobody can be
 * using any more; where other threads live on, they may.
 */
__attribute__((destructor)) static void weft_at_exit(void)
{
    if (weftp_thread_inside()) { /* exit() was called from inside of a sink */
        weftp_stdio_rescue();
        return;
    }
    /* Where a signal has begun to end the process, this waits for what it flushes. */
    if (weftp_system_state() != WEFTP_STATE_NEW) weftp_system_shutdown(WEFTP_EXIT_TIMEOUT_MS);
    if (!weftp_thread_alone()) return;
    weftp_settings_free(weftp_system.settings);
    weftp_system.settings = NULL;
    weftp_program_free(&weftp_system.program);
    weftp_complaints_end();
    weftp_loggers_close();
    weftp_system_propagation_free();
    if (weftp_system.locale) freelocale(weftp_system.locale);
    weftp_system.locale = (locale_t)0;
    weft_mdc_clear();
    weftp_thread_forget();
    weftp_system_queue_free();
}
