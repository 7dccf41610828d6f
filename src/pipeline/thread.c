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
    bool barrier; /* readers need no fence of their own */
    bool ready;
} threads = {.lock = WEFTP_LOCK_INIT};

static _Thread_local struct weftp_thread *self;
/* Set while this thread holds the list's lock, so that a signal handler does not wait for it. */
static _Thread_local bool busy;

static void list_lock(void)
{
    busy = true;
    weftp_lock(&threads.lock);
}

static void list_unlock(void)
{
    weftp_unlock(&threads.lock);
    busy = false;
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

static void thread_destroy(void *pointer)
{
    struct weftp_thread *thread = pointer;
    if (thread->seat) weftp_queue_leave(thread->queue, thread->seat);
    list_lock();
    if (thread->previous)
        thread->previous->next = thread->next;
    else
        threads.first = thread->next;
    if (thread->next) thread->next->previous = thread->previous;
    add_counts(&threads.ended, &thread->counts);
    self = NULL;
    list_unlock();
    weftp_out_deinit(&thread->line);
    weftp_out_deinit(&thread->own);
    weftp_out_deinit(&thread->text);
    free(thread);
}

/* A malloc of the program's that logs is turned away meanwhile: one thread has one state. */
static struct weftp_thread *thread_create(void)
{
    busy = true;
    struct weftp_thread *thread = calloc(1, sizeof *thread);
    if (!thread) {
        busy = false;
        return NULL;
    }
    weftp_out_init(&thread->line, WEFTP_LINE_SIZE_MAX);
    weftp_out_init(&thread->own, WEFTP_LINE_SIZE_MAX);
    weftp_out_init(&thread->text, WEFTP_TEXT_SIZE_MAX);
    thread->name_second = INT64_MIN;
    if (pthread_setspecific(threads.key, thread) != 0) {
        free(thread);
        busy = false;
        return NULL;
    }
    list_lock();
    thread->next = threads.first;
    if (threads.first) threads.first->previous = thread;
    threads.first = thread;
    self = thread;
    list_unlock();
    return thread;
}

weft_status weftp_threads_init(void)
{
    if (threads.ready) return WEFT_OK;
    if (pthread_key_create(&threads.key, thread_destroy) != 0) return WEFT_ENOMEM;
    threads.barrier = weftp_barrier_register();
    threads.ready = true;
    return WEFT_OK;
}

enum weftp_enter weftp_thread_enter(struct weftp_thread **out)
{
    struct weftp_thread *thread = self;
    if (__builtin_expect(!thread, 0)) {
        if (busy) return WEFTP_ENTER_REENTRANT;
        thread = threads.ready ? thread_create() : NULL;
        if (!thread) return WEFTP_ENTER_NO_MEMORY;
    }
    const unsigned call = thread->call;
    if (__builtin_expect((call & 1) || busy, 0)) return WEFTP_ENTER_REENTRANT;
    __atomic_store_n(&thread->call, call + 1, __ATOMIC_RELAXED);
    /* The pipeline is read after this store: by the kernel's barrier in weftp_threads_wait, or by our own here. */
    if (__builtin_expect(threads.barrier, 1))
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    else
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *out = thread;
    return WEFTP_ENTER_OK;
}

void weftp_thread_leave(struct weftp_thread *thread)
{
    __atomic_store_n(&thread->call, thread->call + 1, __ATOMIC_RELEASE);
}

bool weftp_thread_inside(void)
{
    return busy || (self && (self->call & 1));
}

struct weftp_thread *weftp_thread_current(void)
{
    return self;
}

void weftp_thread_refresh(struct weftp_thread *thread, int64_t second)
{
    if (__builtin_expect(thread->name_second == second, 1)) return;
    thread->name_size = weftp_thread_name(thread->name);
    thread->id = weftp_thread_id();
    thread->name_second = second;
}

/* True when no thread but this one is still in the call that it was in when we first looked. */
static bool all_moved(int64_t deadline_ms)
{
    for (struct weftp_thread *thread = threads.first; thread; thread = thread->next) {
        const unsigned seen = __atomic_load_n(&thread->call, __ATOMIC_ACQUIRE);
        if (thread == self || !(seen & 1)) continue;
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
    struct weftp_thread *thread = self;
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
    busy = false;
    threads.first = self;
    threads.ended = (struct weftp_thread_counts){0};
    if (!self) return;
    self->next = self->previous = NULL;
    self->name_second = INT64_MIN;
    self->counts = (struct weftp_thread_counts){0};
    self->seat = NULL; /* the parent's */
}
