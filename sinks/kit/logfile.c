#include "logfile.h"

#include "../../src/port/io.h"
#include "../../src/port/lock.h"
#include "../../src/port/wait.h"
#include "fragment.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPEN_TRIES_MAX                                                                             \
    200 /* a file that is renamed or locked by another process just now: 1 ms each */
#define ANEW_TRIES_MAX  8 /* times that a line is begun anew since another one got into it */
#define OPEN_PAUSE_NS   1000000
#define OPEN_FLAGS_BASE (O_CLOEXEC | O_NOCTTY | O_NONBLOCK)

static int note(struct weftp_logfile *file, int err, const char *what)
{
    file->error = (struct weft_sink_error){.err = err, .what = what};
    return err;
}

static int open_flags(const struct weftp_logfile *file)
{
    return OPEN_FLAGS_BASE | (file->follow ? 0 : O_NOFOLLOW);
}

static void note_aside(struct weftp_logfile *file, const char *what)
{
    file->aside = (struct weft_sink_error){.err = errno, .what = what};
}

/* Give a new file the permissions and the group that were asked for, and a lasting name. */
static void adorn(struct weftp_logfile *file, int dir, int fd)
{
    if (file->has_group && weftp_io.fchown(fd, (uid_t)-1, file->group) != 0)
        note_aside(file, "group");
    if (file->mode_exact) (void)fchmod(fd, (mode_t)file->mode);
    if (file->durable && weftp_io.fsync(dir) != 0) note_aside(file, "fsync");
}

static int open_or_make_at(struct weftp_logfile *file, int dir, const char *name)
{
    const int flags = open_flags(file) | O_APPEND | (file->binary ? O_RDWR : O_WRONLY);
    int fd = weftp_io_openat(dir, name, flags, 0);
    if (fd >= 0 || errno != ENOENT) return fd;
    fd = weftp_io_openat(dir, name, flags | O_CREAT | (file->follow ? 0 : O_EXCL),
                         (mode_t)file->mode);
    if (fd >= 0) adorn(file, dir, fd);
    return fd;
}

/* Open what is there, or make it. -1 and EEXIST: it came between the two. */
static int open_or_make(struct weftp_logfile *file)
{
    /* The directory by itself: no link can come in between the look at it and the use. */
    const int dir = weftp_io_open_dir(file->dir, file->follow);
    if (dir < 0) return -1;
    const int fd = open_or_make_at(file, dir, strrchr(file->path, '/') + 1);
    const int err = errno;
    close(dir);
    errno = err;
    return fd;
}

