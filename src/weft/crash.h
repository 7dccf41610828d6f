/*
 * What to do when the process crashes: the rings that live in its own memory are written to a file
 * that was opened beforehand, and the next start makes lines of them.
 *
 * Its job: which rings, where to. Not its job: the handlers (port/signal_crash.h), making lines
 * (pipeline/recover.h).
 *
 *   function           | by
 *   -------------------|---------------------------------------------------------------
 *   install, remove    | the holder of the system's lock
 *   thread_begin, _end | a thread that logs: when it takes its seat, and when it ends
 *   fork_child         | the child, in its only thread
 *
 * May include: as system.h.
 */
#ifndef WEFTP_WEFT_CRASH_H
#define WEFTP_WEFT_CRASH_H

#include "../queue/queue.h"

/*
 * From now on, SIGSEGV, SIGABRT, SIGBUS, SIGFPE and SIGILL write the queue's rings that are in no
 * file into a session of the directory, and then do what they did before. The directory is as
 * weftp_store_open wants it. Again with the same directory: does nothing; with another one: moves.
 *
 * @return  As weftp_store_open.
 */
weft_status weftp_crash_install(const char *dir, struct weftp_queue *queue, char *why,
                                size_t why_size);
/* Signals do what they did before, where the handler is still ours; the session's files are removed. */
void weftp_crash_remove(void);
/* The parent's files are not the child's; it gets its own when its first thread begins. */
void weftp_crash_fork_child(void);
/* Give this thread a stack for the handler, if handlers are installed and it has none. */
void weftp_crash_thread_begin(void);
/* Take it away. */
void weftp_crash_thread_end(void);

#endif
