/*
 * WEFT_RELOAD_SIGNAL and WEFT_SIGTERM: what signals do, and whose handlers they meet.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/await.h"
#define OWN_FILE "weft.json"
#include "support/own_folder.h"
#include "support/tsan.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

/* ---- reload ---- */

static atomic_int calls;

static bool is_debug(void)
{
    return weft_log_enabled(weft_logger_get("a"), WEFT_LEVEL_DEBUG);
}

static void on_signal(int number)
{
    (void)number;
    calls++;
}

static struct child run(void (*fn)(void *), const char *setting)
{
    char config[160];
    replace_file(path, "{\"level\": \"info\"}");
    snprintf(config, sizeof config, "WEFT_CONFIG=%s", path);
    const char *const env[] = {config, setting, NULL};
    return run_child(fn, NULL, env);
}

static void assert_fine(struct child *child)
{
    if (child->status != 0) fail_msg("status %x: %s", (unsigned)child->status, child->err);
    child_free(child);
}

static void ask_by_signal(void *arg)
{
    (void)arg;
    signal(SIGHUP, on_signal);
    signal(SIGUSR2, on_signal);
    weft_info(NULL, "start");
    replace_file(path, "{\"level\": \"debug\"}");
    EXPECT(!is_debug());
    kill(getpid(), SIGHUP);
    AWAIT(is_debug());
    EXPECT(calls == 1); /* the program's own handler was called as well */
    kill(getpid(), SIGUSR2);
    AWAIT(calls == 2); /* and other signals are as they were */
    replace_file(path, "{\"level\": \"debug\"");
    weft_stats stats;
    kill(getpid(), SIGHUP);
    AWAIT(weft_stats_get(&stats, sizeof stats) == WEFT_OK && stats.config_errors == 1);
    EXPECT(is_debug());
    EXPECT(weft_shutdown(1000) == WEFT_OK);
    kill(getpid(), SIGHUP); /* harmless now */
    EXPECT(calls == 4);
}

static void a_signal_reloads_and_the_programs_handler_is_called(void **state)
{
    (void)state;
    struct child child = run(ask_by_signal, "WEFT_RELOAD_SIGNAL=HUP");
    assert_non_null(strstr(child.err, "\"reason\":\"signal HUP\""));
    assert_non_null(strstr(child.err, "the configuration in force stays"));
    assert_fine(&child);
}

static void ask_ignored(void *arg)
{
    struct sigaction now;
    (void)arg;
    signal(SIGUSR1, SIG_IGN);
    weft_info(NULL, "start");
    replace_file(path, "{\"level\": \"debug\", \"reload_signal\": \"USR2\"}");
    kill(getpid(), SIGUSR1);
    AWAIT(is_debug());
    EXPECT(sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler == SIG_DFL);
    /* The environment beats the file; without it the file's signal holds, and the first is given back. */
    unsetenv("WEFT_RELOAD_SIGNAL");
    kill(getpid(), SIGUSR1);
    AWAIT(sigaction(SIGUSR2, NULL, &now) == 0 && now.sa_handler != SIG_DFL);
    EXPECT(sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_handler == SIG_IGN);
}

static void a_signal_that_was_ignored_asks_too(void **state)
{
    (void)state;
    struct child child = run(ask_ignored, "WEFT_RELOAD_SIGNAL=SIGUSR1");
    assert_fine(&child);
}

static void (*weft_handler)(int, siginfo_t *, void *);

static void on_top(int number, siginfo_t *info, void *context)
{
    calls++;
    weft_handler(number, info, context);
}

/* A handler that the program puts over weft's, and that calls it: a reload must not close a circle. */
static void handler_on_top(void *arg)
{
    struct sigaction now;
    (void)arg;
    weft_info(NULL, "start");
    EXPECT(sigaction(SIGHUP, NULL, &now) == 0);
    weft_handler = now.sa_sigaction;
    now.sa_sigaction = on_top;
    EXPECT(sigaction(SIGHUP, &now, NULL) == 0);
    EXPECT(weft_reload() == WEFT_OK);
    replace_file(path, "{\"level\": \"debug\"}");
    kill(getpid(), SIGHUP);
    AWAIT(is_debug());
    EXPECT(calls == 1);
}

static void a_handler_on_top_of_wefts_is_left_alone(void **state)
{
    (void)state;
    struct child child = run(handler_on_top, "WEFT_RELOAD_SIGNAL=HUP");
    assert_fine(&child);
}

