/*
 * One outgoing call: writes this thread's context to the call's headers, under a span id of the call's own, and at its
 * end one record (method, path without query, peer, status, duration, bytes) with that span's ids.
 *
 * A retry is another call: each attempt has its own span and its own record. Without a trace in this thread's context
 * the call begins one of its own.
 */
#ifndef WEFT_CLIENT_H
#define WEFT_CLIENT_H

#include "propagate.h"

typedef struct weft_client_options {
    size_t struct_size;
    const weft_setter *setter; /* how headers of the call are set; NULL: none are */
    void *carrier;
    const char *
        method; /* "GET"; NULL: left out. Borrowed until weft_client_begin returns, as the next two */
    /* URL, its scheme may be missing; or path, from its '/' on. Query, fragment and user information are not logged */
    const char *target;
    const char *peer;    /* who is called, "payments:8080"; NULL: host and port of the target */
    weft_logger *logger; /* of the record; NULL: "http.client" */
    bool no_record;
} weft_client_options;
#define WEFT_CLIENT_OPTIONS_INIT                                                                   \
    {                                                                                              \
        sizeof(weft_client_options), NULL, NULL, NULL, NULL, NULL, NULL, false                     \
    }

/* A call under way. Owned by the caller until weft_client_end. */
typedef struct weft_client weft_client;

WEFT_EXTERN_C_BEGIN
/**
 * Begin a call with this thread's context.
 *
 * @param options  Borrowed until the call returns, with all that it points to.
 * @return  An owned handle for weft_client_end; NULL when options are NULL, their struct_size is too small or their
 *          setter has no set, or memory is out. A header that cannot be set is left out.
 *
 * The thread's context stays as it is. Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_client *weft_client_begin(const weft_client_options *options);

/**
 * Copy the call's trace id (32 lower-case hex digits) and span id (16), each with a NUL. Either may be NULL.
 *
 * Threads: any. Signals: safe. Allocates: never. Since: 0.1.
 */
WEFT_API void weft_client_ids(const weft_client *client, char trace_id[33], char span_id[17]);

/**
 * End a call: write its record, with the context that it began with, and free the handle.
 *
 * @param client  As from weft_client_begin; NULL does nothing.
 * @param status  The status of the answer (HTTP: RFC 9110, section 15); 0: there was none, and it is left out. Without an
 *                answer, and from 500 on, the record is an ERROR, else INFO.
 * @param bytes   Bytes of the answer's body.
 *
 * Threads: any, one at a time for a handle. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_client_end(weft_client *client, int status, uint64_t bytes);
WEFT_EXTERN_C_END

#endif
