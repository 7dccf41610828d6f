/*
 * The propagation formats that weft knows by itself. To add one: its file, and one line in
 * registry.c.
 *
 * Threads: any; all is constant. May include: the public propagator header.
 */
#ifndef WEFTP_PROPAGATE_REGISTRY_H
#define WEFTP_PROPAGATE_REGISTRY_H

#include <weft/sys/propagator.h>

extern const struct weft_propagator_type
    weftp_propagator_tracecontext;                                    /* traceparent, tracestate */
extern const struct weft_propagator_type weftp_propagator_baggage;    /* baggage */
extern const struct weft_propagator_type weftp_propagator_xrequestid; /* x-request-id */

extern const struct weft_propagator_type weftp_propagator_b3;      /* b3 */
extern const struct weft_propagator_type weftp_propagator_b3multi; /* x-b3-traceid, … */
extern const struct weft_propagator_type weftp_propagator_jaeger;  /* uber-trace-id, uberctx- */
extern const struct weft_propagator_type weftp_propagator_xray;    /* x-amzn-trace-id */
extern const struct weft_propagator_type weftp_propagator_datadog; /* x-datadog-trace-id, … */
extern const struct weft_propagator_type weftp_propagator_gcp;     /* x-cloud-trace-context */
extern const struct weft_propagator_type weftp_propagator_ot;      /* ot-tracer-traceid, … */
extern const struct weft_propagator_type weftp_propagator_ottrace; /* the same, by OTel's name */

/* All of them; ends with NULL. */
extern const struct weft_propagator_type *const weftp_propagators_builtin[];

/*
 * Find a format by its name in a list that ends with NULL (the list may be NULL); NULL when it is
 * not there. What follows a ':' in `name` are the format's args and not looked at.
 */
const struct weft_propagator_type *weftp_propagator_find(
    const struct weft_propagator_type *const *list, const char *name);

#endif
