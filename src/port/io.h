/*
 * The system calls that sinks make, behind one table of functions, so that tests can put EINTR,
 * short writes and dying in their place.
 *
 * Its job: the calls, and signals that a write would raise. Not its job: what is retried (the sinks
 * know).
 *
 * All are cancellation points or may be: the caller has disabled cancellation. Async-signal-safe.
 * Level 0.
 */
#ifndef WEFTP_PORT_IO_H
#define WEFTP_PORT_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>

struct weftp_io {
    ssize_t (*write)(int fd, const void *data, size_t size);      /* no cancellation point */
    ssize_t (*write_pipe)(int fd, const void *data, size_t size); /* without SIGPIPE */
    ssize_t (*writev)(int fd, const struct iovec *parts, int count);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    /* fallocate(2) with FALLOC_FL_KEEP_SIZE, without SIGXFSZ: blocks beyond the end, which stays. */
    int (*reserve)(int fd, off_t at, off_t size);
    int (*fstatvfs)(int fd, struct statvfs *out);
    int (*ftruncate)(int fd, off_t size);
    int (*fchown)(int fd, uid_t owner, gid_t group);
    int (*renameat)(int old_dir, const char *old_name, int new_dir, const char *new_name);
    int (*unlinkat)(int dir, const char *name, int flags);
};
/* The calls in use: the system's own. Only tests change it, before any thread is started. */
extern struct weftp_io weftp_io;

/*
 * write(2), but the signal that it raises together with an error (SIGPIPE with EPIPE, SIGXFSZ with
 * EFBIG) is swallowed, whatever this thread's mask and the process's disposition are. One that was
 * pending before stays pending. Costs two or three more system calls.
 */
ssize_t weftp_io_write_masked(int fd, const void *data, size_t size, int signal_number);
/* The same for writev(2). */
ssize_t weftp_io_writev_masked(int fd, const struct iovec *parts, int count, int signal_number);
/* pwrite(2) that raises no SIGXFSZ, in the same way. */
ssize_t weftp_io_pwrite_masked(int fd, const void *data, size_t size, off_t at);
/*
 * Move a new descriptor out of the numbers of stdio, where the program's prints would find it;
 * closes the old number. Keeps close-on-exec set. Returns the descriptor, or -1 (and the old one
 * closed) with errno set. Passes -1 through.
 */
int weftp_io_private(int fd);
/*
 * When the file was made, in nanoseconds since 1970, by the file system; false where it does not
 * keep that.
 */
bool weftp_io_birth_ns(int fd, int64_t *out);
/* flock(2) without waiting, tried again after EINTR. Returns 0, or -1 with errno set. */
int weftp_io_flock_now(int fd, int operation);
/*
 * Take an exclusive flock(2), waiting at most timeout_ms. Returns 0, EAGAIN: somebody has it, or
 * another errno: there are no such locks here.
 */
int weftp_io_flock_wait(int fd, uint32_t timeout_ms);
/*
 * openat(2), tried again after EINTR, with a descriptor beyond those of stdio. `flags` should have
 * O_CLOEXEC. Returns the descriptor, or -1 with errno set.
 */
int weftp_io_openat(int dir, const char *name, int flags, mode_t mode);
/*
 * Open a directory, for what is in it; unless `follow`, a symbolic link in its place is refused with
 * ELOOP. Returns the descriptor, or -1 with errno set.
 */
int weftp_io_open_dir(const char *path, bool follow);
/* Whether RLIMIT_FSIZE is finite, so that a write to a file can raise SIGXFSZ. */
bool weftp_io_size_limited(void);
/*
 * Whether this process runs inside a container that says so by a file (Docker, Podman, Kubernetes).
 */
bool weftp_io_in_container(void);

#endif
