/*
 * WEFT_CAPTURE: prints of other code on stdout and stderr become records of the loggers `stdout` (INFO) and `stderr`
 * (WARN), one a line.
 *
 * Its job: from bytes in a pipe to records, in order with the caller's own. Not its job: descriptors and crashes
 * (port/stdio.h). A thread "weft-capture" reads; a log call reads first what was printed before it. No sink gets these
 * records that runs code of the program: what that printed would come back for ever.
 *
 *   function     | called by
 *   -------------|-----------------------------------------------------------
 *   apply, stop  | the holder of the system's lock
 *   catch_up     | a thread that is about to log, not from inside of a call
 *   fork_*       | the thread that forks, the child; the system's lock is held
 *
 * Its lock comes after the system's, before the loggers'. Nothing that is done under it waits for code of the program,
 * so that a sink that prints more than a pipe holds always finds a reader.
 */
#ifndef WEFTP_WEFT_CAPTURE_H
#define WEFTP_WEFT_CAPTURE_H

#include "../config/settings.h"

/* Bytes; what is longer becomes several records. A line of the console has room for it, and for some escapes. */
#define WEFTP_CAPTURE_LINE_MAX   ((size_t)12 << 10)
#define WEFTP_CAPTURE_SILENCE_MS 200 /* the beginning of a line waits so long for its end */
#define WEFTP_CAPTURE_ORDER_MS   50  /* a log call waits at most so long for prints before it */

/* Capture these streams (bits of enum weftp_capture_streams) and no others. Bad news is told to `complain`. */
void weftp_capture_apply(unsigned streams, weftp_complain complain, void *arg);
bool weftp_capture_is_on(void);
/* Make records of all that was printed, and put everything back as it was. */
void weftp_capture_stop(int64_t deadline_ms);
/* Make records of what was printed before this call. */
void weftp_capture_catch_up(void);

void weftp_capture_fork_prepare(int64_t deadline_ms);
void weftp_capture_fork_parent(void);
/* The child has its real descriptors; it captures again when it configures weft. */
void weftp_capture_fork_child(void);

#endif
