/*
 * What weft keeps for each thread that logs: its line buffers, its name, its counters, and the word that tells whether
 * it is inside a call.
 *
 * That word ("call": odd while inside) is the recursion guard, and what a reload waits for before it frees a pipeline.
 *
 *   weftp_thread_enter, _leave | own thread, also in a signal handler | never blocks once the thread has logged
 *   weftp_threads_wait         | any                                  | waits for calls that were under way
 *   weftp_threads_sum          | any                                  | locks
 *
 * May include: base, port.
 */
#ifndef WEFTP_PIPELINE_THREAD_H
#define WEFTP_PIPELINE_THREAD_H

#include "../base/json_limits.h"
#include "../base/out.h"
#include "../port/clock.h"
#include "../port/lock.h"
#include "../port/process.h"

#define WEFTP_LINE_SIZE_MAX ((size_t)64 << 20) /* bytes that a thread's line buffer may grow to */
#define WEFTP_TEXT_SIZE_MAX ((size_t)1 << 20)  /* bytes of a printf-style message */

/* Written by their own thread alone; read by weftp_threads_sum. */
struct weftp_thread_counts {
    uint64_t accepted, written, dropped_sink, dropped_memory, truncated, renamed, own_records,
        large;
};

/* Add one to a counter of the thread's own; others may read it meanwhile. */
static inline void weftp_count(uint64_t *counter)
{
    __atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* What became of a record. */
static inline void weftp_counts_outcome(struct weftp_thread_counts *counts, bool encoded,
                                        bool written)
{
    weftp_count(!encoded   ? &counts->dropped_memory
                : !written ? &counts->dropped_sink
                           : &counts->written);
}

/* What the encoder did to a line beside. */
static inline void weftp_counts_note(struct weftp_thread_counts *counts, const struct weft_out *out,
                                     bool trimmed)
{
    if (trimmed || out->notes & WEFTP_NOTE_CUT) weftp_count(&counts->truncated);
    if (out->notes & WEFTP_NOTE_RENAMED) weftp_count(&counts->renamed);
}

struct weftp_seat;
struct weftp_queue;

struct weftp_thread {
    unsigned call; /* odd: inside a call of weft */
    struct weftp_thread_counts counts;
    struct weft_out line; /* the record's line */
    struct weft_out own;  /* lines about weft itself, beside it */
    struct weft_out text; /* a printf-style message */
    struct weftp_clock clock;
    int64_t name_second; /* the second that `name` was read in; INT64_MIN: not yet */
    int64_t id;
    size_t name_size;
    char name[WEFTP_THREAD_NAME_MAX];
    struct weftp_queue *queue; /* where its seat is */
    struct weftp_seat *seat;   /* in the queue; NULL: none yet */
    struct weftp_thread *next, *previous;
};

enum weftp_enter { WEFTP_ENTER_OK, WEFTP_ENTER_REENTRANT, WEFTP_ENTER_NO_MEMORY };

/* Prepare for threads; once per process, before the first enter. WEFT_ENOMEM when there are no thread keys. */
weft_status weftp_threads_init(void);

/* Begin a call: *out is this thread's state, made on its first call. WEFTP_ENTER_REENTRANT: this thread is inside one. */
enum weftp_enter weftp_thread_enter(struct weftp_thread **out);
void weftp_thread_leave(struct weftp_thread *thread);
/* True when this thread is inside a call of weft. Signal-safe. */
bool weftp_thread_inside(void);
/* The state of this thread, NULL when it has none. Signal-safe. */
struct weftp_thread *weftp_thread_current(void);

/* Read the thread's name again if this is another second than it was read in. */
void weftp_thread_refresh(struct weftp_thread *thread, int64_t second);

/* Wait until every call that was under way has ended, the caller's own excepted; false when the deadline passed. */
bool weftp_threads_wait(int64_t deadline_ms);
/* Sum the counters of all threads, living and ended. */
void weftp_threads_sum(struct weftp_thread_counts *sum);
/* Records that count as written, and have been lost since by a sink that kept them. */
void weftp_threads_lose(uint64_t count);
/* Free the calling thread's state; it makes a new one if it logs again. */
void weftp_thread_forget(void);

/* For fork(2): hold the list still; let it go; in the child, where only this thread lives, begin anew. */
void weftp_threads_fork_prepare(void);
void weftp_threads_fork_parent(void);
void weftp_threads_fork_child(void);

#endif
