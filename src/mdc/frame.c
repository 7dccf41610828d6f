#include "frame.h"

#include <stdlib.h>
#include <string.h>

struct weft_context *weftp_frame_create(struct weftp_pair_set *pairs,
                                        const struct weft_context *from)
{
    struct weft_context *frame = malloc(sizeof *frame);
    if (!frame) {
        weftp_pairs_unref(pairs);
        return NULL;
    }
    frame->refs = 1;
    frame->depth = 0;
    frame->serial = 0;
    frame->parent = NULL;
    frame->pairs = pairs;
    frame->carry = from ? from->carry : NULL;
    frame->traced = from && from->traced;
    if (frame->carry) weftp_carry_ref(frame->carry);
    if (frame->traced) frame->trace = from->trace;
    return frame;
}

struct weft_context *weftp_frame_detached(const struct weft_context *context)
{
    return weftp_frame_create(context ? weftp_pairs_ref(context->pairs) : NULL, context);
}

struct weft_context *weftp_frame_ref(struct weft_context *frame)
{
    if (frame) __atomic_fetch_add(&frame->refs, 1, __ATOMIC_RELAXED);
    return frame;
}

/* The only holder needs no locked instruction to find out that it is the last. */
static bool drop_is_last(struct weft_context *frame)
{
    return weftp_frame_is_sole(frame) || __atomic_sub_fetch(&frame->refs, 1, __ATOMIC_ACQ_REL) == 0;
}

void weftp_frame_unref(struct weft_context *frame)
{
    while (frame && drop_is_last(frame)) {
        struct weft_context *parent = frame->parent;
        weftp_pairs_unref(frame->pairs);
        weftp_carry_unref(frame->carry);
        free(frame);
        frame = parent;
    }
}

bool weftp_frame_is_empty(const struct weft_context *frame)
{
    return !frame ||
           ((!frame->pairs || frame->pairs->count == 0) && !frame->traced && !frame->carry);
}

struct weftp_carry *weftp_carry_create(const struct weftp_carry_item *items, size_t count)
{
    size_t size = sizeof(struct weftp_carry) + count * sizeof items[0];
    for (size_t i = 0; i < count; i++) size += (size_t)items[i].size + 1;
    struct weftp_carry *carry = malloc(size);
    if (!carry) return NULL;
    carry->refs = 1;
    carry->count = (uint32_t)count;
    char *text = (char *)(carry->items + count);
    for (size_t i = 0; i < count; i++) {
        carry->items[i] = items[i];
        carry->items[i].value = text;
        if (items[i].size) memcpy(text, items[i].value, items[i].size);
        text += items[i].size;
        *text++ = '\0';
    }
    return carry;
}

void weftp_carry_ref(struct weftp_carry *carry)
{
    __atomic_fetch_add(&carry->refs, 1, __ATOMIC_RELAXED);
}

void weftp_carry_unref(struct weftp_carry *carry)
{
    if (carry && __atomic_sub_fetch(&carry->refs, 1, __ATOMIC_ACQ_REL) == 0) free(carry);
}
