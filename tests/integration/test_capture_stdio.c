/*
 * WEFT_CAPTURE: prints become records, in order, without loops and deadlocks; crashes, forks and exits lose nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/await.h"
#define OWN_FILE "capture.log"
#include "support/own_folder.h"
#include "support/tsan.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

static char sinks[256];

static struct child run(void (*fn)(void *), void *arg, const char *capture)
{
    const char *const env[] = {capture, sinks[0] ? sinks : NULL, NULL};
    unlink(path);
    struct child child = run_child(fn, arg, env);
    sinks[0] = '\0';
    return child;
}

/* Run to a good end; every line of stdout is JSON. */
static struct child run_well(void (*fn)(void *), const char *capture)
{
    struct child child = run(fn, NULL, capture);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    assert_int_equal(each_line(child.out, NULL, NULL), 0);
    return child;
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text++;
    }
    return count;
}

/* ---- lines and order ---- */

#define ROUNDS 300

static void print_and_log(void *arg)
{
    (void)arg;
    weft_info(NULL, "start");
    for (int i = 0; i < ROUNDS; i++) {
        printf("n%d\n", 3 * i);
        fprintf(stderr, "n%d\r\n", 3 * i + 1);
        weft_error(NULL, i & 1 ? "logged" : "LOGGED", weft_int("n", 3 * i + 2));
    }
}

struct order {
    long next;
    bool wrong;
};

static void check_order(void *arg, yajl_val line)
{
    struct order *order = arg;
    const char *message = member_text(line, "message");
    const char *logger = member_text(line, "log.logger");
    const char *level = member_text(line, "log.level");
    const char *label = member2_text(line, "numeric_labels", "n");
    long n = -1;
    if (strcmp(message, "start") == 0) return;
    if (label) {
        n = atol(label);
    } else if (logger && strcmp(logger, "stdout") == 0) {
        n = atol(message + 1);
        if (n % 3 != 0 || strcmp(level, "INFO") != 0) order->wrong = true;
    } else if (logger && strcmp(logger, "stderr") == 0) {
        n = atol(message + 1);
        if (n % 3 != 1 || strcmp(level, "WARN") != 0 || strchr(message, '\r')) order->wrong = true;
    }
    /* Between the two streams only the pipes decide; both come before the call that follows. */
    if (label && n != order->next + 2) order->wrong = true;
    if (label) order->next += 3;
    if (n < order->next - (label ? 1 : 0) || n > order->next + 2) order->wrong = true;
}

static void a_line_is_a_record_and_order_is_kept(void **state)
{
    (void)state;
    struct order order = {0};
    struct child child = run_well(print_and_log, "WEFT_CAPTURE=stdout,stderr");
    assert_int_equal(each_line(child.out, check_order, &order), 0);
    assert_false(order.wrong);
    assert_int_equal(count_lines(child.out), 3 * ROUNDS + 1);
    assert_string_equal(child.err, "");
    assert_null(strstr(child.out, "\"partial\""));
    assert_int_equal(occurrences(child.out, "\"process.thread.name\":\"weft-capture\""),
                     2 * ROUNDS);
    child_free(&child);
}

static void print_odd_things(void *arg)
{
    static char text[40001];
    (void)arg;
    weft_mdc_put("request", "r1");
    weft_info(NULL, "start");
    fwrite("\x1b[31mred\x1b[0m \xff\0end\n", 1, 19, stdout);
    printf("\n\r\n"); /* nothing to tell */
    memset(text, 'x', sizeof text - 1);
    puts(text);
    printf("no newline");
}

static void odd_lines_are_whole_and_harmless(void **state)
{
    (void)state;
    struct child child = run_well(print_odd_things, "WEFT_CAPTURE=stdout");
    assert_null(strchr(child.out, '\x1b'));
    assert_non_null(strstr(child.out, "\\u001B[31mred\\u001B[0m \xef\xbf\xbd\\u0000end\""));
    assert_int_equal(occurrences(child.out, "x"), 40000);
    assert_int_equal(count_lines(child.out), 1 + 1 + 4 + 1);
    assert_int_equal(occurrences(child.out, "\"partial\""), 4); /* three pieces, and the end */
    assert_non_null(strstr(child.out, "no newline"));
    assert_int_equal(occurrences(child.out, "r1"), 1); /* who printed is not known */
    child_free(&child);
}

