#include "trace_text.h"

#include "chars.h"

#include <string.h>

bool weftp_piece_get(struct weftp_piece *piece, const weft_getter *getter, void *carrier,
                     const char *name)
{
    piece->size = 0;
    piece->text = getter->get(carrier, name, 0, &piece->size);
    return piece->text != NULL;
}

bool weftp_piece_next(struct weftp_piece *rest, char mark, struct weftp_piece *piece)
{
    if (!rest->text) return false;
    const char *end = memchr(rest->text, mark, rest->size);
    piece->text = rest->text;
    piece->size = end ? (size_t)(end - rest->text) : rest->size;
    rest->text = end ? end + 1 : NULL;
    rest->size = end ? rest->size - piece->size - 1 : 0;
    return true;
}

bool weftp_piece_is(const struct weftp_piece *piece, const char *text)
{
    return piece->size == strlen(text) && memcmp(piece->text, text, piece->size) == 0;
}

bool weftp_piece_is_printable(const struct weftp_piece *piece)
{
    for (size_t i = 0; i < piece->size; i++)
        if (piece->text[i] < ' ' || piece->text[i] > '~') return false;
    return true;
}

/* Write `piece` at the right end of `digits` digits, zeros before it. False: it is no id. */
static bool pad(char *out, size_t digits, const struct weftp_piece *piece)
{
    if (piece->size == 0 || piece->size > digits ||
        weftp_char_span(piece->text, piece->size, WEFTP_CHAR_HEX) != piece->size ||
        weftp_all_zero_digits(piece->text, piece->size))
        return false;
    memset(out, '0', digits);
    memcpy(out + digits - piece->size, piece->text, piece->size);
    out[digits] = '\0';
    return true;
}

bool weftp_trace_set(struct weft_propagated *context, struct weftp_piece trace,
                     struct weftp_piece span)
{
    struct weft_trace set = {.flags = context->trace.flags};
    if (!pad(set.trace_id, 32, &trace)) return false;
    if (span.size > 0 && !pad(set.span_id, 16, &span)) return false;
    context->trace = set;
    context->trace_id_digits = trace.size <= 16 ? 16 : 32;
    return true;
}

void weftp_sampling_set(struct weft_propagated *context, enum weft_sampling sampling)
{
    const bool sampled = sampling == WEFT_SAMPLING_ACCEPT || sampling == WEFT_SAMPLING_DEBUG;
    context->sampling = sampling;
    context->trace.flags = (uint8_t)((context->trace.flags & ~1U) | sampled);
}

struct weftp_piece weftp_trace_id(const struct weft_propagated *context)
{
    const bool is_short =
        context->trace_id_digits == 16 && weftp_all_zero_digits(context->trace.trace_id, 16);
    const size_t skip = is_short ? 16 : 0;
    return (struct weftp_piece){context->trace.trace_id + skip, 32 - skip};
}

bool weftp_decimal_read(const struct weftp_piece *piece, uint64_t *out)
{
    uint64_t value = 0;
    if (piece->size == 0 || piece->size > 20) return false;
    for (size_t i = 0; i < piece->size; i++) {
        const unsigned digit = (unsigned)piece->text[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

size_t weftp_decimal_write(char out[WEFTP_DECIMAL_SIZE], uint64_t value)
{
    char digits[WEFTP_DECIMAL_SIZE];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    for (size_t i = 0; i < count; i++) out[i] = digits[count - 1 - i];
    out[count] = '\0';
    return count;
}

void weftp_hex_write(char out[WEFTP_HEX_SIZE], uint64_t value)
{
    for (size_t i = 16; i-- > 0; value >>= 4) out[i] = "0123456789abcdef"[value & 15];
    out[16] = '\0';
}

uint64_t weftp_hex_read(const char *digits, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 4 | (unsigned)(digits[i] <= '9' ? digits[i] - '0' : digits[i] - 'a' + 10);
    return value;
}

char *weftp_append(char *out, const char *text, size_t size)
{
    memcpy(out, text, size);
    return out + size;
}
