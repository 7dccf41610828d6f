/*
 * Drive a sink through its type table, without the library around it: open by key/value pairs,
 * write lines with times of the test's own, look at files. Each test program that uses it has a
 * scratch folder of its own, removed at the end.
 */
#ifndef WEFT_TESTS_SUPPORT_SINKS_H
#define WEFT_TESTS_SUPPORT_SINKS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tsan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <weft/sys/sink.h>
#include <zlib.h>

#define SECOND_NS INT64_C(1000000000)

struct sink {
    const struct weft_sink_type_more *type;
    void *self;
    int64_t time_ns; /* of the next line */
    weft_status opened, status;
};

/* Open with pairs "key", "value", …, NULL. */
static inline struct sink sink_open(const struct weft_sink_type_more *type,
                                    const char *const *pairs)
{
    struct weft_options_kv options[32] = {{NULL, NULL}};
    struct sink sink = {.type = type, .time_ns = INT64_C(1795328954) * SECOND_NS};
    for (size_t i = 0; pairs && pairs[2 * i]; i++)
        options[i] = (struct weft_options_kv){pairs[2 * i], pairs[2 * i + 1]};
    sink.opened = type->type.open(&sink.self, options);
    return sink;
}
#define OPEN(type, ...) sink_open((type), (const char *const[]){__VA_ARGS__, NULL})

static inline size_t sink_put_sized(struct sink *sink, const char *data, size_t size, int level)
{
    const struct weft_line line = {
        .data = data, .size = size, .time_ns = sink->time_ns, .level = (weft_level)level};
    size_t written = 99;
    sink->status = sink->type->type.write(sink->self, &line, 1, &written);
    return written;
}

/* Write one line; whether it was taken. */
static inline bool sink_put(struct sink *sink, const char *text)
{
    return sink_put_sized(sink, text, strlen(text), WEFT_LEVEL_INFO) == 1;
}

static inline void sink_close(struct sink *sink)
{
    sink->type->type.close(sink->self);
    sink->self = NULL;
}

static inline struct weft_sink_error sink_error(const struct sink *sink)
{
    struct weft_sink_error error = {.err = -1};
    sink->type->explain(sink->self, &error);
    return error;
}

/* ---- files ---- */

static char scratch[64];

static inline int scratch_make(void **state)
{
    (void)state;
    snprintf(scratch, sizeof scratch, "/tmp/weft-test-XXXXXX");
    return mkdtemp(scratch) ? 0 : -1;
}

/* The same in memory where that is to be had: for tests that sync often. */
static inline int scratch_make_in_memory(void **state)
{
    snprintf(scratch, sizeof scratch, "/dev/shm/weft-test-XXXXXX");
    return mkdtemp(scratch) ? 0 : scratch_make(state);
}

static inline void scratch_empty(int parent, const char *folder)
{
    const int fd = openat(parent, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    while (dir && (entry = readdir(dir)) != NULL) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0) continue;
        if (unlinkat(fd, name, 0) == 0) continue;
        scratch_empty(fd, name);
        unlinkat(fd, name, AT_REMOVEDIR);
    }
    if (dir) closedir(dir);
}

static inline int scratch_remove(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    return rmdir(scratch);
}

/* A path in the scratch folder; valid until the eighth next call. */
static inline const char *in_scratch(const char *name)
{
    static char paths[8][400];
    static unsigned next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", scratch, name);
    return path;
}

static inline bool exists(const char *name)
{
    struct stat found;
    return lstat(in_scratch(name), &found) == 0;
}

/*
 * The whole of a file in the scratch folder, gunzipped when it is one; free it. NULL: there is
 * none.
 */
static inline char *slurp_sized(const char *name, size_t *size)
{
    gzFile file = gzopen(in_scratch(name), "rb");
    if (!file) return NULL;
    size_t capacity = 1 << 16;
    char *text = malloc(capacity + 1);
    *size = 0;
    for (;;) {
        const int got = gzread(file, text + *size, (unsigned)(capacity - *size));
        if (got <= 0) {
            assert_int_equal(got, 0);
            break;
        }
        *size += (size_t)got;
        if (*size == capacity) text = realloc(text, (capacity *= 2) + 1);
    }
    gzclose(file);
    text[*size] = '\0';
    return text;
}

static inline void assert_content(const char *name, const char *expected)
{
    size_t size = 0;
    char *text = slurp_sized(name, &size);
    if (!text) fail_msg("%s is not there", name);
    assert_string_equal(text, expected);
    free(text);
}

static inline void write_file(const char *name, const char *text)
{
    const int fd = open(in_scratch(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

/* Wait until a condition holds, at most ten seconds; asks every 2 ms. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        for (int wait_left_ = 5000; !(condition); wait_left_--) {                                  \
            const struct timespec pause_ = {0, 2000000};                                           \
            if (wait_left_ == 0) fail_msg("waited in vain for: %s", #condition);                   \
            nanosleep(&pause_, NULL);                                                              \
        }                                                                                          \
    } while (0)

/* Run a function in a forked child; returns the status of waitpid. */
static inline int in_child(void (*run)(void *), void *arg)
{
    int status = -1;
    fflush(NULL);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        run(arg);
        _exit(0);
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    return status;
}

#endif
