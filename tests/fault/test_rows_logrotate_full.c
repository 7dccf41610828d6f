/*
 * Rows 26 and 27 of the fault table: Debian's own logrotate works on the file of a process that
 * logs all the time. With move and create, no record is lost, and the new file is found within a
 * second, or at once by the reload signal; with copytruncate, what is left are whole lines in
 * order, and no hole.
 */
#include "support/rows.h"

#include <sys/mman.h>

#define ROTATIONS 3

struct shared {
    uint64_t logged;
    bool stop;
};
static struct shared *shared;

/* ---- the process that logs ---- */

static void log_until_stopped(const struct row *row)
{
    for (int i = 0; row->env[i]; i++) putenv((char *)(uintptr_t)row->env[i]);
    alarm(60);
    for (uint64_t seq = 0; !__atomic_load_n(&shared->stop, __ATOMIC_SEQ_CST); seq++) {
        row_log(0, seq);
        __atomic_store_n(&shared->logged, seq + 1, __ATOMIC_SEQ_CST);
        usleep(200);
    }
    EXPECT(row_stats().dropped == 0);
    exit(0);
}

static uint64_t logged(void)
{
    return __atomic_load_n(&shared->logged, __ATOMIC_SEQ_CST);
}

static pid_t start_writer(struct row *row)
{
    *shared = (struct shared){0};
    row->env[0] = row->sinks;
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) log_until_stopped(row);
    while (logged() < 10) usleep(1000);
    return pid;
}

static void stop_writer(pid_t pid)
{
    __atomic_store_n(&shared->stop, true, __ATOMIC_SEQ_CST);
    const int status = test_wait(pid, 20);
    if (status != 0) fail_msg("the writer: status %x", (unsigned)status);
}

/* ---- logrotate ---- */

static void configure(const struct row *row, const char *options)
{
    char path[192];
    snprintf(path, sizeof path, "%s/conf", row->folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "%s {\n  rotate 100\n  size 1\n  nodateext\n%s}\n", row->path, options);
    fclose(file);
    assert_int_equal(chmod(path, 0644), 0);
}

static void rotate(const struct row *row)
{
    const int code = row_shell("PATH=/usr/sbin:/sbin:$PATH logrotate -f -s %s/state %s/conf "
                               ">%s/out 2>&1",
                               row->folder, row->folder, row->folder);
    if (code == 0) return;
    char path[192];
    snprintf(path, sizeof path, "%s/out", row->folder);
    char *text = read_file(path);
    fail_msg("logrotate: %d: %s", code, text);
}

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Wait until the file is there and has lines; returns the milliseconds. */
static int64_t wait_for_lines(const struct row *row)
{
    struct stat file;
    const int64_t start = now_ms();
    while (stat(row->path, &file) != 0 || file.st_size == 0) {
        if (now_ms() - start > 10000) fail_msg("nothing comes to the new file");
        usleep(2000);
    }
    return now_ms() - start;
}

static bool has_logrotate(void)
{
    return row_shell("PATH=/usr/sbin:/sbin:$PATH command -v logrotate >/dev/null") == 0;
}

/* Rotate some times while the writer writes; nothing is missing afterwards. */
static void move_and_look(struct row *row, const char *options, int64_t limit_ms)
{
    struct row_seqs seqs = {.lines = 0};
    configure(row, options);
    const pid_t writer = start_writer(row);
    for (int i = 0; i < ROTATIONS; i++) {
        rotate(row);
        const int64_t took_ms = wait_for_lines(row);
        if (took_ms > limit_ms) fail_msg("%d ms until the new file was used", (int)took_ms);
    }
    stop_writer(writer);
    assert_int_equal(row_read_set(&seqs, row->path), ROTATIONS);
    assert_int_equal(seqs.next[0], logged());
    assert_int_equal(seqs.lines, logged());
    assert_false(seqs.gap);
    row_end(row);
}

