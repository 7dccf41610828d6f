/*
 * What stands between a propagator and a carrier, so that no format can get it wrong: values are
 * trimmed, at most 8 KiB and not empty on their way in, and free of control characters on their way out.
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
    /* The last name asked for, its next index, and where that is looked for in the carrier. */
    const char *name;
    size_t index, at;
};
/* Nothing to undo. `outer` must have a get. */
void weftp_guard_in_init(struct weftp_guard_in *guard, const weft_getter *outer, void *carrier);

#define WEFTP_GUARD_NAMES_MAX 192

/*
 * A header that two formats write is the first one's: so the order of the formats means the same on
 * the way in and on the way out.
 */
struct weftp_guard_out {
    weft_setter setter;
    const weft_setter *outer;
    void *carrier;
    uint64_t names[WEFTP_GUARD_NAMES_MAX]; /* hashes of what was written */
    uint32_t count;                        /* of them, before the format at hand and in all */
    uint32_t before;
};
void weftp_guard_out_init(struct weftp_guard_out *guard, const weft_setter *outer, void *carrier);
/* The next format begins to write. */
void weftp_guard_out_next(struct weftp_guard_out *guard);

#endif
