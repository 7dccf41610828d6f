/*
 * Where the queue cannot be had - no memory, no memfd, no thread - records are written by the call
 * itself, and nothing is lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/emulated.h"
#include "support/queue_rows.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#define RECORDS 500

static size_t written_now(const struct row *row)
{
    char *text = read_file(row->path);
    const size_t lines = count_lines(text);
    free(text);
    return lines;
}

static void *log_records(void *arg)
{
    row_log_many((unsigned)(uintptr_t)arg, RECORDS);
    return NULL;
}

/* Two threads; every line is written when its call has returned. */
static void log_synchronously(const struct row *row)
{
    pthread_t thread;
    row_log_many(0, RECORDS);
    EXPECT(written_now(row) == RECORDS);
    EXPECT(pthread_create(&thread, NULL, log_records, (void *)1) == 0);
    pthread_join(thread, NULL);
    EXPECT(written_now(row) == 2 * RECORDS);
    const weft_stats stats = queue_stats();
    EXPECT(stats.accepted == 2 * RECORDS && stats.written == stats.accepted && stats.queued == 0);
    EXPECT(weft_flush(1000) == WEFT_OK);
}

static void check(void (*fn)(void *), const char *setting)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    QUEUE_RUN(&row, fn, &row, setting);
    row_read(&seqs, row.path);
    assert_true(!seqs.gap && seqs.next[0] >= RECORDS);
    row_end(&row);
}

/* ---- system calls that are refused ---- */

static void refuse(int number, int err)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)err),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {sizeof filter / sizeof filter[0], filter};
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    EXPECT(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

static void without_memfd(void *arg)
{
    refuse(SYS_memfd_create, ENOSYS);
    log_synchronously(arg);
}

/* It is gone when threads have begun: those that have a ring keep it. */
static void memfd_goes(void *arg)
{
    pthread_t thread;
    (void)arg;
    row_log_many(0, RECORDS);
    refuse(SYS_memfd_create, EPERM);
    EXPECT(pthread_create(&thread, NULL, log_records, (void *)1) == 0);
    for (uint64_t seq = RECORDS; seq < 2 * RECORDS; seq++) row_log(0, seq);
    pthread_join(thread, NULL);
    EXPECT(queue_sums().written == 3 * RECORDS);
}

/* Each producer pays a fence then. */
static void without_membarrier(void *arg)
{
    (void)arg;
    refuse(SYS_membarrier, ENOSYS);
    for (uint64_t seq = 0; seq < RECORDS; seq++) {
        row_log(0, seq);
        if (seq % 50 == 0) EXPECT(weft_flush(10000) == WEFT_OK);
    }
    EXPECT(queue_sums().written == RECORDS);
}

static void refused_system_calls_lose_nothing(void **state)
{
    (void)state;
    if (under_emulator()) skip();
    check(without_memfd, NULL);
    check(memfd_goes, NULL);
    check(without_membarrier, NULL);
}

/* ---- limits ---- */

static void limit(int resource, rlim_t most)
{
    const struct rlimit now = {most, most};
    EXPECT(setrlimit((__rlimit_resource_t)resource, &now) == 0);
}

/* There is no room for a ring of 1 GiB. */
static void with_little_memory(void *arg)
{
    limit(RLIMIT_AS, (rlim_t)256 << 20);
    log_synchronously(arg);
}

/* The ring's memory is a file as far as that limit goes; no signal is raised. */
static void with_small_files(void *arg)
{
    limit(RLIMIT_FSIZE, 400000);
    log_synchronously(arg);
}

static void with_few_descriptors(void *arg)
{
    weft_info(NULL, "seq", weft_uint("writer", 0), weft_uint("seq", 0)); /* opens the file */
    EXPECT(queue_sums().written == 1);
    pthread_t thread;
    int last = dup(0);
    limit(RLIMIT_NOFILE, (rlim_t)last);
    close(last);
    while (dup(0) >= 0) continue;
    EXPECT(pthread_create(&thread, NULL, log_records, (void *)1) == 0);
    pthread_join(thread, NULL);
    for (uint64_t seq = 1; seq < RECORDS; seq++) row_log(0, seq);
    EXPECT(queue_sums().written == 2 * RECORDS);
    (void)arg;
}

static void limits_lose_nothing(void **state)
{
    (void)state;
    if (!ROWS_SANITIZED && !under_emulator()) check(with_little_memory, "WEFT_QUEUE_BYTES=1GiB");
    check(with_small_files, "WEFT_QUEUE_BYTES=1MiB");
    check(with_few_descriptors, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_system_calls_lose_nothing),
        cmocka_unit_test(limits_lose_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
