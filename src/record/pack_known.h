/*
 * Packing the fields of a call whose keys a template has: heads and values, nothing else.
 * Threads: any; never allocates; signal-safe. May include: templates, the packed form.
 */
#ifndef WEFTP_RECORD_PACK_KNOWN_H
#define WEFTP_RECORD_PACK_KNOWN_H

#include "templates.h"

/*
 * Write as many fields as the template has, if they are its fields, between `to` and `end`, and
 * return the end of what was written; NULL: they are not, or there is little room: the bytes are
 * then of no use. What is behind an END is not read.
 */
char *weftp_pack_known(char *to, const char *end, const weft_field *field,
                       const struct weftp_template *known);

#endif
