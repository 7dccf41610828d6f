/*
 * nghttp2: a context in the headers of an HTTP/2 stream, on either side. Header-only; C11 and
 * C++17.
 *
 * A server collects a stream's headers, and begins the request when they are complete:
 *
 *     on_begin_headers:  weft_nghttp2_in_init(&stream->in);
 *     on_header:         weft_nghttp2_in_add(&stream->in, name, name_size, value, value_size);
 *     on_frame_recv:     stream->request = weft_nghttp2_request_begin(&stream->in, peer);
 *                        weft_nghttp2_in_deinit(&stream->in);
 *                        …  and weft_request_park where other streams' callbacks follow
 *     on_stream_close:   weft_request_end(stream->request, status, bytes);
 *
 * A client, and a server's response, have the context behind headers of their own:
 *
 *     nghttp2_nv nv[16] = {…};                       char text[4096];
 *     weft_nghttp2_out out;
 *     weft_nghttp2_out_init(&out, nv, 4, 16, text, sizeof text);      4 are there already
 *     weft_nghttp2_inject(&out);                                      or _client_begin, _reply
 *     nghttp2_submit_request(session, NULL, out.nv, out.count, &body, stream);
 *
 * Threads: one per weft_nghttp2_in or weft_nghttp2_out. Signals: unsafe. Since: 0.1.
 */
#ifndef WEFT_ADAPTER_NGHTTP2_H
#define WEFT_ADAPTER_NGHTTP2_H

#include "../request.h"
#include "headers.h"
#include <nghttp2/nghttp2.h>
#include <stdlib.h>

/* Of all headers of one stream, with their names. */
#define WEFT_NGHTTP2_IN_BYTES_MAX 131072

/* ---- in ---- */

/* Headers that have come in, as lines of text. Its members are private. */
typedef struct weft_nghttp2_in {
    char *data; /* owned */
    size_t size, capacity;
    weft_headers headers;
} weft_nghttp2_in;

/** Begin to collect the headers of a stream. Allocates nothing. */
static inline void weft_nghttp2_in_init(weft_nghttp2_in *in)
{
    in->data = NULL;
    in->size = in->capacity = 0;
    weft_headers_init(&in->headers, NULL, 0);
}

/** Free what was collected, and begin anew. NULL does nothing. */
static inline void weft_nghttp2_in_deinit(weft_nghttp2_in *in)
{
    if (!in) return;
    free(in->data);
    weft_nghttp2_in_init(in);
}

static inline weft_status weft_nghttp2_room_(weft_nghttp2_in *in, size_t more)
{
    size_t capacity = in->capacity ? in->capacity : 1024;
    if (more > WEFT_NGHTTP2_IN_BYTES_MAX - in->size) return WEFT_ELIMIT;
    while (capacity < in->size + more) capacity *= 2;
    if (capacity == in->capacity) return WEFT_OK;
    char *data = WEFT_CAST_(char *, realloc(in->data, capacity));
    if (!data) return WEFT_ENOMEM;
    in->data = data;
    in->capacity = capacity;
    return WEFT_OK;
}

/* Whether a name is a token, with a ':' in front of it for HTTP/2's own (RFC 9113, section 8.3). */
static inline bool weft_nghttp2_name_ok_(const char *name, size_t size)
{
    const size_t first = size > 0 && name[0] == ':' ? 1 : 0;
    for (size_t i = first; i < size; i++)
        if (!weft_name_char_(name[i])) return false;
    return size > first;
}

/**
 * Take a header, as nghttp2_on_header_callback gives it, those beginning with ':' too. Its bytes
 * are copied.
 *
 * @retval WEFT_EINVAL  It is none that may be used: as if absent.
 * @retval WEFT_ELIMIT  There are WEFT_NGHTTP2_IN_BYTES_MAX bytes already: as if absent.
 * @retval WEFT_ENOMEM  Out of memory: as if absent.
 */
