/* Inject: this thread's context, with a span id made for the callee, becomes headers. */
#include "../mdc/mdc.h"
#include "guard.h"
#include "ids.h"
#include "propagate.h"
#include "registry.h"

#include <string.h>

static void fill_trace(struct weft_propagated *context, const struct weft_trace *slot,
                       const char *span_id)
{
    if (!slot) return;
    memcpy(context->trace.trace_id, slot->trace_id, sizeof slot->trace_id);
    memcpy(context->trace.parent_id, slot->span_id, sizeof slot->span_id);
    context->trace.flags = slot->flags;
    context->sampling = slot->flags & 1 ? WEFT_SAMPLING_ACCEPT : WEFT_SAMPLING_DENY;
    context->trace_id_digits = 32;
    if (span_id)
        memcpy(context->trace.span_id, span_id, 16);
    else
        weftp_id_random(context->trace.span_id, 16);
}

static void fill_carried(struct weft_propagated *context, const struct weftp_carry *carry)
{
    for (uint32_t i = 0; carry && i < carry->count; i++) {
        const struct weftp_carry_item *item = &carry->items[i];
        const struct weft_carried header = {item->name, item->value, item->size, WEFT_OF_REQUEST};
        (void)weft_propagated_carry(context, header);
    }
    const struct weft_carried *note = weft_propagated_find(context, WEFTP_NOTE_TRACE);
    if (!note || note->size != 2) return;
    context->sampling = (enum weft_sampling)(note->value[0] - '0');
    context->trace_id_digits = note->value[1] == 's' ? 16 : 32;
}

static void fill_baggage(struct weft_propagated *context,
                         const struct weftp_propagation *propagation,
                         const struct weftp_mdc_view *view)
{
    for (uint32_t i = 0; i < propagation->key_count && context->baggage_count < WEFT_BAGGAGE_MAX;
         i++) {
        const char *key = propagation->keys[i];
        const size_t key_size = strlen(key);
        const struct weft_pair *pair = weftp_pairs_find(view->pairs, view->count, key, key_size);
        if (!pair || pair->field.type == WEFT_TYPE_NULL) continue;
        const bool is_text = pair->field.type == WEFT_TYPE_STR;
        const char *value = is_text ? pair->field.v.p : weftp_pair_text(pair);
        if (!value) continue;
        const size_t size = is_text ? pair->field.size : strlen(value);
        context->baggage[context->baggage_count++] =
            (struct weft_baggage){key, value, (uint32_t)key_size, (uint32_t)size};
    }
}

/* Only as text: what else a program may put under that key is not an id. */
static void fill_request_id(struct weft_propagated *context, const struct weftp_mdc_view *view)
{
    const struct weft_pair *pair = weftp_pairs_find(view->pairs, view->count, WEFTP_KEY_REQUEST_ID,
                                                    sizeof WEFTP_KEY_REQUEST_ID - 1);
    if (!pair || pair->field.type != WEFT_TYPE_STR || !pair->field.v.p) return;
    context->request_id = pair->field.v.p;
    context->request_id_size = pair->field.size;
}

/* Where the formats are automatic: whether this one is the caller's. */
static bool is_spoken(const struct weftp_propagation *propagation,
                      const struct weft_propagated *context, uint32_t index)
{
    if (!propagation->automatic) return true;
    const struct weft_carried *came = weft_propagated_find(context, WEFTP_NOTE_CAME);
    if (came && index < came->size) return came->value[index] == '1';
    return index == 0 || weftp_auto_formats[index].came == WEFTP_CAME_ALWAYS; /* nobody called */
}

weft_status weftp_inject(const struct weftp_propagation *propagation, const weft_setter *setter,
                         void *carrier)
{
    return weftp_inject_as(propagation, NULL, setter, carrier);
}

weft_status weftp_inject_as(const struct weftp_propagation *propagation, const char *span_id,
                            const weft_setter *setter, void *carrier)
{
    struct weft_propagated context;
    struct weftp_mdc_view view;
    struct weftp_guard_out guard;
    weft_status first = WEFT_OK;
    if (!setter || !setter->set) return WEFT_EINVAL;
    weftp_mdc_view(&view);
    if (!view.trace && !view.carry && view.count == 0) return WEFT_OK;
    weftp_propagated_init(&context);
    fill_trace(&context, view.trace, span_id);
    fill_carried(&context, view.carry);
    fill_baggage(&context, propagation, &view);
    fill_request_id(&context, &view);
    weftp_guard_out_init(&guard, setter, carrier);
    for (uint32_t i = 0; i < propagation->propagator_count; i++) {
        const struct weftp_propagator *propagator = &propagation->propagators[i];
        if (!is_spoken(propagation, &context, i)) continue;
        const weft_status status =
            propagator->type->inject(propagator->self, &context, &guard.setter, &guard);
        weftp_guard_out_next(&guard);
        if (!first) first = status;
    }
    return first;
}
