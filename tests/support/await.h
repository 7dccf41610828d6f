/*
 * Waiting for what other threads and processes do: asked for again and again, never slept for.
 */
#ifndef TEST_SUPPORT_AWAIT_H
#define TEST_SUPPORT_AWAIT_H

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* In a child: wait until a condition holds, at most ten seconds; then the child ends with 97. */
#define AWAIT(condition)                                                                           \
    do {                                                                                           \
        for (int await_left_ = 5000; !(condition); await_left_--) {                                \
            const struct timespec await_pause_ = {0, 2000000};                                     \
            if (await_left_ == 0) {                                                                \
                dprintf(2, "WAITED IN VAIN: %s\n", #condition);                                    \
                _exit(97);                                                                         \
            }                                                                                      \
            nanosleep(&await_pause_, NULL);                                                        \
        }                                                                                          \
    } while (0)

/* Put a text under a path at once: no reader sees half of it. */
static inline void replace_file(const char *path, const char *text)
{
    char other[256];
    snprintf(other, sizeof other, "%s.new", path);
    FILE *file = fopen(other, "w");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0 || rename(other, path) != 0) _exit(96);
}

#endif
