/*
 * Row 61 of the fault table: a long life with all that goes on in one - busy threads and short
 * ones, rotation by many small files, compression, removal, reloads, forks, a file taken away - in
 * which memory, descriptors and threads stay where they were. Included by a short test and a long
 * one, which say for how many seconds.
 */
#ifndef TEST_STRESS_STEADY_H
#define TEST_STRESS_STEADY_H

#include "support/rows.h"
#include "support/tsan.h"

#include <pthread.h>

#define STEADY_THREADS  2
#define STEADY_GROWN_KB 2048

static bool steady_stop;

/* ---- what must not grow ---- */

struct steady_use {
    long resident_kb;
    size_t descriptors, threads;
};

static inline size_t steady_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;
    if (!dir) abort();
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static inline struct steady_use steady_use(void)
{
    char *text = read_file("/proc/self/status");
    const char *at = strstr(text, "VmRSS:");
    const struct steady_use use = {.resident_kb = at ? atol(at + strlen("VmRSS:")) : -1,
                                   .descriptors = steady_entries("/proc/self/fd"),
                                   .threads = steady_entries("/proc/self/task")};
    free(text);
    return use;
}

/* ---- the life ---- */

static inline void *steady_log(void *arg)
{
    for (uint64_t seq = 0; !__atomic_load_n(&steady_stop, __ATOMIC_SEQ_CST); seq++) {
        const weft_mdc_token token = weft_mdc_push(weft_str("request_id", "r-1"));
        row_log((unsigned)(uintptr_t)arg, seq);
        weft_mdc_pop(token);
        if (seq % 64 == 0) usleep(500);
    }
    return NULL;
}

static inline void *steady_short(void *arg)
{
    weft_mdc_put("short", "life");
    weft_infof(weft_logger_get("short"), "%s", "one");
    return arg;
}

static inline void steady_fork(void)
{
    int status = -1;
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        weft_info(NULL, "child");
        _exit(0);
    }
    EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
}

static inline void steady_round(const char *path, unsigned round)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, steady_short, NULL) != 0) abort();
    pthread_join(thread, NULL);
    if (round % 4 == 0) EXPECT(weft_reload() == WEFT_OK);
    if (round % 16 == 5 && !UNDER_TSAN) steady_fork(); /* the child may compress, in a thread */
    if (round % 16 == 9) unlink(path);
    weft_logger_release(weft_logger_with(NULL, weft_uint("round", round)));
    usleep(10000);
}

struct steady {
    char path[160];
    unsigned seconds;
};

static inline void steady_check(const struct steady_use *before, const struct steady_use *after)
{
    fprintf(stderr, "resident %ld to %ld KiB, descriptors %zu to %zu, threads %zu to %zu\n",
            before->resident_kb, after->resident_kb, before->descriptors, after->descriptors,
            before->threads, after->threads);
    /* One thread and its few descriptors come and go with each compression. */
    EXPECT(after->threads <= before->threads + 1);
    EXPECT(after->descriptors <= before->descriptors + 6);
    EXPECT(ROWS_SANITIZED || after->resident_kb - before->resident_kb < STEADY_GROWN_KB);
}

static inline void steady_live(void *arg)
{
    const struct steady *steady = arg;
    pthread_t threads[STEADY_THREADS];
    for (uintptr_t i = 0; i < STEADY_THREADS; i++)
        if (pthread_create(&threads[i], NULL, steady_log, (void *)i) != 0) abort();
    const time_t start = time(NULL);
    unsigned round = 0;
    while (time(NULL) <= start + steady->seconds / 4) steady_round(steady->path, round++);
    const struct steady_use before = steady_use();
    while (time(NULL) <= start + steady->seconds) steady_round(steady->path, round++);
    const struct steady_use after = steady_use();
    __atomic_store_n(&steady_stop, true, __ATOMIC_SEQ_CST);
    for (int i = 0; i < STEADY_THREADS; i++) pthread_join(threads[i], NULL);
    EXPECT(row_stats().dropped == 0);
    steady_check(&before, &after);
}

static inline void row_61_steady(unsigned seconds)
{
    struct row row = row_begin("?max_bytes=100000&keep=5&compress=gzip");
    struct steady steady = {.seconds = seconds};
    struct row_seqs seqs = {.lines = 0};
    snprintf(steady.path, sizeof steady.path, "%s", row.path);
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        putenv(row.sinks);
        steady_live(&steady);
        exit(0);
    }
    assert_int_equal(test_wait(pid, seconds + 60), 0);
    assert_true(row_read_set(&seqs, row.path) <= 5);
    assert_true(seqs.lines > 0);
    row_end(&row);
}

#endif
