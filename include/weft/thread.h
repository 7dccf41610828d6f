/*
 * Hand the caller's context to another thread: nothing is inherited unless one of these is used.
 */
#ifndef WEFT_THREAD_H
#define WEFT_THREAD_H

#include "mdc.h"
#include <pthread.h>

/* A task with the context that it was made in. */
typedef struct weft_task weft_task;

WEFT_EXTERN_C_BEGIN
/**
 * As pthread_create(3), and the new thread starts with a copy of the caller's context.
 *
 * @return  0, or the error number of pthread_create; ENOMEM when the context cannot be handed over;
 *          EINVAL when start is NULL.
 *
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API int weft_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
                                 void *(*start)(void *), void *arg);

/**
 * Make a task that runs fn(arg) once, in the context of the moment that it was made in.
 *
 * @return  An owned task, for weft_task_run or weft_task_destroy; NULL when out of memory or fn is
 *          NULL.
 *
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_task *weft_task_create(void (*fn)(void *arg), void *arg);
/**
 * Run a task on this thread, restore this thread's own context, and destroy the task. Also when the
 * task ends its thread.
 *
 * NULL does nothing. Threads: any, one at a time per task. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_task_run(weft_task *task);
/**
 * Destroy a task that was never run. NULL does nothing.
 *
 * Threads: any, one at a time per task. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_task_destroy(weft_task *task);
WEFT_EXTERN_C_END

#endif