/* A second and what the machine is slow by. */
#define LOOKED_AT_MS 2500

static void row_26_move_and_create(void **state)
{
    (void)state;
    if (!has_logrotate()) row_skip("no logrotate");
    struct row row = row_begin("");
    move_and_look(&row, "  create 0640\n", LOOKED_AT_MS);
}

static void row_26_move_alone(void **state)
{
    (void)state;
    if (!has_logrotate()) row_skip("no logrotate");
    struct row row = row_begin("");
    move_and_look(&row, "  nocreate\n", LOOKED_AT_MS);
}

static void row_26_compressed_a_cycle_later(void **state)
{
    (void)state;
    if (!has_logrotate()) row_skip("no logrotate");
    struct row row = row_begin("");
    move_and_look(&row, "  create 0640\n  compress\n  delaycompress\n", LOOKED_AT_MS);
}

/* With the reload signal the new file is used at the next record, not within the second. */
static void row_26_with_the_reload_signal(void **state)
{
    (void)state;
    if (!has_logrotate()) row_skip("no logrotate");
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    char options[256];
    row.env[1] = "WEFT_RELOAD_SIGNAL=HUP";
    const pid_t writer = start_writer(&row);
    snprintf(options, sizeof options,
             "  create 0640\n  postrotate\n    kill -HUP %d\n  endscript\n", (int)writer);
    configure(&row, options);
    int64_t took_ms = 0;
    for (int i = 0; i < 5; i++) {
        rotate(&row);
        took_ms += wait_for_lines(&row);
    }
    stop_writer(writer);
    /* Without it five times would take about five seconds. */
    if (took_ms > 2500) fail_msg("%d ms until the new files were used", (int)took_ms);
    assert_int_equal(row_read_set(&seqs, row.path), 5);
    assert_int_equal(seqs.next[0], logged());
    assert_false(seqs.gap);
    row_end(&row);
}

/* ---- 27: copytruncate ---- */

/* logrotate loses what comes between its copy and its cut; what is there is whole and in order. */
static void look_at_copy(void *arg, yajl_val line)
{
    uint64_t *next = arg;
    const uint64_t seq = row_number(line, "seq");
    assert_true(seq >= *next && seq != UINT64_MAX);
    *next = seq + 1;
}

/* The copy may end in the middle of a line, as logrotate read it. */
static void read_copy(const struct row *row, unsigned number, uint64_t *next)
{
    char name[192];
    struct stat file;
    if (number > 0)
        snprintf(name, sizeof name, "%s.%u", row->path, number);
    else
        snprintf(name, sizeof name, "%s", row->path);
    assert_int_equal(stat(name, &file), 0);
    char *text = read_file(name), *last = strrchr(text, '\n');
    assert_int_equal(strlen(text), file.st_size); /* no NUL: no hole */
    if (last && number > 0) last[1] = '\0';
    assert_int_equal(each_line(text, look_at_copy, next), 0);
    free(text);
}

static void row_27_copytruncate(void **state)
{
    (void)state;
    if (!has_logrotate()) row_skip("no logrotate");
    struct row row = row_begin("");
    uint64_t next = 0;
    configure(&row, "  copytruncate\n");
    const pid_t writer = start_writer(&row);
    for (int i = 0; i < ROTATIONS; i++) {
        rotate(&row);
        wait_for_lines(&row);
    }
    const uint64_t after = logged();
    while (logged() < after + 10) usleep(1000);
    stop_writer(writer);
    for (unsigned i = ROTATIONS; i > 0; i--) read_copy(&row, i, &next);
    read_copy(&row, 0, &next);
    assert_int_equal(next, logged());
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_26_move_and_create),
        cmocka_unit_test(row_26_move_alone),
        cmocka_unit_test(row_26_compressed_a_cycle_later),
        cmocka_unit_test(row_26_with_the_reload_signal),
        cmocka_unit_test(row_27_copytruncate),
    };
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
