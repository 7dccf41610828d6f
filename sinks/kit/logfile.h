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

#define WEFTP_LOGFILE_PARTS_MAX 64 /* lines in one call of put that are not contiguous */
#define WEFTP_LOGFILE_WHOLE     UINT64_MAX

struct weftp_logfile {
    /* Set these before open. */
    const char *path; /* absolute; borrowed */
    const char *dir;  /* of the path, without its last part; borrowed */
    unsigned mode;    /* permission bits of a file that is made here */
    bool mode_exact;  /* also against the umask */
    bool follow;      /* the last part of the path, or of dir, may be a symbolic link */
    bool binary;      /* no lines: opened for reading too, and its end is the caller's */
    bool durable;     /* a file that is made here is in its directory for good: that is synced */
    bool has_group;   /* a file that is made here gets `group` */
    gid_t group;
    /* The rest is logfile.c's, to be read. Begin with fd -1 and torn_at WEFTP_LOGFILE_WHOLE. */
    int fd;         /* -1: not open */
    bool regular;   /* else a character device */
    bool limited;   /* RLIMIT_FSIZE is finite or was met: writes are masked */
    bool inherited; /* fd came by fork: open before writing */
    bool fresh;     /* another file than before is open; the caller resets it */
    bool reserved;  /* it may have blocks beyond its end: given back at close */
    /* Trouble with a file that is open all the same; the caller resets it. err 0: none. */
    struct weft_sink_error aside;
    uint64_t size;    /* bytes, as far as this process knows */
    uint64_t torn_at; /* size at which the file ended with a fragment; WEFTP_LOGFILE_WHOLE: none */
    dev_t dev;
    ino_t ino;
    struct weft_sink_error error; /* of the last call that failed */
};

/*
 * Open or make the file, and only then let go of the one that was open. Symbolic links (unless
 * follow), also in the directory's place, directories, pipes and sockets are refused. Returns 0 or
 * an errno; on failure all stays as it was.
 */
int weftp_logfile_open(struct weftp_logfile *file);
/*
 * Look whether the path still is this file; open the path when it is not, or in a forked child.
 * Takes the true size. Returns 0 or an errno; then a file that has merely been moved goes on being
 * written, one that was removed is closed.
 */
int weftp_logfile_check(struct weftp_logfile *file);
/*
 * Append lines: one write where they stand one behind the other in memory, else up to PARTS_MAX of
 * them. Returns how many were written whole; when fewer than count, file->error says why.
 */
size_t weftp_logfile_put(struct weftp_logfile *file, const struct iovec *lines, size_t count);
/*
 * Append one line to a file that is open, neither torn nor limited; true: it is written whole. Else
 * as put. Cancellation need not be disabled.
 */
bool weftp_logfile_put_quick(struct weftp_logfile *file, const char *data, size_t size);
/*
 * Write bytes while no other process appends: errors and the signal of a size limit are dealt with,
 * short writes are continued. *done: bytes that went out. Returns 0 or an errno; error says it too.
 */
int weftp_logfile_write(struct weftp_logfile *file, const char *data, size_t size, size_t *done);
/* In a forked child: open again before the next write. */
void weftp_logfile_forked(struct weftp_logfile *file);
void weftp_logfile_close(struct weftp_logfile *file);

#endif