static inline weft_status weft_nghttp2_in_add(weft_nghttp2_in *in, const uint8_t *name,
                                              size_t name_size, const uint8_t *value, size_t size)
{
    const char *name_text = WEFT_CAST_(const char *, WEFT_CAST_(const void *, name));
    const char *text = WEFT_CAST_(const char *, WEFT_CAST_(const void *, value));
    if (name_size > WEFT_NGHTTP2_IN_BYTES_MAX || size > WEFT_NGHTTP2_IN_BYTES_MAX)
        return WEFT_ELIMIT;
    if (!weft_nghttp2_name_ok_(name_text, name_size) || !weft_header_value_ok_(text, size))
        return WEFT_EINVAL;
    const weft_status status = weft_nghttp2_room_(in, name_size + 1 + size + 2);
    if (status) return status;
    char *to = in->data + in->size;
    __builtin_memcpy(to, name_text, name_size);
    to[name_size] = ':';
    if (size > 0) __builtin_memcpy(to + name_size + 1, text, size);
    __builtin_memcpy(to + name_size + 1 + size, "\r\n", 2);
    in->size += name_size + 1 + size + 2;
    weft_headers_init(&in->headers, in->data, in->size);
    return WEFT_OK;
}

static inline const char *weft_nghttp2_get_(void *carrier, const char *name, size_t index,
                                            size_t *size)
{
    return weft_headers_getter()->get(&WEFT_CAST_(weft_nghttp2_in *, carrier)->headers, name, index,
                                      size);
}

static inline void weft_nghttp2_each_(void *carrier,
                                      void (*callback)(void *arg, const char *name,
                                                       size_t name_size, const char *value,
                                                       size_t size),
                                      void *arg)
{
    weft_headers_getter()->each(&WEFT_CAST_(weft_nghttp2_in *, carrier)->headers, callback, arg);
}

/** Return the getter whose carrier is a weft_nghttp2_in. Static. */
static inline const weft_getter *weft_nghttp2_getter(void)
{
    static const weft_getter getter = {sizeof(weft_getter), weft_nghttp2_get_, weft_nghttp2_each_};
    return &getter;
}

/* Where a header's value ends, at the CR of its line; NULL when it is missing. *value: its begin. */
static inline char *weft_nghttp2_end_(weft_nghttp2_in *in, const char *name, const char **value)
{
    size_t size = 0;
    *value = weft_nghttp2_get_(in, name, 0, &size);
    return *value ? in->data + (*value - in->data) + size : NULL;
}

/**
 * Begin a request with options of the caller's own: their getter, carrier, method and target come
 * from the stream's headers.
 */
static inline weft_request *weft_nghttp2_request_begin_with(weft_nghttp2_in *in,
                                                            weft_request_options options)
{
    options.getter = weft_nghttp2_getter();
    options.carrier = in;
    char *method_end = weft_nghttp2_end_(in, ":method", &options.method);
    char *path_end = weft_nghttp2_end_(in, ":path", &options.target);
    const char method_last = method_end ? *method_end : '\0';
    const char path_last = path_end ? *path_end : '\0';
    /* Texts with a NUL for the call; behind each there is at least the end of its line. */
    if (method_end) *method_end = '\0';
    if (path_end) *path_end = '\0';
    weft_request *request = weft_request_begin(&options);
    if (method_end) *method_end = method_last;
    if (path_end) *path_end = path_last;
    return request;
}

/**
 * Begin a request: weft_request_begin with a stream's headers, method and path.
 *
 * @param peer  The client's address; NULL: left out. nghttp2 does not know it.
 * @return  An owned handle for weft_request_end; NULL as weft_request_begin.
 */
static inline weft_request *weft_nghttp2_request_begin(weft_nghttp2_in *in, const char *peer)
{
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.peer = peer;
    return weft_nghttp2_request_begin_with(in, options);
}

/* ---- out ---- */

/*
 * Headers to send with one stream. nv and text are the caller's, and live until nghttp2 has taken
 * the headers: nghttp2_submit_request and _response copy them. The text of a header that is
 * replaced is not used again, so begin anew for the next stream.
 */
typedef struct weft_nghttp2_out {
    nghttp2_nv *nv;
    size_t count, capacity;
    /* private: names and values that were written */
    char *text;
    size_t text_size, text_capacity;
} weft_nghttp2_out;

/**
 * Begin with `count` headers that stand in an array for `capacity`, and room for the text of those
 * to come. 12 more headers and 4 KiB are enough for the default formats with modest baggage.
 */
static inline void weft_nghttp2_out_init(weft_nghttp2_out *out, nghttp2_nv *nv, size_t count,
                                         size_t capacity, char *text, size_t text_capacity)
{
    out->nv = nv;
    out->count = count;
    out->capacity = capacity;
    out->text = text;
    out->text_size = 0;
    out->text_capacity = text_capacity;
}

