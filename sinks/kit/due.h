/* "At most once a second", by the time of the lines themselves: no clock is read. */
#ifndef WEFTP_SINKS_KIT_DUE_H
#define WEFTP_SINKS_KIT_DUE_H

#include <stdbool.h>
#include <stdint.h>

#define WEFTP_DUE_INTERVAL_NS UINT64_C(1000000000)

/*
 * Whether `now_ns` is `window_ns`, at most a second, or more after `last_ns`, or, where the clock
 * jumped back, a second before it. Lines of several threads may come a little out of order.
 */
static inline bool weftp_due_within(int64_t now_ns, int64_t last_ns, uint64_t window_ns)
{
    const uint64_t shifted = (uint64_t)now_ns - (uint64_t)last_ns + WEFTP_DUE_INTERVAL_NS;
    return shifted >= WEFTP_DUE_INTERVAL_NS + window_ns || shifted == 0;
}

/*
 * Whether `now_ns` is a second or more after `last_ns`, or, where the clock jumped back, before it.
 * Any values.
 */
static inline bool weftp_due(int64_t now_ns, int64_t last_ns)
{
    return weftp_due_within(now_ns, last_ns, WEFTP_DUE_INTERVAL_NS);
}

#endif
