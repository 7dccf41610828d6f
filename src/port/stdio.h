/*
 * The real descriptors behind 1 and 2, while prints on these numbers go into a pipe.
 *
 * Its job: exchanging the numbers and putting them back, also when the process crashes. Not its job: what becomes of
 * what is in the pipe (weft/capture.c).
 *
 *   function              | called by
 *   ----------------------|--------------------------------------------------------------
 *   real, is_rescued      | any thread; signal-safe
 *   capture, restore,     | one thread at a time (the caller holds the configuration's lock)
 *   forget                |
 *   forked                | the child, in its only thread
 *   rescue                | any thread, once; signal-safe
 *
 * Allocates: never. May include: port.
 */
#ifndef WEFTP_PORT_STDIO_H
#define WEFTP_PORT_STDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What was read from the pipe and is no record yet: data[begin..end). Each word is atomic, so that a crash finds some
 * state of it: perhaps a line that is a record already.
 */
struct weftp_stdio_rest {
    char *data;
    size_t begin, end;
    int64_t holder; /* the thread that is at it; 0: none */
};

/* Where what is written to stdout (1) or stderr (2) really goes; the number itself when it is not captured. */
int weftp_stdio_real(int number);
/*
 * Put a pipe in the place of the number. *read_fd, which does not block, is the caller's until restore. `rest` stays
 * until restore, too. stdout is then written line by line. Returns 0 or an errno: EBADF, when the number is closed.
 *
 * From the first one on, SIGSEGV, SIGBUS, SIGFPE, SIGILL and SIGABRT that are at their default go by rescue().
 */
int weftp_stdio_capture(int number, struct weftp_stdio_rest *rest, int *read_fd);
/* What stdio still holds goes out, and the number is what it was, unless the program has put something else there. */
void weftp_stdio_restore(int number);
/* The program has put something else there: the number is its own again. Signal-safe. */
void weftp_stdio_lost(int number);
/* Let go of what restore() keeps for the next capture. */
void weftp_stdio_forget(void);
/* In a child: the number is what it was. */
void weftp_stdio_forked(int number);

/*
 * Restore all numbers and copy what is in rests and pipes to the real descriptors as it is; waits for their readers at
 * most two seconds. Afterwards nobody else reads the pipes.
 */
void weftp_stdio_rescue(void);
bool weftp_stdio_is_rescued(void);

#endif
