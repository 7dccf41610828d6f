/*
 * Datadog: x-datadog-trace-id and -parent-id, decimal 64-bit numbers; the upper half of a 128-bit id
 * in x-datadog-tags (_dd.p.tid); x-datadog-sampling-priority: -1 and 0 drop, 1 and 2 keep;
 * x-datadog-origin. Tags, origin and the exact priority go on as they came. Baggage is ot-baggage-KEY.
 */
#include "chars.h"
#include "prefixed.h"
#include "registry.h"
#include "trace_text.h"

#include <string.h>

#define TAGS     "x-datadog-tags"
#define ORIGIN   "x-datadog-origin"
#define PRIORITY "x-datadog-sampling-priority"
#define TAG_HIGH "_dd.p.tid="

enum { TAGS_SIZE_MAX = 512, ORIGIN_SIZE_MAX = 128, HIGH_SIZE = 16 };

/* The upper half, when the tags say it. */
static struct weftp_piece high_half(struct weftp_piece tags)
{
    struct weftp_piece tag;
    while (weftp_piece_next(&tags, ',', &tag)) {
        tag.text = weftp_ows_trim(tag.text, &tag.size);
        if (tag.size != sizeof TAG_HIGH - 1 + HIGH_SIZE ||
            memcmp(tag.text, TAG_HIGH, sizeof TAG_HIGH - 1) != 0)
            continue;
        const struct weftp_piece high = {tag.text + sizeof TAG_HIGH - 1, HIGH_SIZE};
        if (weftp_char_span(high.text, high.size, WEFTP_CHAR_HEX) == high.size) return high;
    }
    return (struct weftp_piece){NULL, 0};
}

static bool ids_set(struct weft_propagated *context, const struct weftp_piece *trace,
                    const struct weftp_piece *parent, struct weftp_piece high, bool parentless)
{
    char id[32 + 1], span[WEFTP_HEX_SIZE];
    uint64_t low, from = 0;
    if (!weftp_decimal_read(trace, &low) || low == 0) return false;
    if (!weftp_decimal_read(parent, &from) || (from == 0 && !parentless)) return false;
    weftp_hex_write(id + HIGH_SIZE, low);
    weftp_hex_write(span, from);
    const bool is_long = high.text && !weftp_all_zero_digits(high.text, high.size);
    if (is_long) memcpy(id, high.text, HIGH_SIZE);
    const struct weftp_piece whole = {is_long ? id : id + HIGH_SIZE, is_long ? 32 : 16};
    return weftp_trace_set(context, whole, (struct weftp_piece){span, from ? 16 : 0});
}

static void sampling_read(struct weft_propagated *context, const weft_getter *getter, void *carrier)
{
    struct weftp_piece priority;
    if (!weftp_piece_get(&priority, getter, carrier, PRIORITY) || priority.size == 0) return;
    if (weftp_piece_is(&priority, "-1") || weftp_piece_is(&priority, "0")) {
        weftp_sampling_set(context, WEFT_SAMPLING_DENY);
    } else if (weftp_piece_is(&priority, "1") || weftp_piece_is(&priority, "2")) {
        weftp_sampling_set(context, WEFT_SAMPLING_ACCEPT);
    } else {
        context->rejected++;
        return;
    }
    (void)weft_propagated_carry(
        context,
        (struct weft_carried){PRIORITY, priority.text, (uint32_t)priority.size, WEFT_OF_TRACE});
}

static void carry(struct weft_propagated *context, const char *name,
                  const struct weftp_piece *value, size_t size_max)
{
    if (!value->text || value->size == 0) return;
    if (value->size <= size_max && weftp_piece_is_printable(value))
        (void)weft_propagated_carry(
            context,
            (struct weft_carried){name, value->text, (uint32_t)value->size, WEFT_OF_TRACE});
    else
        context->rejected++;
}

