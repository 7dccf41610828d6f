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

/* Add to a counter of the thread's own; others may read it meanwhile. */
static inline void weftp_count_more(uint64_t *counter, uint64_t more)
{
    __atomic_store_n(counter, *counter + more, __ATOMIC_RELAXED);
}
static inline void weftp_count(uint64_t *counter)
{
    weftp_count_more(counter, 1);
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
    if (__builtin_expect((trimmed | out->notes) == 0, 1)) return;
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
    int64_t name_ns; /* when `name` was read; INT64_MIN: not yet */
    int64_t id;
    size_t name_size;
    char name[WEFTP_THREAD_NAME_MAX];
    void (*unseated)(void);    /* called by this thread when it has left its seat; may be NULL */
    struct weftp_queue *queue; /* where its seat is */
    struct weftp_seat *seat;   /* in the queue; NULL: none yet */
    bool overtakes;            /* prints that it reads do not wait for those in its ring */
    struct weftp_thread *next, *previous;
};

enum weftp_enter { WEFTP_ENTER_OK, WEFTP_ENTER_REENTRANT, WEFTP_ENTER_NO_MEMORY };

/* Prepare for threads; once per process, before the first enter. WEFT_ENOMEM when there are no thread keys. */
weft_status weftp_threads_init(void);

/* This thread's slot. */
struct weftp_thread_slot {
    struct weftp_thread *self; /* NULL: it has not logged yet */
    /* It holds the list's lock, or makes its state: a signal handler must not wait for it. */
    bool busy;
};
extern _Thread_local struct weftp_thread_slot weftp_thread_slot;
/*
 * While a thread that is not inside of a call has one of the locks that a call may take: what logs
 * on it meanwhile, a signal handler or the program's malloc, is turned away. Not for one that has
 * the list's lock, which says so itself.
 */
static inline void weftp_thread_busy(bool busy)
{
    weftp_thread_slot.busy = busy;
}
/* Calls need no fence of their own: weftp_threads_wait asks the kernel for one. Set once. */
extern bool weftp_thread_barrier;

/* As weftp_thread_enter, when it is not easy. */
enum weftp_enter weftp_thread_enter_slow(struct weftp_thread **out);

/* Begin a call: *out is this thread's state, made on its first call. WEFTP_ENTER_REENTRANT: this thread is inside one. */
static inline enum weftp_enter weftp_thread_enter(struct weftp_thread **out)
{
    struct weftp_thread *thread = weftp_thread_slot.self;
    if (__builtin_expect(!thread || (thread->call & 1) || weftp_thread_slot.busy, 0))
        return weftp_thread_enter_slow(out);
    __atomic_store_n(&thread->call, thread->call + 1, __ATOMIC_RELAXED);
    /* The pipeline is read after this store: by the kernel's barrier in weftp_threads_wait, or by our own here. */
    if (__builtin_expect(weftp_thread_barrier, 1))
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    else
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *out = thread;
    return WEFTP_ENTER_OK;
}
static inline void weftp_thread_leave(struct weftp_thread *thread)
{
    __atomic_store_n(&thread->call, thread->call + 1, __ATOMIC_RELEASE);
}
/* True when this thread is inside a call of weft. Signal-safe. */
bool weftp_thread_inside(void);
/* The state of this thread, NULL when it has none. Signal-safe. */
struct weftp_thread *weftp_thread_current(void);

/* Read the thread's name and id. */
void weftp_thread_read_name(struct weftp_thread *thread, int64_t time_ns);
/* The same if they were not read within the second before `time_ns`. */
static inline void weftp_thread_refresh(struct weftp_thread *thread, int64_t time_ns)
{
    if (__builtin_expect((uint64_t)time_ns - (uint64_t)thread->name_ns >= 1000000000, 0))
        weftp_thread_read_name(thread, time_ns);
}

/* Wait until every call that was under way has ended, the caller's own excepted; false when the deadline passed. */
bool weftp_threads_wait(int64_t deadline_ms);
/* Sum the counters of all threads, living and ended. */
void weftp_threads_sum(struct weftp_thread_counts *sum);
/* Records that count as written, and have been lost since by a sink that kept them. */
void weftp_threads_lose(uint64_t count);
/*
 * A state for a thread of weft's that is about to be started, so that it never lacks one: NULL when
 * out of memory, else owned by the caller until that thread adopts it as its own. The thread forgets
 * it before it ends.
 */
struct weftp_thread *weftp_thread_reserve(void);
void weftp_thread_adopt(struct weftp_thread *thread);
/* Free a state that no thread has: not adopted, or its thread is not there in this forked child. */
void weftp_thread_discard(struct weftp_thread *thread);
/* Free the calling thread's state; it makes a new one if it logs again. */
void weftp_thread_forget(void);

/* For fork(2): hold the list still; let it go; in the child, where only this thread lives, begin anew. */
void weftp_threads_fork_prepare(void);
void weftp_threads_fork_parent(void);
void weftp_threads_fork_child(void);

#endif
