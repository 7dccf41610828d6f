/*
 * What never ends beside weft holds up neither fork nor the end of the process: a reload that stands in a sink, threads
 * that print without a pause into what is captured.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/await.h"
#include "support/child.h"
#include "support/tsan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

static char *folder, sink[160];
static atomic_bool stands;

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct child run(void (*fn)(void *), const char *setting)
{
    snprintf(sink, sizeof sink, "WEFT_SINKS=file:%s/a.log?buffer_bytes=64k", folder);
    const char *const env[] = {sink, setting, NULL};
    return run_child(fn, NULL, env);
}

/* ---- a reload that does not come back ---- */

static weft_status open_for_ever(void **self, const struct weft_options_kv *options)
{
    (void)self;
    (void)options;
    stands = true;
    while (stands) pause();
    return WEFT_OK;
}

static weft_status write_nothing(void *self, const struct weft_line *lines, size_t count,
                                 size_t *written)
{
    (void)self;
    (void)lines;
    *written = count;
    return WEFT_OK;
}

static void close_nothing(void *self)
{
    (void)self;
}

static void *reload(void *arg)
{
    (void)weft_reload();
    return arg;
}

static void stand_in_a_reload(void)
{
    static const struct weft_sink_type type = {.struct_size = sizeof type,
                                               .name = "stuck",
                                               .open = open_for_ever,
                                               .write = write_nothing,
                                               .close = close_nothing};
    pthread_t thread;
    EXPECT(weft_sink_register(&type) == WEFT_OK);
    weft_info(NULL, "start");
    setenv("WEFT_SINKS", "stdout: stuck:", 1);
    EXPECT(pthread_create(&thread, NULL, reload, NULL) == 0);
    AWAIT(stands);
}

static void exit_beside_it(void *arg)
{
    (void)arg;
    stand_in_a_reload();
    EXPECT(weft_shutdown(10) == WEFT_ETIMEOUT);
}

static void be_ended_beside_it(void *arg)
{
    (void)arg;
    stand_in_a_reload();
    kill(getpid(), SIGTERM);
    for (;;) pause();
}

static void fork_beside_it(void *arg)
{
    (void)arg;
    stand_in_a_reload();
    const pid_t pid = fork();
    if (pid == 0) {
        weft_info(NULL, "child");
        _exit(weft_shutdown(1000) == WEFT_OK ? 0 : 1);
    }
    EXPECT(pid > 0 && test_wait(pid, 20) == 0);
    _exit(0);
}

static void a_reload_that_stands_holds_up_nobody(void **state)
{
    (void)state;
    if (UNDER_TSAN) skip(); /* which waits for every thread */
    struct child child = run(exit_beside_it, NULL);
    if (child.status != 0) fail_msg("exit: status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
    child = run(be_ended_beside_it, NULL);
    assert_true(WIFSIGNALED(child.status));
    assert_int_equal(WTERMSIG(child.status), SIGTERM);
    child_free(&child);
    child = run(fork_beside_it, NULL);
    if (child.status != 0) fail_msg("fork: status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
}

/* ---- prints without a pause ---- */

static void *print_for_ever(void *arg)
{
    while (!stands) puts("flood");
    return arg;
}

#define FORKS 10

static void fork_in_a_flood(void *arg)
{
    pthread_t threads[2];
    (void)arg;
    weft_info(NULL, "start");
    for (size_t i = 0; i < 2; i++)
        EXPECT(pthread_create(&threads[i], NULL, print_for_ever, NULL) == 0);
    const double begin_s = now_s();
    for (int i = 0; i < FORKS; i++) {
        const pid_t pid = fork();
        if (pid == 0) _exit(0);
        EXPECT(pid > 0 && test_wait(pid, 20) == 0);
        weft_info(NULL, "logged");
    }
    EXPECT(now_s() - begin_s < 4); /* each would wait a second for the reader's lock */
    stands = true;
    for (size_t i = 0; i < 2; i++) EXPECT(pthread_join(threads[i], NULL) == 0);
}

static void a_fork_gets_its_turn_among_prints(void **state)
{
    (void)state;
    if (UNDER_TSAN) skip(); /* it is slow enough without */
    struct child child = run(fork_in_a_flood, "WEFT_CAPTURE=stdout");
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reload_that_stands_holds_up_nobody),
        cmocka_unit_test(a_fork_gets_its_turn_among_prints),
    };
    folder = test_folder();
    const int failed = cmocka_run_group_tests_name("stalled", tests, NULL, NULL);
    test_folder_remove(folder);
    return failed;
}
