/*
 * What tells one state of a file from another without reading it.
 *
 * Threads: any. Signals: safe. May include: libc only.
 */
#ifndef WEFTP_PORT_FILE_MARK_H
#define WEFTP_PORT_FILE_MARK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

/* All zero: there is no such file. */
struct weftp_file_mark {
    uint64_t dev, ino, size, owner_and_mode;
    int64_t mtime_s, mtime_ns;
};

void weftp_file_mark_of(struct weftp_file_mark *mark, const struct stat *info);
/* Look at a path, following symbolic links; what cannot be looked at is as if it were not there. */
void weftp_file_mark_look(struct weftp_file_mark *mark, const char *path);
bool weftp_file_mark_same(const struct weftp_file_mark *a, const struct weftp_file_mark *b);
bool weftp_file_mark_exists(const struct weftp_file_mark *mark);

#endif
