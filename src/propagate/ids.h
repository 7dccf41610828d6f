/*
 * New ids: trace ids, span ids and request ids, never zero, as the text that goes into headers and
 * records.
 *
 * Threads: any. Signals: unsafe. Allocates: never. May include: port.
 */
#ifndef WEFTP_PROPAGATE_IDS_H
#define WEFTP_PROPAGATE_IDS_H

#include <stddef.h>

#define WEFTP_UUID_SIZE 36

/* Write a random id as `digits` (even, up to 32) lower-case hex digits and a NUL. */
void weftp_id_random(char *out, size_t digits);
/* Write a version 4 UUID (RFC 9562, section 5.4) and a NUL. */
void weftp_id_uuid(char out[WEFTP_UUID_SIZE + 1]);

#endif
