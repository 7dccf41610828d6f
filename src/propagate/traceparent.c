#include "traceparent.h"

#include "chars.h"

#include <string.h>

#define FLAGS_KNOWN 3 /* sampled, random: the others must be sent as 0 */
#define PARENT_SIZE WEFTP_TRACEPARENT_SIZE

enum { /* 2 "-" 32 "-" 16 "-" 2 */
       VERSION_AT = 0,
       TRACE_AT = 3,
       SPAN_AT = 36,
       FLAGS_AT = 53
};

static bool hex_at(const char *text, size_t at, size_t size)
{
    return weftp_char_span(text + at, size, WEFTP_CHAR_HEX) == size;
}

static unsigned hex_value(char digit)
{
    return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static bool parent_shape_ok(const char *text, size_t size)
{
    if (size < PARENT_SIZE) return false;
    if (text[TRACE_AT - 1] != '-' || text[SPAN_AT - 1] != '-' || text[FLAGS_AT - 1] != '-')
        return false;
    if (!hex_at(text, VERSION_AT, 2) || !hex_at(text, TRACE_AT, 32) || !hex_at(text, SPAN_AT, 16) ||
        !hex_at(text, FLAGS_AT, 2))
        return false;
    if (memcmp(text, "ff", 2) == 0) return false;
    if (size == PARENT_SIZE) return true;
    return memcmp(text, "00", 2) != 0 &&
           text[PARENT_SIZE] == '-'; /* a later version may say more */
}

bool weftp_traceparent_read(struct weft_propagated *context, const char *text, size_t size)
{
    if (!parent_shape_ok(text, size)) return false;
    if (weftp_all_zero_digits(text + TRACE_AT, 32) || weftp_all_zero_digits(text + SPAN_AT, 16))
        return false;
    struct weft_trace *trace = &context->trace;
    memcpy(trace->trace_id, text + TRACE_AT, 32);
    memcpy(trace->span_id, text + SPAN_AT, 16);
    const unsigned flags = hex_value(text[FLAGS_AT]) << 4 | hex_value(text[FLAGS_AT + 1]);
    trace->flags = (uint8_t)(flags & FLAGS_KNOWN);
    context->sampling = flags & 1 ? WEFT_SAMPLING_ACCEPT : WEFT_SAMPLING_DENY;
    context->trace_id_digits = 32;
    return true;
}

bool weftp_traceparent_write(char text[WEFTP_TRACEPARENT_SIZE + 1],
                             const struct weft_propagated *context)
{
    const struct weft_trace *trace = &context->trace;
    if (!trace->trace_id[0] || !trace->span_id[0]) return false;
    memcpy(text, "00-................................-................-00", PARENT_SIZE + 1);
    memcpy(text + TRACE_AT, trace->trace_id, 32);
    memcpy(text + SPAN_AT, trace->span_id, 16);
    text[PARENT_SIZE - 1] = (char)('0' + (trace->flags & FLAGS_KNOWN));
    return true;
}
