/*
 * The quick way of a layout: for records that hold nothing odd, which is nearly all of them.
 *
 * Its job: the same bytes as plan and write give, with one look at each key and one reservation for
 * the whole line. Whatever it would have to think about - a key that is taken, reserved, defined by
 * the format, to be escaped or measured; an error; a long value; too many fields - it leaves to them.
 * How: a record's shape (shape.h) tells its line (quick_line.h), whose steps are run; both are made out once for each
 * place that logs.
 * Threads: any; what is remembered of a record is beside the buffer. May include: base, write.
 */
#ifndef WEFTP_ENCODE_QUICK_H
#define WEFTP_ENCODE_QUICK_H

#include "write.h"

/* Append the line; false: nothing was written, and the other way must be gone. */
bool weftp_quick_encode(const struct weftp_program *program, const struct weft_record *record,
                        struct weft_out *out);

#endif
