/*
 * One measurement, printed as one JSON object:
 *
 *     weft_bench --way weft --kind R10 --to FILE --threads 1 --records 100000
 *     weft_bench --way weft --kind R10 --line          the line that a way writes
 *     weft_bench --list                                the ways
 */
#include "bench.h"
#include "shape.h"

#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define THREADS_MAX 8
#define BATCHES     200

static const struct bench_way *const ways[] = {
    &bench_way_weft,   &bench_way_write,       &bench_way_snprintf, &bench_way_hand,
    &bench_way_encode, &bench_way_hand_encode, &bench_way_off,      &bench_way_empty};
static const char *const kinds[] = {"R10", "R0", "ESC"};
#define COUNT(array) (sizeof(array) / sizeof *(array))

/* What one thread measured. */
struct lap {
    const struct bench_way *way;
    const struct bench_job *job;
    pthread_barrier_t *start;
    unsigned cpu;
    bool ok, pinned;
    int64_t begin_ns, end_ns;
    double best_ns; /* per record, of the quietest batch */
    uint64_t allocations;
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Keep this thread on the n-th processor that it may use. */
static bool pin(unsigned n)
{
    cpu_set_t may, one;
    if (sched_getaffinity(0, sizeof may, &may)) return false;
    unsigned left = n % (unsigned)CPU_COUNT(&may);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &may) || left-- > 0) continue;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        return pthread_setaffinity_np(pthread_self(), sizeof one, &one) == 0;
    }
    return false;
}

/*
 * Run all records in batches, of which the quietest one tells what a record costs when nobody
 * interferes.
 */
static void batches_run(struct lap *lap)
{
    const uint64_t records = lap->job->records,
                   size = records < BATCHES ? records : records / BATCHES;
    int64_t before = lap->begin_ns = now_ns();
    lap->best_ns = 1e18;
    for (uint64_t done = 0; done < records; done += size) {
        const uint64_t n = records - done < size ? records - done : size;
        lap->way->run(lap->job->kind, n);
        const int64_t now = now_ns();
        const double ns = (double)(now - before) / (double)n;
        if (n == size && ns < lap->best_ns) lap->best_ns = ns;
        before = now;
    }
    lap->end_ns = before;
}

static void *lap_run(void *arg)
{
    struct lap *lap = arg;
    pthread_setname_np(pthread_self(), SHAPE_THREAD);
    lap->pinned = pin(lap->cpu);
    lap->ok = !lap->way->thread_open || lap->way->thread_open();
    lap->way->run(lap->job->kind, lap->job->records / 20 + 100); /* warm up */
    pthread_barrier_wait(lap->start);
    const uint64_t allocations = bench_allocations();
    batches_run(lap);
    lap->allocations = bench_allocations() - allocations;
    return NULL;
}

static bool laps_run(struct lap *laps, const struct bench_way *way, const struct bench_job *job)
{
    pthread_t threads[THREADS_MAX];
    pthread_barrier_t start;
    bool ok = pthread_barrier_init(&start, NULL, job->threads) == 0;
    for (unsigned i = 0; i < job->threads; i++) {
        laps[i] = (struct lap){.way = way, .job = job, .start = &start, .cpu = i};
        if (pthread_create(&threads[i], NULL, lap_run, &laps[i])) exit(EXIT_FAILURE);
    }
    for (unsigned i = 0; i < job->threads; i++) {
        pthread_join(threads[i], NULL);
        ok = ok && laps[i].ok;
    }
    pthread_barrier_destroy(&start);
    return ok;
}

/* The most memory that this process ever had; getrusage would tell of its parent before exec. */
static long rss_max_kib(void)
{
    char text[4096];
    FILE *status = fopen("/proc/self/status", "r");
    const size_t size = status ? fread(text, 1, sizeof text - 1, status) : 0;
    if (status) fclose(status);
    text[size] = '\0';
    const char *at = strstr(text, "VmHWM:");
    return at ? strtol(at + 6, NULL, 10) : 0;
}

static void report(const struct lap *laps, size_t line_size)
{
    const struct bench_job *job = laps[0].job;
    const double all = (double)job->records * job->threads;
    int64_t begin = laps[0].begin_ns, end = laps[0].end_ns, busy = 0;
    uint64_t allocations = 0;
    bool pinned = true;
    double best = 0;
    for (unsigned i = 0; i < job->threads; i++) {
        begin = laps[i].begin_ns < begin ? laps[i].begin_ns : begin;
        end = laps[i].end_ns > end ? laps[i].end_ns : end;
        busy += laps[i].end_ns - laps[i].begin_ns;
        allocations = laps[i].allocations > allocations ? laps[i].allocations : allocations;
        pinned = pinned && laps[i].pinned;
        best += laps[i].best_ns / job->threads;
    }
    printf("{\"way\":\"%s\",\"kind\":\"%s\",\"threads\":%u,\"records\":%.0f,"
           "\"ns_per_call\":%.3f,\"ns_best_batch\":%.3f,\"records_per_s\":%.0f,"
           "\"line_bytes\":%zu,\"allocations_per_record\":%.6f,\"rss_max_kib\":%ld,"
           "\"pinned\":%s}\n",
           laps[0].way->name, kinds[job->kind], job->threads, all, (double)busy / all, best,
           all * 1e9 / (double)(end - begin), line_size, (double)allocations / all, rss_max_kib(),
           pinned ? "true" : "false");
}

