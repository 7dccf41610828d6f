#include "stream.h"

#include "../../src/port/io.h"
#include "../../src/port/pipe_lock.h"
#include "../../src/port/stdio.h"
#include "../../src/port/wait.h"
#include "due.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PRIVATE_FD_MIN 3      /* a duplicate never takes a number that stdio would */
#define CROWDED_NS     100000 /* a write that took longer has waited for the reader */

/* A bounded wait that begins with the first need for it. */
struct patience {
    struct weftp_wait wait;
    uint32_t timeout_ms;
    bool begun;
};

static weft_status fail(struct weftp_stream *stream, int err, const char *what)
{
    stream->error = (struct weft_sink_error){.err = err, .what = what};
    return WEFT_EIO;
}

static const char *gone_text(const struct weftp_stream *stream)
{
    if (stream->number == STDOUT_FILENO) return "stdout was closed or replaced";
    if (stream->number == STDERR_FILENO) return "stderr was closed or replaced";
    return "the descriptor was closed or replaced";
}

static void drop_rest(struct weftp_stream *stream)
{
    free(stream->rest);
    stream->rest = NULL;
    stream->rest_size = stream->rest_done = 0;
}

static void close_fd(struct weftp_stream *stream)
{
    const bool own = stream->fd >= 0 && !stream->borrowed;
    if (own && S_ISFIFO(stream->kind)) weftp_pipe_close(stream->fd, stream->ino);
    if (own && !S_ISFIFO(stream->kind)) close(stream->fd);
    stream->fd = -1;
    stream->borrowed = false;
}

static bool is_same(const struct weftp_stream *stream, const struct stat *now)
{
    return stream->known && stream->dev == now->st_dev && stream->ino == now->st_ino &&
           stream->kind == (now->st_mode & S_IFMT);
}

static bool is_local_socket(int fd)
{
    int family = 0;
    socklen_t size = sizeof family;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &size) == 0 && family == AF_UNIX;
}

/*
 * Whether lines may go to what the number means now, when it is not what it was. What a program is
 * started with is never close-on-exec; what it opens for itself, and what may by chance have got a
 * low number, often is.
 */
static bool is_acceptable(const struct weftp_stream *stream, const struct stat *now)
{
    const int real = weftp_stdio_real(stream->number);
    const int flags = fcntl(real, F_GETFD);
    const bool own = real <= STDERR_FILENO && flags >= 0 && (flags & FD_CLOEXEC) != 0;
    if (flags < 0 || own) return false;
    if (S_ISFIFO(now->st_mode) || S_ISCHR(now->st_mode)) return true;
    if (S_ISSOCK(now->st_mode)) return !stream->begun || is_local_socket(real);
    return S_ISREG(now->st_mode) && (is_same(stream, now) || !stream->begun);
}

/*
 * Stop writing. A pipe is let go, so that its reader sees the end; a regular file stays open,
 * unwritten: while it is open no other file can get its inode number and be taken for it.
 */
static void lose(struct weftp_stream *stream)
{
    stream->active = false;
    drop_rest(stream);
    if (stream->borrowed || !S_ISREG(stream->kind)) close_fd(stream);
}

/*
 * Write to this from now on: a duplicate, or where none can be made (EMFILE, and EINVAL under a
 * limit of 3), the number itself. Returns 0 or an errno.
 */
static int take_fd(struct weftp_stream *stream, const struct stat *seen)
{
    struct stat got;
    const int real = weftp_stdio_real(stream->number);
    const int fd = fcntl(real, F_DUPFD_CLOEXEC, PRIVATE_FD_MIN);
    if (fd < 0 && errno == EBADF) return EBADF;
    /* Between looking and duplicating another thread may have put something else there. */
    if (fstat(fd < 0 ? real : fd, &got) != 0 || got.st_dev != seen->st_dev ||
        got.st_ino != seen->st_ino) {
        if (fd >= 0) close(fd);
        return EBADF;
    }
    close_fd(stream);
    stream->fd = fd < 0 ? real : fd;
    stream->borrowed = fd < 0;
    return 0;
}

/* Go on with what the number means now. */
static void adopt(struct weftp_stream *stream, const struct stat *seen)
{
    const int err = take_fd(stream, seen);
    if (err != 0) {
        stream->why = err;
        return;
    }
    drop_rest(stream);
    stream->dev = seen->st_dev;
    stream->ino = seen->st_ino;
    stream->kind = seen->st_mode & S_IFMT;
    stream->known = stream->active = true;
    stream->stalled = false;
}

