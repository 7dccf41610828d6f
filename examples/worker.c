#include "worker.h"

static void job_run(const struct worker_job *job)
{
    const weft_mdc_token scope =
        weft_mdc_attach(job->context); /* the submitter's request id, user, trace … */
    job->run(job->arg);
    weft_mdc_detach(scope); /* whatever the job put or leaked is gone */
    weft_mdc_release(job->context);
}

/* Wait for a job; false when the worker is to stop and nothing is left. */
static bool job_take(struct worker *worker, struct worker_job *job)
{
    pthread_mutex_lock(&worker->lock);
    while (worker->count == 0 && !worker->stopping)
        pthread_cond_wait(&worker->changed, &worker->lock);
    const bool got_one = worker->count > 0;
    if (got_one) {
        *job = worker->jobs[worker->first];
        worker->first = (worker->first + 1) % WORKER_JOBS_MAX;
        worker->count--;
    }
    pthread_mutex_unlock(&worker->lock);
    return got_one;
}

static void *worker_main(void *arg)
{
    struct worker_job job;
    while (job_take(arg, &job)) job_run(&job);
    return NULL;
}

int worker_start(struct worker *worker)
{
    *worker = (struct worker){.stopping = false};
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    const int error = pthread_create(&worker->thread, NULL, worker_main, worker);
    if (!error) pthread_setname_np(worker->thread, "worker-1"); /* lines name their thread */
    return error;
}

bool worker_submit(struct worker *worker, void (*run)(void *arg), void *arg)
{
    pthread_mutex_lock(&worker->lock);
    const bool has_room = worker->count < WORKER_JOBS_MAX;
    if (has_room) {
        const size_t last = (worker->first + worker->count++) % WORKER_JOBS_MAX;
        worker->jobs[last] = (struct worker_job){run, arg, weft_mdc_capture()};
        pthread_cond_signal(&worker->changed);
    }
    pthread_mutex_unlock(&worker->lock);
    return has_room;
}

void worker_stop(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
}
