/*
 * Rotated files: app.log.1 is the newest, app.log.2 older, and so on, each plain or with .gz at its
 * end.
 *
 * Its job: names, and moving them under a lock that all processes take (.app.log.lock, which
 * stays). Not its job: when, opening the new file, compressing.
 * Threads: any; the struct is constant. One process or a hundred: the lock decides.
 * May include: port.
 *
 * Only regular files with one link whose names match exactly are moved, replaced or removed; a
 * number that something else has taken is passed over. A crash between two renames leaves a gap in
 * the numbers, which the next rotation fills; nothing is ever renamed onto a file that is there.
 */
#ifndef WEFTP_SINKS_KIT_ROTATE_H
#define WEFTP_SINKS_KIT_ROTATE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WEFTP_ROTATE_KEEP_MAX 1000000

/* What a rotated file is called after. */
enum weftp_rotated_names {
    WEFTP_NAMES_NUMBER, /* app.log.1 is the newest */
    WEFTP_NAMES_DATE /* app.log.2026-11-22T13: the UTC time at which its first line was written */
};

/* How the rotated files are compressed. */
enum weftp_codec { WEFTP_CODEC_NONE, WEFTP_CODEC_GZIP, WEFTP_CODEC_ZSTD };

/* Wall-clock periods, UTC: a file holds lines of one. Dated names are as exact as the period. */
enum weftp_period { WEFTP_PERIOD_NONE, WEFTP_PERIOD_MINUTE, WEFTP_PERIOD_HOUR, WEFTP_PERIOD_DAY };

struct weftp_rotation {
    char *dir;        /* owned */
    const char *base; /* the file's name in it, without `ext`; borrowed from the path */
    const char *
        ext; /* ".gz" where the live file is compressed itself (app.log.gz, app.log.1.gz), else "" */
    unsigned mode;       /* of the lock file */
    unsigned names;      /* enum weftp_rotated_names */
    unsigned period;     /* enum weftp_period */
    uint32_t keep;       /* rotated files that are left at most */
    uint64_t keep_bytes; /* that they may have on the disk in all; 0: any */
    uint64_t keep_age_s; /* seconds since the last change; 0: for ever */
    unsigned codec;      /* enum weftp_codec */
    int codec_level;     /* 0: the codec's default */
    uint32_t delay;      /* so many of the newest rotated files stay plain */
};

/* The file that is to be rotated. */
struct weftp_rotation_live {
    dev_t dev;
    ino_t ino;
    int64_t born_ns; /* when its first line was written, as far as is known */
    int64_t now_ns;  /* time of the line that it is rotated for */
};

/* A directory that is open, and the lock in it. */
struct weftp_rotation_lock {
    int dir, lock; /* -1: not open */
};

struct weftp_rotated_name {
    char text[NAME_MAX + 1];
};

/* `path` is absolute and outlives the struct. False: no memory. */
bool weftp_rotation_init(struct weftp_rotation *rotation, const char *path);
void weftp_rotation_deinit(struct weftp_rotation *rotation);

/* Take the lock, waiting at most timeout_ms (EAGAIN). Returns 0 or an errno. */
int weftp_rotation_lock(const struct weftp_rotation *rotation, struct weftp_rotation_lock *lock,
                        uint32_t timeout_ms);
void weftp_rotation_unlock(struct weftp_rotation_lock *lock);
/* In a forked child: close what the parent had open, and leave the parent its lock. */
void weftp_rotation_forked(struct weftp_rotation_lock *lock);

/*
 * Rotate: make room at 1 and move the file there, if it still is the one with this identity; remove
 * what is more than `keep`. *rotated says whether it was; another process may have been faster,
 * which is no error. Returns 0 or an errno.
 */
int weftp_rotation_run(const struct weftp_rotation *rotation,
                       const struct weftp_rotation_live *live, bool *rotated);
/*
 * Remove rotated files, the oldest first, until keep, keep_bytes and keep_age_s hold. Takes the
 * lock. Returns 0 or an errno.
 */
int weftp_rotation_trim(const struct weftp_rotation *rotation, int64_t now_ns);
/* Remove the oldest rotated file, to make room on a full disk; *removed: there was one. */
int weftp_rotation_remove_oldest(const struct weftp_rotation *rotation, bool *removed);

/*
 * Write a name: prefix, the file's name, suffix; with a number in front of the suffix unless it is
 * 0. 0 or ENAMETOOLONG.
 */
int weftp_rotated_name(const struct weftp_rotation *rotation, struct weftp_rotated_name *name,
                       const char *prefix, uint32_t number, const char *suffix);
/*
 * The first number that is free; 0 with errno set when there is none. Under the lock, or as an
 * estimate.
 */
uint32_t weftp_rotation_top(const struct weftp_rotation *rotation, int dir);
/* The number of the plain rotated file with this identity, 0: there is none. Under the lock. */
uint32_t weftp_rotation_find(const struct weftp_rotation *rotation, int dir, dev_t dev, ino_t ino);

enum weftp_rotated_kind { WEFTP_ROTATED_NONE, WEFTP_ROTATED_OURS, WEFTP_ROTATED_FOREIGN };
/* What a name in the directory is. *size: bytes of one of ours; may be NULL. */
enum weftp_rotated_kind weftp_rotated_kind(int dir, const char *name, uint64_t *size);
/*
 * Whether `gz` is the whole of a plain file of `size` bytes: its trailer says so. Then the plain
 * one is a leftover.
 */
bool weftp_rotated_is_whole(int dir, const char *gz, uint64_t size);

#endif
