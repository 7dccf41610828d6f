/*
 * The queue: a ring for each thread that logs, and one consumer that merges them by time.
 *
 * Its job: who has which ring, what happens when one is full, when the consumer sleeps, and that
 * everything pushed before a question is taken before its answer. Not its job: what the bytes mean;
 * the thread that consumes (pipeline/worker.h).
 *
 *   function               | by                                    | waits
 *   -----------------------|---------------------------------------|------------------------------
 *   open, set, store_set   | the thread that configures            | for the lock
 *   close                  | the same, alone                       |
 *   sit                    | a thread without a seat               | for the lock; maps memory
 *   leave                  | the seat's thread, or its end         | for the lock
 *   room                   | the seat's thread                     | as the policy says
 *   commit                 | the seat's thread                     | never; wakes the consumer if it sleeps
 *   lose                   | the seat's thread                     | never; as commit
 *   take_* (take.h)        | the one consumer                      | never, but for the lock when seats change
 *   take_wait              | the one consumer                      | until there is something to do
 *   drain                  | any thread but the consumer           | until its deadline
 *   fork_*                 | the thread that forks                 |
 *
 * Its lock comes after the threads' and before a sink's; nobody calls out while holding it, but to
 * the store. May include: port, base.
 *
 * Order: entries of one thread never change places. Of two threads' entries the older one comes
 * first if its commit was over before the other's time was read; calls that overlap may stand in
 * either order. The consumer waits for nobody: it takes what was published when a round began, and
 * of that only what is not younger than that moment. What is from further in the future than a
 * millisecond is no race but a clock that was set: that is taken, too.
 *
 * Sleep: the consumer stores `sleeping`, has every thread pass a barrier (membarrier(2)), and looks
 * at the rings once more. A producer publishes, then reads `sleeping`; the barrier stands for the
 * fence that it does not pay. Without membarrier it pays one. Before it sleeps it naps: then no
 * record wakes it, but a ring that is half full does, and whoever waits.
 */
#ifndef WEFTP_QUEUE_QUEUE_H
#define WEFTP_QUEUE_QUEUE_H

#include "../port/lock.h"
#include "ring.h"

#define WEFTP_QUEUE_SEATS_MAX                                                                      \
    4096                        /* threads with a ring at a time; others are told to do without */
#define WEFTP_QUEUE_SPARE_MAX 8 /* rings without a thread that are kept for the next one */

enum weftp_overflow { WEFTP_OVERFLOW_BLOCK, WEFTP_OVERFLOW_DROP };

/* Where rings live if not in the process's own memory. Functions are called under the queue's lock. */
struct weftp_queue_store {
    void *self;
    /* A descriptor of `bytes` zeros that are sure to be there, and a number for it; -1: none to be had. */
    int (*open)(void *self, size_t bytes, uint32_t *number);
    /* The ring is empty and not needed any more. */
    void (*close)(void *self, uint32_t number);
};

struct weftp_queue_options {
    size_t ring_bytes;
    enum weftp_overflow overflow; /* what happens to a record when there is no room for it */
    int64_t block_ns; /* BLOCK: so long at most, then it is dropped; INT64_MAX: no end */
    int keep_level; /* records below it are dropped when only a quarter of a ring is left; 0: none */
};

enum weftp_seat_state { WEFTP_SEAT_TAKEN, WEFTP_SEAT_LEFT };

/* One thread's place: its ring, and the books of it. */
struct weftp_seat {
    struct weftp_ring ring;
    /* The consumer's, behind what it writes of the ring. */
    uint64_t told_count; /* sum of the ring's told */
    int64_t told_ns;     /* the last of them */
    uint64_t done;       /* records that were given back; read by others */
    uint64_t taken;      /* records taken, not given back yet */
    uint32_t owed;       /* position that comes before the answer of a question */
    bool owing;
    /* Under the lock. */
    enum weftp_seat_state state;
    const struct weftp_queue_store *store; /* where its ring is; NULL: the process's own memory */
    uint32_t number;                       /* of the store */
    struct weftp_seat *next;
    /* The producer's, read by others with relaxed loads. */
    _Alignas(WEFTP_RING_PAIR) uint64_t pushed; /* records */
    uint64_t lost_count;                       /* sum of the ring's lost.by_level */
    uint64_t said_count;                       /* lost_count when the last GAP entry was pushed */
    uint32_t waiting; /* atomic, futex: the producer sleeps until there is room */
};

struct weftp_queue {
    struct weftp_lock lock;
    /* Under the lock. */
    const struct weftp_queue_store *store; /* NULL: rings are the process's own memory */
    struct weftp_seat *first;              /* atomic for who reads it in a signal handler */
    size_t seat_count, spare_count;
    uint64_t gone[WEFTP_RING_LEVELS]; /* losses, as all counts, of seats that are no more */
    uint64_t gone_pushed, gone_done;
    uint64_t unstored; /* rings that the store had no room for */
    uint32_t removing; /* atomic: seats leave the list; not while a crash is being saved */
    /* What each record's producer reads, on a line that is seldom written. */
    _Alignas(WEFTP_RING_PAIR) uint32_t sleeping; /* atomic, futex: 1: the consumer sleeps */
    uint32_t frozen;  /* atomic: until this millisecond the consumer takes nothing; 0: it does */
    uint32_t closing; /* atomic: nobody waits for room any more */
    struct weftp_queue_options options; /* without the lock: single members, relaxed */
    bool barrier;                       /* membarrier is there */
    bool ready;
    _Alignas(WEFTP_RING_PAIR) uint32_t napping; /* atomic, futex: 1: it sleeps with a timer */
    unsigned generation;                        /* atomic; counts changes of the list */
    uint32_t asked;                             /* atomic: questions */
    uint32_t answered;                          /* atomic, futex: all before them is given back */
};

