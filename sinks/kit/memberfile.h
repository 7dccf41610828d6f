/*
 * A file of gzip members that several processes append to: valid at each moment, whoever dies.
 *
 * Its job: one writer at a time, nothing behind a torn end, what can be saved of one. Not its job:
 * which file, and when (live.h).
 * Threads: one at a time, cancellation disabled; forked: the child's only one.
 * May include: kit, port.
 *
 * Who writes holds the lock of .app.log.gz.end, which says up to where the live file is known to
 * be whole; from there members are hopped over by the size in their heads. What is no whole member
 * then is what a killed writer left, or a full disk: it is cut off, and the whole lines in it are
 * appended again as a member. Where that file cannot be made, members are appended without all
 * this.
 */
#ifndef WEFTP_SINKS_KIT_MEMBERFILE_H
#define WEFTP_SINKS_KIT_MEMBERFILE_H

#include "logfile.h"
#include "member.h"

struct weftp_memberfile {
    char *path;    /* of the lock; owned */
    unsigned mode; /* it is made with */
    int level;     /* of compressing what is saved */
    int lock;      /* -1: not open */
    /* A torn end that this process left itself: its lines are not saved, they are still waiting. */
    dev_t own_dev;
    ino_t own_ino;
    uint64_t own_torn_at; /* UINT64_MAX: none */
};

/* Take the place of the live file, which is open or not. False: no memory. */
bool weftp_memberfile_init(struct weftp_memberfile *members, const struct weftp_logfile *file,
                           int level);
void weftp_memberfile_deinit(struct weftp_memberfile *members);
/*
 * Append a member whole, or not at all. Returns 0 or an errno, which file->error says, too;
 * EBADMSG: what the file ends with was not written by weft, and must not be touched.
 */
int weftp_memberfile_append(struct weftp_memberfile *members, struct weftp_logfile *file,
                            const struct weftp_member *member);
/* Make the end of the file whole. Returns as append. */
int weftp_memberfile_mend(struct weftp_memberfile *members, struct weftp_logfile *file);
void weftp_memberfile_forked(struct weftp_memberfile *members);

#endif
