/*
 * Room on the disk: how much may be written before the file system must be asked again, and blocks
 * that are reserved ahead.
 *
 * Its job: min_free and preallocate. Not its job: what is done when there is no room (live.h).
 * Threads: one at a time.
 * May include: port.
 *
 * The file system is asked at most once a second and once in each MiB that this process writes;
 * near to the limit more often, so that no line goes below it. What others write meanwhile is seen
 * at the next look.
 */
#ifndef WEFTP_SINKS_KIT_SPACE_H
#define WEFTP_SINKS_KIT_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct weftp_space {
    /* Set these before use; the rest begins as 0. */
    uint64_t min_free;      /* bytes that stay free for others; 0: no limit */
    uint64_t reserve_chunk; /* bytes that are reserved ahead; 0: none */
    uint64_t end;           /* size that the file may get before the next look */
    uint64_t full_end;      /* size at which the room was used up, at the last look */
    uint64_t reserved_end;  /* size of the file up to which blocks are reserved */
    bool refused;           /* at the last look there was no room */
    bool no_reserve;        /* this file system cannot */
};

/* Look how much room there is for a file of `size` bytes. */
void weftp_space_look(struct weftp_space *space, int fd, uint64_t size);
/*
 * Reserve blocks behind `size`, if it is time; not beyond `limit` (0: none), and only where all of
 * them leave min_free to others. What fails is not tried again for a chunk, or for ever where the
 * file system cannot. True: blocks were reserved, or, on a disk that just became full, some of them.
 */
bool weftp_space_reserve(struct weftp_space *space, int fd, uint64_t size, uint64_t limit);
/* Another file is being written: nothing is reserved in it. */
void weftp_space_anew(struct weftp_space *space, uint64_t size);

#endif
