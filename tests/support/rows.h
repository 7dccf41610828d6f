/*
 * What the tests of the fault table share: a log file of the test's own, numbered records, the sums
 * that hold at any quiet moment, a reader that finds what is missing, doubled or torn, and a way to
 * run a part of a test as a program of its own, under strace or with a library preloaded. One test
 * for each row of docs/faults.md.
 */
#ifndef TEST_SUPPORT_ROWS_H
#define TEST_SUPPORT_ROWS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/child.h"

#include <dirent.h>
#include <inttypes.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>
#include <zlib.h>

/* Sanitizers bring an allocator, signal handlers and threads of their own. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define ROWS_SANITIZED true
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ROWS_SANITIZED true
#endif
#endif
#ifndef ROWS_SANITIZED
#define ROWS_SANITIZED false
#endif

#define ROW_WRITERS_MAX 32

static inline void row_skip(const char *why)
{
    fprintf(stderr, "SKIPPED: %s\n", why);
    skip();
}

/* ---- in the process under test ---- */

/*
 * accepted = written + dropped, for the whole and for each sink; no other thread may be in a call.
 */
static inline weft_stats row_stats(void)
{
    weft_stats stats;
    SETTLE();
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == stats.written + stats.dropped && stats.queued == 0);
    for (size_t i = 0; i < stats.sink_count; i++)
        EXPECT(stats.sinks[i].accepted == stats.sinks[i].written + stats.sinks[i].dropped);
    return stats;
}

static inline void row_log(unsigned writer, uint64_t seq)
{
    weft_info(NULL, "seq", weft_uint("writer", writer), weft_uint("seq", seq));
}

static inline void row_log_many(unsigned writer, uint64_t count)
{
    for (uint64_t seq = 0; seq < count; seq++) row_log(writer, seq);
}

/* ---- what is in a file ---- */

struct row_seqs {
    uint64_t next[ROW_WRITERS_MAX]; /* the number that each writer's next record has */
    uint64_t lines, others;         /* numbered ones, and all else */
    uint64_t lost;                  /* as gap records say */
    bool gap;                       /* one was missing, doubled or out of order */
};

static inline uint64_t row_number(yajl_val line, const char *name)
{
    const char *text = member2_text(line, "numeric_labels", name);
    return text ? strtoull(text, NULL, 10) : UINT64_MAX;
}

static inline void row_count_line(void *arg, yajl_val line)
{
    struct row_seqs *seqs = arg;
    const char *message = member_text(line, "message");
    if (!message || strcmp(message, "seq") != 0) {
        seqs->others++;
        if (message && strcmp(message, "records lost") == 0) seqs->lost += row_number(line, "lost");
        return;
    }
    const uint64_t writer = row_number(line, "writer"), seq = row_number(line, "seq");
    seqs->lines++;
    if (writer >= ROW_WRITERS_MAX || seq != seqs->next[writer]) seqs->gap = true;
    if (writer < ROW_WRITERS_MAX) seqs->next[writer] = seq + 1;
}

/* The text of a file, gunzipped when it is one; "" when there is none. Free it. */
static inline char *row_text(const char *path)
{
    gzFile file = gzopen(path, "rb");
    if (!file) return strdup("");
    size_t size = 0, capacity = 1 << 16;
    char *text = malloc(capacity + 1);
    for (int got; text; size += (size_t)got) {
        if (size == capacity) text = realloc(text, (capacity *= 2) + 1);
        got = text ? gzread(file, text + size, (unsigned)(capacity - size)) : -1;
        if (got < 0) fail_msg("%s cannot be read", path);
        if (got == 0) break;
    }
    gzclose(file);
    if (!text) abort();
    text[size] = '\0';
    return text;
}

/* Add the lines of a file; every one must be whole and valid JSON. */
static inline void row_read(struct row_seqs *seqs, const char *path)
{
    char *text = row_text(path);
    assert_int_equal(each_line(text, row_count_line, seqs), 0);
    free(text);
}

/* The highest number N of a file PATH.N or PATH.N.gz. */
static inline unsigned row_highest(const char *path)
{
    const char *base = strrchr(path, '/') + 1;
    char *folder = strndup(path, (size_t)(base - path));
    unsigned highest = 0, number;
    DIR *dir = folder ? opendir(folder) : NULL;
    if (!dir) abort();
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        const char *name = entry->d_name;
        const bool ours = strncmp(name, base, strlen(base)) == 0 && name[strlen(base)] == '.';
        if (ours && sscanf(name + strlen(base) + 1, "%u", &number) == 1 && number > highest)
            highest = number;
    }
    closedir(dir);
    free(folder);
    return highest;
}

/*
 * Add the lines of a rotated set (PATH.2.gz, PATH.1, PATH), the oldest first; a number may be
 * missing where a rename failed. Returns how many rotated files there are.
 */
static inline unsigned row_read_set(struct row_seqs *seqs, const char *path)
{
    char name[192];
    unsigned count = 0;
    for (unsigned i = row_highest(path); i > 0; i--) {
        snprintf(name, sizeof name, "%s.%u", path, i);
        const bool plain = access(name, F_OK) == 0;
        if (plain) row_read(seqs, name);
        snprintf(name, sizeof name, "%s.%u.gz", path, i);
        const bool compressed = access(name, F_OK) == 0;
        if (compressed) row_read(seqs, name);
        if (plain && compressed) fail_msg("%s and the plain one: the same lines twice", name);
        count += plain || compressed;
    }
    row_read(seqs, path);
    return count;
}

/* ---- a part of a test as a program of its own ---- */

/* Run a command of the shell; returns its exit code, -1 when a signal ended it. */
static inline int row_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline int row_shell(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(command, sizeof command, format, args);
    va_end(args);
    assert_true(size > 0 && (size_t)size < sizeof command);
    const int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline bool row_has_tool(const char *name)
{
    return row_shell("command -v %s >/dev/null 2>&1", name) == 0;
}

/* The path of this very program. */
static inline const char *row_self(void)
{
    static char path[4096];
    const ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size <= 0) abort();
    path[size] = '\0';
    return path;
}

/* ---- a folder, a file in it, and the environment that logs there ---- */

struct row {
    char *folder;
    char path[128];
    char sinks[256];
    const char *env[8]; /* ends with NULL; the first is sinks */
};

/* A folder in memory where that is to be had: compression syncs files. */
static inline struct row row_begin(const char *options)
{
    struct row row = {.folder = strdup("/dev/shm/weft-test-XXXXXX")};
    if (!row.folder) abort();
    if (!mkdtemp(row.folder)) {
        free(row.folder);
        row.folder = test_folder();
    }
    snprintf(row.path, sizeof row.path, "%s/app.log", row.folder);
    snprintf(row.sinks, sizeof row.sinks, "WEFT_SINKS=file:%s%s", row.path, options);
    return row;
}

/* The entries of a folder of /proc, "." and ".." among them. In a child of row_run. */
static inline size_t count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    size_t count = 0;
    EXPECT(dir != NULL);
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static inline void row_run(struct row *row, void (*fn)(void *), void *arg)
{
    row->env[0] = row->sinks;
    struct child child = run_child(fn, arg, row->env);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
}

static inline void row_end(struct row *row)
{
    if (row_shell("rm -rf '%s'", row->folder) != 0) fail_msg("%s stays", row->folder);
    free(row->folder);
}

#endif