static void extract_trace(struct weft_propagated *context, const weft_getter *getter, void *carrier)
{
    struct weftp_piece trace, parent, tags, origin;
    if (!weftp_piece_get(&trace, getter, carrier, "x-datadog-trace-id")) return;
    if (!weftp_piece_get(&parent, getter, carrier, "x-datadog-parent-id"))
        parent = (struct weftp_piece){"0", 1};
    (void)weftp_piece_get(&tags, getter, carrier, TAGS);
    (void)weftp_piece_get(&origin, getter, carrier, ORIGIN);
    const bool synthetic =
        origin.text && origin.size >= 10 && memcmp(origin.text, "synthetics", 10) == 0;
    if (!ids_set(context, &trace, &parent, high_half(tags), synthetic)) {
        context->rejected++;
        return;
    }
    sampling_read(context, getter, carrier);
    carry(context, TAGS, &tags, TAGS_SIZE_MAX);
    carry(context, ORIGIN, &origin, ORIGIN_SIZE_MAX);
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    extract_trace(context, getter, carrier);
    return weftp_prefixed_extract(&weftp_prefixed_datadog, context, getter, carrier, NULL);
}

/* The tags that came, with the upper half of this trace's id in the place of theirs. */
static size_t write_tags(const struct weft_propagated *context, char *out)
{
    const struct weft_carried *came = weft_propagated_find(context, TAGS);
    struct weftp_piece rest = {came ? came->value : NULL, came ? came->size : 0}, tag;
    char *to = out;
    if (!weftp_all_zero_digits(context->trace.trace_id, HIGH_SIZE)) {
        to = weftp_append(to, TAG_HIGH, sizeof TAG_HIGH - 1);
        to = weftp_append(to, context->trace.trace_id, HIGH_SIZE);
    }
    while (weftp_piece_next(&rest, ',', &tag)) {
        tag.text = weftp_ows_trim(tag.text, &tag.size);
        const bool high =
            tag.size >= sizeof TAG_HIGH - 1 && memcmp(tag.text, TAG_HIGH, sizeof TAG_HIGH - 1) == 0;
        if (high || tag.size == 0 || (size_t)(to - out) + 1 + tag.size > TAGS_SIZE_MAX) continue;
        if (to > out) *to++ = ',';
        to = weftp_append(to, tag.text, tag.size);
    }
    *to = '\0';
    return (size_t)(to - out);
}

static const char *priority_of(const struct weft_propagated *context)
{
    const struct weft_carried *came = weft_propagated_find(context, PRIORITY);
    if (came) return came->value;
    return context->trace.flags & 1 ? "1" : "0";
}

static weft_status inject_trace(const struct weft_propagated *context, const weft_setter *setter,
                                void *carrier)
{
    char text[TAGS_SIZE_MAX + sizeof TAG_HIGH + HIGH_SIZE];
    if (!context->trace.trace_id[0] || !context->trace.span_id[0]) return WEFT_OK;
    size_t size = weftp_decimal_write(text, weftp_hex_read(context->trace.trace_id + 16, 16));
    weft_status first = setter->set(carrier, "x-datadog-trace-id", text, size);
    size = weftp_decimal_write(text, weftp_hex_read(context->trace.span_id, 16));
    weft_status status = setter->set(carrier, "x-datadog-parent-id", text, size);
    if (!first) first = status;
    if (context->sampling != WEFT_SAMPLING_DEFERRED) {
        const char *priority = priority_of(context);
        status = setter->set(carrier, PRIORITY, priority, strlen(priority));
        if (!first) first = status;
    }
    size = write_tags(context, text);
    if (size > 0) status = setter->set(carrier, TAGS, text, size);
    if (!first) first = status;
    const struct weft_carried *origin = weft_propagated_find(context, ORIGIN);
    if (origin) status = setter->set(carrier, ORIGIN, origin->value, origin->size);
    return first ? first : status;
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    const weft_status first = inject_trace(context, setter, carrier);
    const weft_status second =
        weftp_prefixed_inject(&weftp_prefixed_datadog, context, setter, carrier);
    return first ? first : second;
}

const struct weft_propagator_type weftp_propagator_datadog = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "datadog",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){"x-datadog-trace-id", "x-datadog-parent-id", PRIORITY, TAGS,
                                    ORIGIN, "ot-baggage-*", NULL},
};
