/* W3C Trace Context, Level 2: traceparent and tracestate. */
#include "chars.h"
#include "registry.h"
#include "traceparent.h"

#include <string.h>

enum {
    STATE_LINES_MAX = 64,   /* headers that are joined */
    STATE_MEMBERS_MAX = 32, /* more: none is used */
    STATE_KEY_MAX = 256,
    STATE_VALUE_MAX = 256,
    STATE_SIZE_MAX = 512,  /* what every party must carry; the rest goes, entry by entry */
    STATE_LONG_ENTRY = 128 /* entries longer than this go first */
};

/* The entries of all tracestate headers, as they stand in the carrier. */
struct state {
    size_t count;
    size_t size;  /* of the entries and the commas between them */
    size_t bytes; /* of the headers */
    size_t lines;
    struct entry {
        const char *text;
        size_t size; /* 0: taken out */
    } entries[STATE_MEMBERS_MAX];
};

/*
 * key "=" value, without white space around it. Trailing spaces of the value have been trimmed:
 * they are no part of it.
 */
static bool entry_ok(const char *text, size_t size)
{
    if (!weftp_char_is(text[0], WEFTP_CHAR_STATE_FIRST)) return false;
    const size_t key = weftp_char_span(text, size, WEFTP_CHAR_STATE_KEY);
    if (key > STATE_KEY_MAX || key + 1 >= size || text[key] != '=') return false;
    const size_t value = size - key - 1;
    return value <= STATE_VALUE_MAX &&
           weftp_char_span(text + key + 1, value, WEFTP_CHAR_STATE_VALUE) == value;
}

/*
 * Take a header's entries; false when one is bad, or there are too many: then no tracestate is used
 * at all.
 */
static bool state_add(struct state *state, const char *line, size_t size)
{
    state->bytes += size;
    for (size_t at = 0; at < size;) {
        const char *comma = memchr(line + at, ',', size - at);
        size_t part = (comma ? (size_t)(comma - line) : size) - at;
        const size_t next = at + part + 1;
        const char *text = weftp_ows_trim(line + at, &part);
        at = next;
        if (part == 0) continue; /* empty members are allowed */
        if (state->count == STATE_MEMBERS_MAX || !entry_ok(text, part)) return false;
        state->entries[state->count++] = (struct entry){text, part};
        state->size += part + (state->size > 0);
    }
    return true;
}

static void entry_remove(struct state *state, size_t index)
{
    state->size -= state->entries[index].size + 1;
    state->entries[index].size = 0;
}

/*
 * Take out whole entries, the long ones first, each time the last: the first ones are the most
 * recent.
 */
static void state_trim(struct state *state)
{
    for (size_t i = state->count; i > 0 && state->size > STATE_SIZE_MAX; i--)
        if (state->entries[i - 1].size > STATE_LONG_ENTRY) entry_remove(state, i - 1);
    for (size_t i = state->count; i > 0 && state->size > STATE_SIZE_MAX; i--)
        if (state->entries[i - 1].size > 0) entry_remove(state, i - 1);
}

static char *state_join(const struct state *state, struct weft_propagated *context, size_t *size)
{
    char *text = weft_propagated_alloc(context, state->size + 1), *to = text;
    if (!text) return NULL;
    for (size_t i = 0; i < state->count; i++) {
        if (state->entries[i].size == 0) continue;
        if (to > text) *to++ = ',';
        memcpy(to, state->entries[i].text, state->entries[i].size);
        to += state->entries[i].size;
    }
    *size = (size_t)(to - text);
    return text;
}

static weft_status state_carry(struct state *state, struct weft_propagated *context)
{
    if (state->count == 0) return WEFT_OK;
    const char *text = state->entries[0].text;
    size_t size = state->size;
    if (state->lines > 1 || state->size != state->bytes || state->size > STATE_SIZE_MAX) {
        state_trim(state);
        text = state_join(state, context, &size);
        if (!text) return WEFT_ENOMEM;
    }
    if (size > 0)
        (void)weft_propagated_carry(
            context, (struct weft_carried){"tracestate", text, (uint32_t)size, WEFT_OF_TRACE});
    return WEFT_OK;
}

static weft_status state_extract(struct weft_propagated *context, const weft_getter *getter,
                                 void *carrier)
{
    struct state state;
    state.count = state.size = state.bytes = state.lines = 0;
    for (size_t i = 0;; i++) {
        size_t size = 0;
        const char *line = getter->get(carrier, "tracestate", i, &size);
        if (!line) break;
        state.lines++; /* one of size 0 was refused on its way here: a bad member was among it */
        if (i >= STATE_LINES_MAX || size == 0 || !state_add(&state, line, size)) {
            context->rejected++;
            return WEFT_OK;
        }
    }
    return state_carry(&state, context);
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    size_t size = 0, second_size = 0;
    const char *text = getter->get(carrier, "traceparent", 0, &size);
    if (!text) return WEFT_OK; /* a tracestate alone says nothing */
    const bool twice = getter->get(carrier, "traceparent", 1, &second_size) != NULL;
    if (size == 0 && !twice) return WEFT_OK;
    if (twice || !weftp_traceparent_read(context, text, size)) {
        context->rejected++;
        return WEFT_OK;
    }
    return state_extract(context, getter, carrier);
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    char text[WEFTP_TRACEPARENT_SIZE + 1];
    if (!weftp_traceparent_write(text, context)) return WEFT_OK;
    const weft_status status = setter->set(carrier, "traceparent", text, WEFTP_TRACEPARENT_SIZE);
    const struct weft_carried *state = weft_propagated_find(context, "tracestate");
    if (!state) return status;
    const weft_status second = setter->set(carrier, "tracestate", state->value, state->size);
    return status ? status : second;
}

const struct weft_propagator_type weftp_propagator_tracecontext = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "tracecontext",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){"traceparent", "tracestate", NULL},
};
