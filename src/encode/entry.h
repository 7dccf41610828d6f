/*
 * The fields of a line: comma, key, value. And the list of what was cut on the way.
 *
 * Threads: one per writer. May include: base, write.
 */
#ifndef WEFTP_ENCODE_ENTRY_H
#define WEFTP_ENCODE_ENTRY_H

#include "write.h"

/*
 * Write the fields of one list at `to`, each with a comma in front; adds to writer->cuts what is
 * cut. Returns where to go on, NULL after an overflow.
 */
char *weftp_write_list(struct weftp_writer *writer, char *to, enum weftp_space space);

/* Note that a value was cut. The name is borrowed until the line is done. */
void weftp_cuts_add(struct weftp_cuts *cuts, const char *name, size_t size);
/* Write the names as a JSON array. */
void weftp_cuts_write(struct weft_out *out, const struct weftp_cuts *cuts);

#endif
