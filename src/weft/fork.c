/*
 * fork(2): parent and child both go on logging; nothing is written twice, and no lock is left held.
 */
#include "../mdc/mdc.h"
#include "capture.h"
#include "system.h"
#include "watch.h"

#include <pthread.h>

/* A thread that is stuck in a sink does not stop a fork for longer than this; the child makes its locks anew anyway. */
#define FORK_WAIT_MS 1000

static bool taken[WEFT_SINKS_MAX + 1]; /* under the system's lock */
/*
 * By this thread's fork; false when it is inside of a call of weft itself, a sink that forks, and when a reload stands
 * in a sink that does not answer.
 */
static _Thread_local bool locked;

static struct weftp_outlet *outlet_at(size_t index)
{
    const struct weftp_pipeline *pipeline = weftp_system.pipeline;
    if (!pipeline) return NULL;
    if (index < pipeline->slot_count) return pipeline->slots[index].outlet;
    return index == WEFT_SINKS_MAX ? pipeline->status.outlet : NULL;
}

static void prepare(void)
{
    const int64_t deadline_ms = weftp_deadline_ms(FORK_WAIT_MS);
    locked = !weftp_thread_inside() && weftp_system_lock_until(deadline_ms);
    if (!locked) return;
    /* A parent that ends by _exit, as daemon(3) does, has nothing in the queue then. */
    if (weftp_system.pipeline)
        weftp_system_queue_drain(weftp_system.pipeline, deadline_ms - FORK_WAIT_MS / 2);
    weftp_capture_fork_prepare(deadline_ms);
    weftp_loggers_fork_prepare();
    weftp_threads_fork_prepare();
    weftp_system_queue_fork_prepare(deadline_ms);
    for (size_t i = 0; i <= WEFT_SINKS_MAX; i++) {
        struct weftp_outlet *outlet = outlet_at(i);
        taken[i] = outlet && weftp_lock_until(&outlet->lock, deadline_ms);
    }
    weftp_ticker_fork_prepare();
}

static void parent(void)
{
    if (!locked) return;
    weftp_ticker_fork_parent();
    for (size_t i = WEFT_SINKS_MAX + 1; i-- > 0;)
        if (taken[i]) weftp_unlock(&outlet_at(i)->lock);
    weftp_system_queue_fork_parent();
    weftp_threads_fork_parent();
    weftp_loggers_fork_parent();
    weftp_capture_fork_parent();
    weftp_system_unlock();
}

static void child(void)
{
    weftp_ticker_fork_child();
    weftp_capture_fork_child();
    if (weftp_watch_fork_child())
        __atomic_fetch_or(&weftp_system.attention, WEFTP_ATTENTION_FORKED, __ATOMIC_RELAXED);
    for (size_t i = 0; i <= WEFT_SINKS_MAX; i++)
        if (outlet_at(i)) weftp_outlet_forked(outlet_at(i));
    weftp_threads_fork_child();
    weftp_system_queue_fork_child();
    weftp_loggers_fork_child();
    weftp_mdc_forked();
    weftp_propagate_forked();
    weftp_system_lock_anew();
    weftp_system.dropped_reentrant = weftp_system.dropped_shutdown = weftp_system.dropped_start = 0;
    weftp_system.retired = NULL;
}

static void install(void)
{
    pthread_atfork(prepare, parent, child);
}

void weftp_fork_hook(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}
