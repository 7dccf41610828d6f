/*
 * The access record of a request: what its fields and message are.
 *
 * Threads: one per request. May include: base, public headers.
 */
#ifndef WEFTP_REQUEST_ACCESS_H
#define WEFTP_REQUEST_ACCESS_H

#include <weft/request.h>

enum {
    WEFTP_ACCESS_METHOD_MAX = 64, /* bytes */
    WEFTP_ACCESS_PATH_MAX = 2048,
    WEFTP_ACCESS_PEER_MAX = 256
};

/* What is known of a request when it begins. Each text may be NULL: left out. */
struct weftp_access {
    const char *method, *path, *peer;
    int64_t begun_ns; /* of weftp_access_clock_ns */
};

/* A clock that never jumps, in nanoseconds. */
int64_t weftp_access_clock_ns(void);

/*
 * Find the path in a request's target (RFC 9112, section 3.2): without scheme, authority (which may
 * hold a password), query and fragment, and at most WEFTP_ACCESS_PATH_MAX bytes. Returns a part of
 * `target`; *size is its size.
 */
const char *weftp_access_path(const char *target, size_t *size);

/*
 * Write the record. NULL logger: "http.access". status 0: left out; from 500 on the level is ERROR,
 * else INFO.
 */
void weftp_access_log(const struct weftp_access *access, weft_logger *logger, int status,
                      uint64_t bytes);

#endif
