#include "compress.h"

#include "../../src/port/io.h"
#include "../../src/port/thread.h"
#include "../../src/port/wait.h"
#include "compress_one.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define BUSY_TRIES_MAX    14 /* looks at files that others still use: about three seconds in all */
#define BUSY_PAUSE_NS     20000000 /* the first pause; it doubles */
#define BUSY_PAUSE_NS_MAX 320000000
#define LATER_S           60 /* between the looks at what is left then */

struct weftp_compressor {
    const struct weftp_rotation *rotation;
    pthread_mutex_t mutex; /* guards running, kicked, busy, left, error */
    pthread_cond_t wake;   /* kicked or stop */
    pthread_cond_t idle;   /* not busy any more */
    pthread_t thread;
    bool running, kicked, busy;
    bool left;    /* something waits for others to let go of it */
    bool inherit; /* in a forked child: the parent had not done all */
    int error;
    atomic_bool stop;
    struct weftp_compression one; /* the thread's own */
};

static bool stops(const struct weftp_compressor *compressor)
{
    return atomic_load_explicit(&compressor->stop, memory_order_relaxed);
}

/* ---- what is to be done ---- */

/*
 * The forms of one file of the set begin at `at`, the plain one first. *waits: it is to be
 * compressed, or to be removed, as its compressed form is there. *ours counts files.
 */
static size_t look_at(const struct weftp_rotation *rotation, int dir,
                      const struct weftp_rotated_list *list, size_t at, uint32_t *ours, bool *waits)
{
    size_t end = at;
    bool is_ours = false;
    while (end < list->count && weftp_rotated_same(&list->items[at], &list->items[end])) {
        struct weftp_rotated_name name;
        if (weftp_rotated_text(rotation, &list->items[end++], &name) == 0 &&
            weftp_rotated_kind(dir, name.text, NULL) == WEFTP_ROTATED_OURS)
            is_ours = true;
    }
    const bool plain = is_ours && list->items[at].codec == WEFTP_CODEC_NONE;
    *waits = plain && !*rotation->ext && (*ours >= rotation->delay || end - at > 1);
    if (is_ours) ++*ours;
    return end;
}

/* Move what waits to the front, and return how many that are: the newest first. */
static size_t choose(const struct weftp_rotation *rotation, int dir,
                     struct weftp_rotated_list *list)
{
    size_t chosen = 0;
    uint32_t ours = 0;
    for (size_t at = 0; at < list->count;) {
        bool waits = false;
        const size_t end = look_at(rotation, dir, list, at, &ours, &waits);
        if (waits) list->items[chosen++] = list->items[at];
        at = end;
    }
    return chosen;
}

/*
 * One look at all, the oldest first. Returns 0, EAGAIN when something is left for later, or another
 * errno.
 */
static int compress_all(struct weftp_compressor *compressor)
{
    const struct weftp_rotation *rotation = compressor->rotation;
    struct weftp_rotated_list list;
    const int dir = weftp_io_open_dir(rotation->dir, rotation->follow);
    if (dir < 0) return errno;
    compressor->one.dir = dir;
    int result = weftp_rotated_list(rotation, dir, &list);
    if (result == 0) {
        for (size_t i = choose(rotation, dir, &list); i > 0 && !stops(compressor); i--) {
            const int err = weftp_compress_one(&compressor->one, &list.items[i - 1]);
            if (err != 0 && result != EAGAIN) result = err;
        }
        weftp_rotated_free(&list);
    }
    weftp_compression_clear(&compressor->one);
    compressor->one.dir = -1;
    close(dir);
    return result;
}

bool weftp_compressor_needed(const struct weftp_rotation *rotation)
{
    struct weftp_rotated_list list;
    const int dir = weftp_io_open_dir(rotation->dir, rotation->follow);
    if (dir < 0) return false;
    bool needed = weftp_compression_left(rotation, dir);
    if (!needed && weftp_rotated_list(rotation, dir, &list) == 0) {
        needed = choose(rotation, dir, &list) > 0;
        weftp_rotated_free(&list);
    }
    close(dir);
    return needed;
}

/* ---- the thread ---- */

static void set_busy(struct weftp_compressor *compressor, bool busy)
{
    pthread_mutex_lock(&compressor->mutex);
    compressor->busy = busy;
    if (!busy) pthread_cond_broadcast(&compressor->idle);
    pthread_mutex_unlock(&compressor->mutex);
}

/*
 * Others still use a file. Nobody shall wait for that, least of all at exit: while we pause we are
 * not busy.
 */
static void pause_for(struct weftp_compressor *compressor, int64_t pause_ns)
{
    set_busy(compressor, false);
    for (int64_t slept = 0; slept < pause_ns && !stops(compressor); slept += BUSY_PAUSE_NS)
        weftp_sleep_ns(BUSY_PAUSE_NS);
    set_busy(compressor, true);
}