static void print_a_question(void *arg)
{
    (void)arg;
    weft_info(NULL, "start");
    printf("Name? ");
    fflush(stdout);
    for (char *text = read_file(path);; text = read_file(path)) {
        const bool found = strstr(text, "Name? ") != NULL;
        free(text);
        if (found) break;
        usleep(1000);
    }
    printf("Bob\n");
    weft_info(NULL, "end");
}

static void a_line_without_an_end_does_not_wait_for_ever(void **state)
{
    (void)state;
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=file:%s", path);
    struct child child = run_well(print_a_question, "WEFT_CAPTURE=stdout");
    char *text = read_file(path);
    assert_int_equal(count_lines(text), 4);
    assert_int_equal(occurrences(text, "\"partial\""), 1);
    assert_non_null(strstr(text, "\"message\":\"Bob\""));
    assert_string_equal(child.out, "");
    free(text);
    child_free(&child);
}

/* ---- sinks that print ---- */

#define CHATTER (3 << 20) /* bytes: more than any pipe */

static weft_status chat(void *arg, const struct weft_line *line)
{
    static char text[1024];
    (void)arg;
    (void)line;
    memset(text, 'c', sizeof text - 2);
    text[sizeof text - 2] = '\n';
    for (size_t i = 0; i < CHATTER / (sizeof text - 1); i++) fputs(text, stdout);
    return WEFT_OK;
}

static void log_to_chatter(void *arg)
{
    (void)arg;
    weft_sink_callback_set(NULL, chat, NULL);
    weft_info(NULL, "one");
    weft_info(NULL, "two");
}

static void a_sink_that_prints_more_than_a_pipe_holds_goes_on(void **state)
{
    (void)state;
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=callback: file:%s", path);
    struct child child = run_well(log_to_chatter, "WEFT_CAPTURE=stdout");
    char *text = read_file(path);
    assert_int_equal(each_line(text, NULL, NULL), 0);
    assert_int_equal(count_lines(text), 2 + 2 * (CHATTER / 1023));
    free(text);
    child_free(&child);
}

static void nobody_to_take_prints(void *arg)
{
    (void)arg;
    weft_info(NULL, "one");
    puts("as it is");
}

static void without_a_sink_for_them_prints_are_left_alone(void **state)
{
    (void)state;
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=callback:");
    struct child child = run(nobody_to_take_prints, NULL, "WEFT_CAPTURE=stdout");
    assert_int_equal(child.status, 0);
    assert_string_equal(child.out, "as it is\n");
    assert_non_null(strstr(child.err, "none of the sinks takes prints"));
    child_free(&child);
}

static void closed_stdout(void *arg)
{
    (void)arg;
    close(1);
    weft_info(NULL, "one");
}

static void a_closed_stream_is_told(void **state)
{
    (void)state;
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=stderr:");
    struct child child = run(closed_stdout, NULL, "WEFT_CAPTURE=stdout");
    assert_int_equal(child.status, 0);
    assert_non_null(
        strstr(child.err, "WEFT_CAPTURE: stdout cannot be captured: Bad file descriptor"));
    assert_non_null(strstr(child.err, "\"message\":\"one\""));
    child_free(&child);
}

/* ---- crashes ---- */

static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
#define CRASHES (sizeof crashes / sizeof *crashes)

/* As a program is that uses no test library: without handlers. */
static void be_plain(void)
{
    const struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    for (size_t i = 0; i < CRASHES; i++) signal(crashes[i], SIG_DFL);
}

static void crash(void *arg)
{
    const int number = *(const int *)arg;
    be_plain();
    weft_info(NULL, "start");
    for (int i = 0; i < 50; i++) printf("print %d\n", i);
    fprintf(stderr, "prog: assertion `x' failed");
    if (number == SIGSEGV)
        *(volatile int *)mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) = 1;
    else if (number == SIGABRT)
        abort();
    raise(number);
}

static void a_crash_loses_no_print_and_stays_what_it_is(void **state)
{
    (void)state;
    if (with_queue()) return; /* what is queued dies with the process */
    for (size_t i = 0; i < CRASHES; i++) {
        int number = crashes[i];
        struct child child = run(crash, &number, "WEFT_CAPTURE=stdout,stderr");
        char text[16];
        assert_true(WIFSIGNALED(child.status));
        assert_int_equal(WTERMSIG(child.status), number);
        for (int n = 0; n < 50; n++) {
            snprintf(text, sizeof text, "print %d", n);
            if (!strstr(child.out, text)) fail_msg("%s is missing in %s", text, child.out);
        }
        assert_true(strstr(child.err, "assertion `x' failed") ||
                    strstr(child.out, "assertion `x' failed"));
        child_free(&child);
    }
}

