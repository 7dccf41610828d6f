/*
 * Memory that is never given back: for what must be valid until the very end of the process.
 *
 * Threads: one at a time (the caller locks). May include: libc only.
 */
#ifndef WEFTP_PORT_ARENA_H
#define WEFTP_PORT_ARENA_H

#include <stddef.h>

struct weftp_arena {
    char *cur, *end;
};
#define WEFTP_ARENA_BLOCK                                                                          \
    ((size_t)64 << 10) /* bytes that are mapped at a time, and the most that one piece may have */

/* Return zeroed memory aligned to 16 bytes; NULL when there is none or size is more than WEFTP_ARENA_BLOCK. */
void *weftp_arena_take(struct weftp_arena *arena, size_t size);

#endif