/*
 * A program that closes all numbers from 3 on closes the duplicate too, and its next file may get
 * that number.
 */
static void check_duplicate(struct weftp_stream *stream)
{
    struct stat own;
    if (stream->fd < 0 || stream->borrowed) return;
    if (fstat(stream->fd, &own) == 0 && is_same(stream, &own)) return;
    stream->fd = -1;
    stream->active = false;
}

static void check(struct weftp_stream *stream)
{
    struct stat now;
    check_duplicate(stream);
    stream->why = EBADF;
    if (fstat(weftp_stdio_real(stream->number), &now) != 0) {
        stream->why = errno;
        lose(stream);
    } else if (!stream->active || !is_same(stream, &now)) {
        const bool accepted = is_acceptable(stream, &now);
        if (!accepted || stream->active) lose(stream);
        if (accepted) adopt(stream, &now);
    } else if (stream->borrowed) {
        (void)take_fd(stream, &now); /* perhaps a duplicate can be made by now */
    }
    stream->begun = true;
    stream->limited = stream->active && S_ISREG(stream->kind) && weftp_io_size_limited();
}

/* Without a duplicate nothing keeps the number from being closed and used again at any time. */
static bool is_still_there(const struct weftp_stream *stream)
{
    struct stat now;
    return !stream->borrowed || (fstat(stream->fd, &now) == 0 && is_same(stream, &now));
}

/* One call of the kind that this descriptor needs. */
static ssize_t write_some(struct weftp_stream *stream, const char *data, size_t size)
{
    if (!is_still_there(stream)) {
        errno = EBADF;
        return -1;
    }
    switch (stream->kind) {
    case S_IFSOCK: return send(stream->fd, data, size, MSG_NOSIGNAL);
    case S_IFIFO: return weftp_io.write_pipe(stream->fd, data, size);
    default:
        if (stream->limited) return weftp_io_write_masked(stream->fd, data, size, SIGXFSZ);
        return weftp_io.write(stream->fd, data, size);
    }
}

static bool wait_writable(struct weftp_stream *stream, struct patience *patience)
{
    if (stream->stalled) return false;
    if (!patience->begun) weftp_wait_start(&patience->wait, patience->timeout_ms);
    patience->begun = true;
    const int left_ms = weftp_wait_left_ms(&patience->wait);
    struct pollfd poll_fd = {.fd = stream->fd, .events = POLLOUT};
    const int ready = poll(&poll_fd, 1, left_ms);
    if (ready > 0) return true;
    /* A signal, or the whole of the time gone by. */
    if (weftp_wait_left_ms(&patience->wait) > 0) return true;
    stream->stalled = patience->timeout_ms > 0;
    return false;
}