static int stat_path(const struct weftp_logfile *file, struct stat *out)
{
    return fstatat(AT_FDCWD, file->path, out, file->follow ? 0 : AT_SYMLINK_NOFOLLOW);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/*
 * Whether the last byte is something else than a newline. What cannot be read is taken to be whole.
 */
static bool ends_torn(const struct weftp_logfile *file, const struct stat *own)
{
    struct stat now;
    char last = '\n';
    if (own->st_size == 0 || file->binary) return false;
    const int fd = weftp_io_openat(AT_FDCWD, file->path, open_flags(file) | O_RDONLY, 0);
    if (fd < 0) return false;
    if (fstat(fd, &now) == 0 && is_same(&now, own) && pread(fd, &last, 1, own->st_size - 1) != 1)
        last = '\n';
    close(fd);
    return last != '\n';
}

/*
 * Lock a file that was just opened, and look at its end while no other process writes it. Returns
 * 0, an errno, or EAGAIN: it is being renamed or compressed. At the last try a file that another
 * program keeps locked in its place is taken without the lock.
 */
static int settle(const struct weftp_logfile *file, int fd, bool last, struct stat *own,
                  uint64_t *torn_at)
{
    struct stat at;
    if (weftp_io_flock_now(fd, LOCK_EX) == 0 && fstat(fd, own) == 0 && ends_torn(file, own))
        *torn_at = (uint64_t)own->st_size;
    if (weftp_io_flock_now(fd, LOCK_SH) != 0 && errno == EWOULDBLOCK && !last) return EAGAIN;
    if (fstat(fd, own) != 0) return errno;
    if (stat_path(file, &at) != 0) return errno == ENOENT ? EAGAIN : errno;
    return is_same(&at, own) ? 0 : EAGAIN;
}

/* What a descriptor is good for. Returns 0 or an errno. */
static int examine(const struct weftp_logfile *file, int fd, bool last, struct stat *own,
                   uint64_t *torn_at)
{
    if (fstat(fd, own) != 0) return errno;
    if (S_ISREG(own->st_mode)) return settle(file, fd, last, own, torn_at);
    if (!S_ISCHR(own->st_mode)) return S_ISDIR(own->st_mode) ? EISDIR : ESPIPE;
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0 ? 0 : errno;
}

static void replace(struct weftp_logfile *file, int fd, const struct stat *own, uint64_t torn_at)
{
    weftp_logfile_close(file);
    file->fd = fd;
    file->regular = S_ISREG(own->st_mode);
    file->limited = file->regular && weftp_io_size_limited();
    file->inherited = file->reserved = false;
    file->fresh = true;
    file->size = file->regular ? (uint64_t)own->st_size : 0;
    file->torn_at = torn_at;
    file->dev = own->st_dev;
    file->ino = own->st_ino;
}

int weftp_logfile_open(struct weftp_logfile *file)
{
    int err = EAGAIN;
    for (unsigned tries = 0; tries < OPEN_TRIES_MAX; tries++) {
        struct stat own;
        uint64_t torn_at = WEFTP_LOGFILE_WHOLE;
        const int fd = open_or_make(file);
        if (fd < 0 && errno == EEXIST) continue;
        if (fd < 0) return note(file, errno, "open");
        err = examine(file, fd, tries + 1 == OPEN_TRIES_MAX, &own, &torn_at);
        if (err == 0) {
            replace(file, fd, &own, torn_at);
            return 0;
        }
        close(fd);
        if (err != EAGAIN) break;
        weftp_sleep_ns(OPEN_PAUSE_NS);
    }
    return note(file, err, "open");
}

/*
 * A descriptor came by fork, and the path cannot be opened (rights were given up). It is written on,
 * under the lock that the parent lets go of when it rotates; not when the file is gone, or being
 * compressed.
 */
static void use_inherited(struct weftp_logfile *file)
{
    struct stat own;
    const bool usable = fstat(file->fd, &own) == 0 && own.st_nlink > 0 &&
                        (weftp_io_flock_now(file->fd, LOCK_SH) == 0 || errno != EWOULDBLOCK);
    if (!usable)
        weftp_logfile_close(file);
    else if (file->regular)
        file->size = (uint64_t)own.st_size;
}

int weftp_logfile_check(struct weftp_logfile *file)
{
    struct stat own, at;
    if (file->inherited) {
        const int err = weftp_logfile_open(file);
        if (err != 0) use_inherited(file);
        return err;
    }
    if (fstat(file->fd, &own) != 0 || own.st_dev != file->dev || own.st_ino != file->ino) {
        /* The program closed all numbers from 3 on; by now this one may be a file of its own. */
        file->fd = -1;
        return weftp_logfile_open(file);
    }
    const bool in_place = own.st_nlink > 0 && stat_path(file, &at) == 0 && is_same(&own, &at);
    if (file->regular) file->size = (uint64_t)own.st_size;
    if (in_place) {
        if (file->regular)
            (void)weftp_io_flock_now(file->fd, LOCK_SH); /* it may not have been free before */
        file->limited = file->regular && weftp_io_size_limited();
        return 0;
    }
    const int err = weftp_logfile_open(file);
    if (err != 0 && own.st_nlink == 0) weftp_logfile_close(file);
    return err;
}

/*
 * A fragment of `done` bytes was written and its rest cannot be: cut it off, when no other process
 * writes (else its line might be cut), or blank it, or remember to close it off.
 */
static void cut_fragment(struct weftp_logfile *file, size_t done)
{
    uint64_t end = 0;
    if (!file->regular || done == 0) return;
    const bool is_last = weftp_fragment_is_last(file->fd, &end);
    if (end < done) return;
    const bool cut = is_last && weftp_fragment_cut(file->fd, done);
    file->size = cut ? end - done : end;
    if (!cut && !weftp_fragment_blank(file->fd, end, done) && is_last) file->torn_at = end;
}

static ssize_t write_masked(struct weftp_logfile *file, const char *data, size_t size)
{
    return weftp_io_write_masked(file->fd, data, size, SIGXFSZ);
}

/*
 * Finish one line of which `done` bytes are out. After a short write: only while nothing of others
 * stands behind it.
 */
static bool put_line(struct weftp_logfile *file, const char *data, size_t size, size_t done)
{
    uint64_t end = 0;
    for (unsigned anew = 0; done < size;) {
        if (done > 0 && file->regular && !weftp_fragment_is_last(file->fd, &end)) {
            (void)weftp_fragment_blank(file->fd, end, done);
            if (++anew > ANEW_TRIES_MAX) return note(file, EIO, "write") == 0;
            done = 0;
        }
        const ssize_t got = write_masked(file, data + done, size - done);
        if (got > 0) {
            done += (size_t)got;
            file->size += (size_t)got;
        } else if (got == 0 || errno != EINTR) {
            note(file, got == 0 ? EIO : errno, "write");
            cut_fragment(file, done);
            return false;
        }
    }
    return true;
}

/* Close off a fragment that still stands at the end of the file. */
static bool heal(struct weftp_logfile *file)
{
    struct stat own;
    if (file->torn_at == WEFTP_LOGFILE_WHOLE) return true;
    if (fstat(file->fd, &own) == 0 && (uint64_t)own.st_size == file->torn_at &&
        !put_line(file, "\n", 1, 0))
        return false;
    file->torn_at = WEFTP_LOGFILE_WHOLE;
    return true;
}

static size_t put_slowly(struct weftp_logfile *file, const struct iovec *lines, size_t count,
                         size_t done)
{
    for (size_t i = 0; i < count; i++) {
        const size_t size = lines[i].iov_len;
        if (done >= size) {
            done -= size;
            continue;
        }
        if (!put_line(file, lines[i].iov_base, size, done)) return i;
        done = 0;
    }
    return count;
}

/* Whether the lines stand one behind the other, so that one write takes them all. */
static bool is_contiguous(const struct iovec *lines, size_t count, size_t total)
{
    const struct iovec *last = &lines[count - 1];
    return (const char *)last->iov_base + last->iov_len == (const char *)lines->iov_base + total &&
           (uintptr_t)lines->iov_base <= (uintptr_t)last->iov_base;
}

int weftp_logfile_write(struct weftp_logfile *file, const char *data, size_t size, size_t *done)
{
    for (*done = 0; *done < size;) {
        const ssize_t got = file->limited ? write_masked(file, data + *done, size - *done)
                                          : weftp_io.write(file->fd, data + *done, size - *done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return note(file, got < 0 ? errno : EIO, "write");
        *done += (size_t)got;
        file->size += (size_t)got;
        file->limited = file->limited || *done < size; /* as in put */
    }
    return 0;
}

/* A write of `count` lines returned `got`, which is not all. Returns how many lines are out. */
static size_t put_rest(struct weftp_logfile *file, const struct iovec *lines, size_t count,
                       ssize_t got)
{
    if (got < 0 && errno != EINTR) {
        note(file, errno, "write");
        if (errno == EFBIG) file->limited = true;
        return 0;
    }
    if (got > 0) file->size += (size_t)got;
    /* A file that took only a part may be at its limit: from here on SIGXFSZ must be expected. */
    if (file->regular) file->limited = true;
    return put_slowly(file, lines, count, got < 0 ? 0 : (size_t)got);
}

bool weftp_logfile_put_quick(struct weftp_logfile *file, const char *data, size_t size)
{
    const ssize_t got = weftp_io.write(file->fd, data, size);
    if (__builtin_expect(got == (ssize_t)size, 1)) {
        file->size += size;
        return true;
    }
    const struct iovec line = {(void *)(uintptr_t)data, size};
    const int cancel_state = weftp_cancel_disable();
    const bool whole = put_rest(file, &line, 1, got) == 1;
    weftp_cancel_restore(cancel_state);
    return whole;
}

size_t weftp_logfile_put(struct weftp_logfile *file, const struct iovec *lines, size_t count)
{
    size_t total = 0;
    if (file->torn_at != WEFTP_LOGFILE_WHOLE && !heal(file)) return 0;
    if (file->limited) return put_slowly(file, lines, count, 0);
    for (size_t i = 0; i < count; i++) total += lines[i].iov_len;
    const bool one = count == 1 || is_contiguous(lines, count, total);
    if (!one && count > WEFTP_LOGFILE_PARTS_MAX) return 0; /* the caller's mistake */
    const ssize_t got = one ? weftp_io.write(file->fd, lines->iov_base, total)
                            : weftp_io.writev(file->fd, lines, (int)count);
    if (got != (ssize_t)total) return put_rest(file, lines, count, got);
    file->size += total;
    return count;
}

void weftp_logfile_forked(struct weftp_logfile *file)
{
    file->inherited = file->fd >= 0;
}

/*
 * Cut off the blocks beyond the end. Only when nobody else writes, since the end must not move
 * meanwhile: the last writer does it.
 */
static void give_back(const struct weftp_logfile *file)
{
    struct stat own;
    if (weftp_io_flock_now(file->fd, LOCK_EX) == 0 && fstat(file->fd, &own) == 0)
        (void)weftp_io.ftruncate(file->fd, own.st_size);
}

void weftp_logfile_close(struct weftp_logfile *file)
{
    if (file->fd < 0) return;
    if (file->reserved && !file->inherited) give_back(file);
    /*
     * A child may hold this descriptor too, and would keep the lock; but the lock of a parent is
     * not ours to give.
     */
    if (!file->inherited) (void)flock(file->fd, LOCK_UN);
    close(file->fd);
    file->fd = -1;
    file->torn_at = WEFTP_LOGFILE_WHOLE;
}
