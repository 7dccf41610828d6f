/*
 * A queue without work costs nothing: not one thread of the process wakes up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/emulated.h"
#include "support/queue_rows.h"
#include "support/tsan.h"

#define IDLE_S 5

/* Sum of voluntary and other context switches of all threads but the one that asks. */
static uint64_t switches(size_t *threads)
{
    DIR *dir = opendir("/proc/self/task");
    uint64_t sum = 0;
    EXPECT(dir != NULL);
    *threads = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char path[300], line[256];
        const int id = atoi(entry->d_name);
        if (id == 0 || id == getpid()) continue;
        snprintf(path, sizeof path, "/proc/self/task/%d/status", id);
        FILE *file = fopen(path, "re");
        EXPECT(file != NULL);
        ++*threads;
        while (fgets(line, sizeof line, file))
            if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
                sum += strtoull(line + 24, NULL, 10);
        fclose(file);
    }
    closedir(dir);
    return sum;
}

static pthread_barrier_t done;

static void *log_and_stay(void *arg)
{
    row_log_many((unsigned)(uintptr_t)arg, 20000);
    pthread_barrier_wait(&done);
    (void)pause();
    return NULL;
}

static void be_idle(void *arg)
{
    pthread_t thread;
    size_t threads;
    (void)arg;
    pthread_barrier_init(&done, NULL, 3);
    for (uintptr_t i = 1; i < 3; i++)
        EXPECT(pthread_create(&thread, NULL, log_and_stay, (void *)i) == 0);
    row_log_many(0, 20000);
    pthread_barrier_wait(&done);
    EXPECT(queue_sums().written == 60000);
    usleep(500000); /* the short linger, and what a sink of the last lines does */
    const uint64_t before = switches(&threads);
    EXPECT(threads >= 3);
    sleep(IDLE_S);
    const uint64_t after = switches(&threads);
    if (after != before) dprintf(2, "%d switches\n", (int)(after - before));
    EXPECT(after == before);
    _exit(0);
}

static void five_idle_seconds_wake_nobody(void **state)
{
    struct row row = row_begin("");
    (void)state;
    if (under_emulator() || UNDER_TSAN) skip(); /* that sanitizer has a thread with a timer */
    QUEUE_RUN(&row, be_idle, NULL);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(five_idle_seconds_wake_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
