/*
 * The access record of a request: what its fields and message are.
 *
 * Threads: one per request. May include: propagate, mdc, base, public headers.
 */
#ifndef WEFTP_REQUEST_ACCESS_H
#define WEFTP_REQUEST_ACCESS_H

#include "../propagate/propagate.h"
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
    bool outgoing;    /* a call that this process makes: the peer is the server */
};

/* A clock that never jumps, in nanoseconds. */
int64_t weftp_access_clock_ns(void);

/* A piece of somebody's text; text NULL: left out. */
struct weftp_access_text {
    const char *text;
    size_t size; /* bytes, no NUL among them */
};
/* The three texts of a request, cut to their limits. Any may be NULL. */
struct weftp_access_texts {
    struct weftp_access_text method, path, peer;
};
struct weftp_access_texts weftp_access_texts(const char *method, const char *target,
                                             const char *peer);
/* Bytes that they take when they are kept. */
size_t weftp_access_size(const struct weftp_access_texts *texts);
/* Copy them to `to`, where there is room for them; the access record then points there. */
void weftp_access_keep(struct weftp_access *access, const struct weftp_access_texts *texts,
                       char *to);
/*
 * The parts of the URL of a call, which may lack its scheme as those of curl may: "host:1/path" and
 * "//host/path" have an authority, "/path" and "*" have none. User information, which may be a
 * password, is in neither. The authority's text NULL: there is none; the path's is never NULL.
 * Borrowed: parts of `url`.
 */
struct weftp_access_url {
    struct weftp_access_text authority, path;
};
struct weftp_access_url weftp_access_url(const char *url);

/*
 * Find the path in the target of a request that came in (RFC 9112, section 3.2; one that begins with
 * '/' is a path whatever follows): without scheme, authority (which may
 * hold a password), query and fragment, and at most WEFTP_ACCESS_PATH_MAX bytes. Returns a part of
 * `target`; *size is its size.
 */
const char *weftp_access_path(const char *target, size_t *size);

/*
 * Write the record, with the parent of the thread's span where there is one. NULL logger:
 * "http.access", of a call "http.client". status 0: left out. The level is ERROR from 500 on, and
 * of a call without a status; else INFO.
 */
void weftp_access_log(const struct weftp_access *access, weft_logger *logger, int status,
                      uint64_t bytes);

/* The propagation in force; the first use of all reads the settings. */
const struct weftp_propagation *weftp_request_propagation(void);

#endif
