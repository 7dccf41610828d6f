/*
 * X-Cloud-Trace-Context of Google Cloud: TRACE/SPAN[;o=0|1], the span id in decimal. Google's
 * advice is to read it and to write traceparent.
 */
#include "registry.h"
#include "trace_text.h"

#include <string.h>

/* ";o=DIGIT", or nothing. */
static bool options_read(struct weftp_piece options, enum weft_sampling *sampling)
{
    *sampling = WEFT_SAMPLING_DENY;
    if (!options.text) return true;
    if (options.size != 3 || memcmp(options.text, "o=", 2) != 0) return false;
    if (options.text[2] < '0' || options.text[2] > '9') return false;
    if (options.text[2] != '0') *sampling = WEFT_SAMPLING_ACCEPT;
    return true;
}

static bool read_context(struct weft_propagated *context, struct weftp_piece rest)
{
    struct weftp_piece trace, span;
    enum weft_sampling sampling;
    char hex[WEFTP_HEX_SIZE];
    uint64_t id;
    if (!weftp_piece_next(&rest, '/', &trace) || !weftp_piece_next(&rest, ';', &span)) return false;
    if (trace.size != 32 || !weftp_decimal_read(&span, &id) || id == 0) return false;
    weftp_hex_write(hex, id);
    if (!options_read(rest, &sampling) ||
        !weftp_trace_set(context, trace, (struct weftp_piece){hex, 16}))
        return false;
    weftp_sampling_set(context, sampling);
    return true;
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    struct weftp_piece value;
    if (!weftp_piece_get(&value, getter, carrier, "x-cloud-trace-context") || value.size == 0)
        return WEFT_OK;
    if (!read_context(context, value)) context->rejected++;
    return WEFT_OK;
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    char text[32 + 1 + WEFTP_DECIMAL_SIZE + 4], *to = text;
    if (!context->trace.trace_id[0] || !context->trace.span_id[0]) return WEFT_OK;
    to = weftp_append(to, context->trace.trace_id, 32);
    *to++ = '/';
    to += weftp_decimal_write(to, weftp_hex_read(context->trace.span_id, 16));
    to = weftp_append(to, context->trace.flags & 1 ? ";o=1" : ";o=0", 5) - 1;
    return setter->set(carrier, "x-cloud-trace-context", text, (size_t)(to - text));
}

const struct weft_propagator_type weftp_propagator_gcp = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "gcp",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){"x-cloud-trace-context", NULL},
};
