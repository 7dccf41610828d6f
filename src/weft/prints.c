#include "prints.h"

#include "../base/utf8.h"
#include "capture.h"
#include "system.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

_Static_assert(WEFTP_PRINTS_BUFFER_MAX > 2 * WEFTP_CAPTURE_LINE_MAX,
               "room for a line and what follows it");

bool weftp_prints_on(const struct weftp_prints *stream)
{
    return __atomic_load_n(&stream->on, __ATOMIC_ACQUIRE);
}

void weftp_prints_set_on(struct weftp_prints *stream, bool on)
{
    __atomic_store_n(&stream->on, on, __ATOMIC_RELEASE);
}

int weftp_prints_fd(const struct weftp_prints *stream)
{
    return weftp_prints_on(stream) ? __atomic_load_n(&stream->fd, __ATOMIC_RELAXED) : -1;
}

void weftp_prints_set_fd(struct weftp_prints *stream, int fd)
{
    __atomic_store_n(&stream->fd, fd, __ATOMIC_RELAXED);
}

size_t weftp_prints_waiting(const struct weftp_prints *stream)
{
    int bytes = 0;
    const int fd = weftp_prints_fd(stream);
    return fd >= 0 && ioctl(fd, FIONREAD, &bytes) == 0 && bytes > 0 ? (size_t)bytes : 0;
}

static void emit(const struct weftp_prints *stream, size_t size, bool partial)
{
    const struct weftp_print print = {
        .logger = stream->logger,
        .level = stream->level,
        .text = stream->rest.data + stream->rest.begin,
        .size = size,
        .partial = partial,
        .thread_id = __atomic_load_n(&stream->thread_id, __ATOMIC_RELAXED),
    };
    weftp_emit_print(&print);
}

/* What is a record now is none of the rest any more. */
static void consume(struct weftp_prints *stream, size_t size)
{
    __atomic_store_n(&stream->rest.begin, stream->rest.begin + size, __ATOMIC_RELEASE);
}

static void take_line(struct weftp_prints *stream, size_t size)
{
    const char *text = stream->rest.data + stream->rest.begin;
    const bool returns = size > 0 && text[size - 1] == '\r';
    if (size > (returns ? 1 : 0)) emit(stream, returns ? size - 1 : size, false);
    consume(stream, size + 1);
}

static void take_piece(struct weftp_prints *stream, size_t size)
{
    const char *text = stream->rest.data + stream->rest.begin;
    const size_t cut = weftp_utf8_cut(text, size, WEFTP_CAPTURE_LINE_MAX);
    emit(stream, cut, true);
    consume(stream, cut);
}

/* Make records of whole lines, and of pieces of those that are too long. */
static void take_lines(struct weftp_prints *stream)
{
    struct weftp_stdio_rest *rest = &stream->rest;
    while (rest->begin < rest->end) {
        const char *text = rest->data + rest->begin;
        const size_t size = rest->end - rest->begin;
        const char *newline = memchr(text, '\n', size);
        const size_t line = newline ? (size_t)(newline - text) : size;
        if (line > WEFTP_CAPTURE_LINE_MAX)
            take_piece(stream, line);
        else if (newline)
            take_line(stream, line);
        else
            break;
    }
}

/* What is left moves to the front. A crash in between finds it twice at worst. */
static void make_room(struct weftp_stdio_rest *rest)
{
    const size_t left = rest->end - rest->begin;
    if (rest->begin == 0) return;
    memmove(rest->data, rest->data + rest->begin, left);
    __atomic_store_n(&rest->begin, 0, __ATOMIC_RELEASE);
    __atomic_store_n(&rest->end, left, __ATOMIC_RELEASE);
}

bool weftp_prints_read(struct weftp_prints *stream, size_t *budget)
{
    struct weftp_stdio_rest *rest = &stream->rest;
    const int fd = weftp_prints_fd(stream);
    if (fd < 0 || *budget == 0 || weftp_stdio_is_rescued()) return false;
    make_room(rest);
    const ssize_t n = read(fd, rest->data + rest->end, WEFTP_PRINTS_BUFFER_MAX - rest->end);
    if (n < 0) return errno == EINTR;
    if (n == 0) { /* nobody has the other end: the program has put something else in its place */
        weftp_stdio_lost(stream->number);
        weftp_prints_set_fd(stream, -1);
        close(fd);
        return false;
    }
    __atomic_store_n(&rest->end, rest->end + (size_t)n, __ATOMIC_RELEASE);
    *budget -= (size_t)n < *budget ? (size_t)n : *budget;
    take_lines(stream);
    stream->silent_ms = rest->begin < rest->end ? weftp_monotonic_ms() : 0;
    return true;
}

void weftp_prints_take_rest(struct weftp_prints *stream)
{
    const size_t size = stream->rest.end - stream->rest.begin;
    if (size > 0) emit(stream, size, true);
    consume(stream, size);
    stream->silent_ms = 0;
}
