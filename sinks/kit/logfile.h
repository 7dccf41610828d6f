/*
 * One file that lines are appended to, by any number of processes.
 *
 * Its job: open it safely, notice that it was moved or removed, write whole lines in one system
 * call, and leave no fragment behind. Not its job: when to look, and rotation (file.c,
 * kit/rotate.h).
 * Threads: one at a time, cancellation disabled.
 * May include: port, public sink header.
 *
 * Every process holds a shared flock(2) on the file that it writes, so that whoever gets the
 * exclusive one knows that nobody writes any more. On file systems without flock all goes on
 * without it.
 */
#ifndef WEFTP_SINKS_KIT_LOGFILE_H
#define WEFTP_SINKS_KIT_LOGFILE_H

#include <sys/types.h>
#include <sys/uio.h>
#include <weft/sys/sink.h>

#define WEFTP_LOGFILE_PARTS_MAX 64 /* lines in one call of put */
#define WEFTP_LOGFILE_WHOLE     UINT64_MAX

struct weftp_logfile {
    /* Set these before open. */
    const char *path; /* absolute; borrowed */
    unsigned mode;    /* permission bits of a file that is made here */
    bool mode_exact;  /* also against the umask */
    bool follow;      /* the last part of the path may be a symbolic link */
    /* The rest is logfile.c's, to be read. Begin with fd -1 and torn_at WEFTP_LOGFILE_WHOLE. */
    int fd;           /* -1: not open */
    bool regular;     /* else a character device */
    bool limited;     /* RLIMIT_FSIZE is finite or was met: writes are masked */
    bool inherited;   /* fd came by fork: open before writing */
    uint64_t size;    /* bytes, as far as this process knows */
    uint64_t torn_at; /* size at which the file ended with a fragment; WEFTP_LOGFILE_WHOLE: none */
    dev_t dev;
    ino_t ino;
    struct weft_sink_error error; /* of the last call that failed */
};

/*
 * Open or make the file, and only then let go of the one that was open. Symbolic links (unless
 * follow), directories, pipes and sockets are refused. Returns 0 or an errno; on failure all stays
 * as it was.
 */
int weftp_logfile_open(struct weftp_logfile *file);
/*
 * Look whether the path still is this file; open the path when it is not. Takes the true size.
 * Returns 0 or an errno; then a file that has merely been moved goes on being written, one that was
 * removed is closed.
 */
int weftp_logfile_check(struct weftp_logfile *file);
/*
 * Append lines. Returns how many were written whole; when fewer than count, file->error says why.
 */
size_t weftp_logfile_put(struct weftp_logfile *file, const struct iovec *lines, size_t count);
/* In a forked child: open again before the next write. */
void weftp_logfile_forked(struct weftp_logfile *file);
void weftp_logfile_close(struct weftp_logfile *file);

#endif
