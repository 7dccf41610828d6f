#include "trace_names.h"

#include "../base/number.h"
#include <string.h>

#define QUOTE "\""

static const struct weftp_trace_names sets[] = {
    {"ecs",
     false,
     {{WEFTP_ITEM_TRACE_ID, "trace.id", NULL, WEFTP_SPACE_TOP},
      {WEFTP_ITEM_SPAN_ID, "span.id", NULL, WEFTP_SPACE_TOP}}},
    {"spring",
     true,
     {{WEFTP_ITEM_TRACE_ID, "traceId", NULL, WEFTP_SPACE_TOP},
      {WEFTP_ITEM_SPAN_ID, "spanId", NULL, WEFTP_SPACE_TOP}}},
    {"otel",
     false,
     {{WEFTP_ITEM_TRACE_ID, "trace_id", NULL, WEFTP_SPACE_TOP},
      {WEFTP_ITEM_SPAN_ID, "span_id", NULL, WEFTP_SPACE_TOP},
      {WEFTP_ITEM_TRACE_FLAGS, "trace_flags", QUOTE, WEFTP_SPACE_TOP}}},
    {"datadog",
     false,
     {{WEFTP_ITEM_TRACE_DATADOG, "dd.trace_id", QUOTE, WEFTP_SPACE_TOP},
      {WEFTP_ITEM_SPAN_DATADOG, "dd.span_id", QUOTE, WEFTP_SPACE_TOP}}},
    {"gcp",
     false,
     {{WEFTP_ITEM_TRACE_PROJECT, "logging.googleapis.com/trace", QUOTE, WEFTP_SPACE_TOP},
      {WEFTP_ITEM_SPAN_ID, "logging.googleapis.com/spanId", NULL, WEFTP_SPACE_TOP},
      {WEFTP_ITEM_TRACE_SAMPLED, "logging.googleapis.com/trace_sampled", NULL, WEFTP_SPACE_TOP}}},
};

bool weftp_trace_names_find(const char *name, const struct weftp_trace_names **out)
{
    *out = NULL;
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        if (strcmp(sets[i].name, name) != 0) continue;
        *out = &sets[i];
        return true;
    }
    return strcmp(name, "own") == 0;
}

/* ---- items ---- */

struct copy {
    struct weftp_layout_item *to, *end; /* one place stays for END */
};

static void add(struct copy *copy, const struct weftp_layout_item *item)
{
    if (copy->to < copy->end) *copy->to++ = *item;
}

static void add_names(struct copy *copy, const struct weftp_trace_names *names,
                      enum weftp_space space)
{
    for (const struct weftp_layout_item *item = names->items; item->item; item++) {
        struct weftp_layout_item placed = *item;
        placed.space = space;
        add(copy, &placed);
    }
}

void weftp_trace_names_apply(const struct weftp_layout *layout,
                             const struct weftp_trace_names *names, struct weftp_layout_item *out,
                             size_t capacity)
{
    struct copy copy = {out, out + capacity - 1};
    bool is_due = false; /* behind the object that the format's own stand in */
    for (const struct weftp_layout_item *item = layout->items; item->item; item++) {
        const bool is_trace = item->item == WEFTP_ITEM_TRACE_ID;
        if (!names || (!is_trace && item->item != WEFTP_ITEM_SPAN_ID)) add(&copy, item);
        if (names && is_trace) {
            is_due = !names->with_mdc && layout->space_names[item->space];
            if (!is_due) add_names(&copy, names, item->space);
        }
        if (item->item == WEFTP_ITEM_CLOSE && is_due) {
            add_names(&copy, names, WEFTP_SPACE_TOP);
            is_due = false;
        }
    }
    *copy.to = (struct weftp_layout_item){WEFTP_ITEM_END, NULL, NULL, WEFTP_SPACE_TOP};
}

/* ---- text ---- */

static uint64_t hex_value(const char *digits, size_t size)
{
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        const char c = digits[i];
        value = value << 4 | (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10) % 16;
    }
    return value;
}

static char *put_id(char *to, const char *id, size_t size)
{
    memcpy(to, id, size);
    return to + size;
}

/*
 * As Datadog's tracers write it: 32 hex digits, but decimal for an id of 64 bits, which is all that
 * there was once.
 */
static char *put_datadog_trace(char *to, const char *id)
{
    const size_t size = strnlen(id, 32);
    if (size == 32 && memcmp(id, "0000000000000000", 16) != 0) return put_id(to, id, 32);
    return weftp_u64_text(to, hex_value(id + (size > 16 ? size - 16 : 0), size > 16 ? 16 : size));
}

bool weftp_trace_item_is(enum weftp_item item)
{
    return item >= WEFTP_ITEM_TRACE_PROJECT && item <= WEFTP_ITEM_SPAN_DATADOG;
}

char *weftp_trace_text(char *to, enum weftp_item item, const struct weft_trace *trace)
{
    static const char digits[] = "0123456789abcdef";
    switch ((int)item) {
    case WEFTP_ITEM_TRACE_PROJECT:
        to = put_id(to, trace->trace_id, strnlen(trace->trace_id, 32));
        break;
    case WEFTP_ITEM_TRACE_FLAGS:
        *to++ = digits[trace->flags >> 4];
        *to++ = digits[trace->flags & 15];
        break;
    case WEFTP_ITEM_TRACE_SAMPLED: {
        const bool sampled = trace->flags & 1;
        memcpy(to, sampled ? "true" : "false", sampled ? 4 : 5);
        return to + (sampled ? 4 : 5);
    }
    case WEFTP_ITEM_TRACE_DATADOG: to = put_datadog_trace(to, trace->trace_id); break;
    case WEFTP_ITEM_SPAN_DATADOG:
        to = weftp_u64_text(to, hex_value(trace->span_id, strnlen(trace->span_id, 16)));
        break;
    default: return to;
    }
    *to = '"';
    return to + 1;
}