/* Whether a header has this name, or with NULL any that weft may have written. */
static inline bool weft_nghttp2_is_(const nghttp2_nv *nv, const char *name)
{
    const char *text = WEFT_CAST_(const char *, WEFT_CAST_(const void *, nv->name));
    return name ? weft_name_is_(text, nv->namelen, name)
                : weft_propagation_has_field(text, nv->namelen);
}

/* Take out those headers. */
static inline void weft_nghttp2_remove_(weft_nghttp2_out *out, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++)
        if (!weft_nghttp2_is_(&out->nv[i], name)) out->nv[kept++] = out->nv[i];
    out->count = kept;
}

static inline size_t weft_nghttp2_count_(const weft_nghttp2_out *out, const char *name)
{
    size_t count = 0;
    for (size_t i = 0; i < out->count; i++) count += weft_nghttp2_is_(&out->nv[i], name);
    return count;
}

/* Append a header whose text fits. Names are in lower case in HTTP/2 (RFC 9113, section 8.2.1). */
static inline void weft_nghttp2_append_(weft_nghttp2_out *out, const char *name, const char *value,
                                        size_t size)
{
    const size_t name_size = __builtin_strlen(name);
    char *text = out->text + out->text_size;
    nghttp2_nv *nv = &out->nv[out->count++];
    for (size_t i = 0; i < name_size; i++) text[i] = weft_ascii_lower_(name[i]);
    if (size > 0) __builtin_memcpy(text + name_size, value, size);
    out->text_size += name_size + size;
    nv->name = WEFT_CAST_(uint8_t *, WEFT_CAST_(void *, text));
    nv->value = nv->name + name_size;
    nv->namelen = name_size;
    nv->valuelen = size;
    nv->flags = NGHTTP2_NV_FLAG_NONE;
}

static inline weft_status weft_nghttp2_set_(void *carrier, const char *name, const char *value,
                                            size_t size)
{
    weft_nghttp2_out *out = WEFT_CAST_(weft_nghttp2_out *, carrier);
    const size_t name_size = __builtin_strlen(name), room = out->text_capacity - out->text_size;
    if (name[0] == ':' || !weft_nghttp2_name_ok_(name, name_size) ||
        !weft_header_value_ok_(value, size))
        return WEFT_EINVAL;
    if (name_size > room || size > room - name_size ||
        out->count - weft_nghttp2_count_(out, name) >= out->capacity)
        return WEFT_ELIMIT;
    weft_nghttp2_remove_(out, name);
    weft_nghttp2_append_(out, name, value, size);
    return WEFT_OK;
}

/**
 * Return the setter whose carrier is a weft_nghttp2_out. It answers WEFT_ELIMIT when a header does
 * not fit; the array is then as before. Static.
 */
static inline const weft_setter *weft_nghttp2_setter(void)
{
    static const weft_setter setter = {sizeof(weft_setter), weft_nghttp2_set_};
    return &setter;
}

static inline void weft_nghttp2_clear_(void *carrier)
{
    weft_nghttp2_remove_(WEFT_CAST_(weft_nghttp2_out *, carrier), NULL);
}

/**
 * Write this thread's context to an array of headers, as weft_inject does, and take out what an
 * earlier request has left there: all headers that the formats in force may write
 * (weft_propagation_has_field). Without a context nothing is touched.
 *
 * @retval WEFT_ELIMIT  A header did not fit; the others are there.
 */
static inline weft_status weft_nghttp2_inject(weft_nghttp2_out *out)
{
    return weft_reuse_inject_(weft_nghttp2_setter(), out, weft_nghttp2_clear_);
}

/**
 * Begin a call with a span of its own: weft_client_begin, whose headers go into the array as
 * weft_nghttp2_inject has it. Setter and carrier in `options` are not looked at.
 *
 * @return  An owned handle for weft_client_end; NULL as weft_client_begin.
 */
static inline weft_client *weft_nghttp2_client_begin(weft_nghttp2_out *out,
                                                     weft_client_options options)
{
    return weft_reuse_client_begin_(weft_nghttp2_setter(), out, weft_nghttp2_clear_, options);
}

/**
 * Set x-request-id of a response to the id of this thread's request, so that a caller can quote it.
 *
 * @retval WEFT_ENOTFOUND  There is no request. @retval WEFT_ELIMIT  It does not fit.
 */
static inline weft_status weft_nghttp2_reply(weft_nghttp2_out *out)
{
    const char *id = weft_request_id();
    if (!id) return WEFT_ENOTFOUND;
    return weft_nghttp2_set_(out, "x-request-id", id, __builtin_strlen(id));
}

#endif
