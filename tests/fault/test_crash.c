/*
 * WEFT_CRASH: what the queue held when the process crashed is in the file after the next start, and
 * the crash itself is what it would have been without: signal, status, the program's own handler.
 */
#include "support/dead_rows.h"

#include "support/emulated.h"

#include "src/weft/system.h"
#include <limits.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sys/resource.h>

#define RECORDS  300 /* of each of two threads */
#define AT_CRASH 20  /* place of what writer 1 had logged when writer 0 crashed */

/* A page that may not be touched, one behind the end of its file, and a divisor. */
static volatile int *nowhere, *beyond;
static volatile int zero, seven = 7, deepest = INT_MAX;

/* ---- ways to crash ---- */

static void fault(void)
{
    *nowhere = 1;
}

static void bus_error(void)
{
    *beyond = 1;
}

static void divide(void)
{
#if defined __x86_64__ || defined __i386__
    *nowhere = seven / zero;
#else
    raise(SIGFPE);
#endif
}

static void illegal(void)
{
#if defined __x86_64__ || defined __i386__
    __asm__ volatile("ud2");
#else
    raise(SIGILL);
#endif
}

static void sent_by_itself(void)
{
    kill(getpid(), SIGSEGV);
}

static int recurse(int depth)
{
    volatile char room[4096];
    room[0] = (char)depth;
    return depth < deepest ? recurse(depth + 1) + room[0] : 0;
}

static void use_up_the_stack(void)
{
    recurse(0);
}

/* As if it had crashed while it changed the list of rings. */
static void under_the_lock(void)
{
    weftp_lock(&weftp_system.worker.queue.lock);
    *nowhere = 1;
}

/* The list of rings leads to nothing: the handler crashes, too. */
static void with_a_broken_list(void)
{
    weftp_lock(&weftp_system.worker.queue.lock);
    weftp_system.worker.queue.first->next =
        (struct weftp_seat *)((uintptr_t)nowhere & ~(uintptr_t)1023);
    abort();
}

/* ---- the process ---- */

struct plan {
    void (*how)(void);
    int signal_number;
    bool runs; /* the worker goes on, and others log */
    void (*prepare)(void);
    int status; /* when it does not die of the signal */
};

static sem_t done;

/* The worker stands with its first batch, so that all is in the rings. */
static weft_status stand(void *arg, const struct weft_line *line)
{
    (void)arg;
    (void)line;
    for (;;) pause();
    return WEFT_OK;
}

static void *log_some(void *arg)
{
    const unsigned writer = (unsigned)(uintptr_t)arg;
    for (uint64_t seq = 0; seq < RECORDS; seq++) row_log(writer, seq);
    queue_returned[writer] = RECORDS;
    sem_post(&done);
    for (;;) pause();
    return NULL;
}

static void *log_and_crash(void *arg)
{
    const struct plan *plan = arg;
    for (uint64_t seq = 0; seq < RECORDS; seq++) row_log(0, seq);
    queue_returned[0] = RECORDS;
    sem_wait(&done);
    /* What others log while the crash is under way may or may not be saved. */
    queue_returned[AT_CRASH] = __atomic_load_n(&queue_returned[1], __ATOMIC_SEQ_CST);
    plan->how();
    return NULL;
}

static void run_plan(void *arg)
{
    const struct plan *plan = arg;
    const struct rlimit no_core = {0, 0};
    pthread_t other, crashing;
    setrlimit(RLIMIT_CORE, &no_core);
    alarm(30); /* a crash that hangs ends as SIGALRM */
    for (int i = 1; i < 32; i++)
        if (i == SIGSEGV || i == SIGABRT || i == SIGBUS || i == SIGFPE || i == SIGILL)
            signal(i, SIG_DFL);
    EXPECT(sem_init(&done, 0, plan->runs) == 0);
    if (plan->prepare) plan->prepare();
    if (!plan->runs) weft_sink_callback_set(NULL, stand, NULL);
    void *(*const others)(void *) = plan->runs ? queue_log_for_ever : log_some;
    EXPECT(pthread_create(&other, NULL, others, (void *)(uintptr_t)1) == 0);
    EXPECT(pthread_create(&crashing, NULL, log_and_crash, arg) == 0);
    pthread_join(crashing, NULL);
}

/* Crash by the plan, start again, and look. */
static void crash(const struct plan *plan, struct queue_tally *tally)
{
    struct queue_row row;
    queue_row_begin(&row, "WEFT_CRASH");
    memset(queue_returned, 0, QUEUE_WRITERS * sizeof *queue_returned);
    const size_t end = strlen(row.row.sinks);
    snprintf(row.row.sinks + end, sizeof row.row.sinks - end, " callback:");
    struct child child = run_child(run_plan, (void *)(uintptr_t)plan, row.row.env);
    if (plan->signal_number
            ? !WIFSIGNALED(child.status) || WTERMSIG(child.status) != plan->signal_number
            : !WIFEXITED(child.status) || WEXITSTATUS(child.status) != plan->status)
        fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
    queue_returned[1] = queue_returned[AT_CRASH];
    row.row.sinks[end] = '\0';
    row_run(&row.row, queue_log_fresh, NULL);
    *tally = (struct queue_tally){.lines = 0};
    assert_true(queue_read(tally, row.row.path) <= 1);
    assert_int_equal(tally->next[QUEUE_FRESH], 1);
    assert_int_equal(tally->next[0], RECORDS);
    queue_expect_empty(row.dir);
    row_end(&row.row);
}

