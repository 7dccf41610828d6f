/*
 * Threads that log, each on a processor of its own as far as there are enough; a library's threads
 * get the processors that are left.
 */
#include "lap.h"
#include "shape.h"

#include <dirent.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCHES 20 /* of 5,000 records, about 33 buffers of 64 KiB each */

struct lap {
    const struct lap_plan *plan;
    pthread_barrier_t *step; /* with the thread that started them */
    struct lap_result *result;
    unsigned cpu;
    pid_t tid;
    bool ok, pinned;
    int64_t begin_ns, end_ns, drained_ns;
    double best_ns; /* per record, of the quietest batch */
    uint64_t warm;
};

static bool (*drain)(void);

void bench_drain_set(bool (*function)(void))
{
    drain = function;
}

int64_t lap_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool pin_to(pid_t tid, const cpu_set_t *may, unsigned n)
{
    cpu_set_t one;
    unsigned left = n % (unsigned)CPU_COUNT(may);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, may) || left-- > 0) continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        return sched_setaffinity(tid, sizeof one, &one) == 0;
    }
    return false;
}

static bool is_one_of(const struct lap *laps, unsigned count, pid_t tid)
{
    for (unsigned i = 0; i < count; i++)
        if (laps[i].tid == tid) return true;
    return false;
}

/*
 * A library's own threads inherit the processor of the thread that made them: beside one logging
 * thread they get the next processor, beside several any.
 */
static void others_place(const struct lap *laps, const struct lap_plan *plan, const cpu_set_t *may)
{
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return;
    for (const struct dirent *entry; (entry = readdir(tasks));) {
        const pid_t tid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (tid <= 0 || is_one_of(laps, plan->job.threads, tid)) continue;
        if (plan->job.threads == 1)
            pin_to(tid, may, 1);
        else
            sched_setaffinity(tid, sizeof *may, may);
    }
    closedir(tasks);
}

/*
 * Run all records in batches, of which the quietest one tells what a record costs when nobody
 * interferes.
 */
static void batches_run(struct lap *lap)
{
    const uint64_t records = lap->plan->job.records,
                   size = records < BATCHES ? records : records / BATCHES;
    int64_t before = lap_now_ns();
    lap->best_ns = 1e18;
    for (uint64_t done = 0; done < records; done += size) {
        const uint64_t n = records - done < size ? records - done : size;
        lap->plan->way->run(lap->plan->job.kind, n);
        const int64_t now = lap_now_ns();
        const double ns = (double)(now - before) / (double)n;
        if (n == size && ns < lap->best_ns) lap->best_ns = ns;
        before = now;
    }
}

static bool thread_begin(const struct bench_way *way)
{
    return !way->thread_open || way->thread_open();
}

static bool thread_drain(void)
{
    return !drain || drain();
}

static void lap_measure(struct lap *lap)
{
    lap->begin_ns = lap_now_ns();
    if (lap->plan->mode == LAP_PACED)
        lap->ok = latency_run(lap->plan, lap->result) && lap->ok;
    else
        batches_run(lap);
    lap->end_ns = lap_now_ns();
    lap->ok = thread_drain() && lap->ok;
    lap->drained_ns = lap_now_ns();
}

static void *lap_main(void *arg)
{
    struct lap *lap = arg;
    const struct lap_plan *plan = lap->plan;
    cpu_set_t may;
    lap->tid = (pid_t)syscall(SYS_gettid);
    pthread_setname_np(pthread_self(), SHAPE_THREAD);
    lap->pinned = !sched_getaffinity(0, sizeof may, &may) && pin_to(0, &may, lap->cpu);
    pthread_barrier_wait(lap->step); /* all are there */
    pthread_barrier_wait(lap->step); /* memory was looked at */
    lap->ok = thread_begin(plan->way);
    lap->warm = plan->job.records / 20 + 100;
    plan->way->run(plan->job.kind, lap->warm);
    lap->ok = thread_drain() && lap->ok;
    pthread_barrier_wait(lap->step); /* all are warm */
    pthread_barrier_wait(lap->step); /* the library's threads were placed, memory was looked at */
    lap_measure(lap);
    pthread_barrier_wait(lap->step); /* none ends while another logs */
    return NULL;
}

static void steps_lead(struct lap *laps, const struct lap_plan *plan, struct lap_result *result)
{
    pthread_barrier_t *step = laps[0].step;
    cpu_set_t may;
    if (sched_getaffinity(0, sizeof may, &may)) CPU_ZERO(&may);
    pthread_barrier_wait(step);
    result->memory_before_kib = process_pss_kib();
    pthread_barrier_wait(step);
    pthread_barrier_wait(step);
    if (CPU_COUNT(&may) > 0) others_place(laps, plan, &may);
    result->memory_after_kib = process_pss_kib();
    const uint64_t allocations = bench_allocations();
    pthread_barrier_wait(step);
    pthread_barrier_wait(step);
    result->allocations = bench_allocations() - allocations;
}

static void laps_sum(const struct lap *laps, const struct lap_plan *plan, struct lap_result *result)
{
    const unsigned threads = plan->job.threads;
    const double all = (double)plan->job.records * threads;
    int64_t begin = laps[0].begin_ns, drained = laps[0].drained_ns, busy = 0;
    result->pinned = true;
    for (unsigned i = 0; i < threads; i++) {
        begin = laps[i].begin_ns < begin ? laps[i].begin_ns : begin;
        drained = laps[i].drained_ns > drained ? laps[i].drained_ns : drained;
        busy += laps[i].end_ns - laps[i].begin_ns;
        result->pinned = result->pinned && laps[i].pinned;
        result->ns_best_batch += laps[i].best_ns / threads;
        result->warm += laps[i].warm;
    }
    result->ns_per_call = (double)busy / all;
    result->records_per_s = all * 1e9 / (double)(drained - begin);
}

bool lap_run(const struct lap_plan *plan, struct lap_result *result)
{
    struct lap laps[LAP_THREADS_MAX];
    pthread_t threads[LAP_THREADS_MAX];
    pthread_barrier_t step;
    const unsigned count = plan->job.threads;
    if (pthread_barrier_init(&step, NULL, count + 1)) return false;
    *result = (struct lap_result){0};
    for (unsigned i = 0; i < count; i++) {
        laps[i] = (struct lap){.plan = plan, .step = &step, .result = result, .cpu = i};
        if (pthread_create(&threads[i], NULL, lap_main, &laps[i])) exit(EXIT_FAILURE);
    }
    steps_lead(laps, plan, result);
    bool ok = true;
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        ok = ok && laps[i].ok;
    }
    pthread_barrier_destroy(&step);
    laps_sum(laps, plan, result);
    return ok;
}
