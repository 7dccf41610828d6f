/*
 * Packing, in one go, records as most are: keys that a template has, pairs that are whole sets, and
 * room for it all. All others go the long way, pack.c.
 * Threads: any; never allocates; signal-safe. May include: port, templates, pairs, the packed form.
 */
#ifndef WEFTP_RECORD_PACK_KNOWN_H
#define WEFTP_RECORD_PACK_KNOWN_H

#include "templates.h"

/*
 * Pack a record of a template's site at `to`, which has `room` bytes, and return its size. 0: it is
 * not such a record, or there is little room; what is at `to` is then of no use. Bytes of the room
 * behind the record may be written, too.
 */
size_t weftp_pack_known(const struct weft_record *record, const struct weftp_template *known,
                        char *to, size_t room);

#endif
