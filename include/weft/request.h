/*
 * One inbound request: clears the thread's context, extracts the caller's, starts a span; at its
 * end writes one access-log record (method, path without query, status, duration, bytes) and
 * restores the thread's earlier context.
 *
 * Order of calls: begin; then park and resume, as often as need be, on any threads; then end. Each
 * request keeps its own context throughout, in whatever order several of them come and go:
 *
 * - Begin and resume make a request the current one of their thread. One that was current there
 *   waits underneath, as do those under it.
 * - Park and end take a request off its thread, the current one or one underneath. When it was the
 *   current one, the one underneath is current again; after the last, the thread's own context is
 *   in force, as it was.
 * - A request on a thread (current or underneath) is that thread's: resume, park and end on
 *   another one do nothing, and the handle stays valid. Park it first. The two threads may call at
 *   once; but nobody may use a handle while or after another ends it.
 * - A thread parks or ends its requests before it ends. Those that a thread has left behind (in a
 *   forked child: of every thread but the one that forked) can only be left alone.
 * - Where the application exchanges contexts itself (weft_mdc_swap, weft_task_run), requests that
 *   it begins or resumes in between are parked or ended before it exchanges back.
 *
 * weft_mdc_clear during a request empties the request's context alone: weft_request_id and records
 * have no ids then, but the access record has those that the request began with (the trace, and
 * request_id up to 128 bytes) unless the application put others, or filled the context to its
 * limit.
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
 * @return  An owned handle for weft_request_end; NULL when options are bad or memory is out.
 *          The thread's own context is then empty, and its requests are parked with theirs, so that
 *          an earlier request's entries are never taken for this one's.
 *
 * Threads: any; a request that is current on this one waits underneath. Signals: unsafe.
 * Since: 0.1.
 */
WEFT_API weft_request *weft_request_begin(const weft_request_options *options);

/**
 * Take a request off this thread, so that any thread can go on with it later. If it was the current
 * one, what is underneath is in force again: another request or the thread's own context.
 *
 * For servers with an event loop. NULL, and a request that is parked already or on another thread,
 * do nothing.
 * Threads: the one that it is on. Signals: unsafe. Allocates: never. Since: 0.1.
 */
WEFT_API void weft_request_park(weft_request *request);
/**
 * Make a request current on this thread, one that is parked or waits underneath here; what was in
 * force, another request or the thread's own context, waits underneath meanwhile.
 *
 * NULL, and a request that is current already or on another thread, do nothing.
 * Threads: any. Signals: unsafe. Allocates: never. Since: 0.1.
 */
WEFT_API void weft_request_resume(weft_request *request);

/**
 * End a request: write its access record with its own context, free the handle. It need not be the
 * current one; if it was, what is underneath is in force again.
 *
 * @param request  As from weft_request_begin. NULL, and one that is on another thread, do nothing.
 * @param status   The status of the response (HTTP: RFC 9110, section 15); 0: left out. From 500 on
 *                 the record is an ERROR, else INFO.
 * @param bytes    Bytes of the response's body.
 *
 * Threads: the one that it is on; any when it is parked. Signals: unsafe. Since: 0.1.
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
