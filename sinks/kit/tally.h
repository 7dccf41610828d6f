/*
 * A note in the lock file on the set of rotated files, so that a rotation need not read the
 * directory: how many there are at most, and which is the newest. One line of text.
 *
 * It is a hint: files that somebody removes make the count too high, which costs a look; files that
 * somebody adds are counted at the next start.
 * Threads: any, under the names' lock (rotate.h).
 * May include: rotated, base.
 */
#ifndef WEFTP_SINKS_KIT_TALLY_H
#define WEFTP_SINKS_KIT_TALLY_H

#include "rotated.h"

struct weftp_tally {
    bool known;
    uint32_t count;              /* files of ours, at most */
    struct weftp_rotated newest; /* of all names that were given */
};

/* Read it; not known where there is none, or no right to write it. */
void weftp_tally_read(int lock, struct weftp_tally *tally);
/* Write it before the file is moved, so that a crash leaves the count too high, not too low. */
void weftp_tally_write(int lock, const struct weftp_tally *tally);

#endif
