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
/* Room beyond it, so that a line a little too long is seen as such, and not as out of memory. */
#define WEFTP_BUDGET_SLACK 4096

/* A format as one group of sinks wants it. */
struct weftp_encoding {
    const struct weft_encoder_type *type;
    void *self;
    size_t budget; /* bytes of a line, its newline included; without its number */
    /* Put a number into a line: the type's, where it may and is wanted. NULL: lines stay as they are. */
    void (*number)(const void *self, const struct weft_line *line, const char *boot_id,
                   struct weft_out *out);
};

/* As weftp_line_append, when the whole line does not fit: out->notes are of what remains of it. */
bool weftp_line_trim(const struct weftp_encoding *encoding, const struct weft_record *record,
                     struct weft_out *out, size_t start);

/* Append a line as it comes out with these limits. False: it is over the budget, or lacks memory. */
static inline bool weftp_line_fits(const struct weftp_encoding *encoding,
                                   const struct weft_record *record,
                                   const struct weft_limits *limits, struct weft_out *out)
{
    const size_t start = weftp_out_size(out), max = out->max;
    const size_t most = start + encoding->budget + WEFTP_BUDGET_SLACK;
    if (most < max) out->max = most;
    encoding->type->encode(encoding->self, record, limits, out);
    out->max = max;
    return !out->overflow && weftp_out_size(out) - start <= encoding->budget;
}

/*
 * Encode behind what `out` has already; out->notes are of this line alone, *trimmed tells whether
 * something was cut. False: no memory for it, and nothing was appended.
 */
static inline bool weftp_line_append(const struct weftp_encoding *encoding,
                                     const struct weft_record *record, struct weft_out *out,
                                     bool *trimmed)
{
    static const struct weft_limits unlimited = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    const size_t start = weftp_out_size(out);
    out->overflow = false;
    out->notes = 0;
    *trimmed = !weftp_line_fits(encoding, record, &unlimited, out);
    return __builtin_expect(!*trimmed, 1) || weftp_line_trim(encoding, record, out, start);
}

/* The same into an `out` that is cleared first. */
static inline bool weftp_line_encode(const struct weftp_encoding *encoding,
                                     const struct weft_record *record, struct weft_out *out,
                                     bool *trimmed)
{
    weftp_out_clear(out);
    return weftp_line_append(encoding, record, out, trimmed);
}

/* Where lines are whose text grows no more: one behind the other, the first at `at`. */
static inline void weftp_lines_locate(struct weft_line *lines, size_t count, const char *at)
{
    for (size_t i = 0; i < count; i++) {
        lines[i].data = at;
        at += lines[i].size;
    }
}

#endif