static void crash_with(void (*how)(void), int signal_number)
{
    struct queue_tally tally;
    const struct plan stands = {.how = how, .signal_number = signal_number};
    crash(&stands, &tally);
    queue_expect_whole(&tally);
    assert_true(tally.marked >= 2 * RECORDS - QUEUE_REPEATED && tally.marked <= 2 * RECORDS);
    const struct plan runs = {.how = how, .signal_number = signal_number, .runs = true};
    crash(&runs, &tally);
    queue_expect_whole(&tally);
}

static bool cannot_run(void)
{
    if (ROWS_SANITIZED) fprintf(stderr, "SKIPPED: the sanitizer handles these signals itself\n");
    if (under_emulator()) fprintf(stderr, "SKIPPED: the emulator handles these signals itself\n");
    return ROWS_SANITIZED || under_emulator();
}

static void signals(void **state)
{
    (void)state;
    if (cannot_run()) skip();
    crash_with(fault, SIGSEGV);
    crash_with(abort, SIGABRT);
    crash_with(bus_error, SIGBUS);
    crash_with(divide, SIGFPE);
    crash_with(illegal, SIGILL);
    crash_with(sent_by_itself, SIGSEGV);
}

static void stack_overflow(void **state)
{
    (void)state;
    if (cannot_run()) skip();
    crash_with(use_up_the_stack, SIGSEGV);
}

static void lock_held(void **state)
{
    (void)state;
    if (cannot_run()) skip();
    crash_with(under_the_lock, SIGSEGV);
}

/* What comes behind the break is lost; the signal is the one that it was. */
static void handler_crashes(void **state)
{
    struct queue_row row;
    const struct plan plan = {.how = with_a_broken_list, .signal_number = SIGABRT};
    (void)state;
    if (cannot_run()) skip();
    queue_row_begin(&row, "WEFT_CRASH");
    const size_t end = strlen(row.row.sinks);
    snprintf(row.row.sinks + end, sizeof row.row.sinks - end, " callback:");
    struct child child = run_child(run_plan, (void *)(uintptr_t)&plan, row.row.env);
    if (!WIFSIGNALED(child.status) || WTERMSIG(child.status) != SIGABRT)
        fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
    row.row.sinks[end] = '\0';
    struct queue_tally tally = {.lines = 0};
    row_run(&row.row, queue_log_fresh, NULL);
    assert_true(queue_read(&tally, row.row.path) <= 1);
    assert_true(tally.marked > 0);
    row_end(&row.row);
}

/* ---- on the worker ---- */

static weft_status fault_in_the_sink(void *arg, const struct weft_line *line)
{
    (void)arg;
    if (line->level == WEFT_LEVEL_ERROR) fault();
    return WEFT_OK;
}

static void set_faulty_sink(void)
{
    weft_sink_callback_set(NULL, fault_in_the_sink, NULL);
}

static void faulty_encode(const void *self, const struct weft_record *record,
                          const struct weft_limits *limits, struct weft_out *out)
{
    (void)self;
    (void)limits;
    if (record->level == WEFT_LEVEL_ERROR) fault();
    weft_out_write(out, "x\n", 2);
}

static weft_status faulty_open(void **self, const struct weft_encoder_options *options)
{
    *self = (void *)(uintptr_t)options; /* anything */
    return WEFT_OK;
}

static void faulty_close(void *self)
{
    (void)self;
}

/* Once it has crashed it is not in force at the next start. */
static void set_faulty_encoder(void)
{
    static const struct weft_encoder_type type = {.struct_size = sizeof type,
                                                  .name = "faulty",
                                                  .open = faulty_open,
                                                  .encode = faulty_encode,
                                                  .close = faulty_close};
    char sinks[512];
    EXPECT(weft_encoder_register(&type) == WEFT_OK);
    snprintf(sinks, sizeof sinks, "%s?format=faulty", getenv("WEFT_SINKS"));
    setenv("WEFT_SINKS", sinks, 1);
}

static void log_error(void)
{
    weft_error(NULL, "faults");
    for (;;) pause();
}

/* The record that it crashed with is recovered, too, and has no number. */
static void expect_whole_but_one(struct queue_tally *tally)
{
    assert_true(tally->said == tally->marked || tally->said == tally->marked + 1);
    tally->said = tally->marked;
    queue_expect_whole(tally);
}