static void in_a_child(void *arg)
{
    (void)arg;
    weft_info(NULL, "parent");
    const pid_t pid = fork();
    if (pid == 0) {
        weft_info(NULL, "child"); /* brings the thread back */
        replace_file(path, "{\"level\": \"debug\"}");
        EXPECT(!is_debug());
        kill(getpid(), SIGHUP);
        AWAIT(is_debug());
        _exit(0);
    }
    EXPECT(pid > 0 && test_wait(pid, 20) == 0);
    EXPECT(!is_debug()); /* the child's signal was the child's own */
}

static void a_signal_works_in_a_forked_child(void **state)
{
    (void)state;
    if (UNDER_TSAN) skip();
    struct child child = run(in_a_child, "WEFT_RELOAD_SIGNAL=HUP");
    assert_fine(&child);
}

/* ---- SIGTERM: a sink that keeps its lines until it is flushed ---- */

static struct {
    char text[65536];
    size_t size, lines;
} kept;
static atomic_bool stuck, flushing;

static weft_status keeper_open(void **self, const struct weft_options_kv *options)
{
    (void)options;
    *self = &kept;
    return WEFT_OK;
}

static weft_status keeper_write(void *self, const struct weft_line *lines, size_t count,
                                size_t *written)
{
    (void)self;
    for (size_t i = 0; i < count; i++) {
        memcpy(kept.text + kept.size, lines[i].data, lines[i].size);
        kept.size += lines[i].size;
        kept.lines++;
    }
    *written = count;
    return WEFT_OK;
}

static weft_status keeper_flush(void *self, uint32_t timeout_ms)
{
    (void)self;
    (void)timeout_ms;
    if (stuck) {
        flushing = true;
        sleep(60);
    }
    if (write(1, kept.text, kept.size) != (ssize_t)kept.size) return WEFT_EIO;
    kept.size = kept.lines = 0;
    return WEFT_OK;
}

static void keeper_close(void *self)
{
    (void)self;
}

static uint64_t keeper_held(void *self)
{
    (void)self;
    return kept.lines;
}

static const struct weft_sink_type_more keeper = {.type = {.struct_size = sizeof keeper,
                                                           .name = "keeper",
                                                           .open = keeper_open,
                                                           .write = keeper_write,
                                                           .flush = keeper_flush,
                                                           .close = keeper_close},
                                                  .held = keeper_held};

#define LINES 10

static void log_lines(void)
{
    EXPECT(weft_sink_register(&keeper.type) == WEFT_OK);
    for (int i = 0; i < LINES; i++) weft_info(NULL, "kept", weft_int("n", i));
}

static void wait_to_die(void)
{
    for (;;) pause();
}

static void die_of(void *number)
{
    log_lines();
    EXPECT(with_queue() || kept.lines == LINES);
    kill(getpid(), *(int *)number);
    wait_to_die();
}

static void signals_that_end_flush_first(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_SINKS=keeper:", NULL};
    int numbers[] = {SIGTERM, SIGINT};
    for (size_t i = 0; i < 2; i++) {
        struct child child = run_child(die_of, &numbers[i], env);
        assert_true(WIFSIGNALED(child.status));
        assert_int_equal(WTERMSIG(child.status), numbers[i]);
        assert_int_equal(count_lines(child.out), LINES);
        assert_int_equal(each_line(child.out, NULL, NULL), 0);
        child_free(&child);
    }
}

static void *log_on(void *arg)
{
    for (;;) weft_debug(NULL, "more");
    return arg;
}

static void die_under_load(void *arg)
{
    pthread_t threads[2];
    log_lines();
    for (int i = 0; i < 2; i++) EXPECT(pthread_create(&threads[i], NULL, log_on, NULL) == 0);
    kill(getpid(), *(int *)arg);
    wait_to_die();
}

static void threads_that_go_on_do_not_hold_it_up(void **state)
{
    (void)state;
    int number = SIGTERM;
    const char *const env[] = {"WEFT_SINKS=keeper:?level=info memory:?dump=none",
                               "WEFT_LEVEL=debug", NULL};
    struct child child = run_child(die_under_load, &number, env);
    assert_true(WIFSIGNALED(child.status));
    assert_int_equal(WTERMSIG(child.status), SIGTERM);
    assert_int_equal(count_lines(child.out), LINES);
    child_free(&child);
}

static bool is_default(int number)
{
    struct sigaction now;
    EXPECT(sigaction(number, NULL, &now) == 0);
    return !(now.sa_flags & SA_SIGINFO) && now.sa_handler == SIG_DFL;
}

