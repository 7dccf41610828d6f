/*
 * Lines that show when they are torn, a sink that writes them, and a reader that counts them.
 */
#ifndef WEFT_TESTS_SUPPORT_TORN_H
#define WEFT_TESTS_SUPPORT_TORN_H

#include "support/sinks.h"

#define LONG_SIZE     12000 /* more than PIPE_BUF */
#define LINE_SIZE_MAX 20000

/* "<writer> <number> <size> xxx…x\n" */
static inline void make_line(char *line, int writer, int number, size_t size)
{
    const int head = snprintf(line, size, "%d %d %zu ", writer, number, size);
    memset(line + head, 'a' + writer, size - (size_t)head - 1);
    line[size - 1] = '\n';
}

struct tally {
    unsigned torn;
    int next[16]; /* the number that each writer's next line has */
    unsigned lines;
};

static inline void check_line(struct tally *tally, const char *line, size_t size)
{
    int writer = -1, number = -1, head = 0;
    size_t said = 0;
    tally->lines++;
    bool good = sscanf(line, "%d %d %zu %n", &writer, &number, &said, &head) == 3 && said == size &&
                writer >= 0 && writer < 16 && number >= tally->next[writer];
    for (size_t i = (size_t)head; good && i < size - 1; i++) good = line[i] == 'a' + writer;
    if (good)
        tally->next[writer] = number + 1;
    else
        tally->torn++;
}

/* Read lines until the end of file. pause_every: sleep 1 ms after so many reads; 0: never. */
static inline struct tally read_all(int fd, unsigned pause_every)
{
    static char buffer[2 * LINE_SIZE_MAX];
    struct tally tally = {0};
    size_t held = 0;
    for (unsigned reads = 1;; reads++) {
        const ssize_t got = read(fd, buffer + held, sizeof buffer - held - 1);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        held += (size_t)got;
        char *start = buffer, *end;
        while ((end = memchr(start, '\n', held - (size_t)(start - buffer))) != NULL) {
            check_line(&tally, start, (size_t)(end - start) + 1);
            start = end + 1;
        }
        held -= (size_t)(start - buffer);
        memmove(buffer, start, held);
        if (held >= LINE_SIZE_MAX) held = 0, tally.torn++;
        const struct timespec pause = {0, 1000000};
        if (pause_every && reads % pause_every == 0) nanosleep(&pause, NULL);
    }
    if (held > 0) tally.torn++;
    return tally;
}

struct job {
    int writer, lines;
    size_t small, large; /* sizes; every eighth line is large, or all when they are equal */
    const char *lock;
};

static inline int write_lines(struct sink *sink, const struct job *job)
{
    static char line[LINE_SIZE_MAX];
    int lost = 0;
    for (int i = 0; i < job->lines; i++) {
        const size_t size = i % 8 == 0 ? job->large : job->small;
        make_line(line, job->writer, i, size);
        if (sink_put_sized(sink, line, size, WEFT_LEVEL_INFO) != 1) lost++;
    }
    return lost;
}

#endif