/* Look at all once, and remember how that went. */
static int try_all(struct weftp_compressor *compressor)
{
    const int err = compress_all(compressor);
    pthread_mutex_lock(&compressor->mutex);
    compressor->left = err == EAGAIN;
    if (err != 0 && err != EAGAIN && err != ECANCELED) compressor->error = err;
    pthread_mutex_unlock(&compressor->mutex);
    return err;
}

static void work(struct weftp_compressor *compressor)
{
    int64_t pause_ns = BUSY_PAUSE_NS;
    for (unsigned tries = 0; try_all(compressor) == EAGAIN && tries < BUSY_TRIES_MAX; tries++) {
        pause_for(compressor, pause_ns);
        if (stops(compressor)) return;
        if (pause_ns < BUSY_PAUSE_NS_MAX) pause_ns *= 2;
    }
}

/* Wait for a kick; with something left, not for ever. Under the mutex. */
static void wait_for_kick(struct weftp_compressor *compressor)
{
    const struct timespec later = {weftp_monotonic_ns() / 1000000000 + LATER_S, 0};
    if (!compressor->left)
        pthread_cond_wait(&compressor->wake, &compressor->mutex);
    else if (pthread_cond_timedwait(&compressor->wake, &compressor->mutex, &later) == ETIMEDOUT)
        compressor->kicked = true;
}

static void *run(void *arg)
{
    struct weftp_compressor *compressor = arg;
    pthread_mutex_lock(&compressor->mutex);
    while (!stops(compressor)) {
        if (!compressor->kicked) {
            compressor->busy = false;
            pthread_cond_broadcast(&compressor->idle);
            wait_for_kick(compressor);
            continue;
        }
        compressor->kicked = false;
        compressor->busy = true;
        pthread_mutex_unlock(&compressor->mutex);
        work(compressor);
        pthread_mutex_lock(&compressor->mutex);
    }
    pthread_mutex_unlock(&compressor->mutex);
    return NULL;
}

static void make_primitives(struct weftp_compressor *compressor)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&compressor->mutex, NULL);
    pthread_cond_init(&compressor->wake, &attributes);
    pthread_cond_init(&compressor->idle, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct weftp_compressor *weftp_compressor_create(const struct weftp_rotation *rotation)
{
    struct weftp_compressor *compressor = calloc(1, sizeof *compressor);
    if (!compressor) return NULL;
    compressor->rotation = rotation;
    weftp_compression_init(&compressor->one, rotation, &compressor->stop);
    make_primitives(compressor);
    return compressor;
}

int weftp_compressor_kick(struct weftp_compressor *compressor)
{
    int err = 0;
    pthread_mutex_lock(&compressor->mutex);
    compressor->kicked = compressor->busy = true;
    if (compressor->running) {
        pthread_cond_signal(&compressor->wake);
    } else {
        err = weftp_thread_start(&compressor->thread, "weft-gzip", true, run, compressor);
        compressor->running = compressor->kicked = compressor->busy = err == 0;
    }
    pthread_mutex_unlock(&compressor->mutex);
    return err;
}

int weftp_compressor_error(struct weftp_compressor *compressor)
{
    pthread_mutex_lock(&compressor->mutex);
    int err = compressor->error;
    compressor->error = 0;
    pthread_mutex_unlock(&compressor->mutex);
    if (compressor->inherit) {
        compressor->inherit = false;
        const int failed = weftp_compressor_kick(compressor);
        if (err == 0) err = failed;
    }
    return err;
}

bool weftp_compressor_wait(struct weftp_compressor *compressor, uint32_t timeout_ms)
{
    const int64_t deadline_ns = weftp_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    const struct timespec deadline = {(time_t)(deadline_ns / 1000000000),
                                      (long)(deadline_ns % 1000000000)};
    int err = 0;
    pthread_mutex_lock(&compressor->mutex);
    while (compressor->busy && err == 0)
        err = pthread_cond_timedwait(&compressor->idle, &compressor->mutex, &deadline);
    const bool idle = !compressor->busy;
    pthread_mutex_unlock(&compressor->mutex);
    return idle;
}

void weftp_compressor_forked(struct weftp_compressor *compressor)
{
    /* Without unlocking: the locks are the parent's, and its thread goes on. */
    weftp_compression_forked(&compressor->one);
    if (compressor->running) compressor->inherit = compressor->busy || compressor->left;
    compressor->running = compressor->kicked = compressor->busy = compressor->left = false;
    make_primitives(compressor);
}

void weftp_compressor_destroy(struct weftp_compressor *compressor, uint32_t timeout_ms)
{
    if (!compressor) return;
    if (compressor->running) {
        (void)weftp_compressor_wait(compressor, timeout_ms);
        pthread_mutex_lock(&compressor->mutex);
        atomic_store(&compressor->stop, true);
        pthread_cond_signal(&compressor->wake);
        pthread_mutex_unlock(&compressor->mutex);
        pthread_join(compressor->thread, NULL);
    }
    pthread_cond_destroy(&compressor->idle);
    pthread_cond_destroy(&compressor->wake);
    pthread_mutex_destroy(&compressor->mutex);
    free(compressor);
}
