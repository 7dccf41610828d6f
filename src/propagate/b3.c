/*
 * B3 (openzipkin/b3-propagation): one header `b3`, or several `x-b3-*`. Both are read by either
 * name, the single one first; `b3` writes the single one, `b3multi` the several.
 *
 * What the caller left undecided stays undecided: no sampling state is written then. The parent's
 * span id is read past and never written.
 */
#include "chars.h"
#include "registry.h"
#include "trace_text.h"

#include <string.h>

static bool is_length(size_t size, size_t one, size_t other)
{
    return size == one || size == other;
}

static bool ids_set(struct weft_propagated *context, const struct weftp_piece *trace,
                    const struct weftp_piece *span)
{
    return is_length(trace->size, 16, 32) && span->size == 16 &&
           weftp_trace_set(context, *trace, *span);
}

/* "1" "0", and what some senders write for them. */
static bool decision(const struct weftp_piece *piece, bool lenient, enum weft_sampling *out)
{
    if (weftp_piece_is(piece, "1") || (lenient && weftp_piece_is(piece, "true")))
        *out = WEFT_SAMPLING_ACCEPT;
    else if (weftp_piece_is(piece, "0") || (lenient && weftp_piece_is(piece, "false")))
        *out = WEFT_SAMPLING_DENY;
    else
        return false;
    return true;
}

static bool state_read(const struct weftp_piece *piece, enum weft_sampling *out)
{
    if (!weftp_piece_is(piece, "d")) return decision(piece, false, out);
    *out = WEFT_SAMPLING_DEBUG;
    return true;
}

static bool parent_ok(const struct weftp_piece *parent)
{
    return parent->size == 16 && weftp_char_span(parent->text, 16, WEFTP_CHAR_HEX) == 16 &&
           !weftp_all_zero_digits(parent->text, 16);
}

/* TRACE-SPAN[-STATE[-PARENT]], or STATE alone. */
static bool single_read(struct weft_propagated *context, struct weftp_piece rest)
{
    struct weftp_piece trace, span, state, parent, more;
    enum weft_sampling sampling = WEFT_SAMPLING_DEFERRED;
    if (!weftp_piece_next(&rest, '-', &trace)) return false;
    if (!weftp_piece_next(&rest, '-', &span)) {
        if (!state_read(&trace, &sampling)) return false;
        weftp_sampling_set(context, sampling);
        return true;
    }
    if (weftp_piece_next(&rest, '-', &state) && !state_read(&state, &sampling)) return false;
    if (weftp_piece_next(&rest, '-', &parent) && !parent_ok(&parent)) return false;
    if (weftp_piece_next(&rest, '-', &more) || !ids_set(context, &trace, &span)) return false;
    weftp_sampling_set(context, sampling);
    return true;
}

/* What the headers beside the ids say. A value that is none of those leaves it undecided. */
static enum weft_sampling multi_sampling(struct weft_propagated *context, const weft_getter *getter,
                                         void *carrier)
{
    struct weftp_piece flags, sampled;
    enum weft_sampling sampling = WEFT_SAMPLING_DEFERRED;
    if (weftp_piece_get(&flags, getter, carrier, "x-b3-flags") && weftp_piece_is(&flags, "1"))
        return WEFT_SAMPLING_DEBUG;
    if (weftp_piece_get(&sampled, getter, carrier, "x-b3-sampled") &&
        !decision(&sampled, true, &sampling))
        context->rejected++;
    return sampling;
}

static void multi_extract(struct weft_propagated *context, const weft_getter *getter, void *carrier)
{
    struct weftp_piece trace, span;
    const bool has_trace = weftp_piece_get(&trace, getter, carrier, "x-b3-traceid");
    const bool has_span = weftp_piece_get(&span, getter, carrier, "x-b3-spanid");
    if ((has_trace || has_span) && (!has_trace || !has_span || !ids_set(context, &trace, &span))) {
        context->rejected++;
        return;
    }
    weftp_sampling_set(context, multi_sampling(context, getter, carrier));
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    struct weftp_piece single;
    if (weftp_piece_get(&single, getter, carrier, "b3") && single.size > 0) {
        if (single_read(context, single)) return WEFT_OK;
        context->rejected++;
    }
    multi_extract(context, getter, carrier);
    return WEFT_OK;
}

static weft_status single_inject(const void *self, const struct weft_propagated *context,
                                 const weft_setter *setter, void *carrier)
{
    (void)self;
    static const char states[] = {'\0', '0', '1', 'd'}; /* by enum weft_sampling */
    char text[32 + 1 + 16 + 2 + 1], *to = text;
    if (!context->trace.trace_id[0] || !context->trace.span_id[0]) return WEFT_OK;
    const struct weftp_piece trace = weftp_trace_id(context);
    to = weftp_append(to, trace.text, trace.size);
    *to++ = '-';
    to = weftp_append(to, context->trace.span_id, 16);
    if (states[context->sampling]) {
        *to++ = '-';
        *to++ = states[context->sampling];
    }
    *to = '\0';
    return setter->set(carrier, "b3", text, (size_t)(to - text));
}

static weft_status multi_inject(const void *self, const struct weft_propagated *context,
                                const weft_setter *setter, void *carrier)
{
    (void)self;
    if (!context->trace.trace_id[0] || !context->trace.span_id[0]) return WEFT_OK;
    const struct weftp_piece trace = weftp_trace_id(context);
    weft_status first = setter->set(carrier, "x-b3-traceid", trace.text, trace.size);
    weft_status status = setter->set(carrier, "x-b3-spanid", context->trace.span_id, 16);
    if (!first) first = status;
    switch (context->sampling) {
    case WEFT_SAMPLING_DEFERRED: return first;
    case WEFT_SAMPLING_DENY: status = setter->set(carrier, "x-b3-sampled", "0", 1); break;
    case WEFT_SAMPLING_ACCEPT: status = setter->set(carrier, "x-b3-sampled", "1", 1); break;
    case WEFT_SAMPLING_DEBUG: status = setter->set(carrier, "x-b3-flags", "1", 1); break;
    }
    return first ? first : status;
}

const struct weft_propagator_type weftp_propagator_b3 = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "b3",
    .extract = extract,
    .inject = single_inject,
    .fields = (const char *const[]){"b3", NULL},
};

const struct weft_propagator_type weftp_propagator_b3multi = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "b3multi",
    .extract = extract,
    .inject = multi_inject,
    .fields =
        (const char *const[]){"x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags", NULL},
};