/* Write until all is out, an error, or the end of patience (EAGAIN). Returns 0 or an errno. */
static int transfer(struct weftp_stream *stream, const char *data, size_t size, size_t *done,
                    struct patience *patience)
{
    while (*done < size) {
        const ssize_t got = write_some(stream, data + *done, size - *done);
        if (got > 0) {
            *done += (size_t)got;
            stream->stalled = false;
            /* A file that took only a part is at its limit: the next call may raise SIGXFSZ. */
            if (*done < size && S_ISREG(stream->kind)) stream->limited = true;
        } else if (got == 0) {
            return EIO;
        } else if (errno == EAGAIN) {
            if (!wait_writable(stream, patience)) return EAGAIN;
        } else if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

static int finish_rest(struct weftp_stream *stream, struct patience *patience)
{
    if (!stream->rest) return 0;
    const int err = transfer(stream, stream->rest, stream->rest_size, &stream->rest_done, patience);
    if (err == 0 || err == EPIPE) drop_rest(stream);
    return err;
}

/*
 * Keep what is left of a line. Without memory for it, at least its end: the next line begins on a
 * line of its own.
 */
static bool keep_rest(struct weftp_stream *stream, const char *data, size_t size)
{
    stream->rest = malloc(size);
    stream->rest_size = size;
    stream->rest_done = 0;
    if (stream->rest) {
        memcpy(stream->rest, data, size);
        return true;
    }
    stream->rest = malloc(1);
    stream->rest_size = 1;
    if (stream->rest) *stream->rest = '\n';
    return false;
}

/*
 * Short lines too: they are atomic, but would get into the middle of a long one whose writer waits
 * for room.
 */
static bool needs_lock(const struct weftp_stream *stream)
{
    return stream->kind == S_IFIFO && stream->lock != WEFTP_LOCK_NEVER;
}

static weft_status put_unlocked(struct weftp_stream *stream, const struct weft_line *line,
                                struct patience *patience)
{
    size_t done = 0;
    int err = finish_rest(stream, patience);
    if (err == 0) err = transfer(stream, line->data, line->size, &done, patience);
    if (err == 0) return WEFT_OK;
    if (err == EBADF) stream->checked_ns = INT64_MIN;
    if (done > 0 && err != EPIPE && keep_rest(stream, line->data + done, line->size - done))
        return WEFT_OK;
    return fail(stream, err, err == EBADF ? gone_text(stream) : "write");
}

/* Lines that are atomic by themselves need no look for room. False: no room in time. */
static bool has_room(struct weftp_stream *stream, size_t size, uint32_t timeout_ms)
{
    bool waited;
    if (size <= PIPE_BUF || weftp_pipe_wait_room(stream->fd, size, timeout_ms, &waited))
        return true;
    return weftp_pipe_blocks(stream->fd);
}

static weft_status put_locked(struct weftp_stream *stream, const struct weft_line *line,
                              struct patience *patience)
{
    const uint32_t timeout_ms = stream->stalled ? 0 : stream->timeout_ms;
    const size_t size = line->size + stream->rest_size - stream->rest_done;
    if (!weftp_pipe_lock(stream->fd, stream->ino, timeout_ms)) {
        stream->stalled = errno == EAGAIN;
        return fail(stream, errno, "lock");
    }
    const int64_t begin_ns = weftp_monotonic_ns();
    weft_status status;
    if (has_room(stream, size, timeout_ms)) {
        status = put_unlocked(stream, line, patience);
    } else {
        stream->stalled = true;
        status = fail(stream, EAGAIN, "write");
    }
    const int64_t taken_ns = weftp_monotonic_ns() - begin_ns;
    weftp_pipe_unlock(stream->fd, stream->ino);
    /* The reader is the slowest now: leave the others a moment in which they find the lock free. */
    if (taken_ns > CROWDED_NS && status == WEFT_OK) weftp_sleep_ns(1000);
    return status;
}

void weftp_stream_init(struct weftp_stream *stream, int number)
{
    *stream = (struct weftp_stream){
        .timeout_ms = WEFTP_STREAM_TIMEOUT_MS, .number = number, .fd = -1, .checked_ns = INT64_MIN};
    check(stream);
}

weft_status weftp_stream_put(struct weftp_stream *stream, const struct weft_line *line)
{
    if (weftp_due(line->time_ns, stream->checked_ns)) {
        stream->checked_ns = line->time_ns;
        check(stream);
    }
    if (!stream->active)
        return fail(stream, stream->why, stream->why == EBADF ? gone_text(stream) : "fstat");
    struct patience patience = {.timeout_ms = stream->timeout_ms};
    if (needs_lock(stream)) return put_locked(stream, line, &patience);
    return put_unlocked(stream, line, &patience);
}

static int flush_rest(struct weftp_stream *stream, struct patience *patience)
{
    if (!needs_lock(stream)) return finish_rest(stream, patience);
    if (!weftp_pipe_lock(stream->fd, stream->ino, patience->timeout_ms)) return errno;
    const int err = finish_rest(stream, patience);
    weftp_pipe_unlock(stream->fd, stream->ino);
    return err;
}

weft_status weftp_stream_flush(struct weftp_stream *stream, uint32_t timeout_ms)
{
    if (!stream->rest || !stream->active) return WEFT_OK;
    struct patience patience = {.timeout_ms = timeout_ms};
    stream->stalled = false;
    const int err = flush_rest(stream, &patience);
    if (err == 0) return WEFT_OK;
    fail(stream, err, "write");
    return err == EAGAIN ? WEFT_ETIMEOUT : WEFT_EIO;
}

bool weftp_stream_terminal(const struct weftp_stream *stream)
{
    return stream->active && isatty(stream->fd) && !weftp_io_in_container();
}

void weftp_stream_forked(struct weftp_stream *stream)
{
    weftp_pipe_lock_forked();
    /* What has begun is finished by the parent. */
    drop_rest(stream);
}

void weftp_stream_deinit(struct weftp_stream *stream)
{
    (void)weftp_stream_flush(stream, 0);
    drop_rest(stream);
    close_fd(stream);
}