static void look_at_handlers(void *arg)
{
    struct sigaction now;
    (void)arg;
    signal(SIGINT, on_signal);
    log_lines();
    EXPECT(!is_default(SIGTERM));
    EXPECT(sigaction(SIGINT, NULL, &now) == 0 && now.sa_handler == on_signal);
    setenv("WEFT_SIGTERM", "off", 1);
    EXPECT(weft_reload() == WEFT_OK && is_default(SIGTERM));
    setenv("WEFT_SIGTERM", "flush", 1);
    EXPECT(weft_reload() == WEFT_OK && !is_default(SIGTERM));
    setenv("WEFT_SINKS", "stdout:", 1); /* keeps nothing */
    EXPECT(weft_reload() == WEFT_OK && is_default(SIGTERM) == !with_queue());
    setenv("WEFT_SINKS", "keeper:", 1);
    EXPECT(weft_reload() == WEFT_OK && !is_default(SIGTERM));
    signal(SIGTERM, on_signal); /* the program's own, later: ours is gone */
    EXPECT(weft_reload() == WEFT_OK);
    setenv("WEFT_SIGTERM", "off", 1);
    EXPECT(weft_reload() == WEFT_OK);
    EXPECT(sigaction(SIGTERM, NULL, &now) == 0 && now.sa_handler == on_signal);
    signal(SIGTERM, SIG_DFL);
    setenv("WEFT_SIGTERM", "flush", 1);
    EXPECT(weft_reload() == WEFT_OK && !is_default(SIGTERM));
    EXPECT(weft_shutdown(1000) == WEFT_OK && is_default(SIGTERM));
}

static void only_what_is_at_its_default_is_taken(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_SINKS=keeper:", NULL};
    struct child child = run_child(look_at_handlers, NULL, env);
    assert_fine(&child);
}

static void get_stuck(void *arg)
{
    log_lines();
    stuck = true;
    kill(getpid(), SIGTERM);
    AWAIT(flushing);
    kill(getpid(), *(int *)arg);
    wait_to_die();
}

static void a_second_signal_kills_at_once(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_SINKS=keeper:", NULL};
    int number = SIGTERM;
    const time_t start = time(NULL);
    struct child child = run_child(get_stuck, &number, env);
    assert_true(WIFSIGNALED(child.status));
    assert_int_equal(WTERMSIG(child.status), SIGTERM);
    assert_true(time(NULL) - start < 30);
    child_free(&child);
}

/* A child that has not logged has no thread: it dies as it would without weft. */
static void fork_and_kill(void *arg)
{
    (void)arg;
    log_lines();
    for (int i = 0; i < 2; i++) {
        const pid_t pid = fork();
        if (pid == 0) {
            if (i == 1) {
                kept.size = kept.lines = 0;
                weft_info(NULL, "the child's");
            }
            kill(getpid(), SIGTERM);
            wait_to_die();
        }
        const int status = test_wait(pid, 20);
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    }
}

static void a_forked_child_dies_of_it_too(void **state)
{
    (void)state;
    if (UNDER_TSAN) skip(); /* it keeps signals for later */
    const char *const env[] = {"WEFT_SINKS=keeper:", NULL};
    struct child child = run_child(fork_and_kill, NULL, env);
    assert_int_equal(count_lines(child.out), LINES + 1);
    assert_fine(&child);
}

static void be_first(void *arg)
{
    if (unshare(CLONE_NEWPID) != 0) _exit(77);
    const pid_t pid = fork();
    if (pid == 0) {
        EXPECT(getpid() == 1);
        die_of(arg);
    }
    const int status = test_wait(pid, 20);
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 128 + *(int *)arg);
    _exit(0); /* leak checkers do not find their way out of the namespace */
}

static void the_first_process_of_a_namespace_ends_too(void **state)
{
    (void)state;
    int number = SIGTERM;
    if (UNDER_TSAN) skip(); /* it keeps signals for later */
    const char *const env[] = {"WEFT_SINKS=keeper:", NULL};
    struct child child = run_child(be_first, &number, env);
    if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == 77) {
        child_free(&child);
        print_message("no PID namespace to be had\n");
        skip();
    }
    assert_int_equal(count_lines(child.out), LINES);
    assert_fine(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_reloads_and_the_programs_handler_is_called),
        cmocka_unit_test(a_signal_that_was_ignored_asks_too),
        cmocka_unit_test(a_handler_on_top_of_wefts_is_left_alone),
        cmocka_unit_test(a_signal_works_in_a_forked_child),
        cmocka_unit_test(signals_that_end_flush_first),
        cmocka_unit_test(threads_that_go_on_do_not_hold_it_up),
        cmocka_unit_test(only_what_is_at_its_default_is_taken),
        cmocka_unit_test(a_second_signal_kills_at_once),
        cmocka_unit_test(a_forked_child_dies_of_it_too),
        cmocka_unit_test(the_first_process_of_a_namespace_ends_too),
    };
    return cmocka_run_group_tests(tests, own_folder_make, own_folder_remove);
}