static int measure(const struct bench_way *way, const struct bench_job *job)
{
    struct lap laps[THREADS_MAX];
    static char line[8192];
    const size_t line_size =
        way == &bench_way_weft || !way->line ? 0 : way->line(job->kind, line, sizeof line);
    if ((way->needs_path && !job->path) || !way->open(job) || !laps_run(laps, way, job) ||
        !way->close()) {
        fprintf(stderr, "weft_bench: %s failed, or lost records\n", way->name);
        return EXIT_FAILURE;
    }
    report(laps, line_size);
    return EXIT_SUCCESS;
}

/* A line to print, made on a thread with the name that the measured ones have. */
struct sample {
    const struct bench_way *way;
    enum bench_kind kind;
    size_t size;
    char line[8192];
};

static void *sample_make(void *arg)
{
    struct sample *sample = arg;
    pthread_setname_np(pthread_self(), SHAPE_THREAD);
    if (sample->way->line)
        sample->size = sample->way->line(sample->kind, sample->line, sizeof sample->line);
    return NULL;
}

static int line_print(const struct bench_way *way, enum bench_kind kind)
{
    static struct sample sample;
    pthread_t thread;
    sample.way = way;
    sample.kind = kind;
    if (pthread_create(&thread, NULL, sample_make, &sample)) return EXIT_FAILURE;
    pthread_join(thread, NULL);
    fwrite(sample.line, 1, sample.size, stdout);
    return sample.size ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int ways_list(void)
{
    for (size_t i = 0; i < COUNT(ways); i++) printf("%-12s %s\n", ways[i]->name, ways[i]->text);
    return EXIT_SUCCESS;
}

static size_t find(const char *name, const char *const *names, size_t count)
{
    size_t i = 0;
    while (i < count && strcmp(names[i], name) != 0) i++;
    return i;
}

static const struct bench_way *way_find(const char *name)
{
    for (size_t i = 0; i < COUNT(ways); i++)
        if (strcmp(ways[i]->name, name) == 0) return ways[i];
    return NULL;
}

/* What the command line asks for. */
struct wish {
    const struct bench_way *way;
    struct bench_job job;
    size_t kind;
    bool line, list;
};

static bool wish_set(struct wish *wish, int letter, const char *value)
{
    switch (letter) {
    case 'w': return (wish->way = way_find(value)) != NULL;
    case 'k': return (wish->kind = find(value, kinds, COUNT(kinds))) < COUNT(kinds);
    case 't': return (wish->job.path = value) != NULL;
    case 'n': wish->job.threads = (unsigned)strtoul(value, NULL, 10); return true;
    case 'r': wish->job.records = strtoull(value, NULL, 10); return true;
    case 'l': return wish->line = true;
    case 'L': return wish->list = true;
    default: return false;
    }
}

static bool wish_read(struct wish *wish, int argc, char **argv)
{
    static const struct option names[] = {
        {"way", required_argument, NULL, 'w'},     {"kind", required_argument, NULL, 'k'},
        {"to", required_argument, NULL, 't'},      {"threads", required_argument, NULL, 'n'},
        {"records", required_argument, NULL, 'r'}, {"line", no_argument, NULL, 'l'},
        {"list", no_argument, NULL, 'L'},          {NULL, 0, NULL, 0}};
    bool ok = true;
    for (int letter; ok && (letter = getopt_long(argc, argv, "", names, NULL)) != -1;)
        ok = wish_set(wish, letter, optarg);
    wish->job.kind = (enum bench_kind)wish->kind;
    return ok && wish->job.records > 0 && wish->job.threads > 0 && wish->job.threads <= THREADS_MAX;
}

int main(int argc, char **argv)
{
    struct wish wish = {.way = &bench_way_weft, .job = {.threads = 1, .records = 100000}};
    if (!wish_read(&wish, argc, argv)) {
        fprintf(stderr,
                "usage: %s [--way W] [--kind R10|R0|ESC] [--to FILE] [--threads N] [--records N] "
                "[--line] [--list]\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    if (wish.list) return ways_list();
    return wish.line ? line_print(wish.way, wish.job.kind) : measure(wish.way, &wish.job);
}
