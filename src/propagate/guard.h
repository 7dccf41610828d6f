/*
 * What stands between a propagator and a carrier, so that no format can get it wrong: values are
 * trimmed and at most 8 KiB on their way in, and free of control characters on their way out.
 *
 * Threads: one per guard. May include: chars, the public propagation headers.
 */
#ifndef WEFTP_PROPAGATE_GUARD_H
#define WEFTP_PROPAGATE_GUARD_H

#include <weft/sys/propagator.h>

#define WEFTP_HEADER_SIZE_MAX 8192

struct weftp_guard_in {
    weft_getter getter; /* what the propagator gets; its carrier is this struct */
    const weft_getter *outer;
    void *carrier;
    uint32_t rejected; /* values that were too long */
};
/* Nothing to undo. `outer` must have a get. */
void weftp_guard_in_init(struct weftp_guard_in *guard, const weft_getter *outer, void *carrier);

struct weftp_guard_out {
    weft_setter setter;
    const weft_setter *outer;
    void *carrier;
};
void weftp_guard_out_init(struct weftp_guard_out *guard, const weft_setter *outer, void *carrier);

#endif
