#include <weft/thread.h>

#include "frame.h"
#include <errno.h>
#include <stdlib.h>

/* ---- threads ---- */

struct start {
    void *(*run)(void *arg);
    void *arg;
    struct weft_context *context; /* owned */
};

static void *run_thread(void *arg)
{
    const struct start start = *(struct start *)arg;
    free(arg);
    weft_mdc_release(weft_mdc_swap(start.context));
    return start.run(start.arg);
}

static void free_start(struct start *start)
{
    weftp_frame_unref(start->context);
    free(start);
}

/*
 * A frame for elsewhere with what this thread has; *out NULL when that is nothing. False: out of
 * memory.
 */
static bool hand_over(struct weft_context **out)
{
    struct weft_context *captured = weft_mdc_capture();
    *out = captured ? weftp_frame_detached(captured) : NULL;
    const bool done = !captured || *out;
    weft_mdc_release(captured);
    return done;
}

int weft_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *),
                        void *arg)
{
    if (!run) return EINVAL;
    const int saved = errno;
    struct start *start = malloc(sizeof *start);
    int err = ENOMEM;
    if (!start) goto done;
    *start = (struct start){.run = run, .arg = arg};
    if (!hand_over(&start->context)) goto fail;
    err = pthread_create(thread, attr, run_thread, start);
    if (err == 0) goto done;
fail:
    free_start(start);
done:
    errno = saved;
    return err;
}

/* ---- tasks ---- */

struct weft_task {
    void (*run)(void *arg);
    void *arg;
    struct weft_context *context; /* owned; while the task runs: the thread's own, to be restored */
};

weft_task *weft_task_create(void (*run)(void *arg), void *arg)
{
    if (!run) return NULL;
    const int saved = errno;
    struct weft_task *task = malloc(sizeof *task);
    if (task) {
        *task = (struct weft_task){.run = run, .arg = arg};
        if (!hand_over(&task->context)) {
            free(task);
            task = NULL;
        }
    }
    errno = saved;
    return task;
}

/* After the task, also when it ends its thread: give the thread its context back. */
static void end_task(void *arg)
{
    struct weft_task *task = arg;
    task->context = weft_mdc_swap(task->context);
    weft_task_destroy(task);
}

void weft_task_run(weft_task *task)
{
    if (!task) return;
    task->context = weft_mdc_swap(task->context);
    pthread_cleanup_push(end_task, task);
    task->run(task->arg);
    pthread_cleanup_pop(1);
}

void weft_task_destroy(weft_task *task)
{
    if (!task) return;
    const int saved = errno;
    weftp_frame_unref(task->context);
    free(task);
    errno = saved;
}
