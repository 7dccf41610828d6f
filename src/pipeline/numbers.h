/*
 * The numbers of one sink's lines (seq=on): the id that they belong to, and the lines with their numbers in them.
 *
 * Its job: whose numbers they are, and the numbered text. Not its job: which number a line gets, and what a lost line
 * does to that (outlet.h); where in a line it stands (the encoder).
 * Threads: the holder of the sink's lock. May include: base, port, the encoder type.
 */
#ifndef WEFTP_PIPELINE_NUMBERS_H
#define WEFTP_PIPELINE_NUMBERS_H

#include "../port/boot.h"
#include "../port/random.h"
#include "line.h"

#define WEFTP_NUMBERS_LINES 256                 /* that are numbered at a time */
#define WEFTP_NUMBERS_KEPT  ((size_t)512 << 10) /* bytes of memory that the text keeps */

struct weftp_numbers {
    uint32_t generation; /* the process that counts: see port/random.h. 0: nobody has begun */
    bool failed;         /* the last put had no memory; who tells of that takes it back */
    bool apart;          /* its id is its own, and not the one that sinks of a process share */
    char boot_id[WEFTP_BOOT_ID_SIZE + 1];
    struct weft_out text; /* owned: what the lines below point into */
    struct weft_line lines[WEFTP_NUMBERS_LINES];
};

/* Make them, with an id. NULL: out of memory. Owned: destroy, which takes NULL. */
struct weftp_numbers *weftp_numbers_create(bool apart);
void weftp_numbers_destroy(struct weftp_numbers *numbers);

/* Whether the id is this process's; else this is a child, and has to begin anew. */
static inline bool weftp_numbers_hold(const struct weftp_numbers *numbers)
{
    return numbers->generation == weftp_random_generation();
}
/* Take the id of this process. */
void weftp_numbers_begin(struct weftp_numbers *numbers);

/*
 * At most WEFTP_NUMBERS_LINES lines again, with the numbers that they have as `seq`. Valid until the next call. NULL:
 * out of memory.
 */
struct weft_line *weftp_numbers_put(struct weftp_numbers *numbers,
                                    const struct weftp_encoding *encoding,
                                    const struct weft_line *lines, size_t count);

#endif