static void be_ended(void *arg)
{
    weft_info(NULL, "start");
    for (int i = 0; i < 1000; i++) printf("print %d\n", i);
    kill(getpid(), *(int *)arg);
    for (;;) pause();
}

static void sigterm_loses_no_print(void **state)
{
    (void)state;
    int number = SIGTERM;
    struct child child = run(be_ended, &number, "WEFT_CAPTURE=stdout");
    assert_true(WIFSIGNALED(child.status));
    assert_int_equal(WTERMSIG(child.status), SIGTERM);
    assert_int_equal(count_lines(child.out), 1001);
    assert_int_equal(each_line(child.out, NULL, NULL), 0);
    child_free(&child);
}

static void on_abort(int number)
{
    (void)number;
    _exit(42);
}

static void crash_with_a_handler(void *arg)
{
    (void)arg;
    signal(SIGABRT, on_abort);
    weft_info(NULL, "start");
    abort();
}

static void the_programs_crash_handler_stays(void **state)
{
    (void)state;
    struct child child = run(crash_with_a_handler, NULL, "WEFT_CAPTURE=stdout");
    assert_true(WIFEXITED(child.status));
    assert_int_equal(WEXITSTATUS(child.status), 42);
    child_free(&child);
}

static weft_status crash_inside(void *arg, const struct weft_line *line)
{
    (void)line;
    printf("inside\n");
    if (arg) exit(0);
    abort();
}

static void crash_in_a_sink(void *arg)
{
    be_plain();
    weft_sink_callback_set(NULL, crash_inside, arg);
    weft_info(NULL, "start");
}

static void a_crash_or_an_exit_inside_of_a_sink_loses_no_print(void **state)
{
    (void)state;
    int yes = 1;
    if (with_queue()) return; /* a print is a record in the queue by then */
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=callback: stdout:");
    struct child child = run(crash_in_a_sink, NULL, "WEFT_CAPTURE=stdout");
    assert_true(WIFSIGNALED(child.status));
    assert_int_equal(WTERMSIG(child.status), SIGABRT);
    assert_non_null(strstr(child.out, "inside"));
    child_free(&child);
    if (UNDER_TSAN) return; /* which wants every thread to be joined */
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=callback: stdout:");
    child = run(crash_in_a_sink, &yes, "WEFT_CAPTURE=stdout");
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    assert_non_null(strstr(child.out, "inside"));
    child_free(&child);
}

/* ---- other processes ---- */

static void fork_and_print(void *arg)
{
    (void)arg;
    weft_info(NULL, "start");
    SETTLE();
    printf("parent 1\n");
    pid_t pid = fork();
    if (pid == 0) {
        printf("child 1\n");
        weft_info(NULL, "child's record");
        SETTLE();
        printf("child 2\n");
        fflush(stdout);
        execl("/bin/echo", "echo", "after exec", NULL);
        _exit(1);
    }
    EXPECT(pid > 0 && test_wait(pid, 20) == 0);
    pid = fork();
    if (pid == 0) {
        EXPECT(weft_reload() == WEFT_OK); /* asks for it anew */
        printf("child 3\n");
        EXPECT(weft_shutdown(5000) == WEFT_OK);
        _exit(0); /* leak checkers miss what the parent's threads had */
    }
    EXPECT(pid > 0 && test_wait(pid, 20) == 0);
    EXPECT(system("echo from system; echo to stderr >&2") == 0);
    FILE *pipe = popen("echo for the parent alone", "r");
    char line[64];
    EXPECT(pipe && fgets(line, sizeof line, pipe) && pclose(pipe) == 0);
    EXPECT(strcmp(line, "for the parent alone\n") == 0);
    printf("parent 2\n");
}

static void children_keep_their_real_descriptors(void **state)
{
    (void)state;
    if (UNDER_TSAN) skip();
    struct child child = run(fork_and_print, NULL, "WEFT_CAPTURE=stdout");
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    assert_int_equal(occurrences(child.out, "\nchild 1\n"), 1);
    assert_int_equal(occurrences(child.out, "\nchild 2\n"), 1);
    assert_int_equal(occurrences(child.out, "\nafter exec\n"), 1);
    assert_int_equal(occurrences(child.out, "\"message\":\"child's record\""), 1);
    assert_int_equal(occurrences(child.out, "\"message\":\"child 3\""), 1);
    assert_int_equal(occurrences(child.out, "\"message\":\"parent 1\""), 1);
    assert_int_equal(occurrences(child.out, "\"message\":\"parent 2\""), 1);
    assert_int_equal(occurrences(child.out, "\"message\":\"from system\""), 1);
    assert_int_equal(occurrences(child.err, "to stderr\n"), 1);
    child_free(&child);
}

