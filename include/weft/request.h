/*
 * One inbound request: clears the thread's context, extracts the caller's, starts a span; at its end writes one
 * access-log record (method, path without query, status, duration, bytes) and restores the thread's earlier context.
 */
#ifndef WEFT_REQUEST_H
#define WEFT_REQUEST_H

#include "mdc.h"
#include "propagate.h"

/* Whether a caller's trace is continued. Not set: WEFT_TRUST. */
typedef enum weft_trust {
    WEFT_TRUST_DEFAULT = 0,
    WEFT_TRUST_CONTINUE = 1, /* go on with the caller's trace */
    WEFT_TRUST_RESTART =
        2, /* begin a new trace; the old ids stay in the line as a link; baggage is kept */
    WEFT_TRUST_RESTART_EXTERNAL = 3 /* restart unless options->internal */
} weft_trust;

typedef struct weft_request_options {
    size_t struct_size;
    const weft_getter *getter; /* NULL: no headers, a new trace */
    void *carrier;
    weft_setter const
        *reply; /* NULL, or how to set headers of the response: it gets x-request-id */
    void *reply_carrier;
    const char *
        method; /* "GET"; NULL: left out. Borrowed until weft_request_begin returns, as the next two */
    const char *target;  /* path with or without query and fragment, which are not logged */
    const char *peer;    /* address of the client; NULL: left out */
    weft_logger *logger; /* of the access record; NULL: "http.access" */
    weft_trust trust;
    bool internal; /* the caller is inside of the trust boundary (for RESTART_EXTERNAL) */
    bool no_access_record;
} weft_request_options;
#define WEFT_REQUEST_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(weft_request_options), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,              \
            WEFT_TRUST_DEFAULT, false, false                                                       \
    }

/* A request under way. Owned by the caller until weft_request_end. */
typedef struct weft_request weft_request;

WEFT_EXTERN_C_BEGIN
/**
 * Begin a request on this thread.
 *
 * @param options  Borrowed until the call returns, with all that it points to. NULL, a struct_size
 *                 that is too small, a trust that is none, or a reply without a set: no request.
 * @return  An owned handle for weft_request_end; NULL when options are bad or memory is out (the
 *          context is then empty, so that an earlier request's entries are never taken for this
 *          one's).
 *
 * Threads: any; one request at a time is current on a thread. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_request *weft_request_begin(const weft_request_options *options);

/**
 * Take a request off this thread, which gets its own context back, so that any thread can go on
 * with it later.
 *
 * For servers with an event loop. NULL, and a request that is parked already, do nothing.
 * Threads: the one where it is current. Signals: unsafe. Allocates: never. Since: 0.1.
 */
WEFT_API void weft_request_park(weft_request *request);
/**
 * Make a parked request current on this thread; the thread's own context waits in it meanwhile.
 *
 * NULL, and a request that is not parked, do nothing.
 * Threads: any, one at a time per request. Signals: unsafe. Allocates: never. Since: 0.1.
 */
WEFT_API void weft_request_resume(weft_request *request);

/**
 * End a request: write its access record, restore the thread's earlier context, free the handle.
 *
 * @param request  As from weft_request_begin. NULL does nothing.
 * @param status   The status of the response (HTTP: RFC 9110, section 15); 0: left out. From 500 on
 *                 the record is an ERROR, else INFO.
 * @param bytes    Bytes of the response's body.
 *
 * Threads: the one where it is current; any when it is parked. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_request_end(weft_request *request, int status, uint64_t bytes);

/**
 * Return the id of this thread's request, the MDC entry "request_id"; NULL when there is none.
 *
 * Borrowed until the next change of this thread's context. Threads: any. Signals: safe.
 * Allocates: never. Since: 0.1.
 */
WEFT_API const char *weft_request_id(void);
WEFT_EXTERN_C_END

#endif
