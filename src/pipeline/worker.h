/*
 * The other side of the queue: a thread that takes records out, encodes them and hands them to the
 * sinks of the pipeline in force, many at a time.
 *
 * Its job: from packed bytes to the batch; its own thread. Not its job: which entry is next
 * (queue/take.h), what becomes of a line (outlet.h).
 *
 *   function    | by
 *   ------------|-----------------------------------------------------------------------------
 *   init, set   | the thread that configures
 *   ready       | any thread, inside of a call; starts the thread if there is none
 *   stop        | the thread that configures or shuts down; not inside of a call
 *   drain       | any thread but the worker
 *   finish      | the same, inside of a call, after a stop that was true: it is the consumer then
 *   fork_*      | the thread that forks; the child's only one
 *
 * The worker is inside of a call while it deals with records, so that a reload waits for it and a
 * sink that logs is turned away. May include: record, queue, base, port.
 */
#ifndef WEFTP_PIPELINE_WORKER_H
#define WEFTP_PIPELINE_WORKER_H

#include "../port/clock.h"
#include "../queue/take.h"
#include "../record/packed.h"
#include "bulk.h"

#define WEFTP_WORKER_RETRY_MS 1000 /* after a thread could not be had */

struct weftp_worker {
    struct weftp_queue queue;
    struct weftp_pipeline *const *pipeline; /* atomic: the one in force */
    /* 0: this is a child that no handler of fork(3) has told of; the rings are its parent's. */
    volatile uint32_t *own;
    void (*seated)(void),
        (*unseated)(void); /* called by a thread with its seat; set once, or NULL */
    bool running;          /* under the queue's lock */
    int64_t retry_ms;      /* under the queue's lock */
    pthread_t thread;
    struct weftp_thread *state; /* the thread's own */
    struct weftp_lock round;    /* held while it deals with records; before the queue's lock */
    bool still;                 /* at a fork: it does not */
    int stop, ended;            /* atomic */
    /* The consumer's own. */
    struct weftp_take take;
    struct weftp_bulk bulk;
    struct weftp_unpack_room room; /* owned arrays */
    struct weftp_clock clock;
};

/* Make it; nothing runs yet. `pipeline` points to the one in force. */
void weftp_worker_init(struct weftp_worker *worker, struct weftp_pipeline *const *pipeline,
                       const struct weftp_queue_options *options, bool barrier);
/* See to it that the thread runs; false: there is none to be had. */
bool weftp_worker_ready(struct weftp_worker *worker);
/* End the thread; false: it does not come back from a sink before the deadline, and is on its own. */
bool weftp_worker_stop(struct weftp_worker *worker, int64_t deadline_ms);
/* Wait until all that was pushed before this call is with the sinks; false: the deadline passed. */
bool weftp_worker_drain(struct weftp_worker *worker, int64_t deadline_ms);
/* Deal with all that the queue holds, on this thread. */
void weftp_worker_finish(struct weftp_worker *worker, const struct weftp_pipeline *pipeline,
                         struct weftp_thread *thread);
/* Wait until it is between two rounds, and keep it there; let it go on. */
void weftp_worker_fork_prepare(struct weftp_worker *worker, int64_t deadline_ms);
void weftp_worker_fork_parent(struct weftp_worker *worker);
/* There is no thread; the queue is made anew by weftp_queue_fork_child before. */
void weftp_worker_fork_child(struct weftp_worker *worker);
/* Free what only the consumer had. It is stopped. */
void weftp_worker_deinit(struct weftp_worker *worker);

#endif