/* ---- life ---- */

static void switch_it(void *arg)
{
    (void)arg;
    weft_info(NULL, "start");
    SETTLE();
    printf("raw 1\n");
    fflush(stdout);
    setenv("WEFT_CAPTURE", "stdout", 1);
    EXPECT(weft_reload() == WEFT_OK);
    printf("record 1\n");
    setenv("WEFT_CAPTURE", "off", 1);
    EXPECT(weft_reload() == WEFT_OK);
    printf("raw 2\n");
    fflush(stdout);
    setenv("WEFT_CAPTURE", "stdout,stderr", 1);
    EXPECT(weft_reload() == WEFT_OK);
    printf("record 2\n");
    weft_info(NULL, "end");
    EXPECT(weft_shutdown(1000) == WEFT_OK);
    printf("raw 3\n");
}

static void it_is_switched_by_reloads_and_ends_with_weft(void **state)
{
    (void)state;
    struct child child = run(switch_it, NULL, "WEFT_CAPTURE=off");
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    for (int i = 1; i <= 3; i++) {
        char raw[16], record[32];
        snprintf(raw, sizeof raw, "\nraw %d\n", i);
        snprintf(record, sizeof record, "\"message\":\"record %d\"", i);
        assert_int_equal(occurrences(child.out, raw), 1);
        if (i < 3) assert_int_equal(occurrences(child.out, record), 1);
    }
    child_free(&child);
}

static void put_a_file_in_its_place(void *arg)
{
    (void)arg;
    weft_info(NULL, "start");
    printf("captured\n");
    weft_info(NULL, "before");
    SETTLE();
    FILE *file = freopen(path, "w", stdout);
    EXPECT(file != NULL);
    printf("for the file\n");
    fflush(stdout);
    weft_warn(NULL, "after");
}

static void what_the_program_puts_in_its_place_is_the_programs(void **state)
{
    (void)state;
    struct child child = run(put_a_file_in_its_place, NULL, "WEFT_CAPTURE=stdout");
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    char *text = read_file(path);
    assert_string_equal(text, "for the file\n");
    assert_non_null(strstr(child.out, "\"message\":\"captured\""));
    free(text);
    child_free(&child);
}

/* ---- many threads ---- */

#define PRINTERS 4
#define PRINTS   2000

static void *print_lines(void *arg)
{
    for (int i = 0; i < PRINTS; i++) printf("thread %d print %d\n", (int)(intptr_t)arg, i);
    return NULL;
}

static void *log_lines(void *arg)
{
    for (int i = 0; i < PRINTS / 4; i++) weft_info(NULL, "logged", weft_int("n", i));
    return arg;
}

static void print_from_threads(void *arg)
{
    pthread_t threads[PRINTERS + 2];
    (void)arg;
    weft_info(NULL, "start");
    for (int i = 0; i < PRINTERS + 2; i++)
        EXPECT(pthread_create(&threads[i], NULL, i < PRINTERS ? print_lines : log_lines,
                              (void *)(intptr_t)i) == 0);
    for (int i = 0; i < 20; i++) EXPECT(weft_reload() == WEFT_OK);
    for (int i = 0; i < PRINTERS + 2; i++) pthread_join(threads[i], NULL);
    weft_stats stats;
    EXPECT(weft_shutdown(5000) == WEFT_OK);
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == PRINTERS * PRINTS + 2 * (PRINTS / 4) + 1 && stats.dropped == 0);
}

static void count_print(void *arg, yajl_val line)
{
    int *next = arg, thread, n;
    if (sscanf(member_text(line, "message"), "thread %d print %d", &thread, &n) != 2) return;
    if (next[thread]++ != n) next[thread] = -1000000;
}

static void many_threads_lose_and_double_nothing(void **state)
{
    (void)state;
    int next[PRINTERS] = {0};
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=file:%s", path);
    struct child child = run_well(print_from_threads, "WEFT_CAPTURE=stdout");
    char *text = read_file(path);
    assert_int_equal(each_line(text, count_print, next), 0);
    for (int i = 0; i < PRINTERS; i++) assert_int_equal(next[i], PRINTS);
    free(text);
    child_free(&child);
}

