/*
 * What was printed on one stream: from bytes in its pipe to records.
 *
 * Its job: reading, cutting into lines. Not its job: threads, waiting, descriptors (capture.c, port/stdio.h).
 *
 *   function             | called by
 *   ---------------------|---------------------------------------------
 *   on, fd, waiting      | any thread
 *   set_fd, set_on, read,| the holder of capture.c's lock
 *   take_rest            |
 *
 * Errno is not kept. Allocates: what a log call does. May include: as system.h.
 */
#ifndef WEFTP_WEFT_PRINTS_H
#define WEFTP_WEFT_PRINTS_H

#include "../port/stdio.h"

#include <weft/logger.h>

#define WEFTP_PRINTS_BUFFER_MAX ((size_t)64 << 10) /* bytes that are read at once */

struct weftp_prints {
    const char *name;
    int number, level;
    weft_logger *logger;
    bool on;           /* atomic */
    int fd;            /* atomic; -1: the program has put something else in the place of the pipe */
    int64_t thread_id; /* atomic: of the thread that reads */
    int64_t silent_ms; /* since when a line waits for its end; 0: none does */
    struct weftp_stdio_rest rest; /* its data has WEFTP_PRINTS_BUFFER_MAX bytes */
};

bool weftp_prints_on(const struct weftp_prints *stream);
void weftp_prints_set_on(struct weftp_prints *stream, bool on);
/* What to read from; -1: nothing. */
int weftp_prints_fd(const struct weftp_prints *stream);
void weftp_prints_set_fd(struct weftp_prints *stream, int fd);
/* How many bytes are in the pipe now. */
size_t weftp_prints_waiting(const struct weftp_prints *stream);
/*
 * Read once and make records of whole lines; false: there is nothing (more) to read now, or *budget, in bytes, is used
 * up. At the end of the pipe it is closed.
 */
bool weftp_prints_read(struct weftp_prints *stream, size_t *budget);
/* The line that waits for its end becomes a record as it is. */
void weftp_prints_take_rest(struct weftp_prints *stream);

#endif
