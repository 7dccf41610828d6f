/*
 * The headers of OpenTracing's basic tracers: ot-tracer-traceid, ot-tracer-spanid,
 * ot-tracer-sampled, and ot-baggage-KEY. OpenTelemetry calls the format `ottrace`; its Python SDK
 * leaves leading zeros of the ids out, so they may be missing.
 */
#include "prefixed.h"
#include "registry.h"
#include "trace_text.h"

static enum weft_sampling sampling_read(struct weft_propagated *context, const weft_getter *getter,
                                        void *carrier)
{
    struct weftp_piece sampled;
    if (!weftp_piece_get(&sampled, getter, carrier, "ot-tracer-sampled"))
        return WEFT_SAMPLING_DEFERRED;
    if (weftp_piece_is(&sampled, "true") || weftp_piece_is(&sampled, "1"))
        return WEFT_SAMPLING_ACCEPT;
    if (weftp_piece_is(&sampled, "false") || weftp_piece_is(&sampled, "0"))
        return WEFT_SAMPLING_DENY;
    context->rejected++;
    return WEFT_SAMPLING_DEFERRED;
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    struct weftp_piece trace, span;
    const bool has_trace = weftp_piece_get(&trace, getter, carrier, "ot-tracer-traceid");
    const bool has_span = weftp_piece_get(&span, getter, carrier, "ot-tracer-spanid");
    if (has_trace && has_span && span.size > 0 && weftp_trace_set(context, trace, span))
        weftp_sampling_set(context, sampling_read(context, getter, carrier));
    else if (has_trace || has_span)
        context->rejected++;
    return weftp_prefixed_extract(&weftp_prefixed_ot, context, getter, carrier, NULL);
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    weft_status first = WEFT_OK, status;
    if (context->trace.trace_id[0] && context->trace.span_id[0]) {
        const struct weftp_piece trace = weftp_trace_id(context);
        first = setter->set(carrier, "ot-tracer-traceid", trace.text, trace.size);
        status = setter->set(carrier, "ot-tracer-spanid", context->trace.span_id, 16);
        if (!first) first = status;
        if (context->sampling != WEFT_SAMPLING_DEFERRED) {
            const bool sampled = (context->trace.flags & 1) != 0;
            status = setter->set(carrier, "ot-tracer-sampled", sampled ? "true" : "false",
                                 sampled ? 4 : 5);
            if (!first) first = status;
        }
    }
    status = weftp_prefixed_inject(&weftp_prefixed_ot, context, setter, carrier);
    return first ? first : status;
}

static const char *const fields[] = {"ot-tracer-traceid", "ot-tracer-spanid", "ot-tracer-sampled",
                                     "ot-baggage-*", NULL};

const struct weft_propagator_type weftp_propagator_ot = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "ot",
    .extract = extract,
    .inject = inject,
    .fields = fields,
};

const struct weft_propagator_type weftp_propagator_ottrace = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "ottrace",
    .extract = extract,
    .inject = inject,
    .fields = fields,
};
