/*
 * What the tests of the queue from the outside share: rows (rows.h) with the queue on, and a sink
 * behind a gate: what it is given waits while the gate is shut.
 */
#ifndef TEST_SUPPORT_QUEUE_ROWS_H
#define TEST_SUPPORT_QUEUE_ROWS_H

#include "support/await.h"
#include "support/rows.h"

#include <pthread.h>

/* ---- rows ---- */

/* Run a child with the queue on, and at most five settings beside; it must end well. */
static inline void queue_run(struct row *row, void (*fn)(void *), void *arg,
                             const char *const *settings)
{
    row->env[1] = "WEFT_ASYNC=on";
    for (size_t i = 0; i < 6; i++) {
        row->env[2 + i] = settings ? settings[i] : NULL;
        if (!row->env[2 + i]) break;
    }
    row_run(row, fn, arg);
}
#define QUEUE_RUN(row, ...) QUEUE_RUN_((row), __VA_ARGS__, NULL)
#define QUEUE_RUN_(row, fn, arg, ...)                                                              \
    queue_run((row), (fn), (arg), (const char *const[]){__VA_ARGS__})

static inline weft_stats queue_stats(void)
{
    weft_stats stats;
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    return stats;
}

/* The sums at a moment when nobody logs and the worker has come to rest. */
static inline weft_stats queue_sums(void)
{
    AWAIT(queue_stats().queued == 0);
    const weft_stats stats = queue_stats();
    EXPECT(stats.accepted == stats.written + stats.dropped);
    uint64_t by_level = 0;
    for (size_t i = 0; i < 6; i++) by_level += stats.dropped_queue_by_level[i];
    EXPECT(by_level == stats.dropped_queue);
    return stats;
}

static inline int64_t monotonic_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- the gate ---- */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool shut, reached; /* under the mutex */
    int fd;             /* where the lines go */
    unsigned pause_us;  /* for each line */
} gate = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER, .fd = -1};

static inline void gate_set(bool shut)
{
    pthread_mutex_lock(&gate.mutex);
    gate.shut = shut;
    gate.reached = false;
    pthread_cond_broadcast(&gate.changed);
    pthread_mutex_unlock(&gate.mutex);
}

/* Wait until the worker stands at the gate. */
static inline void gate_await(void)
{
    pthread_mutex_lock(&gate.mutex);
    while (!gate.reached) pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
}

static inline weft_status gate_open_sink(void **self, const struct weft_options_kv *options)
{
    (void)options;
    *self = &gate;
    return WEFT_OK;
}

static inline weft_status gate_write(void *self, const struct weft_line *lines, size_t count,
                                     size_t *written)
{
    (void)self;
    pthread_mutex_lock(&gate.mutex);
    gate.reached = gate.shut;
    pthread_cond_broadcast(&gate.changed);
    while (gate.shut) pthread_cond_wait(&gate.changed, &gate.mutex);
    pthread_mutex_unlock(&gate.mutex);
    for (*written = 0; *written < count; ++*written) {
        const struct weft_line *line = &lines[*written];
        if (gate.pause_us) usleep(gate.pause_us);
        if (write(gate.fd, line->data, line->size) != (ssize_t)line->size) return WEFT_EIO;
    }
    return WEFT_OK;
}

static inline void gate_close(void *self)
{
    (void)self;
}

static const struct weft_sink_type gate_type = {sizeof gate_type, "gate", gate_open_sink,
                                                gate_write,       NULL,   gate_close};

/* In the child, before anything is logged: `gate:` writes to the row's file. */
static inline void gate_begin(const struct row *row)
{
    gate.fd = open(row->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
    EXPECT(gate.fd >= 0);
    EXPECT(weft_sink_register(&gate_type) == WEFT_OK);
}

/* The same, and the worker stands at the shut gate with one line ("first"): what comes now stays in the ring. */
static inline void gate_begin_shut(const struct row *row)
{
    gate_begin(row);
    gate_set(true);
    weft_info(NULL, "first");
    gate_await();
}

static inline struct row gate_row(void)
{
    struct row row = row_begin("");
    snprintf(row.sinks, sizeof row.sinks, "WEFT_SINKS=gate:");
    return row;
}

#endif
