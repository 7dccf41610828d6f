/*
 * Rotation: give the live file a place in the set of rotated ones, and keep that set within its
 * bounds, under a lock that all processes take (.app.log.lock, which stays).
 *
 * Its job: moving, and removing the oldest. Not its job: when, opening the new file, names
 * (rotated.h), compressing (compress.h).
 * Threads: any; the struct is constant once its members are set. One process or a hundred: the lock
 * decides. Signals: unsafe.
 * May include: rotated, rotation_lock, base, port.
 *
 * Nothing but what is ours (rotated.h) is moved, replaced or removed; a number or date that
 * something else has taken is passed over, and nothing is ever renamed onto a file that is there. A
 * crash between two renames leaves a gap in the numbers, which the next rotation fills.
 *
 * What a rotation costs, of n rotated files, on the caller's thread:
 *   numbers                         one pass over the directory, n stats, n renames
 *   dates, keep_bytes or keep_age_s one pass over the directory, n stats, 1 rename
 *   dates, keep alone               1 rename; for what is more than `keep` the directory is read
 *                                   once in keep / 64 + 1 rotations, so that there may be that many
 *                                   files more. The first one of a set, and all without a lock file
 *                                   that can be written, cost as above
 */
#ifndef WEFTP_SINKS_KIT_ROTATE_H
#define WEFTP_SINKS_KIT_ROTATE_H

#include "rotated.h"
#include "rotation_lock.h"

#define WEFTP_ROTATE_KEEP_MAX 1000000

/* The file that is to be rotated. */
struct weftp_rotation_live {
    dev_t dev;
    ino_t ino;
    int64_t born_ns; /* when its first line was written, as far as is known */
    int64_t now_ns;  /* time of the line that it is rotated for */
};

/* `path` is absolute and outlives the struct. False: no memory. Members may be set before or after. */
bool weftp_rotation_init(struct weftp_rotation *rotation, const char *path);
void weftp_rotation_deinit(struct weftp_rotation *rotation);

/*
 * Rotate: move the live file into the set, if it still is the one with this identity, and trim the
 * set. *rotated says whether it was moved; another process may have been faster, which is no error.
 * Returns 0 or an errno, with *rotated true when only the trimming failed. Waits for the lock for
 * at most 250 ms (EAGAIN).
 */
int weftp_rotation_run(const struct weftp_rotation *rotation,
                       const struct weftp_rotation_live *live, bool *rotated);
/*
 * Remove rotated files, the oldest first, until keep, keep_bytes and keep_age_s hold. A file that
 * was changed after now_ns, by a clock that has jumped back since, is not too old. One pass over
 * the directory and n stats. Takes the lock. Returns 0 or an errno; goes on past files that cannot
 * be removed.
 */
int weftp_rotation_trim(const struct weftp_rotation *rotation, int64_t now_ns);
/*
 * Remove the oldest rotated file, to make room on a full disk, be it the only one; *removed: there
 * was one. Costs as trim. Takes the lock. Returns 0 or an errno.
 */
int weftp_rotation_remove_oldest(const struct weftp_rotation *rotation, bool *removed);

/*
 * Find the plain rotated file with this identity, which was *rotated when last seen: numbers move.
 * Under the lock. False: it is gone.
 */
bool weftp_rotation_find(const struct weftp_rotation *rotation, int dir, dev_t dev, ino_t ino,
                         struct weftp_rotated *rotated);
/*
 * Whether the directory has this file compressed, and whole, beside its plain form of `size` bytes.
 * NONE: it has not; FOREIGN: what is there under that name is something else.
 */
enum weftp_rotated_kind weftp_rotation_packed(const struct weftp_rotation *rotation, int dir,
                                              const struct weftp_rotated *plain, uint64_t size);

#endif
