/*
 * The traceparent header's value (W3C Trace Context, Level 2, section 3.2), which other formats use
 * as well.
 *
 * Pure functions; any thread. May include: chars, the public propagator header.
 */
#ifndef WEFTP_PROPAGATE_TRACEPARENT_H
#define WEFTP_PROPAGATE_TRACEPARENT_H

#include <weft/sys/propagator.h>

#define WEFTP_TRACEPARENT_SIZE 55

/* Set the context's trace. False, and nothing is set: it is malformed. */
bool weftp_traceparent_read(struct weft_propagated *context, const char *text, size_t size);
/* Write the context's trace, and a NUL. False: there is none. */
bool weftp_traceparent_write(char text[WEFTP_TRACEPARENT_SIZE + 1],
                             const struct weft_propagated *context);

#endif
