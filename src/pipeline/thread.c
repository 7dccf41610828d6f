#include "thread.h"

#include "../queue/queue.h"

#include <pthread.h>
#include <stdlib.h>

/* The one list of threads, part of the process-wide logging system. */
static struct {
    struct weftp_lock lock;
    struct weftp_thread *first;
    struct weftp_thread_counts ended; /* counts of threads that are gone */
    pthread_key_t key;
    bool ready;
} threads = {.lock = WEFTP_LOCK_INIT};

_Thread_local struct weftp_thread_slot weftp_thread_slot;
bool weftp_thread_barrier;

static void list_lock(void)
{
    weftp_thread_slot.busy = true;
    weftp_lock(&threads.lock);
}

static void list_unlock(void)
{
    weftp_unlock(&threads.lock);
    weftp_thread_slot.busy = false;
}

static void add_counts(struct weftp_thread_counts *sum, const struct weftp_thread_counts *more)
{
    sum->accepted += __atomic_load_n(&more->accepted, __ATOMIC_RELAXED);
    sum->written += __atomic_load_n(&more->written, __ATOMIC_RELAXED);
    sum->dropped_sink += __atomic_load_n(&more->dropped_sink, __ATOMIC_RELAXED);
    sum->dropped_memory += __atomic_load_n(&more->dropped_memory, __ATOMIC_RELAXED);
    sum->truncated += __atomic_load_n(&more->truncated, __ATOMIC_RELAXED);
    sum->renamed += __atomic_load_n(&more->renamed, __ATOMIC_RELAXED);
    sum->large += __atomic_load_n(&more->large, __ATOMIC_RELAXED);
    sum->own_records += __atomic_load_n(&more->own_records, __ATOMIC_RELAXED);
}

void weftp_thread_discard(struct weftp_thread *thread)
{
    weftp_out_deinit(&thread->line);
    weftp_out_deinit(&thread->own);
    weftp_out_deinit(&thread->text);
    free(thread);
}

static void thread_destroy(void *pointer)
{
    struct weftp_thread *thread = pointer;
    weftp_thread_busy(true);
    if (thread->seat) weftp_queue_leave(thread->queue, thread->seat);
    if (thread->seat && thread->unseated) thread->unseated();
    list_lock();
    if (thread->previous)
        thread->previous->next = thread->next;
    else
        threads.first = thread->next;
    if (thread->next) thread->next->previous = thread->previous;
    add_counts(&threads.ended, &thread->counts);
    weftp_thread_slot.self = NULL;
    list_unlock();
    weftp_thread_discard(thread);
}

struct weftp_thread *weftp_thread_reserve(void)
{
    struct weftp_thread *thread = calloc(1, sizeof *thread);
    if (!thread) return NULL;
    weftp_out_init(&thread->line, WEFTP_LINE_SIZE_MAX);
    weftp_out_init(&thread->own, WEFTP_LINE_SIZE_MAX);
    weftp_out_init(&thread->text, WEFTP_TEXT_SIZE_MAX);
    thread->name_ns = INT64_MIN;
    return thread;
}

void weftp_thread_adopt(struct weftp_thread *thread)
{
    list_lock();
    thread->next = threads.first;
    if (threads.first) threads.first->previous = thread;
    threads.first = thread;
    weftp_thread_slot.self = thread;
    list_unlock();
}

/* A malloc of the program's that logs is turned away meanwhile: one thread has one state. */
static bool thread_create(void)
{
    weftp_thread_busy(true);
    struct weftp_thread *thread = weftp_thread_reserve();
    if (thread && pthread_setspecific(threads.key, thread) != 0) {
        free(thread);
        thread = NULL;
    }
    if (thread) weftp_thread_adopt(thread);
    weftp_thread_busy(false);
    return thread != NULL;
}

weft_status weftp_threads_init(void)
{
    if (threads.ready) return WEFT_OK;
    if (pthread_key_create(&threads.key, thread_destroy) != 0) return WEFT_ENOMEM;
    weftp_thread_barrier = weftp_barrier_register();
    threads.ready = true;
    return WEFT_OK;
}

enum weftp_enter weftp_thread_enter_slow(struct weftp_thread **out)
{
    if (weftp_thread_slot.busy || (weftp_thread_slot.self && (weftp_thread_slot.self->call & 1)))
        return WEFTP_ENTER_REENTRANT;
    if (!weftp_thread_slot.self && (!threads.ready || !thread_create()))
        return WEFTP_ENTER_NO_MEMORY;
    return weftp_thread_enter(out);
}

bool weftp_thread_inside(void)
{
    return weftp_thread_slot.busy || (weftp_thread_slot.self && (weftp_thread_slot.self->call & 1));
}

struct weftp_thread *weftp_thread_current(void)
{
    return weftp_thread_slot.self;
}

void weftp_thread_read_name(struct weftp_thread *thread, int64_t time_ns)
{
    thread->name_size = weftp_thread_name(thread->name);
    thread->id = weftp_thread_id();
    thread->name_ns = time_ns;
}

/* True when no thread but this one is still in the call that it was in when we first looked. */
static bool all_moved(int64_t deadline_ms)
{
    for (struct weftp_thread *thread = threads.first; thread; thread = thread->next) {
        const unsigned seen = __atomic_load_n(&thread->call, __ATOMIC_ACQUIRE);
        if (thread == weftp_thread_slot.self || !(seen & 1)) continue;
        while (__atomic_load_n(&thread->call, __ATOMIC_ACQUIRE) == seen) {
            if (weftp_monotonic_ms() >= deadline_ms) return false;
            weftp_nap_us(20);
        }
    }
    return true;
}

/* The lock is held meanwhile: a thread that ends has left its call, and waits for us before it frees its state. */
bool weftp_threads_wait(int64_t deadline_ms)
{
    list_lock();
    weftp_barrier_all();
    const bool moved = all_moved(deadline_ms);
    list_unlock();
    return moved;
}

void weftp_threads_sum(struct weftp_thread_counts *sum)
{
    list_lock();
    *sum = threads.ended;
    for (const struct weftp_thread *thread = threads.first; thread; thread = thread->next)
        add_counts(sum, &thread->counts);
    list_unlock();
}

/* Those who counted them may be gone; the sum is what is asked for, and it may pass through zero. */
void weftp_threads_lose(uint64_t count)
{
    struct weftp_thread_counts sum;
    weftp_threads_sum(&sum);
    if (count > sum.written) count = sum.written; /* some were dropped by another sink before */
    list_lock();
    threads.ended.written -= count;
    threads.ended.dropped_sink += count;
    list_unlock();
}

void weftp_thread_forget(void)
{
    struct weftp_thread *thread = weftp_thread_slot.self;
    if (!thread) return;
    pthread_setspecific(threads.key, NULL);
    thread_destroy(thread);
}

void weftp_threads_fork_prepare(void)
{
    list_lock();
}

void weftp_threads_fork_parent(void)
{
    list_unlock();
}

/* The other threads' states are left alone: they may have been in the middle of anything. */
void weftp_threads_fork_child(void)
{
    weftp_lock_init(&threads.lock);
    weftp_thread_slot.busy = false;
    threads.first = weftp_thread_slot.self;
    threads.ended = (struct weftp_thread_counts){0};
    if (!weftp_thread_slot.self) return;
    weftp_thread_slot.self->next = weftp_thread_slot.self->previous = NULL;
    weftp_thread_slot.self->name_ns = INT64_MIN;
    weftp_thread_slot.self->counts = (struct weftp_thread_counts){0};
    weftp_thread_slot.self->seat = NULL; /* the parent's */
}
