/*
 * Compress one rotated file so that a crash at any instant leaves its lines once: app.log.3 becomes
 * app.log.3.gz.
 *
 * Its job: crash-safe replacement, and clearing up after a crash. Not its job: which files, when
 * (compress.h), the bytes (codec.h).
 * Threads: one at a time per struct.
 * May include: rotate, codec, port.
 *
 * The compressed file grows under the name .app.log.gz.tmp, which is locked while somebody works on
 * it: so one process at a time compresses, and one that is killed blocks nobody; what it left is
 * overwritten by the next. It gets the plain file's permissions, owner, group and times. When it is
 * whole it is synced, renamed, the directory synced, and only then is the plain file removed.
 * Whoever writes a plain file holds a shared flock on it; it is compressed by who gets the exclusive
 * one.
 */
#ifndef WEFTP_SINKS_KIT_COMPRESS_ONE_H
#define WEFTP_SINKS_KIT_COMPRESS_ONE_H

#include "rotate.h"
#include <stdatomic.h>

/* Begin with weftp_compression_init. */
struct weftp_compression {
    const struct weftp_rotation *rotation;
    const atomic_bool *stop;
    /* What is open meanwhile; here so that a forked child can close its copies. */
    struct weftp_rotation_lock lock;
    int source, temporary;
    int dir; /* of the set; the caller's to open, to set here, and to close: -1 then */
};

void weftp_compression_init(struct weftp_compression *compression,
                            const struct weftp_rotation *rotation, const atomic_bool *stop);
/* In a forked child: close what the parent had open, and leave the parent its locks. */
void weftp_compression_forked(struct weftp_compression *compression);

/*
 * Compress a plain file, or remove it where a whole compressed one stands beside it. Returns 0:
 * done, or nothing to do; EAGAIN: somebody writes it, or another process compresses; EEXIST: the
 * compressed one's name is taken by something else; ECANCELED: *stop; or another errno. Nothing is
 * changed then.
 */
int weftp_compress_one(struct weftp_compression *compression, const struct weftp_rotated *plain);
/* Whether a compressor was killed in the middle of its work. */
bool weftp_compression_left(const struct weftp_rotation *rotation, int dir);
/* Remove what one left that was killed. What somebody works on stays. */
void weftp_compression_clear(struct weftp_compression *compression);

#endif
