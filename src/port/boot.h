/*
 * The id of this run of weft: 128 random bits that a process draws once, and each forked child anew,
 * whether fork(3), _Fork(3) or clone(2) made it.
 *
 * Its job: one id for all who ask within a process. Not its job: what is counted under it
 * (pipeline/numbers.h).
 *
 *   weftp_boot_id, weftp_boot_draw | any thread | not from a signal handler
 *
 * Where the kernel cannot wipe memory at a fork, only fork(3) is noticed, as with random.h. Level 0.
 */
#ifndef WEFTP_PORT_BOOT_H
#define WEFTP_PORT_BOOT_H

#include <stdint.h>

#define WEFTP_BOOT_ID_SIZE 32 /* hexadecimal digits, lower case */

/*
 * The id of this process, NUL-terminated. Returns the process's generation (random.h): as long as it is the same, so
 * is the id. Who is first draws it; others wait for that, some hundred nanoseconds.
 */
uint32_t weftp_boot_id(char id[WEFTP_BOOT_ID_SIZE + 1]);
/* A new id of the same form, which is nobody's. */
void weftp_boot_draw(char id[WEFTP_BOOT_ID_SIZE + 1]);

#endif
