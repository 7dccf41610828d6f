/*
 * One measurement, printed as one JSON object:
 *
 *     weft_bench --way weft --kind R10 --to FILE --threads 1 --records 100000
 *     weft_bench --way weft --kind R10 --to FILE --pace 2000      the time of single calls, one each 2 us
 *     weft_bench --way weft --kind R10 --memory                   what the process holds, before and after
 *     weft_bench --way weft --kind R10 --line                     the line that a way writes
 *     weft_bench --list                                           the ways
 */
#include "lap.h"
#include "shape.h"

#include <getopt.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES_MAX 8192

static const char *const kinds[BENCH_KINDS] = {"R10", "R0", "ESC", "OFF", "GROW"};

/* What the command line asks for. */
struct wish {
    const struct bench_way *const *ways;
    size_t way_count, kind;
    struct lap_plan plan;
    bool line, list;
    unsigned hold_s;
};

static void latency_print(const char *name, const struct lap_latency *latency)
{
    printf("\"%s_p50\":%.0f,\"%s_p99\":%.0f,\"%s_p999\":%.0f,\"%s_max\":%.0f,", name, latency->p50,
           name, latency->p99, name, latency->p999, name, latency->max);
}

static void report(const struct lap_plan *plan, const struct lap_result *result, long rss_open_kib)
{
    const struct bench_job *job = &plan->job;
    const double all = (double)job->records * job->threads;
    printf("{\"way\":\"%s\",\"kind\":\"%s\",\"threads\":%u,\"records\":%.0f,\"lines\":%.0f,",
           plan->way->name, kinds[job->kind], job->threads, all, all + (double)result->warm);
    if (plan->mode == LAP_PACED) {
        latency_print("call", &result->call);
        latency_print("clock", &result->clock);
        printf("\"pace_ns\":%llu,\"late\":%.4f,", (unsigned long long)plan->pace_ns, result->late);
    } else {
        printf("\"ns_per_call\":%.3f,\"ns_best_batch\":%.3f,", result->ns_per_call,
               result->ns_best_batch);
    }
    if (plan->mode == LAP_MEMORY)
        printf("\"threads_kib\":%ld,", result->memory_after_kib - result->memory_before_kib);
    if (plan->count) printf("\"allocations_per_record\":%.6f,", (double)result->allocations / all);
    printf("\"records_per_s\":%.0f,\"rss_max_kib\":%ld,\"rss_over_empty_kib\":%ld,\"pinned\":%s}\n",
           result->records_per_s, process_rss_max_kib(), process_rss_max_kib() - rss_open_kib,
           result->pinned ? "true" : "false");
}

