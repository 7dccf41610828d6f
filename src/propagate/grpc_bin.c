/*
 * grpc-trace-bin (OpenCensus's binary format): version 0; fields 0 (trace id, 16 bytes), 1 (span
 * id, 8), 2 (flags, 1). In HTTP headers it stands in base64 (RFC 4648, section 4), with or without
 * padding; it is written without.
 */
#include "../port/hex.h"
#include "registry.h"
#include "trace_text.h"

#include <string.h>

#define HEADER "grpc-trace-bin"

enum { BYTES = 29, TRACE_AT = 2, SPAN_AT = 19, FLAGS_AT = 28, TEXT_SIZE = 39 };

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Decode exactly 29 bytes. */
static bool decode(unsigned char out[BYTES], const char *text, size_t size)
{
    unsigned bits = 0, held = 0;
    size_t written = 0;
    if (size == TEXT_SIZE + 1 && text[TEXT_SIZE] == '=') size--;
    if (size != TEXT_SIZE) return false;
    for (size_t i = 0; i < size; i++) {
        const char *digit = text[i] ? strchr(alphabet, text[i]) : NULL;
        if (!digit) return false;
        bits = bits << 6 | (unsigned)(digit - alphabet);
        held += 6;
        if (held < 8) continue;
        held -= 8;
        out[written++] = (unsigned char)(bits >> held);
    }
    return (bits & ((1U << held) - 1)) == 0;
}

static void encode(char out[TEXT_SIZE + 1], const unsigned char bytes[BYTES])
{
    unsigned bits = 0, held = 0;
    size_t written = 0;
    for (size_t i = 0; i < BYTES; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 6; held -= 6) out[written++] = alphabet[bits >> (held - 6) & 63];
    }
    out[written++] = alphabet[bits << (6 - held) & 63];
    out[written] = '\0';
}

static void from_hex(unsigned char *out, const char *digits, size_t count)
{
    for (size_t i = 0; i < count; i++) out[i] = (unsigned char)weftp_hex_read(digits + 2 * i, 2);
}

static bool read_context(struct weft_propagated *context, const unsigned char bytes[BYTES])
{
    char trace[32], span[16];
    if (bytes[0] != 0 || bytes[TRACE_AT - 1] != 0 || bytes[SPAN_AT - 1] != 1 ||
        bytes[FLAGS_AT - 1] != 2)
        return false;
    (void)weftp_hex_put(trace, bytes + TRACE_AT, 16);
    (void)weftp_hex_put(span, bytes + SPAN_AT, 8);
    if (!weftp_trace_set(context, (struct weftp_piece){trace, 32}, (struct weftp_piece){span, 16}))
        return false;
    weftp_sampling_set(context, bytes[FLAGS_AT] & 1 ? WEFT_SAMPLING_ACCEPT : WEFT_SAMPLING_DENY);
    return true;
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    unsigned char bytes[BYTES];
    struct weftp_piece value;
    if (!weftp_piece_get(&value, getter, carrier, HEADER) || value.size == 0) return WEFT_OK;
    if (!decode(bytes, value.text, value.size) || !read_context(context, bytes))
        context->rejected++;
    return WEFT_OK;
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    unsigned char bytes[BYTES] = {0};
    char text[TEXT_SIZE + 1];
    if (!context->trace.trace_id[0] || !context->trace.span_id[0]) return WEFT_OK;
    bytes[SPAN_AT - 1] = 1;
    bytes[FLAGS_AT - 1] = 2;
    from_hex(bytes + TRACE_AT, context->trace.trace_id, 16);
    from_hex(bytes + SPAN_AT, context->trace.span_id, 8);
    bytes[FLAGS_AT] = context->trace.flags & 1;
    encode(text, bytes);
    return setter->set(carrier, HEADER, text, TEXT_SIZE);
}

const struct weft_propagator_type weftp_propagator_grpc_bin = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "grpc-trace-bin",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){HEADER, NULL},
};
