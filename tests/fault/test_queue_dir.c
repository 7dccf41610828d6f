/*
 * WEFT_QUEUE_DIR from the outside: folders that will not do, several processes in one, forks, the
 * clean end, recovery that is killed itself, and weft-recover.
 */
#include "support/dead_rows.h"

#include "support/await.h"
#include "support/dead_session.h"
#include "support/emulated.h"
#include "support/standing_sink.h"

#include "src/queue/take.h"

#define DEAD_RECORDS 2000

static bool any_file(const char *dir)
{
    return row_shell("ls -A '%s' | grep -q .", dir) == 0;
}

/* ---- folders that will not do ---- */

static void expect_refusal(struct queue_row *row, const char *why)
{
    struct row_seqs seqs = {.lines = 0};
    unlink(row->row.path);
    struct child child = run_child(queue_log_fresh, NULL, row->row.env);
    assert_int_equal(child.status, 0);
    if (!strstr(child.err, "WEFT_QUEUE_DIR") || !strstr(child.err, why)) fail_msg("%s", child.err);
    child_free(&child);
    row_read(&seqs, row->row.path); /* it is logged all the same */
    assert_int_equal(seqs.next[QUEUE_FRESH], 1);
}

static void refused_folders(void **state)
{
    struct queue_row row;
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    assert_int_equal(mkdir(row.dir, 0700), 0);
    assert_int_equal(chmod(row.dir, 0777), 0);
    expect_refusal(&row, "may be written by others (its mode is 0777, and must be 0700)");
    assert_int_equal(chmod(row.dir, 0700), 0);
    snprintf(row.setting, sizeof row.setting, "WEFT_QUEUE_DIR=%s/link", row.row.folder);
    char link[200];
    snprintf(link, sizeof link, "%s/link", row.row.folder);
    assert_int_equal(symlink(row.dir, link), 0);
    expect_refusal(&row, "is a symbolic link");
    queue_expect_empty(row.dir);
    if (geteuid() == 0) {
        assert_int_equal(chown(row.dir, 65534, (gid_t)-1), 0);
        snprintf(row.setting, sizeof row.setting, "WEFT_QUEUE_DIR=%s", row.dir);
        expect_refusal(&row, "is not owned by this user");
    }
    row_end(&row.row);
}

/* ---- the clean end ---- */

static void log_many(void *arg)
{
    (void)arg;
    row_log_many(0, 3000);
}

static void clean_end(void **state)
{
    struct queue_row row;
    struct queue_tally tally = {.lines = 0};
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    row_run(&row.row, log_many, NULL);
    assert_int_equal(queue_read(&tally, row.row.path), 0);
    assert_int_equal(tally.next[0], 3000);
    assert_int_equal(tally.again + tally.marked + tally.statuses, 0);
    queue_expect_empty(row.dir);
    row_end(&row.row);
}

/* ---- several processes ---- */

/* Two seats, the records in turn: writers 0 and 1. */
static void run_script(const char *path, void *arg)
{
    struct weftp_seat *seats[2];
    struct dead dead;
    const unsigned count = *(const unsigned *)arg;
    dead_begin(&dead, path);
    dead.queue.options.ring_bytes = (size_t)512 << 10;
    for (unsigned i = 0; i < 2; i++) seats[i] = weftp_queue_sit(&dead.queue);
    for (unsigned i = 0; i < count; i++)
        EXPECT(dead_push(&dead, seats[i % 2], INT64_C(1700000000000000000) + i, i / 2));
}

/* Whoever lives keeps what it has, as long as it lives. */
static void two_processes(void **state)
{
    struct queue_row row;
    struct queue_tally tally = {.lines = 0};
    unsigned count = 100;
    int ready[2];
    char byte;
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    assert_int_equal(pipe(ready), 0);
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run_script(row.dir, &count);
        EXPECT(write(ready[1], "x", 1) == 1);
        for (;;) pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    for (unsigned i = 0; i < 3; i++) row_run(&row.row, queue_log_fresh, NULL);
    assert_int_equal(queue_read(&tally, row.row.path), 0);
    assert_int_equal(tally.lines, 3);
    assert_int_equal(row_shell(WEFT_RECOVER " '%s' 2>/dev/null", row.dir), 0);
    assert_true(any_file(row.dir));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    row_run(&row.row, queue_log_fresh, NULL);
    tally = (struct queue_tally){.lines = 0};
    assert_int_equal(queue_read(&tally, row.row.path), 0);
    assert_int_equal(tally.marked, 100);
    assert_int_equal(tally.next[1], 50);
    queue_expect_empty(row.dir);
    close(ready[0]);
    close(ready[1]);
    row_end(&row.row);
}

