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

extern const struct weft_propagator_type weftp_propagator_b3;       /* b3 */
extern const struct weft_propagator_type weftp_propagator_b3multi;  /* x-b3-traceid, … */
extern const struct weft_propagator_type weftp_propagator_jaeger;   /* uber-trace-id, uberctx- */
extern const struct weft_propagator_type weftp_propagator_xray;     /* x-amzn-trace-id */
extern const struct weft_propagator_type weftp_propagator_datadog;  /* x-datadog-trace-id, … */
extern const struct weft_propagator_type weftp_propagator_gcp;      /* x-cloud-trace-context */
extern const struct weft_propagator_type weftp_propagator_ot;       /* ot-tracer-traceid, … */
extern const struct weft_propagator_type weftp_propagator_ottrace;  /* the same, by OTel's name */
extern const struct weft_propagator_type weftp_propagator_nginx;    /* x-request-id */
extern const struct weft_propagator_type weftp_propagator_haproxy;  /* x-unique-id */
extern const struct weft_propagator_type weftp_propagator_kong;     /* kong-request-id */
extern const struct weft_propagator_type weftp_propagator_envoy;    /* x-request-id, … */
extern const struct weft_propagator_type weftp_propagator_istio;    /* as they came */
extern const struct weft_propagator_type weftp_propagator_verbatim; /* the same, by name */
extern const struct weft_propagator_type weftp_propagator_elastic;  /* elastic-apm-traceparent */
extern const struct weft_propagator_type weftp_propagator_grpc_bin; /* grpc-trace-bin */

/*
 * Stands for the formats of weftp_auto_formats, in that order: all are read, and those are written
 * that the caller speaks. It has a name alone.
 */
extern const struct weft_propagator_type weftp_propagator_auto;

/* By what a format counts as the caller's. An empty header, or one that is refused, is none. */
enum weftp_came {
    WEFTP_CAME_ALWAYS = 0, /* written always */
    WEFTP_CAME_FOUND,      /* it has found a trace, a sampling decision, or what it carries on */
    WEFTP_CAME_FOUND_BY_HEADER, /* a trace or a decision, and one of its headers is there */
    WEFTP_CAME_TAKEN            /* its header is there, and nothing was refused */
};
struct weftp_auto_format {
    const struct weft_propagator_type *type;
    enum weftp_came came;
    bool is_trace; /* where no caller's format carries a trace, the first of these does */
    const char *const *headers; /* the last two: ends with NULL */
};
#define WEFTP_AUTO_MAX 16
/* Ends with a type of NULL. */
extern const struct weftp_auto_format weftp_auto_formats[WEFTP_AUTO_MAX];

/* All of them; ends with NULL. */
extern const struct weft_propagator_type *const weftp_propagators_builtin[];

/*
 * Whether the built-in format of `name` ("name:args") takes its args, or the want of them; true for
 * other names. Allocates for a moment; out of memory it says true.
 */
bool weftp_propagator_takes(const char *name);

/*
 * Find a format by its name in a list that ends with NULL (the list may be NULL); NULL when it is
 * not there. What follows a ':' in `name` are the format's args and not looked at.
 */
const struct weft_propagator_type *weftp_propagator_find(
    const struct weft_propagator_type *const *list, const char *name);

#endif
