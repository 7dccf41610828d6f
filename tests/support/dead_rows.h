/*
 * Rows of numbered records (rows.h) through a queue with rings in files: a process that logs without
 * an end, its death at some instant, and what the file has to hold after the next start.
 */
#ifndef TEST_SUPPORT_DEAD_ROWS_H
#define TEST_SUPPORT_DEAD_ROWS_H

#include "support/rows.h"
#include "support/tsan.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#define QUEUE_WRITERS  2
#define QUEUE_FRESH    9   /* the writer of the next start */
#define QUEUE_REPEATED 256 /* records that may be written twice: a batch */

struct queue_row {
    struct row row;
    char dir[160], setting[200];
};

static uint64_t
    *queue_returned; /* how many calls came back, by writer; shared with the dying child */

static inline int queue_rows_setup(void **state)
{
    (void)state;
    queue_returned = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return queue_returned == MAP_FAILED ? -1 : 0;
}

static inline int queue_rows_teardown(void **state)
{
    (void)state;
    return munmap(queue_returned, 4096);
}

/* `variable`: WEFT_QUEUE_DIR or WEFT_CRASH. */
static inline void queue_row_begin(struct queue_row *row, const char *variable)
{
    row->row = row_begin("");
    snprintf(row->dir, sizeof row->dir, "%s/queue", row->row.folder);
    snprintf(row->setting, sizeof row->setting, "%s=%s", variable, row->dir);
    row->row.env[0] = row->row.sinks;
    row->row.env[1] = "WEFT_ASYNC=on";
    row->row.env[2] = row->setting;
}

static inline void *queue_log_for_ever(void *arg)
{
    const unsigned writer = (unsigned)(uintptr_t)arg;
    for (uint64_t seq = 0;; seq++) {
        row_log(writer, seq);
        __atomic_store_n(&queue_returned[writer], seq + 1, __ATOMIC_SEQ_CST);
    }
    return NULL;
}

/* Two threads log until the process is killed. */
static inline pid_t queue_start_load(const struct queue_row *row)
{
    memset(queue_returned, 0, QUEUE_WRITERS * sizeof *queue_returned);
    fflush(NULL);
    const pid_t pid = fork();
    if (pid < 0) abort();
    if (pid > 0) return pid;
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (const char *const *env = row->row.env; *env; env++) putenv((char *)(uintptr_t)*env);
    if (pthread_create(&thread, NULL, queue_log_for_ever, NULL) != 0) abort();
    queue_log_for_ever((void *)(uintptr_t)1);
    return 0;
}

static inline void queue_await_load(void)
{
    for (unsigned i = 0; i < QUEUE_WRITERS; i++)
        while (__atomic_load_n(&queue_returned[i], __ATOMIC_SEQ_CST) == 0) usleep(50);
}

/* ---- what the file must hold ---- */

struct queue_tally {
    uint64_t next[ROW_WRITERS_MAX];      /* one more than the highest number of each writer */
    uint64_t last[ROW_WRITERS_MAX];      /* one more than the number of its last line */
    uint64_t lines, again;               /* lines, and those of them that were there before */
    uint64_t backwards[ROW_WRITERS_MAX]; /* how often a writer's numbers went back */
    uint64_t marked, said; /* recovered lines, and how many the library says there are */
    uint64_t repeated_max, damaged, lost, statuses, others;
    bool hole, late; /* a number is missing; a recovered line behind a fresh one */
};

static inline void queue_note_status(struct queue_tally *tally, yajl_val line)
{
    tally->statuses++;
    tally->said += row_number(line, "records");
    tally->repeated_max += row_number(line, "repeated_max");
    tally->damaged += row_number(line, "damaged_bytes");
    tally->lost += row_number(line, "lost");
}

static inline void queue_note_line(void *arg, yajl_val line)
{
    struct queue_tally *tally = arg;
    const char *message = member_text(line, "message");
    const char *const mark[] = {"labels", "recovered", NULL};
    const bool marked = yajl_tree_get(line, (const char **)(uintptr_t)mark, yajl_t_true) != NULL;
    if (message && strncmp(message, "recovered what", 14) == 0) queue_note_status(tally, line);
    if (!message || strcmp(message, "seq") != 0) {
        tally->others++;
        return;
    }
    const uint64_t writer = row_number(line, "writer"), seq = row_number(line, "seq");
    if (writer >= ROW_WRITERS_MAX) abort();
    tally->lines++;
    if (marked) tally->marked++;
    if (marked && tally->next[QUEUE_FRESH] > 0) tally->late = true;
    if (seq < tally->last[writer]) tally->backwards[writer]++;
    if (seq < tally->next[writer]) tally->again++;
    if (seq > tally->next[writer]) tally->hole = true;
    if (seq >= tally->next[writer]) tally->next[writer] = seq + 1;
    tally->last[writer] = seq + 1;
}

/* Lines that are no JSON: one may be torn where the process died. */
static inline size_t queue_read(struct queue_tally *tally, const char *path)
{
    char *text = row_text(path);
    const size_t bad = each_line(text, queue_note_line, tally);
    free(text);
    return bad;
}

/* Every record whose call returned is there, in order, and no more than a batch stands there twice. */
static inline void queue_expect_whole(const struct queue_tally *tally)
{
    for (unsigned i = 0; i < QUEUE_WRITERS; i++) {
        if (tally->next[i] < queue_returned[i])
            fail_msg("writer %u: %" PRIu64 " of %" PRIu64, i, tally->next[i], queue_returned[i]);
        assert_true(tally->backwards[i] <= 1);
    }
    assert_false(tally->hole);
    assert_false(tally->late);
    assert_true(tally->again <= QUEUE_REPEATED);
    assert_true(tally->again <= tally->repeated_max);
    assert_int_equal(tally->marked, tally->said);
    assert_int_equal(tally->damaged, 0);
    assert_int_equal(tally->lost, 0);
}

/*
 * Nothing is left in a folder. A process that ends while it has other threads leaves its files to the
 * next start; the thread sanitizer has a thread of its own.
 */
static inline void queue_expect_empty(const char *dir)
{
    if (!UNDER_TSAN && row_shell("test -z \"$(ls -A '%s')\"", dir) != 0)
        fail_msg("files are left in %s", dir);
}

static inline void queue_log_fresh(void *arg)
{
    (void)arg;
    row_log(QUEUE_FRESH, 0);
}

#endif
