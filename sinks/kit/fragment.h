/*
 * What is left of a line that could not be written whole, at the end of an append.
 *
 * Its job: take it out of the file again, whatever other processes append meanwhile. Not its job:
 * when (logfile.h).
 * Threads: one at a time for a descriptor, which nobody else writes by. May include: port.
 */
#ifndef WEFTP_SINKS_KIT_FRAGMENT_H
#define WEFTP_SINKS_KIT_FRAGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the file ends where this descriptor last wrote. *end is that place; 0: not known. */
bool weftp_fragment_is_last(int fd, uint64_t *end);
/*
 * Cut the last `done` bytes off, if no other process has the file (a shared flock), so that nobody's
 * line is cut with them. The caller's shared flock stays.
 */
bool weftp_fragment_cut(int fd, size_t done);
/*
 * Make the `done` bytes before `end`, which this process has written, a line of blanks. Takes no
 * room on most file systems, and asks nobody. False: it is as it was, or partly blank.
 */
bool weftp_fragment_blank(int fd, uint64_t end, size_t done);

#endif
