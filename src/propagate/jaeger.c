/*
 * Jaeger's own headers: uber-trace-id: TRACE:SPAN:PARENT:FLAGS, hex without leading zeros allowed,
 * the whole perhaps percent-encoded; uberctx-KEY and jaeger-baggage; jaeger-debug-id, which forces
 * a recorded trace and becomes the MDC entry `jaeger_debug_id`.
 *
 * The parent is deprecated: passed over, and written as 0.
 */
#include "chars.h"
#include "percent.h"
#include "prefixed.h"
#include "registry.h"
#include "trace_text.h"

#include <string.h>

#define DEBUG_KEY "jaeger_debug_id"

enum {
    VALUE_SIZE_MAX = 256, /* before it is decoded; the longest that means anything is 78 */
    DEBUG_ID_SIZE_MAX = 128,
    FLAG_SAMPLED = 1,
    FLAG_DEBUG = 2
};

static const struct weftp_prefixed baggage = {"uberctx-", ":uberctx", true};

static bool is_hex(const struct weftp_piece *piece, size_t size_max)
{
    return piece->size > 0 && piece->size <= size_max &&
           weftp_char_span(piece->text, piece->size, WEFTP_CHAR_HEX) == piece->size;
}

static bool read_context(struct weft_propagated *context, struct weftp_piece rest)
{
    struct weftp_piece trace, span, parent, flags;
    if (!weftp_piece_next(&rest, ':', &trace) || !weftp_piece_next(&rest, ':', &span) ||
        !weftp_piece_next(&rest, ':', &parent) || !weftp_piece_next(&rest, ':', &flags) ||
        rest.text)
        return false;
    if (!is_hex(&parent, 16) || !is_hex(&flags, 2) || span.size == 0 ||
        !weftp_trace_set(context, trace, span))
        return false;
    const uint64_t bits = weftp_hex_read(flags.text, flags.size);
    if (!(bits & FLAG_SAMPLED))
        weftp_sampling_set(context, WEFT_SAMPLING_DENY);
    else
        weftp_sampling_set(context, bits & FLAG_DEBUG ? WEFT_SAMPLING_DEBUG : WEFT_SAMPLING_ACCEPT);
    return true;
}

static bool read_encoded(struct weft_propagated *context, const struct weftp_piece *value)
{
    char plain[2 * VALUE_SIZE_MAX];
    if (value->size > VALUE_SIZE_MAX || !weftp_piece_is_printable(value)) return false;
    const size_t size = weftp_percent_decode(plain, value->text, value->size);
    return read_context(context, (struct weftp_piece){plain, size});
}

/* Without a trace it asks for one that is recorded; the id is a person's, to find it by. */
static void debug_id(struct weft_propagated *context, const struct weftp_piece *id)
{
    if (id->size == 0 || id->size > DEBUG_ID_SIZE_MAX ||
        weftp_char_span(id->text, id->size, WEFTP_CHAR_REQUEST_ID) != id->size) {
        context->rejected++;
        return;
    }
    weftp_sampling_set(context, WEFT_SAMPLING_DEBUG);
    if (context->baggage_count < WEFT_BAGGAGE_MAX)
        context->baggage[context->baggage_count++] =
            (struct weft_baggage){DEBUG_KEY, id->text, sizeof DEBUG_KEY - 1, (uint32_t)id->size};
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    struct weftp_piece value, id;
    bool found = false;
    if (weftp_piece_get(&value, getter, carrier, "uber-trace-id") && value.size > 0) {
        found = read_encoded(context, &value);
        if (!found) context->rejected++;
    }
    if (!found && weftp_piece_get(&id, getter, carrier, "jaeger-debug-id")) debug_id(context, &id);
    return weftp_prefixed_extract(&baggage, context, getter, carrier, "jaeger-baggage");
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    char text[32 + 1 + 16 + 4 + 1], *to = text;
    weft_status first = WEFT_OK;
    if (context->trace.trace_id[0] && context->trace.span_id[0]) {
        const struct weftp_piece trace = weftp_trace_id(context);
        unsigned flags = context->trace.flags & FLAG_SAMPLED;
        if (context->sampling == WEFT_SAMPLING_DEBUG) flags = FLAG_SAMPLED | FLAG_DEBUG;
        to = weftp_append(to, trace.text, trace.size);
        *to++ = ':';
        to = weftp_append(to, context->trace.span_id, 16);
        to = weftp_append(to, ":0:", 3);
        *to++ = (char)('0' + flags);
        *to = '\0';
        first = setter->set(carrier, "uber-trace-id", text, (size_t)(to - text));
    }
    const weft_status status = weftp_prefixed_inject(&baggage, context, setter, carrier);
    return first ? first : status;
}

const struct weft_propagator_type weftp_propagator_jaeger = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "jaeger",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){"uber-trace-id", "uberctx-*", NULL},
};
