#include "ticker.h"

#include "../port/lock.h"
#include "../port/thread.h"

#include <stddef.h>

/* Part of the process-wide logging system, as the list of threads is. */
static struct {
    pthread_mutex_t mutex;
    pthread_cond_t wake, done; /* something was armed, or stop; a callback has returned */
    pthread_t thread;
    bool ready, running, stop;
    struct weftp_tick *first;   /* in no order: there are few */
    struct weftp_tick *current; /* runs just now */
} ticker = {.mutex = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER};

static struct weftp_tick *earliest(void)
{
    struct weftp_tick *best = ticker.first;
    for (struct weftp_tick *tick = best; tick; tick = tick->next)
        if (tick->at_ms < best->at_ms) best = tick;
    return best;
}

static void unlink_tick(struct weftp_tick *tick)
{
    struct weftp_tick **at = &ticker.first;
    while (*at && *at != tick) at = &(*at)->next;
    if (*at) *at = tick->next;
    tick->armed = false;
}

static void sleep_until(int64_t at_ms)
{
    const struct timespec until = {(time_t)(at_ms / 1000), (long)(at_ms % 1000) * 1000000};
    pthread_cond_timedwait(&ticker.wake, &ticker.mutex, &until);
}

static void run_one(struct weftp_tick *tick)
{
    unlink_tick(tick);
    ticker.current = tick;
    pthread_mutex_unlock(&ticker.mutex);
    tick->run(tick);
    pthread_mutex_lock(&ticker.mutex);
    ticker.current = NULL;
    pthread_cond_broadcast(&ticker.done);
}

static void *run(void *arg)
{
    pthread_mutex_lock(&ticker.mutex);
    while (!ticker.stop) {
        struct weftp_tick *tick = earliest();
        if (!tick)
            pthread_cond_wait(&ticker.wake, &ticker.mutex);
        else if (tick->at_ms > weftp_monotonic_ms())
            sleep_until(tick->at_ms);
        else
            run_one(tick);
    }
    pthread_mutex_unlock(&ticker.mutex);
    return arg;
}

/* The condition's clock cannot be chosen by an initializer. */
static void make_ready(void)
{
    pthread_condattr_t attributes;
    if (ticker.ready) return;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&ticker.wake, &attributes);
    pthread_condattr_destroy(&attributes);
    ticker.ready = true;
}

static bool start(void)
{
    if (ticker.running) return true;
    make_ready();
    ticker.stop = false;
    ticker.running = weftp_thread_start(&ticker.thread, "weft-flush", false, run, NULL) == 0;
    return ticker.running;
}

bool weftp_ticker_arm(struct weftp_tick *tick, uint32_t delay_ms)
{
    const int64_t at_ms = weftp_monotonic_ms() + delay_ms;
    pthread_mutex_lock(&ticker.mutex);
    const bool started = start();
    if (started && (!tick->armed || at_ms < tick->at_ms)) {
        const struct weftp_tick *before = earliest();
        if (!before || at_ms < before->at_ms) pthread_cond_signal(&ticker.wake);
        tick->at_ms = at_ms;
        if (!tick->armed) {
            tick->next = ticker.first;
            ticker.first = tick;
            tick->armed = true;
        }
    }
    pthread_mutex_unlock(&ticker.mutex);
    return started;
}

void weftp_ticker_drop(struct weftp_tick *tick)
{
    pthread_mutex_lock(&ticker.mutex);
    while (ticker.current == tick) pthread_cond_wait(&ticker.done, &ticker.mutex);
    unlink_tick(tick);
    pthread_mutex_unlock(&ticker.mutex);
}

void weftp_ticker_fork_prepare(void)
{
    pthread_mutex_lock(&ticker.mutex);
}

void weftp_ticker_fork_parent(void)
{
    pthread_mutex_unlock(&ticker.mutex);
}

void weftp_ticker_fork_child(void)
{
    for (struct weftp_tick *tick = ticker.first; tick; tick = tick->next) tick->armed = false;
    pthread_mutex_init(&ticker.mutex, NULL);
    pthread_cond_init(&ticker.done, NULL);
    ticker.first = ticker.current = NULL;
    ticker.ready = ticker.running = ticker.stop = false;
}

void weftp_ticker_stop(void)
{
    pthread_mutex_lock(&ticker.mutex);
    const bool running = ticker.running;
    ticker.stop = true;
    if (running) pthread_cond_signal(&ticker.wake);
    pthread_mutex_unlock(&ticker.mutex);
    if (!running) return;
    pthread_join(ticker.thread, NULL);
    pthread_mutex_lock(&ticker.mutex);
    ticker.running = false;
    pthread_mutex_unlock(&ticker.mutex);
}