/* Begin, once; `barrier`: weftp_barrier_register was successful. */
void weftp_queue_open(struct weftp_queue *queue, const struct weftp_queue_options *options,
                      bool barrier);
/* Other options; rings that there are keep their size. */
void weftp_queue_set(struct weftp_queue *queue, const struct weftp_queue_options *options);
/*
 * Threads that sit down from now on get rings from there. NULL: from the process's own memory. A
 * store stays until the queue is closed: those that sit keep theirs.
 */
void weftp_queue_store_set(struct weftp_queue *queue, const struct weftp_queue_store *store);
/* Free all seats. Nobody has one, there is no consumer. Rings that are not empty stay in the store. */
void weftp_queue_close(struct weftp_queue *queue);

/* Take a seat, perhaps one that another thread has left; NULL: out of memory, or all are taken. */
struct weftp_seat *weftp_queue_sit(struct weftp_queue *queue);
/* Leave it to the next one; what is in its ring will be taken. */
void weftp_queue_leave(struct weftp_queue *queue, struct weftp_seat *seat);

/* As weftp_queue_room, when it is not easy. */
void *weftp_queue_room_slow(struct weftp_queue *queue, struct weftp_seat *seat, int level,
                            size_t least, size_t *room);
/* Wake the consumer, if it sleeps or naps. */
void weftp_queue_wake(struct weftp_queue *queue);
/* Note a record that will not be pushed; the stream will say so, also if this thread never logs again. */
void weftp_queue_lose(struct weftp_queue *queue, struct weftp_seat *seat, int level,
                      int64_t time_ns);

/* What is kept of a ring from records of this level, in bytes. */
static inline size_t weftp_queue_kept(const struct weftp_queue *queue,
                                      const struct weftp_seat *seat, int level)
{
    return level < __atomic_load_n(&queue->options.keep_level, __ATOMIC_RELAXED)
               ? seat->ring.capacity / 4
               : 0;
}

/*
 * Where a record's bytes go, and how many there may be, at least `least`: waits for them, as the
 * policy says. NULL: there is no room for it, and it is the caller's to say weftp_queue_lose.
 */
static inline void *weftp_queue_room(struct weftp_queue *queue, struct weftp_seat *seat, int level,
                                     size_t least, size_t *room)
{
    if (__builtin_expect(seat->lost_count == seat->said_count, 1)) {
        void *at =
            weftp_ring_room_sp(&seat->ring, least, weftp_queue_kept(queue, seat, level), room);
        if (__builtin_expect(at != NULL, 1)) return at;
    }
    return weftp_queue_room_slow(queue, seat, level, least, room);
}

/* Published just now: wake the consumer if it did not see that. */
static inline void weftp_queue_published(struct weftp_queue *queue)
{
    if (__builtin_expect(queue->barrier, 1))
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    else
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (__builtin_expect(__atomic_load_n(&queue->sleeping, __ATOMIC_RELAXED) != 0, 0))
        weftp_queue_wake(queue);
}

/* Publish a record of `size` bytes, which stand where room said. */
static inline void weftp_queue_commit(struct weftp_queue *queue, struct weftp_seat *seat,
                                      size_t size, int64_t time_ns)
{
    /* Counted first: whoever sees it done sees it pushed. */
    __atomic_store_n(&seat->pushed, seat->pushed + 1, __ATOMIC_RELAXED);
    weftp_ring_commit_sp(&seat->ring, WEFTP_RING_RECORD, size, time_ns);
    weftp_queue_published(queue);
}

/*
 * Wait until all that was pushed before this call is given back; false: the deadline passed, or the
 * queue has begun to close meanwhile.
 */
bool weftp_queue_drain(struct weftp_queue *queue, int64_t deadline_ms);
/*
 * For so long the consumer takes nothing, gives back at most what it has in hands, and frees no seat
 * but those that it is freeing (`removing`); 0: it goes on now. For a process that crashes, whose
 * handler reads the list without the lock. Signal-safe.
 */
static inline void weftp_queue_freeze(struct weftp_queue *queue, uint32_t time_ms)
{
    const uint32_t until_ms = ((uint32_t)weftp_monotonic_ms() + time_ms) | 1;
    __atomic_store_n(&queue->frozen, time_ms ? until_ms : 0, __ATOMIC_SEQ_CST);
}
/* Nobody waits for room any more (or, false, as before). */
void weftp_queue_closing(struct weftp_queue *queue, bool closing);

struct weftp_queue_counts {
    uint64_t lost[WEFTP_RING_LEVELS];
    uint64_t lost_count;
    uint64_t pending;  /* records pushed and not given back */
    uint64_t unstored; /* rings that the store had no room for, since the queue began */
    size_t seats;
};
void weftp_queue_counts(struct weftp_queue *queue, struct weftp_queue_counts *counts);

/*
 * Between queue.c and take.c, under the lock. Whether a thread that sits down now could have it;
 * whether it is to be freed once it is empty and told of; free it.
 */
bool weftp_queue_fits(const struct weftp_queue *queue, const struct weftp_seat *seat);
bool weftp_queue_surplus(const struct weftp_queue *queue, const struct weftp_seat *seat);
void weftp_queue_free(struct weftp_seat *seat);

void weftp_queue_fork_prepare(struct weftp_queue *queue);
void weftp_queue_fork_parent(struct weftp_queue *queue);
/* No seats, nothing in them: they are the parent's. The store is forgotten, too. */
void weftp_queue_fork_child(struct weftp_queue *queue);

#endif
