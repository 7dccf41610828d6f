/*
 * A pool of one thread, and the one thing that pools get wrong: a job runs on another thread, so
 * its lines would carry no context, or the context of the job before. Here a job takes the context
 * of the moment that it was queued in.
 */
#ifndef EXAMPLES_WORKER_H
#define EXAMPLES_WORKER_H

#include <pthread.h>
#include <stdbool.h>
#include <weft/weft.h>

#define WORKER_JOBS_MAX 64

struct worker_job {
    void (*run)(void *arg);
    void *arg;
    weft_context *context; /* owned until the job has run */
};

struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct worker_job jobs[WORKER_JOBS_MAX]; /* a ring */
    size_t first, count;
    bool stopping;
};

/* Start the thread; an error number as pthread_create(3) gives it, 0 when it runs. */
int worker_start(struct worker *worker);
/* Queue run(arg) with the context of the caller; false when it is full: run is not called. */
bool worker_submit(struct worker *worker, void (*run)(void *arg), void *arg);
/* Run what is queued, then end the thread. */
void worker_stop(struct worker *worker);

#endif
