/*
 * Whole lines to a descriptor that belongs to the application: stdout, stderr, or another number.
 *
 * Its job: write lines through a private duplicate, and only as long as the number still means the
 * same file; finish what was begun; wait within bounds; tear nothing when several processes share a
 * pipe; never die of SIGPIPE. Not its job: opening files (kit/logfile.h).
 *
 *   function       | called by
 *   ---------------|------------------------------------------
 *   all but forked | one thread at a time, cancellation disabled
 *   forked         | the child, in its only thread
 *
 * What the number means is looked at once a second at most, by the lines' own time. Until then
 * lines go where they went, and a pipe's reader sees no end of file. Then: closed or replaced by a
 * regular file that is another one, or by anything that the program opened for itself (close-on-
 * exec): lines are lost with EBADF until that ends. Replaced by a pipe, a terminal, a character
 * device or a local socket: lines go there. Where no duplicate can be made (EMFILE), they go to the
 * number itself, which is looked at before each write, until one can; tried once a second.
 * May include: port, public sink header.
 */
#ifndef WEFTP_SINKS_KIT_STREAM_H
#define WEFTP_SINKS_KIT_STREAM_H

#include <sys/stat.h>
#include <sys/types.h>
#include <weft/sys/sink.h>

#define WEFTP_STREAM_TIMEOUT_MS 1000

enum weftp_stream_lock { WEFTP_LOCK_AUTO, WEFTP_LOCK_ALWAYS, WEFTP_LOCK_NEVER };

struct weftp_stream {
    /* Set these after init. */
    uint32_t timeout_ms; /* longest wait for the lock and for room, where it does not block */
    unsigned lock;       /* enum weftp_stream_lock */
    /* The rest is stream.c's. */
    int number;    /* of the application */
    int fd;        /* the duplicate, or the number itself; -1: none */
    bool borrowed; /* fd is the number: no duplicate could be made */
    bool active;   /* fd may be written */
    bool begun;    /* the number has been looked at */
    bool known;    /* dev, ino and kind are those of the file that lines last went to */
    bool limited;  /* a regular file, and RLIMIT_FSIZE is finite */
    bool stalled;  /* the last wait was in vain: do not wait again until something goes out */
    int why;       /* errno, while not active */
    dev_t dev;
    ino_t ino;
    mode_t kind;        /* S_IFMT bits */
    int64_t checked_ns; /* time of the line that the number was last looked at for */
    char *rest;         /* what is left of a line that has begun to go out; owned */
    size_t rest_size, rest_done;
    struct weft_sink_error error;
};

/* Begin. A number that is not open is no error: it is looked at again. */
void weftp_stream_init(struct weftp_stream *stream, int number);
/*
 * Write one line, whole. A line of which a part went out counts as taken: its remainder is kept and
 * goes first.
 * @retval WEFT_EIO  The line is lost; stream->error says why.
 */
weft_status weftp_stream_put(struct weftp_stream *stream, const struct weft_line *line);
/* Finish a line that has begun. @retval WEFT_ETIMEOUT  Something is left. */
weft_status weftp_stream_flush(struct weftp_stream *stream, uint32_t timeout_ms);
/* Whether lines go to a terminal, outside of containers. */
bool weftp_stream_terminal(const struct weftp_stream *stream);
void weftp_stream_forked(struct weftp_stream *stream);
/* Try once more to finish what has begun, without waiting, and close the duplicate. */
void weftp_stream_deinit(struct weftp_stream *stream);

#endif
