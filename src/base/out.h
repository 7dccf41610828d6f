/*
 * The growable output buffer that every writer appends to.
 *
 * Its job: memory. Not its job: what the bytes mean.
 * Threads: one per buffer. May include: port, public value headers.
 *
 * Writers reserve the most that they can need, write through the pointer and advance `cur`: one
 * compare per value. After an overflow (maximum, no memory) reserve answers NULL until
 * weftp_out_clear, and the content is not whole.
 */
#ifndef WEFTP_BASE_OUT_H
#define WEFTP_BASE_OUT_H

#include <string.h>
#include <weft/sys/encoder.h>

/* Make an empty buffer that owns nothing yet and may grow to `max` bytes. Never fails. */
void weftp_out_init(struct weft_out *out, size_t max);
/* Free the buffer's memory. Takes one that was never grown. */
void weftp_out_deinit(struct weft_out *out);
/*
 * Make room for `need` more bytes, at least doubling; false (and overflow set) when that is not
 * possible. Cold.
 */
bool weftp_out_grow(struct weft_out *out, size_t need);

static inline size_t weftp_out_size(const struct weft_out *out)
{
    return (size_t)(out->cur - out->data);
}

/* Forget the content, keep the memory. */
static inline void weftp_out_clear(struct weft_out *out)
{
    out->cur = out->data;
    out->overflow = false;
    out->notes = 0;
}

/*
 * Take back all but the first `size` bytes, for writers that find out late. After an overflow it
 * stays one.
 */
static inline void weftp_out_rewind(struct weft_out *out, size_t size)
{
    if (size >= weftp_out_size(out)) return;
    out->cur = out->data + size;
    if (out->overflow) out->end = out->cur;
}

/*
 * Return where `need` bytes may be written, NULL when there is no room. The caller advances
 * out->cur.
 */
static inline char *weftp_out_reserve(struct weft_out *out, size_t need)
{
    if (__builtin_expect((size_t)(out->end - out->cur) < need, 0) && !weftp_out_grow(out, need))
        return NULL;
    return out->cur;
}

static inline void weftp_out_put(struct weft_out *out, const void *bytes, size_t size)
{
    char *to = weftp_out_reserve(out, size);
    if (!to || size == 0) return;
    memcpy(to, bytes, size);
    out->cur = to + size;
}

static inline void weftp_out_char(struct weft_out *out, char c)
{
    char *to = weftp_out_reserve(out, 1);
    if (!to) return;
    *to = c;
    out->cur = to + 1;
}

#define weftp_out_literal(out, text) weftp_out_put((out), (text), sizeof(text) - 1)

#endif