/* Parent and child have sessions of their own; neither takes the other's for dead. */
static void fork_and_die(void *arg)
{
    (void)arg;
    row_log(0, 0);
    EXPECT(weft_flush(10000) == WEFT_OK);
    const pid_t pid = fork();
    if (pid == 0) {
        row_log(1, 0);
        raise(SIGKILL);
    }
    EXPECT(test_wait(pid, 30) == SIGKILL);
    row_log(0, 1);
    raise(SIGKILL);
}

static void forks(void **state)
{
    struct queue_row row;
    struct queue_tally tally = {.lines = 0};
    (void)state;
    if (under_emulator() || UNDER_TSAN) row_skip("a child with threads of a forked process");
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    struct child child = run_child(fork_and_die, NULL, row.row.env);
    if (child.status != SIGKILL) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
    row_run(&row.row, queue_log_fresh, NULL);
    assert_true(queue_read(&tally, row.row.path) <= 1);
    assert_int_equal(tally.next[0], 2);
    assert_int_equal(tally.next[1], 1);
    assert_int_equal(tally.next[QUEUE_FRESH], 1);
    assert_true(tally.again <= tally.repeated_max);
    queue_expect_empty(row.dir);
    row_end(&row.row);
}

/* ---- recovery ---- */

static void leave_dead(const struct queue_row *row, unsigned count)
{
    if (dead_run(run_script, row->dir, &count) != 0) fail_msg("no dead session");
    queue_returned[0] = queue_returned[1] = count / 2;
}

static void expect_line(void *arg, yajl_val line)
{
    unsigned *found = arg;
    if (strcmp(member_text(line, "message"), "seq") != 0) return;
    const char *logger = member_text(line, "log.logger");
    const char *thread = member_text(line, "process.thread.name");
    const char *time = member_text(line, "@timestamp");
    *found += logger && strcmp(logger, "dead.logger") == 0 && thread &&
              strcmp(thread, "walker") == 0 && time &&
              strncmp(time, "2023-11-14T22:13:20.", 20) == 0;
}

static void recover_twice(void **state)
{
    struct queue_row row;
    struct queue_tally tally = {.lines = 0};
    unsigned found = 0;
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    leave_dead(&row, 7);
    leave_dead(&row, DEAD_RECORDS);
    for (unsigned i = 0; i < 2; i++) row_run(&row.row, queue_log_fresh, NULL);
    assert_int_equal(queue_read(&tally, row.row.path), 0);
    assert_int_equal(tally.marked, DEAD_RECORDS + 7);
    assert_int_equal(tally.said, DEAD_RECORDS + 7);
    assert_int_equal(tally.statuses, 2);
    assert_int_equal(tally.repeated_max, QUEUE_REPEATED + 7);
    assert_int_equal(tally.again, 7 + 1); /* the first session's numbers, and the second start's */
    char *text = row_text(row.row.path);
    assert_int_equal(each_line(text, expect_line, &found), 0);
    assert_int_equal(found, DEAD_RECORDS + 7);
    free(text);
    queue_expect_empty(row.dir);
    row_end(&row.row);
}

/* A ring that is full: some losses are said by an entry, some by none, and some were told before. */
static void run_losing(const char *path, void *arg)
{
    struct dead dead;
    struct weftp_ring_losses losses;
    uint64_t seq = 0;
    (void)arg;
    dead_begin(&dead, path);
    struct weftp_seat *seat = weftp_queue_sit(&dead.queue);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned lost = 0; lost < 5 + round;)
            if (!dead_push(&dead, seat, 1000, seq++)) lost++;
        if (round == 2) return;
        EXPECT(weftp_ring_look_sc(&seat->ring));
        while (weftp_ring_front_sc(&seat->ring)) weftp_ring_take_sc(&seat->ring);
        weftp_ring_release_sc(&seat->ring);
        if (round == 0) EXPECT(weftp_take_losses(seat, NULL, &losses) && losses.by_level[2] == 5);
    }
}

