/*
 * Handlers for the signals of a crash: something is saved, and then everything goes on as if there
 * had been no handler.
 *
 * Its job: SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL; stacks to handle them on; what was there
 * before. Not its job: what is saved.
 *
 *   function       | called by
 *   ---------------|--------------------------------------------------------------
 *   claim, release | one thread at a time (the caller holds the configuration's lock)
 *   forked         | the child of a fork, in its only thread
 *   stack_begin/end| any thread, for itself
 *
 * The handler runs `save` once at a time, also when several threads crash: the others wait for it,
 * with a bound. A fault inside of `save` ends it. Then the previous disposition is put back, and a
 * fault is repeated by returning to the instruction; a signal that was sent is sent again, with the
 * same siginfo, and comes when the handler has returned. So cores, exit status and the program's own
 * handlers see what they would have seen. Children of vfork(2) save nothing. Level 0.
 */
#ifndef WEFTP_PORT_SIGNAL_CRASH_H
#define WEFTP_PORT_SIGNAL_CRASH_H

/*
 * Take the signals. `save` may use async-signal-safe calls alone. Again: does nothing where the
 * handlers are still in place.
 */
void weftp_crash_signals_claim(void (*save)(void));
/* Put back what was there before, where the handler is still ours. */
void weftp_crash_signals_release(void);
/* The child has a process id of its own. */
void weftp_crash_signals_forked(void);

/* Give this thread a stack for handlers, 32 KiB or so of address space, unless it has one. */
void weftp_crash_stack_begin(void);
/* Take it away. Another one is left alone. */
void weftp_crash_stack_end(void);

#endif
