/*
 * A layout and the options of an encoder, compiled: what is constant is put together once, so that
 * encoding copies it.
 *
 * Threads: the one that opens an encoder. May include: base, layout, write.
 */
#ifndef WEFTP_ENCODE_COMPILE_H
#define WEFTP_ENCODE_COMPILE_H

#include "trace_names.h"
#include "write.h"

struct weftp_compile_options {
    const struct weft_encoder_options *given;
    const struct weftp_trace_names *trace; /* NULL: the format's own */
    bool mdc_strings, source, epoch;
};

/*
 * Fill a program that is all zeroes. It keeps options->given->fields.
 * @retval WEFT_ENOMEM  Free it all the same.
 */
weft_status weftp_program_init(struct weftp_program *program, const struct weftp_layout *layout,
                               const struct weftp_compile_options *options);
/* Takes one that was filled in part, or that is all zeroes. */
void weftp_program_deinit(struct weftp_program *program);

#endif
