/*
 * One record to the bytes of one line within a budget.
 *
 * Its job: encode, and when the line is over its budget encode again with a trim plan: the largest call-site values
 * first, then bound fields, then the message, then the MDC; never time, level or ids. Nobody cuts a finished line.
 * Threads: one per `out`. May include: base, the encoder type.
 */
#ifndef WEFTP_PIPELINE_LINE_H
#define WEFTP_PIPELINE_LINE_H

#include "../base/out.h"

#define WEFTP_BUDGET_CONSOLE 16000 /* bytes: container runtimes split at 16 KiB */
#define WEFTP_BUDGET_DEFAULT ((size_t)1 << 20)

/* A format as one group of sinks wants it. */
struct weftp_encoding {
    const struct weft_encoder_type *type;
    void *self;
    size_t budget; /* bytes of a line, its newline included */
};

/* Encode into `out`, which is cleared first; *trimmed tells whether something was cut. False: no memory for it. */
bool weftp_line_encode(const struct weftp_encoding *encoding, const struct weft_record *record,
                       struct weft_out *out, bool *trimmed);
/* The same behind what `out` has already; out->notes are of this line alone. False: nothing was appended. */
bool weftp_line_append(const struct weftp_encoding *encoding, const struct weft_record *record,
                       struct weft_out *out, bool *trimmed);

#endif