static void count_lost(void *arg, yajl_val line)
{
    uint64_t *lost = arg;
    if (strcmp(member_text(line, "message"), "records lost") == 0)
        *lost += row_number(line, "lost");
}

static void losses_survive(void **state)
{
    struct queue_row row;
    struct queue_tally tally = {.lines = 0};
    uint64_t lost = 0;
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    if (dead_run(run_losing, row.dir, NULL) != 0) fail_msg("no dead session");
    row_run(&row.row, queue_log_fresh, NULL);
    assert_int_equal(queue_read(&tally, row.row.path), 0);
    assert_true(tally.marked > 100);
    assert_int_equal(tally.lost, 6 + 7);
    char *text = row_text(row.row.path);
    assert_int_equal(each_line(text, count_lost, &lost), 0);
    assert_int_equal(lost, 6 + 7);
    free(text);
    row_end(&row.row);
}

static void log_rich(void *arg)
{
    (void)arg;
    weft_sink_callback_set(NULL, stand, NULL);
    weft_mdc_put("request_id", "r-42");
    weft_mdc_put_int("tenant", 7);
    weft_logger *log = weft_logger_with(weft_logger_get("orders.api"), weft_str("shop", "a\"b"));
    weft_error(log, "r\xc3\xa4umt \"auf\"", weft_int("items", -3), weft_double("amount", 12.5),
               weft_obj("nested", weft_bool("gift", true), weft_arr("list", weft_null(NULL))),
               weft_bytes("raw", "\0\1\2", 3), weft_duration_ns("took", 1500000),
               weft_errno("reason", ENOSPC), weft_error_info("Oops", "went wrong", "a\nb"));
    AWAIT(__atomic_load_n(&batches, __ATOMIC_SEQ_CST));
    raise(SIGKILL);
}

/* Both lines of it are the same but for the mark. */
static void same_again(const char *format)
{
    struct queue_row row;
    char mark[] = "\"recovered\":true";
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    const size_t end = strlen(row.row.sinks);
    snprintf(row.row.sinks + end, sizeof row.row.sinks - end, "?format=%s callback:", format);
    struct child child = run_child(log_rich, NULL, row.row.env);
    if (child.status != SIGKILL) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
    snprintf(row.row.sinks + end, sizeof row.row.sinks - end, "?format=%s", format);
    row_run(&row.row, queue_log_fresh, NULL);
    char *text = row_text(row.row.path), *again = strchr(text, '\n') + 1;
    char *at = strstr(again, mark);
    assert_non_null(at);
    assert_true(at[-1] == ',');
    memmove(at - 1, at + strlen(mark), strlen(at + strlen(mark)) + 1);
    assert_memory_equal(text, again, (size_t)(again - text));
    free(text);
    row_end(&row.row);
}

static void nothing_is_missing(void **state)
{
    (void)state;
    if (under_emulator()) row_skip("a child with threads of a forked process");
    same_again("ecs");
    same_again("logstash");
    same_again("logback");
}

/* The callback's sink kills the process with its nth line. */
static unsigned lines_left;

static weft_status kill_at(void *arg, const struct weft_line *line)
{
    (void)arg;
    (void)line;
    if (lines_left-- == 0) raise(SIGKILL);
    return WEFT_OK;
}

static void start_and_die(void *arg)
{
    lines_left = *(const unsigned *)arg;
    weft_sink_callback_set(NULL, kill_at, NULL);
    queue_log_fresh(NULL);
}

