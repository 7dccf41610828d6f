/*
 * Signal handlers that take note of a signal and wake a thread, and do nothing else.
 *
 * Its job: who has which signal, what was there before, dying of a signal. Not its job: what a
 * signal means (weft/watch.c).
 *
 *   function            | called by
 *   --------------------|--------------------------------------------------------------
 *   attend, claim,      | one thread at a time (the caller holds the configuration's lock)
 *   release, forked     |
 *   take, die           | the thread that is woken
 *
 * The handlers keep errno, and interrupt no system call that can be restarted. Allocates: never. May include: port.
 */
#ifndef WEFTP_PORT_SIGNAL_WAKE_H
#define WEFTP_PORT_SIGNAL_WAKE_H

#include <stdbool.h>
#include <stdint.h>

enum weftp_signal_use {
    /* Ask for something. A handler that the program has is called, too. */
    WEFTP_SIGNAL_ASK,
    /* End, after what is under way: only where the signal is at its default. A second one kills. */
    WEFTP_SIGNAL_END
};

/*
 * The eventfd that handlers of this process write; -1: nobody waits, and signals that end do so at once. The one before
 * may be closed afterwards.
 */
void weftp_signals_attend(int event_fd);
/* In a child: nobody waits. */
void weftp_signals_forked(void);
/*
 * Take a signal, if it may be taken; once it is taken, nothing changes. False: it is the program's,
 * or somebody has put another handler in the place of ours.
 */
bool weftp_signal_claim(int number, enum weftp_signal_use use);
/* Put back what was there before, if the handler is still ours. */
void weftp_signal_release(int number);
/* The signals that came since the last call: bit N for the number N. */
uint64_t weftp_signals_take(void);
/* Die of a signal, as if nobody had handled it; where the kernel spares PID 1, _exit(128 + number). */
_Noreturn void weftp_signal_die(int number);

#endif
