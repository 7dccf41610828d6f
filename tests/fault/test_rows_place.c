/*
 * Row 28 of the fault table: the file may not be written any more (chattr +i), or its directory not
 * be entered, and then it may again. Lines are lost as a whole, counted, named in the stream, and
 * what follows is written by itself.
 */
#include "support/rows.h"

#include <grp.h>

#define WITHOUT 50 /* records while nothing may be written */

/* Log until a record is written again; the number of the next record. */
static uint64_t log_until_written(uint64_t seq)
{
    const uint64_t before = row_stats().written;
    for (int i = 0; i < 3000 && row_stats().written == before; i++) {
        row_log(0, seq++);
        usleep(1000);
    }
    EXPECT(row_stats().written > before);
    row_log(0, seq++);
    return seq;
}

static void check_gap(const struct row *row)
{
    char *text = read_file(row->path);
    struct row_seqs seqs = {.lines = 0};
    assert_int_equal(each_line(text, row_count_line, &seqs), 0);
    assert_true(seqs.lines >= 3);
    assert_true(seqs.lost >= WITHOUT);
    assert_int_equal(seqs.next[0], seqs.lines + seqs.lost); /* none is missing without a word */
    free(text);
}

static void log_immutable(void *arg)
{
    const struct row *row = arg;
    row_log(0, 0);
    if (row_shell("chattr +i %s 2>/dev/null", row->path) != 0) _exit(77);
    for (uint64_t seq = 1; seq <= WITHOUT; seq++) row_log(0, seq);
    const uint64_t dropped = row_stats().dropped;
    EXPECT(row_shell("chattr -i %s", row->path) == 0);
    EXPECT(dropped == WITHOUT);
    log_until_written(WITHOUT + 1);
}

static void row_28_an_immutable_file(void **state)
{
    (void)state;
    struct row row = {.folder = test_folder()}; /* on a disk: in memory there is no such flag */
    snprintf(row.path, sizeof row.path, "%s/app.log", row.folder);
    snprintf(row.sinks, sizeof row.sinks, "WEFT_SINKS=file:%s", row.path);
    row.env[0] = row.sinks;
    struct child child = run_child(log_immutable, &row, row.env);
    row_shell("chattr -i %s 2>/dev/null", row.path);
    const bool possible = !(WIFEXITED(child.status) && WEXITSTATUS(child.status) == 77);
    if (possible && child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    if (possible) check_gap(&row);
    if (possible && !strstr(child.err, "EPERM")) fail_msg("%s", child.err);
    child_free(&child);
    row_end(&row);
    if (!possible) row_skip("no right to chattr +i, or no such file system");
}

/* Nobody's: the directory is closed and the file taken away; root opens it again. */
static void log_shut_out(void *arg)
{
    const struct row *row = arg;
    int to_root[2], from_root[2], status;
    char word = 0;
    EXPECT(pipe(to_root) == 0 && pipe(from_root) == 0);
    const pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        if (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0) _exit(77);
        row_log(0, 0);
        EXPECT(write(to_root[1], "a", 1) == 1 && read(from_root[0], &word, 1) == 1);
        usleep(1100000); /* until the path is looked at again */
        for (uint64_t seq = 1; seq <= WITHOUT; seq++) row_log(0, seq);
        EXPECT(row_stats().dropped >= WITHOUT);
        EXPECT(write(to_root[1], "b", 1) == 1 && read(from_root[0], &word, 1) == 1);
        log_until_written(WITHOUT + 1);
        exit(0);
    }
    close(to_root[1]);
    if (read(to_root[0], &word, 1) == 1) {
        EXPECT(unlink(row->path) == 0 && chmod(row->folder, 0) == 0);
        EXPECT(write(from_root[1], "a", 1) == 1);
        EXPECT(read(to_root[0], &word, 1) == 1);
        EXPECT(chmod(row->folder, 0777) == 0);
        EXPECT(write(from_root[1], "b", 1) == 1);
    }
    EXPECT(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
    _exit(WEXITSTATUS(status));
}

static void row_28_a_closed_directory(void **state)
{
    (void)state;
    if (geteuid() != 0) row_skip("only root can be two users");
    struct row row = row_begin("");
    assert_int_equal(chmod(row.folder, 0777), 0);
    row.env[0] = row.sinks;
    struct child child = run_child(log_shut_out, &row, row.env);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    if (!strstr(child.err, "EACCES")) fail_msg("%s", child.err);
    child_free(&child);
    struct row_seqs seqs = {.lines = 0};
    row_read(&seqs, row.path);
    assert_true(seqs.lost >= WITHOUT && seqs.lines >= 1);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_28_an_immutable_file),
        cmocka_unit_test(row_28_a_closed_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