static void recovery_killed(void **state)
{
    static const unsigned after[] = {0, 1, 255, 256, 257, 700, 1, 300};
    const unsigned deaths = sizeof after / sizeof *after;
    struct queue_row row;
    struct queue_tally tally = {.lines = 0};
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    leave_dead(&row, DEAD_RECORDS);
    const size_t end = strlen(row.row.sinks);
    for (unsigned i = 0; i < deaths; i++) {
        unsigned count = after[i];
        snprintf(row.row.sinks + end, sizeof row.row.sinks - end, " callback:");
        struct child child = run_child(start_and_die, &count, row.row.env);
        if (child.status != SIGKILL) fail_msg("status %x: %s", (unsigned)child.status, child.err);
        child_free(&child);
    }
    row.row.sinks[end] = '\0';
    row_run(&row.row, queue_log_fresh, NULL);
    assert_int_equal(queue_read(&tally, row.row.path), 0);
    assert_false(tally.hole);
    assert_int_equal(tally.next[0], DEAD_RECORDS / 2);
    assert_int_equal(tally.next[1], DEAD_RECORDS / 2);
    assert_true(tally.again > 0 && tally.again <= deaths * QUEUE_REPEATED);
    assert_true(tally.backwards[0] <= deaths);
    assert_true(tally.said < DEAD_RECORDS); /* the last one went on where the others were */
    queue_expect_empty(row.dir);
    row_end(&row.row);
}

/* ---- the tool ---- */

static unsigned count_shell_lines(const char *path, const char *what)
{
    unsigned count = 0;
    char *text = row_text(path);
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) count++;
    free(text);
    return count;
}

static void tool(void **state)
{
    struct queue_row row;
    char out[200];
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    snprintf(out, sizeof out, "%s/out", row.row.folder);
    leave_dead(&row, 10);
    assert_int_equal(row_shell(WEFT_RECOVER " --keep '%s' >'%s' 2>&1", row.dir, out), 0);
    assert_int_equal(count_shell_lines(out, "\"recovered\":true"), 10);
    assert_int_equal(row_shell("WEFT_SINKS=stderr: WEFT_SERVICE=orders " WEFT_RECOVER
                               " --format=logstash '%s' >'%s' 2>/dev/null",
                               row.dir, out),
                     0);
    assert_int_equal(count_shell_lines(out, "\"logger_name\":\"dead.logger\""), 10);
    assert_int_equal(count_shell_lines(out, "\"records\":10,\"repeated_max\":10"), 1);
    queue_expect_empty(row.dir);
    assert_int_equal(row_shell(WEFT_RECOVER " '%s' >'%s' 2>/dev/null", row.dir, out), 0);
    assert_int_equal(count_shell_lines(out, "\n"), 0);
    leave_dead(&row, 10);
    assert_int_equal(row_shell("printf x | dd of=$(ls '%s'/*-0.ring) bs=1 seek=4500 conv=notrunc "
                               "2>/dev/null && " WEFT_RECOVER " --sinks 'file:%s' '%s' 2>/dev/null",
                               row.dir, row.row.path, row.dir),
                     1);
    assert_true(count_shell_lines(row.row.path, "\"recovered\":true") >= 5);
    assert_int_equal(row_shell(WEFT_RECOVER " '%s/none' 2>'%s'", row.dir, out), 2);
    assert_int_equal(count_shell_lines(out, "is not there"), 1);
    assert_int_equal(
        row_shell("chmod 750 '%s'; " WEFT_RECOVER " '%s' 2>'%s'", row.dir, row.dir, out), 2);
    assert_int_equal(count_shell_lines(out, "may be read by others"), 1);
    assert_int_equal(row_shell(WEFT_RECOVER " 2>/dev/null"), 2);
    assert_int_equal(row_shell(WEFT_RECOVER " --kep '%s' 2>/dev/null", row.dir), 2);
    row_end(&row.row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refused_folders),
        cmocka_unit_test(clean_end),
        cmocka_unit_test(two_processes),
        cmocka_unit_test(forks),
        cmocka_unit_test(recover_twice),
        cmocka_unit_test(recovery_killed),
        cmocka_unit_test(nothing_is_missing),
        cmocka_unit_test(losses_survive),
        cmocka_unit_test(tool),
    };
    return cmocka_run_group_tests(tests, queue_rows_setup, queue_rows_teardown);
}
