/*
 * The program's own weft_options, copied: they are read again by each reload.
 *
 * Threads: any; pure but for memory. May include: public headers.
 */
#ifndef WEFTP_WEFT_PROGRAM_H
#define WEFTP_WEFT_PROGRAM_H

#include <weft/options.h>

/* Copy them with all texts; members beyond from->struct_size are at their defaults. WEFT_ENOMEM: *out is unchanged. */
weft_status weftp_program_copy(weft_options *out, const weft_options *from);
/* Free the texts of a copy. */
void weftp_program_free(weft_options *options);

#endif