static void *print_on(void *arg)
{
    for (int i = 0; i < PRINTS; i++) {
        char line[64];
        const int size = snprintf(line, sizeof line, "thread %d print %d\n", (int)(intptr_t)arg, i);
        EXPECT(write(1, line, (size_t)size) == size);
    }
    return NULL;
}

#define BLOCKS      (UNDER_TSAN ? 2 : 20)
#define BLOCK_LINES 600
#define LINE_BYTES  1024
static atomic_bool blocks_done;

/* More than the pipe holds in one call, which then stands in the middle when the number changes under it. */
static void *print_blocks(void *arg)
{
    static char block[BLOCK_LINES * LINE_BYTES + 1];
    for (int i = 0; i < BLOCKS; i++) {
        for (int j = 0; j < BLOCK_LINES; j++)
            snprintf(block + j * LINE_BYTES, LINE_BYTES + 1, "block %-*d\n", LINE_BYTES - 7,
                     i * BLOCK_LINES + j);
        EXPECT(write(2, block, sizeof block - 1) == (ssize_t)sizeof block - 1);
    }
    blocks_done = true;
    return arg;
}

static void switch_under_load(void *arg)
{
    pthread_t threads[PRINTERS + 1];
    (void)arg;
    weft_info(NULL, "start");
    for (int i = 0; i < PRINTERS + 1; i++)
        EXPECT(pthread_create(&threads[i], NULL, i < PRINTERS ? print_on : print_blocks,
                              (void *)(intptr_t)i) == 0);
    for (int i = 0; i < 4 || (!blocks_done && i < 50); i++) {
        setenv("WEFT_CAPTURE", i & 1 ? "off" : "stdout,stderr", 1);
        EXPECT(weft_reload() == WEFT_OK);
    }
    for (int i = 0; i < PRINTERS + 1; i++) pthread_join(threads[i], NULL);
}

static void count_blocks(const char *text, uint8_t *seen)
{
    for (const char *at = text; (at = strstr(at, "block ")) != NULL; at++)
        seen[atoi(at + strlen("block "))]++;
}

/* Raw or as a record: each line is there once. */
static void switched_under_load_it_loses_nothing(void **state)
{
    (void)state;
    struct child child = run(switch_under_load, NULL, "WEFT_CAPTURE=off");
    static uint8_t seen[PRINTERS][PRINTS];
    int thread, n;
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    for (char *at = child.out; (at = strstr(at, "thread ")) != NULL; at++) {
        char line[40]; /* sscanf measures all of its text */
        snprintf(line, sizeof line, "%.39s", at);
        if (sscanf(line, "thread %d print %d", &thread, &n) == 2) seen[thread][n]++;
    }
    for (int i = 0; i < PRINTERS * PRINTS; i++) assert_int_equal(seen[i / PRINTS][i % PRINTS], 1);
    static uint8_t blocks[20 * BLOCK_LINES];
    count_blocks(child.out, blocks);
    count_blocks(child.err, blocks);
    for (int i = 0; i < BLOCKS * BLOCK_LINES; i++) assert_int_equal(blocks[i], 1);
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_is_a_record_and_order_is_kept),
        cmocka_unit_test(odd_lines_are_whole_and_harmless),
        cmocka_unit_test(a_line_without_an_end_does_not_wait_for_ever),
        cmocka_unit_test(a_sink_that_prints_more_than_a_pipe_holds_goes_on),
        cmocka_unit_test(without_a_sink_for_them_prints_are_left_alone),
        cmocka_unit_test(a_closed_stream_is_told),
        cmocka_unit_test(a_crash_loses_no_print_and_stays_what_it_is),
        cmocka_unit_test(sigterm_loses_no_print),
        cmocka_unit_test(the_programs_crash_handler_stays),
        cmocka_unit_test(a_crash_or_an_exit_inside_of_a_sink_loses_no_print),
        cmocka_unit_test(children_keep_their_real_descriptors),
        cmocka_unit_test(it_is_switched_by_reloads_and_ends_with_weft),
        cmocka_unit_test(what_the_program_puts_in_its_place_is_the_programs),
        cmocka_unit_test(many_threads_lose_and_double_nothing),
        cmocka_unit_test(switched_under_load_it_loses_nothing),
    };
    return cmocka_run_group_tests(tests, own_folder_make, own_folder_remove);
}
