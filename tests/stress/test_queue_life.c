/*
 * The queue through what changes while it works: threads by the thousand, reloads that switch it on
 * and off, one processor for all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/emulated.h"
#include "support/memory.h"
#include "support/queue_rows.h"
#include "support/tsan.h"

#include <sched.h>

/* ---- threads that come and go ---- */

#define SHORT_THREADS (ROWS_SANITIZED ? 2000 : 10000)
#define AT_A_TIME     20

static void *log_three(void *arg)
{
    for (int i = 0; i < 3; i++) weft_info(NULL, "short", weft_int("i", i));
    return arg;
}

static void run_threads(int count)
{
    pthread_t threads[AT_A_TIME];
    for (int i = 0; i < count; i += AT_A_TIME) {
        for (int n = 0; n < AT_A_TIME; n++)
            EXPECT(pthread_create(&threads[n], NULL, log_three, NULL) == 0);
        for (int n = 0; n < AT_A_TIME; n++) pthread_join(threads[n], NULL);
    }
}

static size_t count_mappings(void)
{
    FILE *file = fopen("/proc/self/maps", "re");
    char line[4096];
    size_t count = 0;
    EXPECT(file != NULL);
    while (fgets(line, sizeof line, file)) count += strstr(line, "weft-ring") != NULL;
    fclose(file);
    return count;
}

static void many_short_threads(void *arg)
{
    (void)arg;
    run_threads(1000);
    (void)queue_sums();
    const size_t files = count_entries("/proc/self/fd");
    const long before_kib = resident_kib();
    run_threads(SHORT_THREADS);
    const weft_stats stats = queue_sums();
    EXPECT(stats.written == 3 * (1000 + (uint64_t)SHORT_THREADS) && stats.dropped == 0);
    EXPECT(count_entries("/proc/self/fd") == files);
    AWAIT(count_mappings() <= 3 * (8 + AT_A_TIME)); /* surplus rings go with a later round */
    run_threads(AT_A_TIME);
    (void)queue_sums();
    const size_t own = ROWS_SANITIZED ? 4 : 3; /* main, weft-queue, weft-watch, the sanitizer's */
    AWAIT(count_entries("/proc/self/task") <= 2 + own); /* . and .. */
    if (MEMORY_IS_TELLING) EXPECT(resident_kib() - before_kib < 8192);
}

static void ten_thousand_threads_leave_nothing_behind(void **state)
{
    struct row row = row_begin("");
    (void)state;
    if (UNDER_TSAN) skip(); /* threads of its own come and go */
    QUEUE_RUN(&row, many_short_threads, NULL, "WEFT_QUEUE_BYTES=64k");
    row_end(&row);
}

/* ---- reloads ---- */

#define WRITERS 3
#define ROUNDS  (ROWS_SANITIZED ? 30 : 60)

static bool stop;

static void *log_on(void *arg)
{
    for (uint64_t seq = 0; !__atomic_load_n(&stop, __ATOMIC_SEQ_CST); seq++) {
        row_log((unsigned)(uintptr_t)arg, seq);
        if (seq % 64 == 0) usleep(50);
    }
    return NULL;
}

static void switch_all_the_time(void *arg)
{
    static const char *const settings[][2] = {
        {"WEFT_ASYNC", "off"},         {"WEFT_QUEUE_BYTES", "128k"}, {"WEFT_ASYNC", "on"},
        {"WEFT_OVERFLOW", "block:9s"}, {"WEFT_QUEUE_BYTES", "64k"},  {"WEFT_OVERFLOW", "block"},
    };
    const struct row *row = arg;
    char with_more[512];
    pthread_t threads[WRITERS];
    EXPECT(weft_init(NULL) == WEFT_OK); /* nobody else reads the environment that changes here */
    for (uintptr_t i = 0; i < WRITERS; i++)
        EXPECT(pthread_create(&threads[i], NULL, log_on, (void *)i) == 0);
    snprintf(with_more, sizeof with_more, "%s memory:?dump=none",
             row->sinks + strlen("WEFT_SINKS="));
    for (unsigned i = 0; i < ROUNDS; i++) {
        setenv(settings[i % 6][0], settings[i % 6][1], 1);
        if (i % 4 == 0)
            setenv("WEFT_SINKS", i % 8 ? with_more : row->sinks + strlen("WEFT_SINKS="), 1);
        EXPECT(weft_reload() == WEFT_OK);
    }
    __atomic_store_n(&stop, true, __ATOMIC_SEQ_CST);
    for (size_t i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    const weft_stats stats = queue_sums();
    EXPECT(stats.dropped == 0 && stats.written > ROUNDS);
    _exit(weft_shutdown(10000) == WEFT_OK ? 0 : 97);
}

static void reloads_that_switch_it_keep_every_threads_order(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    QUEUE_RUN(&row, switch_all_the_time, &row);
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    assert_true(seqs.lines > 1000 && seqs.others == 0);
    row_end(&row);
}

/* ---- one processor ---- */

#define PRODUCERS 3
#define EACH      (ROWS_SANITIZED ? 5000 : 20000)

static void *log_each(void *arg)
{
    row_log_many((unsigned)(uintptr_t)arg, EACH);
    return NULL;
}

/* Who waits for room must let the worker have the processor. */
static void share_one_processor(void *arg)
{
    cpu_set_t one;
    pthread_t threads[PRODUCERS];
    (void)arg;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    EXPECT(sched_setaffinity(0, sizeof one, &one) == 0);
    for (uintptr_t i = 0; i < PRODUCERS; i++)
        EXPECT(pthread_create(&threads[i], NULL, log_each, (void *)i) == 0);
    for (size_t i = 0; i < PRODUCERS; i++) pthread_join(threads[i], NULL);
    EXPECT(weft_flush(20000) == WEFT_OK);
    EXPECT(queue_sums().written == (uint64_t)PRODUCERS * EACH);
}

static void one_processor_is_enough(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    if (under_emulator()) skip();
    const int64_t before = monotonic_ms();
    QUEUE_RUN(&row, share_one_processor, NULL, "WEFT_QUEUE_BYTES=64k");
    assert_true(monotonic_ms() - before < 20000);
    row_read(&seqs, row.path);
    assert_true(!seqs.gap && seqs.lines == (uint64_t)PRODUCERS * EACH);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_threads_leave_nothing_behind),
        cmocka_unit_test(reloads_that_switch_it_keep_every_threads_order),
        cmocka_unit_test(one_processor_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
