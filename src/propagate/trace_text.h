/*
 * Trace contexts as the formats other than traceparent write them: ids of other lengths, decimal
 * ids, headers that say one thing each.
 *
 * Pure functions over a context on its way; any thread. Allocate never. May include: chars, the
 * public propagator header.
 */
#ifndef WEFTP_PROPAGATE_TRACE_TEXT_H
#define WEFTP_PROPAGATE_TRACE_TEXT_H

#include <weft/sys/propagator.h>

/* A piece of a header. */
struct weftp_piece {
    const char *text;
    size_t size;
};

/* Get the first value of a header; false: there is none. An empty one is there. */
bool weftp_piece_get(struct weftp_piece *piece, const weft_getter *getter, void *carrier,
                     const char *name);
/*
 * Take what stands before the next `mark` off `rest`, which goes on behind it. false: nothing is
 * left (text NULL). "a:" gives "a", then "".
 */
bool weftp_piece_next(struct weftp_piece *rest, char mark, struct weftp_piece *piece);
bool weftp_piece_is(const struct weftp_piece *piece, const char *text);

/*
 * Set the context's ids from lower-case hex of 1 to 32 and 1 to 16 digits, padded on the left. The
 * span may be empty (size 0): then there is none. False, and nothing is set: they have other
 * characters, are too long, or are zero.
 */
bool weftp_trace_set(struct weft_propagated *context, struct weftp_piece trace,
                     struct weftp_piece span);
/* Set the decision, and the flag that goes with it. */
void weftp_sampling_set(struct weft_propagated *context, enum weft_sampling sampling);

/* The trace id as long as it came: 16 digits where the others were never there. */
struct weftp_piece weftp_trace_id(const struct weft_propagated *context);

/* Read decimal digits alone, without a sign. False: others, none, or more than 64 bits. */
bool weftp_decimal_read(const struct weftp_piece *piece, uint64_t *out);
#define WEFTP_DECIMAL_SIZE 21
/* Write decimal digits and a NUL; returns their count. */
size_t weftp_decimal_write(char out[WEFTP_DECIMAL_SIZE], uint64_t value);
#define WEFTP_HEX_SIZE 17
/* Write 16 lower-case hex digits and a NUL. */
void weftp_hex_write(char out[WEFTP_HEX_SIZE], uint64_t value);
/* The value of up to 16 hex digits, which have been checked. */
uint64_t weftp_hex_read(const char *digits, size_t count);

/* Whether it is printable ASCII alone. */
bool weftp_piece_is_printable(const struct weftp_piece *piece);

/* Append to a header that is being made in `out`. The caller has made sure of the room. */
char *weftp_append(char *out, const char *text, size_t size);

#endif
