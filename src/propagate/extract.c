/*
 * Extract: what the formats found becomes this thread's trace slot, what it carries on, and MDC
 * entries.
 */
#include "../base/key_hash.h"
#include "../mdc/mdc.h"
#include "guard.h"
#include "ids.h"
#include "propagate.h"
#include "registry.h"

#include <string.h>

#define LINK_SIZE (32 + 1 + 16 + 1) /* "TRACEID-SPANID" and a NUL */

/*
 * A note which MDC entries baggage has become, for the next extraction on this context: of each the
 * hash of its value, its key and a NUL.
 */
#define NOTE_PUT ":put"

enum { FLAG_SAMPLED = 1, FLAG_RANDOM = 2, FLAGS_KNOWN = 3 };

/* What all formats together have found. */
struct found {
    struct weft_trace trace; /* empty trace_id: none */
    enum weft_sampling sampling;
    uint32_t digits;
    char came[WEFTP_AUTO_MAX + 1]; /* for WEFTP_NOTE_CAME */
    bool spoken;                   /* one of those that came is a trace's */
    char link[LINK_SIZE];          /* a trace that is not continued; "": none */
};

static bool has_trace(const struct weft_trace *trace)
{
    return trace->trace_id[0] != '\0';
}

static void note_link(struct found *found, const struct weft_trace *trace)
{
    if (found->link[0]) return;
    memcpy(found->link, trace->trace_id, 32);
    if (!trace->span_id[0]) return;
    found->link[32] = '-';
    memcpy(found->link + 33, trace->span_id, 16);
}

/* Forget the headers from `first` on that belong to a trace, or a caller, that is given up. */
static void drop_carried(struct weft_propagated *context, uint32_t first, enum weft_carried_of of)
{
    uint32_t kept = first;
    for (uint32_t i = first; i < context->carried_count; i++)
        if (context->carried[i].of == WEFT_OF_REQUEST || context->carried[i].of > of)
            context->carried[kept++] = context->carried[i];
    context->carried_count = kept;
}

/*
 * The first trace wins. A format that finds another one is passed over; a decision without ids is
 * good for a new trace.
 */
static void judge(struct found *found, struct weft_propagated *context, uint32_t first_carried)
{
    if (!has_trace(&context->trace)) {
        if (!has_trace(&found->trace) && !found->sampling) found->sampling = context->sampling;
        drop_carried(context, first_carried, WEFT_OF_TRACE);
    } else if (!has_trace(&found->trace)) {
        found->trace = context->trace;
        found->sampling = context->sampling;
        found->digits = context->trace_id_digits;
    } else if (strcmp(found->trace.trace_id, context->trace.trace_id) != 0) {
        note_link(found, &context->trace);
        drop_carried(context, first_carried, WEFT_OF_TRACE);
    }
}

static void clear_trace(struct weft_propagated *context)
{
    struct weft_trace *trace = &context->trace;
    memset(trace, 0, sizeof *trace);
    context->sampling = WEFT_SAMPLING_DEFERRED;
    context->trace_id_digits = 0;
}

static bool has_header(struct weftp_guard_in *guard, const char *const *names)
{
    size_t size = 0;
    for (; *names; names++)
        if (guard->getter.get(guard, *names, 0, &size) && size > 0) return true;
    return false;
}

/* How much there was before a format read the carrier. */
struct before {
    uint32_t carried, rejected;
};

/* Where formats are automatic: whether the caller speaks the one that has just been read. */
static void note_came(struct found *found, const struct weft_propagated *context,
                      const struct before *before, uint32_t index, struct weftp_guard_in *guard)
{
    const struct weftp_auto_format *format = &weftp_auto_formats[index];
    const bool decided = has_trace(&context->trace) || context->sampling;
    bool came = true;
    switch (format->came) {
    case WEFTP_CAME_ALWAYS: break;
    case WEFTP_CAME_FOUND: came = decided || context->carried_count > before->carried; break;
    case WEFTP_CAME_FOUND_BY_HEADER: came = decided && has_header(guard, format->headers); break;
    case WEFTP_CAME_TAKEN:
        came = context->rejected == before->rejected && has_header(guard, format->headers);
        break;
    }
    found->came[index] = came ? '1' : '0';
    if (came && format->is_trace && decided) found->spoken = true;
}

static weft_status read_carrier(struct found *found, struct weft_propagated *context,
                                const struct weftp_propagation *propagation,
                                struct weftp_guard_in *guard)
{
    for (uint32_t i = 0; i < propagation->propagator_count; i++) {
        const struct weftp_propagator *propagator = &propagation->propagators[i];
        const struct before before = {context->carried_count, context->rejected};
        clear_trace(context);
        const weft_status status =
            propagator->type->extract(propagator->self, context, &guard->getter, guard);
        if (status) return status;
        weftp_propagation_yield(propagation, i, context, before.carried);
        if (propagation->automatic) note_came(found, context, &before, i, guard);
        judge(found, context, before.carried);
    }
    return WEFT_OK;
}