static int measure(const struct wish *wish)
{
    const struct lap_plan *plan = &wish->plan;
    const struct bench_way *way = plan->way;
    const long rss_open_kib = process_rss_kib();
    struct lap_result result;
    if (plan->count) bench_allocations_start();
    bool ok =
        (!way->needs_path || plan->job.path) && way->open(&plan->job) && lap_run(plan, &result);
    if (ok) {
        report(plan, &result, rss_open_kib);
        fflush(stdout);
        if (wish->hold_s) sleep(wish->hold_s);
        ok = way->close();
    }
    if (!ok) fprintf(stderr, "%s: %s failed, or lost records\n", SHAPE_THREAD, way->name);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* A line to print, made on a thread with the name that the measured ones have. */
struct sample {
    const struct bench_way *way;
    enum bench_kind kind;
    size_t size;
    char line[LINE_BYTES_MAX];
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

static int ways_list(const struct wish *wish)
{
    for (size_t i = 0; i < wish->way_count; i++)
        printf("%-12s %s\n", wish->ways[i]->name, wish->ways[i]->text);
    return EXIT_SUCCESS;
}

static bool way_set(struct wish *wish, const char *name)
{
    for (size_t i = 0; i < wish->way_count; i++) {
        if (strcmp(wish->ways[i]->name, name) != 0) continue;
        wish->plan.way = wish->ways[i];
        return true;
    }
    return false;
}

static bool kind_set(struct bench_job *job, const char *name)
{
    for (int i = 0; i < BENCH_KINDS; i++) {
        if (strcmp(kinds[i], name) != 0) continue;
        job->kind = (enum bench_kind)i;
        return true;
    }
    return false;
}

static unsigned number(const char *text)
{
    return (unsigned)strtoul(text, NULL, 10);
}

static bool grow_set(struct bench_job *job, int letter, const char *value)
{
    switch (letter) {
    case 'F': job->fields = number(value); return true;
    case 'M': job->mdc = number(value); return true;
    case 'B': job->message_bytes = number(value); return true;
    case 'S': job->sinks = number(value); return true;
    default: return false;
    }
}

static bool wish_set(struct wish *wish, int letter, const char *value)
{
    struct lap_plan *plan = &wish->plan;
    switch (letter) {
    case 'w': return way_set(wish, value);
    case 'k': return kind_set(&plan->job, value);
    case 't': return (plan->job.path = value) != NULL;
    case 'o': return (plan->job.sink_options = value) != NULL;
    case 'n': plan->job.threads = number(value); return true;
    case 'r': plan->job.records = strtoull(value, NULL, 10); return true;
    case 'p':
        plan->mode = LAP_PACED;
        plan->pace_ns = strtoull(value, NULL, 10);
        return true;
    case 'm': plan->mode = LAP_MEMORY; return true;
    case 'c': return plan->count = true;
    case 'h': wish->hold_s = number(value); return true;
    case 'l': return wish->line = true;
    case 'L': return wish->list = true;
    default: return grow_set(&plan->job, letter, value);
    }
}

static bool wish_read(struct wish *wish, int argc, char **argv)
{
    static const struct option names[] = {{"way", required_argument, NULL, 'w'},
                                          {"kind", required_argument, NULL, 'k'},
                                          {"to", required_argument, NULL, 't'},
                                          {"options", required_argument, NULL, 'o'},
                                          {"threads", required_argument, NULL, 'n'},
                                          {"records", required_argument, NULL, 'r'},
                                          {"pace", required_argument, NULL, 'p'},
                                          {"memory", no_argument, NULL, 'm'},
                                          {"count", no_argument, NULL, 'c'},
                                          {"hold", required_argument, NULL, 'h'},
                                          {"fields", required_argument, NULL, 'F'},
                                          {"mdc", required_argument, NULL, 'M'},
                                          {"message", required_argument, NULL, 'B'},
                                          {"sinks", required_argument, NULL, 'S'},
                                          {"line", no_argument, NULL, 'l'},
                                          {"list", no_argument, NULL, 'L'},
                                          {NULL, 0, NULL, 0}};
    bool ok = true;
    for (int letter; ok && (letter = getopt_long(argc, argv, "", names, NULL)) != -1;)
        ok = wish_set(wish, letter, optarg);
    const struct lap_plan *plan = &wish->plan;
    const unsigned threads_max = plan->mode == LAP_PACED ? 1 : LAP_THREADS_MAX;
    return ok && plan->job.records > 0 && plan->job.threads > 0 && plan->job.threads <= threads_max;
}

int bench_main(int argc, char **argv, const struct bench_way *const *ways, size_t count)
{
    struct wish wish = {.ways = ways,
                        .way_count = count,
                        .plan = {.way = ways[0], .job = {.threads = 1, .records = 100000}}};
    if (!wish_read(&wish, argc, argv)) {
        fprintf(stderr,
                "usage: %s [--way W] [--kind R10|R0|ESC|OFF|GROW] [--to FILE] [--options SINK'S] "
                "[--threads N] [--records N] [--pace NS | --memory] [--count] [--hold S] "
                "[--fields N] [--mdc N] [--message BYTES] [--sinks N] [--line] [--list]\n",
                argv[0]);
        return EXIT_FAILURE;
    }
    if (wish.list) return ways_list(&wish);
    return wish.line ? line_print(wish.plan.way, wish.plan.job.kind) : measure(&wish);
}