static void worker_crashes(void **state)
{
    const struct plan sink = {
        .how = log_error, .signal_number = SIGSEGV, .runs = true, .prepare = set_faulty_sink};
    const struct plan encoder = {
        .how = log_error, .signal_number = SIGSEGV, .runs = true, .prepare = set_faulty_encoder};
    struct queue_tally tally;
    (void)state;
    if (cannot_run()) skip();
    crash(&sink, &tally);
    expect_whole_but_one(&tally);
    crash(&encoder, &tally);
    expect_whole_but_one(&tally);
}

/* ---- the program's own handlers ---- */

static void exit_7(int number, siginfo_t *info, void *context)
{
    (void)context;
    const bool same = number == SIGSEGV && info->si_code == SEGV_ACCERR &&
                      info->si_addr == (void *)(uintptr_t)nowhere;
    _exit(same ? 7 : 8);
}

static void set_exit_7(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = exit_7;
    sigaction(SIGSEGV, &action, NULL);
}

static void exit_9(int number, siginfo_t *info, void *context)
{
    (void)context;
    const bool same = number == SIGABRT && info->si_pid == getpid() && info->si_code == SI_QUEUE &&
                      info->si_value.sival_int == 42;
    _exit(same ? 9 : 8);
}

static void set_exit_9(void)
{
    struct sigaction action = {.sa_flags = SA_SIGINFO};
    action.sa_sigaction = exit_9;
    sigaction(SIGABRT, &action, NULL);
}

static void queue_abort(void)
{
    const union sigval value = {.sival_int = 42};
    sigqueue(getpid(), SIGABRT, value);
    for (;;) pause();
}

static void own_handlers(void **state)
{
    const struct plan faults = {.how = fault, .prepare = set_exit_7, .status = 7};
    const struct plan sent = {.how = queue_abort, .prepare = set_exit_9, .status = 9};
    struct queue_tally tally;
    (void)state;
    if (cannot_run()) skip();
    crash(&faults, &tally);
    queue_expect_whole(&tally);
    crash(&sent, &tally);
    queue_expect_whole(&tally);
}

/* A program that lives on after a fault writes all itself: what was saved goes with its clean end. */
static sigjmp_buf back;

static void jump_back(int number)
{
    siglongjmp(back, number);
}

static void survive(void)
{
    if (sigsetjmp(back, 1) == 0) fault();
    row_log(0, RECORDS - 1);
    _Exit(weft_shutdown(10000) == WEFT_OK ? 11 : 12);
}

static weft_status take_line(void *arg, const struct weft_line *line)
{
    (void)arg;
    (void)line;
    return WEFT_OK;
}

static void set_jump(void)
{
    weft_sink_callback_set(NULL, take_line, NULL);
    signal(SIGSEGV, jump_back);
}

static void survivor(void **state)
{
    const struct plan plan = {.how = survive, .runs = true, .prepare = set_jump, .status = 11};
    struct queue_tally tally;
    (void)state;
    if (cannot_run()) skip();
    crash(&plan, &tally);
    assert_int_equal(tally.marked, 0);
    assert_int_equal(tally.again, 1);
}

/* ---- beside it ---- */

static void *crash_at_once(void *arg)
{
    (void)arg;
    fault();
    return NULL;
}

static void crash_together(void)
{
    pthread_t threads[8];
    for (unsigned i = 0; i < 8; i++)
        EXPECT(pthread_create(&threads[i], NULL, crash_at_once, NULL) == 0);
    fault();
}

static void many_threads(void **state)
{
    (void)state;
    if (cannot_run()) skip();
    crash_with(crash_together, SIGSEGV);
}

/* The child's rings are its own, and so are its files. */
static void crash_in_a_child(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        row_log(2, 0);
        fault();
    }
    EXPECT(test_wait(pid, 30) == SIGSEGV);
    fault();
}

static void child_crashes(void **state)
{
    struct queue_tally tally;
    const struct plan plan = {.how = crash_in_a_child, .signal_number = SIGSEGV, .runs = true};
    (void)state;
    if (cannot_run()) skip();
    crash(&plan, &tally);
    assert_int_equal(tally.next[2], 1);
    assert_false(tally.hole);
    assert_true(tally.again <= tally.repeated_max);
}

static int set_up(void **state)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const int fd = test_temporary();
    nowhere = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    beyond = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return nowhere == MAP_FAILED || beyond == MAP_FAILED ? -1 : queue_rows_setup(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals),        cmocka_unit_test(stack_overflow),
        cmocka_unit_test(lock_held),      cmocka_unit_test(handler_crashes),
        cmocka_unit_test(worker_crashes), cmocka_unit_test(own_handlers),
        cmocka_unit_test(survivor),       cmocka_unit_test(many_threads),
        cmocka_unit_test(child_crashes),
    };
    return cmocka_run_group_tests(tests, set_up, queue_rows_teardown);
}