/* Which formats the caller speaks, where that decides what is written. */
static void carry_came(struct found *found, struct weft_propagated *context, uint32_t count)
{
    if (!found->spoken) found->came[0] = '1';
    (void)weft_propagated_carry(
        context, (struct weft_carried){WEFTP_NOTE_CAME, found->came, count, WEFT_OF_REQUEST});
}

static bool is_trusted(const struct weftp_propagation *propagation,
                       const struct weftp_extract_options *options)
{
    enum weft_trust trust = options ? options->trust : WEFT_TRUST_DEFAULT;
    if (trust == WEFT_TRUST_DEFAULT) trust = propagation->trust;
    if (trust == WEFT_TRUST_RESTART_EXTERNAL) return options && options->internal;
    return trust != WEFT_TRUST_RESTART;
}

/*
 * Begin a new trace where the caller's is not trusted. What it decided on sampling is not trusted
 * either.
 */
static void distrust(struct found *found, struct weft_propagated *context)
{
    if (has_trace(&found->trace)) {
        memset(found->link, 0, sizeof found->link); /* the winner is what the caller goes by */
        note_link(found, &found->trace);
    }
    memset(&found->trace, 0, sizeof found->trace);
    found->sampling = WEFT_SAMPLING_DEFERRED;
    drop_carried(context, 0, WEFT_OF_CALLER);
}

/* The slot: a span of this process, below the caller's or at the root of a new trace. */
static void begin_span(struct weft_trace *slot, const struct found *found)
{
    memset(slot, 0, sizeof *slot);
    if (has_trace(&found->trace)) {
        memcpy(slot->trace_id, found->trace.trace_id, sizeof slot->trace_id);
        memcpy(slot->parent_id, found->trace.span_id, sizeof slot->parent_id);
        slot->flags = found->trace.flags & FLAGS_KNOWN;
    } else {
        weftp_id_random(slot->trace_id, 32);
        slot->flags = FLAG_RANDOM;
        if (found->sampling == WEFT_SAMPLING_ACCEPT || found->sampling == WEFT_SAMPLING_DEBUG)
            slot->flags |= FLAG_SAMPLED;
    }
    weftp_id_random(slot->span_id, 16);
}

/*
 * What the flags of the slot cannot say: a decision that is left to the next service, or forced; a
 * short trace id.
 */
static void note_trace(struct weft_propagated *context, const struct found *found, char note[3])
{
    const bool continued = has_trace(&found->trace);
    const bool unsaid = found->sampling == WEFT_SAMPLING_DEBUG ||
                        (continued && found->sampling == WEFT_SAMPLING_DEFERRED);
    const bool is_short = continued && found->digits == 16;
    if (!unsaid && !is_short) return;
    note[0] = (char)('0' + (int)found->sampling);
    note[1] = is_short ? 's' : 'l';
    note[2] = '\0';
    (void)weft_propagated_carry(context,
                                (struct weft_carried){WEFTP_NOTE_TRACE, note, 2, WEFT_OF_TRACE});
}

static weft_status set_slot(struct weft_propagated *context, const struct found *found,
                            const struct weftp_carry_item *put)
{
    struct weft_trace slot;
    struct weftp_carry_item items[WEFT_CARRIED_MAX + 1];
    struct weftp_carry *carry = NULL;
    char note[3];
    begin_span(&slot, found);
    note_trace(context, found, note);
    for (uint32_t i = 0; i < context->carried_count; i++) {
        const struct weft_carried *header = &context->carried[i];
        items[i] = (struct weftp_carry_item){header->name, header->value, header->size};
    }
    uint32_t count = context->carried_count;
    if (put->size > 0) items[count++] = *put; /* the last: inject may do without it */
    if (count > 0) {
        carry = weftp_carry_create(items, count);
        if (!carry) return WEFT_ENOMEM;
    }
    const weft_status status = weftp_mdc_trace_set(&slot, carry);
    weftp_carry_unref(carry);
    return status;
}

/*
 * Put an entry, or take away what an earlier request has left. A full context is counted there, and
 * no failure here.
 */
static weft_status put(const char *key, const char *value, size_t size)
{
    const weft_status status =
        value ? weft_mdc_put_field(weft_strn(key, value, size)) : weft_mdc_remove(key);
    return status == WEFT_ENOMEM ? status : WEFT_OK;
}

static weft_status put_baggage(const struct weft_propagated *context)
{
    char key[WEFTP_PAIR_KEY_SIZE_MAX + 1];
    weft_status status = WEFT_OK;
    for (uint32_t i = 0; i < context->baggage_count && !status; i++) {
        const struct weft_baggage *entry = &context->baggage[i];
        if (entry->key_size >= sizeof key) continue;
        memcpy(key, entry->key, entry->key_size);
        key[entry->key_size] = '\0';
        status = put(key, entry->value, entry->value_size);
    }
    return status;
}

/* The entry of this key, where it is a text; NULL: there is none. */
static const struct weft_pair *text_of(const char *key, size_t key_size)
{
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    const struct weft_pair *pair = weftp_pairs_find(view.pairs, view.count, key, key_size);
    return pair && pair->field.type == WEFT_TYPE_STR && pair->field.v.p ? pair : NULL;
}

