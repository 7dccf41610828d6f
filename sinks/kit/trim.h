/*
 * Keeping a set of rotated files within its bounds: keep, keep_bytes, keep_age_s.
 *
 * Its job: which of a listing goes, and removing that, the oldest first. Not its job: locks.
 * Threads: any, under the names' lock (rotate.h).
 * May include: rotated, port.
 */
#ifndef WEFTP_SINKS_KIT_TRIM_H
#define WEFTP_SINKS_KIT_TRIM_H

#include "rotated.h"

/*
 * Remove what is more than the bounds. *left: files of ours that stay. Returns 0 or the first
 * errno; goes on past files that cannot be removed.
 */
int weftp_rotated_trim(const struct weftp_rotation *rotation, int dir, int64_t now_ns,
                       size_t *left);
/* Remove the oldest file of ours; *removed: there was one. Returns 0 or an errno. */
int weftp_rotated_trim_oldest(const struct weftp_rotation *rotation, int dir, bool *removed);

#endif
