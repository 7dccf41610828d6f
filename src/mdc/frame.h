/*
 * Frames: what a context is made of. A frame that two hold is immutable; whoever changes a context
 * makes another one. One that only a thread's slot holds may be given other pairs by that thread.
 *
 * Its job: the frame's memory and who shares it. Not its job: which frame a thread has (mdc.c).
 * Threads: frames are shared by reference count; any thread may take or give back a reference that
 * it has.
 * May include: record.
 */
#ifndef WEFTP_MDC_FRAME_H
#define WEFTP_MDC_FRAME_H

#include "mdc.h"

struct weft_context {
    unsigned refs;               /* atomic */
    uint32_t depth;              /* open scopes: that of the parent and one; 0: none */
    uint64_t serial;             /* of the innermost open scope, as in its token; 0: none */
    struct weft_context *parent; /* what a pop of that scope restores; NULL: the empty context */
    struct weftp_pair_set
        *pairs;                /* flat: all entries in force, outer scopes' included; NULL: none */
    struct weftp_carry *carry; /* NULL: none */
    bool traced;               /* `trace` is set */
    struct weft_trace trace;
};

/*
 * Make a frame outside of all scopes with these pairs, the trace and the carry of `from` (NULL:
 * none of them). Owned, with one reference; takes over the caller's share of `pairs` also when it
 * fails. NULL: out of memory.
 */
struct weft_context *weftp_frame_create(struct weftp_pair_set *pairs,
                                        const struct weft_context *from);
/*
 * Make a frame outside of all scopes that shares what `context` has: for another thread. NULL in,
 * NULL out of memory.
 */
struct weft_context *weftp_frame_detached(const struct weft_context *context);
/* Take a reference; NULL stays NULL. */
struct weft_context *weftp_frame_ref(struct weft_context *frame);
/*
 * Give a reference back; with the last one the frame goes, and its reference to its parent, and so
 * on: in a loop.
 */
void weftp_frame_unref(struct weft_context *frame);
/* True when the caller has the only reference. */
static inline bool weftp_frame_is_sole(const struct weft_context *frame)
{
    return __atomic_load_n(&frame->refs, __ATOMIC_ACQUIRE) == 1;
}
/* True when a record would find nothing in the frame; also for NULL. */
bool weftp_frame_is_empty(const struct weft_context *frame);

#endif
