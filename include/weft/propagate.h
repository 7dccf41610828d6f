/*
 * Propagation: read a request's context from the headers that it came with, and write it to the headers of the calls
 * that it makes. Which formats: WEFT_PROPAGATORS (default tracecontext, baggage, xrequestid).
 *
 * Sources: W3C Trace Context Level 2; W3C Baggage; Envoy's x-request-id.
 * Hostile input is as if absent, counted (headers_rejected), and never written: a header value that weft sends holds no
 * CR, LF, NUL or other control character but tab. A value longer than 8 KiB is as if absent.
 */
#ifndef WEFT_PROPAGATE_H
#define WEFT_PROPAGATE_H

#include "logger.h"
#include "status.h"

/* How headers are read from a carrier. Names are matched in any case. Values are borrowed until the call returns. */
typedef struct weft_getter {
    size_t struct_size;
    /* The index-th value of a header (headers may repeat) and its size in bytes; NULL when there is none. */
    const char *(*get)(void *carrier, const char *name, size_t index, size_t *size);
    /* Calls back for every header; NULL where the carrier cannot list them (prefix formats then see none). */
    void (*each)(void *carrier,
                 void (*callback)(void *arg, const char *name, size_t name_size, const char *value,
                                  size_t size),
                 void *arg);
} weft_getter;

/* Sets a header, replacing those of the same name in any case. The value is NUL-terminated as well as sized. */
typedef struct weft_setter {
    size_t struct_size;
    weft_status (*set)(void *carrier, const char *name, const char *value, size_t size);
} weft_setter;

WEFT_EXTERN_C_BEGIN
/**
 * Read the context of a carrier into this thread's MDC and trace slot. Without a valid context a new trace is begun.
 *
 * Afterwards records carry the trace id, the id of a span that this process begins, and the request id (made when none
 * came in). weft_request_begin() does this and more; use one of them, not both. Entries that the baggage of an earlier
 * call has put are removed, but for those that the program has given another value since.
 *
 * @retval WEFT_EINVAL  getter or its get is NULL.
 * @retval WEFT_ENOMEM  Out of memory; the context is as before.
 *
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_extract(const weft_getter *getter, void *carrier);

/**
 * Write this thread's context to a carrier, each call with a span id of its own. Without a context: nothing is written.
 *
 * @retval WEFT_EINVAL  setter or its set is NULL.
 * @return Otherwise the first failure of the setter; the remaining headers are still tried.
 *
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_inject(const weft_setter *setter, void *carrier);

/**
 * Return the index-th name of a header that weft_inject may write, by the formats in force; NULL
 * past the last. For a carrier that is used again: what an earlier inject wrote and this one does
 * not is taken out by the adapters in weft/adapter, and must be by others.
 *
 * Names are in lower case and may be told more than once. One that ends with '*' stands for all
 * that begin so ("uberctx-*"). Static: they live until weft_shutdown.
 *
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API const char *weft_propagation_field(size_t index);

/**
 * Tell whether a header is one of those names; `name`, of `size` bytes, may be in any case. NULL is
 * none.
 *
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API bool weft_propagation_has_field(const char *name, size_t size);

/**
 * Copy this thread's trace id (32 lower-case hex digits) and span id (16), each with a NUL. Either may be NULL.
 *
 * @retval WEFT_ENOTFOUND  There is no trace; nothing is written.
 *
 * Threads: any. Signals: safe. Allocates: never. Since: 0.1.
 */
WEFT_API weft_status weft_trace_ids(char trace_id[33], char span_id[17]);
WEFT_EXTERN_C_END

#endif