static uint32_t hash_of(const struct weft_pair *pair)
{
    return weftp_hash_bytes(0, pair->field.v.p, pair->field.size);
}

/* Note what baggage has put; the values as the MDC has them, which may be cut. */
static weft_status note_put(struct weft_propagated *context, struct weftp_carry_item *put)
{
    size_t size = 0;
    *put = (struct weftp_carry_item){NOTE_PUT, NULL, 0};
    for (uint32_t i = 0; i < context->baggage_count; i++)
        size += sizeof(uint32_t) + context->baggage[i].key_size + 1;
    if (size == 0) return WEFT_OK;
    char *to = weft_propagated_alloc(context, size);
    if (!to) return WEFT_ENOMEM;
    put->value = to;
    for (uint32_t i = 0; i < context->baggage_count; i++) {
        const struct weft_baggage *entry = &context->baggage[i];
        const struct weft_pair *pair = text_of(entry->key, entry->key_size);
        if (!pair) continue;
        const uint32_t hash = hash_of(pair);
        memcpy(to, &hash, sizeof hash);
        memcpy(to + sizeof hash, entry->key, entry->key_size);
        to += sizeof hash + entry->key_size;
        *to++ = '\0';
    }
    put->size = (uint32_t)(to - put->value);
    return WEFT_OK;
}

/*
 * Take away what baggage of an earlier message has put. An entry with another value by now is the
 * program's own, and stays.
 */
static weft_status drop_noted(const struct weftp_carry_item *put)
{
    weft_status status = WEFT_OK;
    for (uint32_t at = 0; at < put->size && status != WEFT_ENOMEM;) {
        uint32_t hash;
        memcpy(&hash, put->value + at, sizeof hash);
        const char *key = put->value + at + sizeof hash;
        const size_t key_size = strlen(key);
        const struct weft_pair *pair = text_of(key, key_size);
        if (pair && hash_of(pair) == hash) status = weft_mdc_remove(key);
        at += (uint32_t)(sizeof hash + key_size + 1);
    }
    return status == WEFT_ENOMEM ? status : WEFT_OK;
}

static weft_status drop_earlier(void)
{
    struct weftp_mdc_view view;
    weft_status status = WEFT_OK;
    weftp_mdc_view(&view);
    struct weftp_carry *carry = (struct weftp_carry *)view.carry; /* for a reference to it */
    if (!carry || carry->count == 0) return WEFT_OK;
    const struct weftp_carry_item *last = &carry->items[carry->count - 1];
    if (strcmp(last->name, NOTE_PUT) != 0) return WEFT_OK;
    weftp_carry_ref(carry);
    status = drop_noted(last);
    weftp_carry_unref(carry);
    return status;
}

static weft_status put_request_id(const struct weft_propagated *context)
{
    char made[WEFTP_UUID_SIZE + 1];
    weft_status status =
        put(WEFTP_KEY_REQUEST_ID_REJECTED, context->rejected_id, context->rejected_id_size);
    if (status) return status;
    if (context->request_id)
        return put(WEFTP_KEY_REQUEST_ID, context->request_id, context->request_id_size);
    weftp_id_uuid(made);
    return put(WEFTP_KEY_REQUEST_ID, made, WEFTP_UUID_SIZE);
}

static weft_status set_context(struct weft_propagated *context, const struct found *found)
{
    weft_context *before = weft_mdc_capture();
    struct weftp_carry_item noted;
    weft_status status = drop_earlier();
    if (!status) status = put_baggage(context);
    if (!status) status = note_put(context, &noted);
    if (!status)
        status = put_request_id(context); /* behind the baggage, which must not replace it */
    if (!status)
        status =
            put(WEFTP_KEY_TRACE_LINK, found->link[0] ? found->link : NULL, strlen(found->link));
    if (!status) status = set_slot(context, found, &noted);
    weft_mdc_release(status ? weft_mdc_swap(before) : before);
    return status;
}

weft_status weftp_extract(const struct weftp_propagation *propagation, const weft_getter *getter,
                          void *carrier, const struct weftp_extract_options *options)
{
    struct weft_propagated context;
    struct weftp_guard_in guard;
    struct found found = {.sampling = WEFT_SAMPLING_DEFERRED};
    weft_status status = WEFT_OK;
    if (getter && !getter->get) return WEFT_EINVAL;
    weftp_propagated_init(&context);
    context.baggage_keys = propagation->keys;
    context.baggage_key_count = propagation->key_count;
    if (getter) {
        weftp_guard_in_init(&guard, getter, carrier);
        status = read_carrier(&found, &context, propagation, &guard);
        if (propagation->automatic) carry_came(&found, &context, propagation->propagator_count);
        weftp_propagate_reject(context.rejected + guard.rejected);
    }
    if (!is_trusted(propagation, options)) distrust(&found, &context);
    if (!status) status = set_context(&context, &found);
    weftp_propagated_deinit(&context);
    return status;
}
