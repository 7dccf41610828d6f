#include "io.h"

#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h> /* renameat */
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

struct mask {
    sigset_t only, old;
    bool pending; /* it was pending before: not ours to take */
};

static void mask_enter(struct mask *mask, int signal_number)
{
    sigemptyset(&mask->only);
    sigaddset(&mask->only, signal_number);
    mask->pending = false;
    pthread_sigmask(SIG_BLOCK, &mask->only, &mask->old);
    /*
     * One that this thread does not block cannot have been pending for it; so most calls need not
     * ask.
     */
    if (sigismember(&mask->old, signal_number) == 1) {
        sigset_t pending;
        mask->pending = sigpending(&pending) == 0 && sigismember(&pending, signal_number) == 1;
    }
}

/* Keeps errno. */
static void mask_leave(struct mask *mask, bool raised)
{
    const int err = errno;
    if (raised && !mask->pending) {
        const struct timespec now = {0, 0};
        while (sigtimedwait(&mask->only, NULL, &now) < 0 && errno == EINTR) continue;
    }
    pthread_sigmask(SIG_SETMASK, &mask->old, NULL);
    errno = err;
}

static bool raises(ssize_t result)
{
    return result < 0 && (errno == EPIPE || errno == EFBIG);
}

/*
 * By number: where there are threads the C library's own looks at cancellation before and after,
 * with an atomic operation each, and it is disabled here anyway.
 */
static ssize_t write_plain(int fd, const void *data, size_t size)
{
    return syscall(SYS_write, fd, data, size);
}

ssize_t weftp_io_write_masked(int fd, const void *data, size_t size, int signal_number)
{
    struct mask mask;
    mask_enter(&mask, signal_number);
    const ssize_t result = weftp_io.write(fd, data, size);
    mask_leave(&mask, raises(result));
    return result;
}

ssize_t weftp_io_writev_masked(int fd, const struct iovec *parts, int count, int signal_number)
{
    struct mask mask;
    mask_enter(&mask, signal_number);
    const ssize_t result = weftp_io.writev(fd, parts, count);
    mask_leave(&mask, raises(result));
    return result;
}

/* Linux 6.18 and newer can be told not to raise SIGPIPE: one system call instead of three. */
#ifndef RWF_NOSIGNAL
#define RWF_NOSIGNAL 0x100
#endif
static atomic_bool has_nosignal = true;

static ssize_t write_pipe(int fd, const void *data, size_t size)
{
    if (atomic_load_explicit(&has_nosignal, memory_order_relaxed)) {
        const struct iovec part = {(void *)(uintptr_t)data, size};
        /*
         * By number: older C libraries have no function for it. -1, in two halves: where the
         * descriptor stands.
         */
        const ssize_t got = syscall(SYS_pwritev2, fd, &part, 1, -1L, -1L, (long)RWF_NOSIGNAL);
        if (got >= 0 ||
            (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINVAL && errno != EPERM))
            return got;
        atomic_store_explicit(&has_nosignal, false, memory_order_relaxed);
    }
    return weftp_io_write_masked(fd, data, size, SIGPIPE);
}

ssize_t weftp_io_pwrite_masked(int fd, const void *data, size_t size, off_t at)
{
    struct mask mask;
    mask_enter(&mask, SIGXFSZ);
    const ssize_t result = pwrite(fd, data, size, at);
    mask_leave(&mask, raises(result));
    return result;
}

/* Some file systems, as tmpfs, hold blocks beyond a size limit against the process, too. */
static int reserve(int fd, off_t at, off_t size)
{
    struct mask mask;
    mask_enter(&mask, SIGXFSZ);
    const int result = fallocate(fd, FALLOC_FL_KEEP_SIZE, at, size);
    mask_leave(&mask, raises(result));
    return result;
}

struct weftp_io weftp_io = {
    .write = write_plain,
    .write_pipe = write_pipe,
    .writev = writev,
    .fsync = fsync,
    .fdatasync = fdatasync,
    .reserve = reserve,
    .fstatvfs = fstatvfs,
    .ftruncate = ftruncate,
    .fchown = fchown,
    .renameat = renameat,
    .unlinkat = unlinkat,
};

int weftp_io_private(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO) return fd;
    const int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    const int err = errno;
    close(fd);
    errno = err;
    return moved;
}

#ifdef STATX_BTIME
bool weftp_io_birth_ns(int fd, int64_t *out)
{
    struct statx found;
    if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &found) != 0) return false;
    if (!(found.stx_mask & STATX_BTIME) || found.stx_btime.tv_sec <= 0) return false;
    *out = found.stx_btime.tv_sec * INT64_C(1000000000) + found.stx_btime.tv_nsec;
    return true;
}
#else /* musl has had statx since 1.2.5 only */
bool weftp_io_birth_ns(int fd, int64_t *out)
{
    (void)fd, (void)out;
    return false;
}
#endif

int weftp_io_flock_now(int fd, int operation)
{
    int result;
    do {
        result = flock(fd, operation | LOCK_NB);
    } while (result < 0 && errno == EINTR);
    return result;
}

int weftp_io_flock_wait(int fd, uint32_t timeout_ms)
{
    struct weftp_wait wait;
    weftp_wait_start(&wait, timeout_ms);
    while (weftp_io_flock_now(fd, LOCK_EX) != 0) {
        if (errno != EWOULDBLOCK) return errno;
        if (!weftp_wait_pause(&wait)) return EAGAIN;
    }
    return 0;
}

int weftp_io_openat(int dir, const char *name, int flags, mode_t mode)
{
    int fd;
    do {
        fd = openat(dir, name, flags, mode);
    } while (fd < 0 && errno == EINTR);
    return weftp_io_private(fd);
}

int weftp_io_open_dir(const char *path, bool follow)
{
    struct stat found;
    const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW);
    const int dir = weftp_io_openat(AT_FDCWD, path, flags, 0);
    if (dir < 0 && errno == ENOTDIR) /* what Linux says of a link there */
        errno = lstat(path, &found) == 0 && S_ISLNK(found.st_mode) ? ELOOP : ENOTDIR;
    return dir;
}

bool weftp_io_size_limited(void)
{
    struct rlimit limit;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
}

bool weftp_io_in_container(void)
{
    static const char *const marks[] = {"/.dockerenv", "/run/.containerenv",
                                        "/run/secrets/kubernetes.io"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        if (access(marks[i], F_OK) == 0) return true;
    }
    return false;
}
