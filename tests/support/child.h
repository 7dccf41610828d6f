/*
 * Runs a function in a forked child with an environment of its own and its output caught, for tests of what happens
 * from the first use of weft to the end of a process. The parent must not have used weft before.
 */
#ifndef TEST_SUPPORT_CHILD_H
#define TEST_SUPPORT_CHILD_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <yajl/yajl_tree.h>

/* A child inherits what its parent had allocated, and the parent's pointers may not be found there. */
#if defined __SANITIZE_ADDRESS__
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:test_folder\nleak:row_begin\nleak:run_child\nleak:read_whole\nleak:read_file\n";
}
#endif

struct child {
    int status; /* as waitpid gives it; -1: it did not end in time and was killed */
    char *out, *err;
};

/*
 * Some programs run twice, the second time with the queue on (tests/CMakeLists.txt: async.NAME): there
 * a line need not be written when its call has returned.
 */
static inline bool with_queue(void)
{
    const char *async = getenv("WEFT_ASYNC");
    return async && strcmp(async, "on") == 0;
}
/* Then wait until it is with its sinks, which may keep it. */
#define SETTLE()                                                                                   \
    for (weft_stats settled_ = {.queued = 1}; with_queue() && settled_.queued > 0; usleep(100))    \
        if (weft_stats_get(&settled_, sizeof settled_) != WEFT_OK) break;

/* For the child, where cmocka's assertions do not reach: what is not true ends it with 98. */
static inline void expect(bool condition, const char *what)
{
    if (condition) return;
    dprintf(2, "NOT TRUE: %s\n", what);
    _exit(98);
}
#define EXPECT(condition) expect((condition), #condition)

/* A folder for one test, removed by its test. */
static inline char *test_folder(void)
{
    char *folder = strdup("/tmp/weft-test-XXXXXX");
    if (!folder || !mkdtemp(folder)) abort();
    return folder;
}

static inline void test_folder_remove(char *folder)
{
    char command[256];
    if (strncmp(folder, "/tmp/weft-test-", 15) != 0) abort();
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) perror("rm");
    free(folder);
}

static inline char *read_whole(int fd)
{
    size_t size = 0, capacity = 1 << 16;
    char *text = malloc(capacity);
    ssize_t n;
    if (!text || lseek(fd, 0, SEEK_SET) != 0) abort();
    while ((n = read(fd, text + size, capacity - size - 1)) > 0) {
        size += (size_t)n;
        if (capacity - size < 2) text = realloc(text, capacity *= 2);
        if (!text) abort();
    }
    text[size] = '\0';
    return text;
}

static inline char *read_file(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return strdup("");
    char *text = read_whole(fd);
    close(fd);
    return text;
}

static inline int test_temporary(void)
{
    char name[] = "/tmp/weft-child-XXXXXX";
    const int fd = mkstemp(name);
    if (fd < 0) abort();
    unlink(name);
    return fd;
}

/* Wait up to `timeout_s`; then kill it, and status is -1. */
static inline int test_wait(pid_t pid, unsigned timeout_s)
{
    int status;
    for (unsigned i = 0; i < timeout_s * 200; i++) {
        const pid_t ended = waitpid(pid, &status, WNOHANG);
        if (ended == pid) return status;
        const struct timespec step = {0, 5000000};
        nanosleep(&step, NULL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    return -1;
}

/* env: "NAME=value" texts, ends with NULL; WEFT_* of the caller's are dropped, but for the queue. fn returns: exit(0). */
static inline struct child run_child(void (*fn)(void *), void *arg, const char *const *env)
{
    struct child child = {0};
    const int out = test_temporary(), err = test_temporary();
    fflush(NULL);
    const pid_t pid = fork();
    if (pid < 0) abort();
    if (pid == 0) {
        dup2(out, 1);
        dup2(err, 2);
        fcntl(1, F_SETFL, O_APPEND);
        fcntl(2, F_SETFL, O_APPEND);
        const bool queue = with_queue();
        clearenv();
        setenv("PATH", "/usr/bin:/bin", 1);
        if (queue) setenv("WEFT_ASYNC", "on", 1);
        for (; env && *env; env++) putenv((char *)(uintptr_t)*env);
        fn(arg);
        exit(0);
    }
    child.status = test_wait(pid, 120);
    child.out = read_whole(out);
    child.err = read_whole(err);
    close(out);
    close(err);
    return child;
}

static inline void child_free(struct child *child)
{
    free(child->out);
    free(child->err);
}

static inline size_t count_lines(const char *text)
{
    size_t count = 0;
    for (; *text; text++) count += *text == '\n';
    return count;
}

/* Call `each` with every line parsed by yajl; returns how many lines are no JSON, or have no newline at the end. */
static inline size_t each_line(const char *text, void (*each)(void *arg, yajl_val line), void *arg)
{
    size_t bad = 0;
    while (*text) {
        const size_t size = strcspn(text, "\n");
        char error[128];
        char *line = strndup(text, size);
        yajl_val tree = line ? yajl_tree_parse(line, error, sizeof error) : NULL;
        if (!tree || text[size] != '\n') {
            fprintf(stderr, "bad line: %.200s\n", line ? line : "");
            bad++;
        }
        if (tree && each) each(arg, tree);
        yajl_tree_free(tree);
        free(line);
        text += size + (text[size] == '\n');
    }
    return bad;
}

static inline const char *member_text(yajl_val object, const char *name)
{
    const char *path[] = {name, NULL};
    const yajl_val value = yajl_tree_get(object, path, yajl_t_any);
    if (!value) return NULL;
    if (YAJL_IS_STRING(value)) return YAJL_GET_STRING(value);
    return YAJL_IS_NUMBER(value) ? YAJL_GET_NUMBER(value) : NULL;
}

static inline const char *member2_text(yajl_val object, const char *outer, const char *name)
{
    const char *path[] = {outer, NULL};
    const yajl_val value = yajl_tree_get(object, path, yajl_t_object);
    return value ? member_text(value, name) : NULL;
}

#endif
