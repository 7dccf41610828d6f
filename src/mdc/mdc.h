/*
 * The thread's context: immutable frames behind one thread-local slot. The public face is
 * include/weft/mdc.h.
 *
 * Its job: frames, scopes, hand-over between threads, and the trace slot that travels with a frame.
 * Not its job: headers (propagate), encoding (pairs are escaped when they are put, by record/pair).
 *
 *   weftp_mdc_view      | own thread, also in a handler | borrowed until this thread's next change
 *   weftp_mdc_trace_set | own thread                    | makes a new frame
 *   weftp_mdc_counts    | any                           | sums since start or weftp_mdc_forked
 *   weftp_mdc_forked    | a forked child's only thread  | nothing else of the MDC minds a fork
 *
 * May include: record, base, port.
 */
#ifndef WEFTP_MDC_MDC_H
#define WEFTP_MDC_MDC_H

#include "../record/pair.h"
#include <weft/mdc.h>

/*
 * What propagation must send on beside the ids: headers as they came (tracestate, baggage …).
 * Immutable, counted.
 */
struct weftp_carry_item {
    const char *name; /* static: of the propagator */
    const char *value;
    uint32_t size;
};
struct weftp_carry {
    unsigned refs; /* atomic */
    uint32_t count;
    struct weftp_carry_item items[]; /* their values lie behind them in the same block */
};
/* Copy items into an owned carry; NULL when out of memory. */
struct weftp_carry *weftp_carry_create(const struct weftp_carry_item *items, size_t count);
void weftp_carry_ref(struct weftp_carry *carry);
void weftp_carry_unref(struct weftp_carry *carry); /* NULL does nothing */

struct weftp_mdc_view {
    const struct weft_pair *pairs;
    size_t count;
    const struct weft_trace *trace;  /* NULL: none */
    const struct weftp_carry *carry; /* NULL: none */
};

/* Look at this thread's context. Borrowed. Signal-safe, never allocates. */
void weftp_mdc_view(struct weftp_mdc_view *view);

/*
 * Set or (NULL) remove the trace slot and what it carries; the frame takes a reference of its own
 * to carry.
 */
weft_status weftp_mdc_trace_set(const struct weft_trace *trace, struct weftp_carry *carry);

struct weftp_mdc_counts {
    uint64_t rejected, leaked, bad_tokens;
};
void weftp_mdc_counts(struct weftp_mdc_counts *counts);
/*
 * Begin to count anew, in a forked child. Its thread keeps its context; other threads' frames are
 * out of reach.
 */
void weftp_mdc_forked(void);

#endif
