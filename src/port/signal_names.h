/*
 * Signals by the names that people use.
 *
 * Threads: any. Signals: safe. May include: libc only.
 */
#ifndef WEFTP_PORT_SIGNAL_NAMES_H
#define WEFTP_PORT_SIGNAL_NAMES_H

#include <stddef.h>

/*
 * The number of a signal that a program may give a meaning of its own: "HUP", "SIGHUP", in any
 * case, or its number. 0: there is none of that name, or it is one that ends or stops a process
 * (KILL, STOP, TERM, INT, QUIT, ABRT and the faults), reports a child (CHLD), or belongs to the C
 * library.
 */
int weftp_signal_number(const char *text, size_t size);
/* "HUP"; "34" for one without a name. `room` has room for a number. Never NULL. */
const char *weftp_signal_name(int number, char room[12]);

#endif
