/*
 * gRPC core: a context in the metadata of a call, on either side. Header-only; C11 and C++17. For
 * programs on the C interface of libgrpc (grpc/grpc.h) and for bindings over it.
 *
 *     a server, when grpc_server_request_call has answered:
 *         weft_request *request = weft_grpc_request_begin(call, &details, &initial_metadata);
 *         …
 *         weft_request_end(request, weft_grpc_http_status(code), bytes);
 *
 *     a client, for each call:
 *         grpc_metadata_array metadata;
 *         grpc_metadata_array_init(&metadata);
 *         weft_grpc_inject(&metadata);
 *         op.op = GRPC_OP_SEND_INITIAL_METADATA;
 *         op.data.send_initial_metadata.count = metadata.count;
 *         op.data.send_initial_metadata.metadata = metadata.metadata;
 *         …                                             when the batch has been answered:
 *         weft_grpc_metadata_destroy(&metadata);
 *
 * gRPC has the values of keys that end in -bin as bytes; here they are turned into base64 and back,
 * for grpc-trace-bin (a format of WEFT_PROPAGATORS). libgrpc sends that one, but keeps it from a
 * server's program (1.51); so between two programs on libgrpc use the formats in text as well.
 *
 * Threads: one per array. Signals: unsafe. Allocates: by gpr_malloc, which ends the process when
 * memory is out, as gRPC does everywhere. Since: 0.1.
 */
#ifndef WEFT_ADAPTER_GRPC_H
#define WEFT_ADAPTER_GRPC_H

#include "../request.h"
#include "reuse.h"
#include "text.h"
#include <grpc/grpc.h>
#include <grpc/slice.h>
#include <grpc/status.h>
#include <grpc/support/alloc.h>

/* Binary values of one call that are looked at, and bytes of each. */
#define WEFT_GRPC_BINARY_MAX       4
#define WEFT_GRPC_BINARY_BYTES_MAX 96

/* ---- slices and base64 (RFC 4648, section 4) ---- */

static inline const char *weft_grpc_text_(const grpc_slice *slice)
{
    const void *start = GRPC_SLICE_START_PTR(*slice);
    return WEFT_CAST_(const char *, start);
}

static inline bool weft_grpc_key_is_(const grpc_metadata *item, const char *name)
{
    return weft_name_is_(weft_grpc_text_(&item->key), GRPC_SLICE_LENGTH(item->key), name);
}

static inline bool weft_grpc_is_binary_(const char *name, size_t size)
{
    return size > 4 && weft_name_is_(name + size - 4, 4, "-bin");
}

static inline const char *weft_grpc_digits_(void)
{
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
}

/* Write the base64 of `size` bytes without padding, (size * 4 + 2) / 3 characters. */
static inline size_t weft_grpc_encode_(char *text, const char *bytes, size_t size)
{
    unsigned bits = 0, held = 0;
    size_t written = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | WEFT_CAST_(unsigned char, bytes[i]);
        for (held += 8; held >= 6; held -= 6)
            text[written++] = weft_grpc_digits_()[bits >> (held - 6) & 63];
    }
    if (held > 0) text[written++] = weft_grpc_digits_()[bits << (6 - held) & 63];
    return written;
}

/* Read base64 with or without padding; the count of bytes, SIZE_MAX when it is none. */
static inline size_t weft_grpc_decode_(uint8_t *bytes, const char *text, size_t size)
{
    unsigned bits = 0, held = 0;
    size_t written = 0;
    for (int pads = 0; pads < 2 && size > 0 && text[size - 1] == '='; pads++) size--;
    for (size_t i = 0; i < size; i++) {
        const char *digit = text[i] ? __builtin_strchr(weft_grpc_digits_(), text[i]) : NULL;
        if (!digit) return SIZE_MAX;
        bits = bits << 6 | WEFT_CAST_(unsigned, digit - weft_grpc_digits_());
        held += 6;
        if (held < 8) continue;
        held -= 8;
        bytes[written++] = WEFT_CAST_(uint8_t, bits >> held & 255);
    }
    return held < 6 ? written : SIZE_MAX;
}

/* ---- in ---- */

/* Private: a binary value as text. */
struct weft_grpc_binary_ {
    const grpc_metadata *item;
    size_t size;
    char text[WEFT_GRPC_BINARY_BYTES_MAX * 4 / 3 + 4];
};

/*
 * Metadata to read. The array is borrowed for as long as this is used, and does not change
 * meanwhile. The other members are private.
 */
typedef struct weft_grpc_in {
    const grpc_metadata_array *metadata;
    size_t binary_count;
    struct weft_grpc_binary_ binaries[WEFT_GRPC_BINARY_MAX];
} weft_grpc_in;

/** Begin to read metadata. NULL: there is none. */
static inline void weft_grpc_in_init(weft_grpc_in *in, const grpc_metadata_array *metadata)
{
    in->metadata = metadata;
    in->binary_count = 0;
}

/* A binary value as text, which stays where it is; NULL when it is too long, or one too many. */
static inline const char *weft_grpc_binary_text_(weft_grpc_in *in, const grpc_metadata *item,
                                                 size_t *size)
{
    struct weft_grpc_binary_ *binary = in->binaries;
    const struct weft_grpc_binary_ *end = binary + in->binary_count;
    while (binary != end && binary->item != item) binary++;
    if (binary == end) {
        if (in->binary_count == WEFT_GRPC_BINARY_MAX ||
            GRPC_SLICE_LENGTH(item->value) > WEFT_GRPC_BINARY_BYTES_MAX)
            return NULL;
        in->binary_count++;
        binary->item = item;
        binary->size = weft_grpc_encode_(binary->text, weft_grpc_text_(&item->value),
                                         GRPC_SLICE_LENGTH(item->value));
    }
    *size = binary->size;
    return binary->text;
}

/* The value of an entry as a header has it; NULL when it is none that may be used. */
static inline const char *weft_grpc_value_(weft_grpc_in *in, const grpc_metadata *item,
                                           size_t *size)
{
    if (weft_grpc_is_binary_(weft_grpc_text_(&item->key), GRPC_SLICE_LENGTH(item->key)))
        return weft_grpc_binary_text_(in, item, size);
    *size = GRPC_SLICE_LENGTH(item->value);
    const char *value = weft_grpc_text_(&item->value);
    return weft_header_value_ok_(value, *size) ? value : NULL;
}

static inline const char *weft_grpc_get_(void *carrier, const char *name, size_t index,
                                         size_t *size)
{
    weft_grpc_in *in = WEFT_CAST_(weft_grpc_in *, carrier);
    const size_t count = in->metadata ? in->metadata->count : 0;
    for (size_t i = 0; i < count; i++) {
        const grpc_metadata *item = &in->metadata->metadata[i];
        if (!weft_grpc_key_is_(item, name)) continue;
        const char *value = weft_grpc_value_(in, item, size);
        if (value && index-- == 0) return value;
    }
    return NULL;
}

static inline void weft_grpc_each_(void *carrier,
                                   void (*callback)(void *arg, const char *name, size_t name_size,
                                                    const char *value, size_t size),
                                   void *arg)
{
    weft_grpc_in *in = WEFT_CAST_(weft_grpc_in *, carrier);
    const size_t count = in->metadata ? in->metadata->count : 0;
    for (size_t i = 0; i < count; i++) {
        const grpc_metadata *item = &in->metadata->metadata[i];
        size_t size = 0;
        const char *value = weft_grpc_value_(in, item, &size);
        if (value)
            callback(arg, weft_grpc_text_(&item->key), GRPC_SLICE_LENGTH(item->key), value, size);
    }
}

/** Return the getter whose carrier is a weft_grpc_in. Static. */
static inline const weft_getter *weft_grpc_getter(void)
{
    static const weft_getter getter = {sizeof(weft_getter), weft_grpc_get_, weft_grpc_each_};
    return &getter;
}

/**
 * Begin a request with options of the caller's own: their getter and carrier come from the
 * metadata, and what is not set of peer and target from the call and its details.
 */
static inline weft_request *weft_grpc_request_begin_with(grpc_call *call,
                                                         const grpc_call_details *details,
                                                         const grpc_metadata_array *metadata,
                                                         weft_request_options options)
{
    weft_grpc_in in;
    weft_grpc_in_init(&in, metadata);
    options.getter = weft_grpc_getter();
    options.carrier = &in;
    char *peer = call && !options.peer ? grpc_call_get_peer(call) : NULL;
    char *target = details && !options.target ? grpc_slice_to_c_string(details->method) : NULL;
    if (peer) options.peer = peer;
    if (target) options.target = target;
    weft_request *request = weft_request_begin(&options);
    gpr_free(peer);
    gpr_free(target);
    return request;
}

/**
 * Begin a request: weft_request_begin with the metadata and peer of a call; "/package.Service/Name"
 * is the path in its access record. There is no method.
 *
 * @param call      NULL: its peer is left out. @param details  NULL: no path.
 * @param metadata  The initial metadata that came in; NULL: a new trace.
 * @return  An owned handle for weft_request_end; NULL as weft_request_begin.
 */
static inline weft_request *weft_grpc_request_begin(grpc_call *call,
                                                    const grpc_call_details *details,
                                                    const grpc_metadata_array *metadata)
{
    const weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    return weft_grpc_request_begin_with(call, details, metadata, options);
}

/**
 * Return the HTTP status that stands for a gRPC status (google.rpc.Code names them), for
 * weft_request_end and weft_client_end: 200 for OK; 500 for one that is not known.
 */
static inline int weft_grpc_http_status(grpc_status_code code)
{
    static const short statuses[] = {200, 499, 500, 400, 504, 404, 409, 403, 429,
                                     400, 409, 400, 501, 500, 503, 500, 401};
    const unsigned index = WEFT_CAST_(unsigned, code);
    return index < sizeof statuses / sizeof *statuses ? statuses[index] : 500;
}

/* ---- out ---- */

/**
 * Free an array and the keys and values in it. For arrays that weft_grpc_inject has filled, once
 * the batch that sends them has been answered.
 */
static inline void weft_grpc_metadata_destroy(grpc_metadata_array *metadata)
{
    for (size_t i = 0; i < metadata->count; i++) {
        grpc_slice_unref(metadata->metadata[i].key);
        grpc_slice_unref(metadata->metadata[i].value);
    }
    grpc_metadata_array_destroy(metadata);
    grpc_metadata_array_init(metadata);
}

/* Take out and unreference entries of this key, or with NULL of any that weft may have written. */
static inline void weft_grpc_remove_(grpc_metadata_array *metadata, const char *name)
{
    size_t kept = 0;
    for (size_t i = 0; i < metadata->count; i++) {
        grpc_metadata *item = &metadata->metadata[i];
        const bool is_it = name ? weft_grpc_key_is_(item, name)
                                : weft_propagation_has_field(weft_grpc_text_(&item->key),
                                                             GRPC_SLICE_LENGTH(item->key));
        if (!is_it) {
            metadata->metadata[kept++] = *item;
            continue;
        }
        grpc_slice_unref(item->key);
        grpc_slice_unref(item->value);
    }
    metadata->count = kept;
}

static inline void weft_grpc_append_(grpc_metadata_array *metadata, grpc_slice key,
                                     grpc_slice value)
{
    if (metadata->count == metadata->capacity) {
        const size_t capacity = metadata->capacity ? metadata->capacity * 2 : 8;
        void *items = gpr_realloc(metadata->metadata, capacity * sizeof *metadata->metadata);
        metadata->metadata = WEFT_CAST_(grpc_metadata *, items);
        metadata->capacity = capacity;
    }
    grpc_metadata *item = &metadata->metadata[metadata->count++];
    __builtin_memset(item, 0, sizeof *item);
    item->key = key;
    item->value = value;
}

/* A value as gRPC has it, owned; false when it is none. */
static inline bool weft_grpc_slice_(grpc_slice *slice, bool binary, const char *value, size_t size)
{
    if (!binary) {
        *slice = grpc_slice_from_copied_buffer(value, size);
        if (grpc_header_nonbin_value_is_legal(*slice)) return true;
        grpc_slice_unref(*slice);
        return false;
    }
    grpc_slice room = grpc_slice_malloc(size);
    const size_t bytes = weft_grpc_decode_(GRPC_SLICE_START_PTR(room), value, size);
    const bool good = bytes != SIZE_MAX;
    if (good) *slice = grpc_slice_sub(room, 0, bytes);
    grpc_slice_unref(room);
    return good;
}

/* A name as a key, in lower case. Owned. */
static inline grpc_slice weft_grpc_key_(const char *name, size_t size)
{
    grpc_slice key = grpc_slice_malloc(size);
    uint8_t *to = GRPC_SLICE_START_PTR(key);
    for (size_t i = 0; i < size; i++) to[i] = WEFT_CAST_(uint8_t, weft_ascii_lower_(name[i]));
    return key;
}

static inline weft_status weft_grpc_set_(void *carrier, const char *name, const char *value,
                                         size_t size)
{
    grpc_metadata_array *metadata = WEFT_CAST_(grpc_metadata_array *, carrier);
    const size_t name_size = __builtin_strlen(name);
    grpc_slice text;
    grpc_slice key = weft_grpc_key_(name, name_size);
    if (!grpc_header_key_is_legal(key) ||
        !weft_grpc_slice_(&text, weft_grpc_is_binary_(name, name_size), value, size)) {
        grpc_slice_unref(key);
        return WEFT_EINVAL;
    }
    weft_grpc_remove_(metadata, name);
    weft_grpc_append_(metadata, key, text);
    return WEFT_OK;
}

/**
 * Return the setter whose carrier is a grpc_metadata_array, initial or trailing, that owns its keys
 * and values. It refuses what gRPC would: values that are not printable ASCII. Static.
 */
static inline const weft_setter *weft_grpc_setter(void)
{
    static const weft_setter setter = {sizeof(weft_setter), weft_grpc_set_};
    return &setter;
}

static inline void weft_grpc_clear_(void *carrier)
{
    weft_grpc_remove_(WEFT_CAST_(grpc_metadata_array *, carrier), NULL);
}

/**
 * Write this thread's context to the metadata of a call, as weft_inject does, and take out what an
 * earlier call has left there: all keys that the formats in force may write
 * (weft_propagation_has_field). What is taken out is unreferenced. Without a context nothing is
 * touched.
 */
static inline weft_status weft_grpc_inject(grpc_metadata_array *metadata)
{
    if (!metadata) return WEFT_EINVAL;
    return weft_reuse_inject_(weft_grpc_setter(), metadata, weft_grpc_clear_);
}

/**
 * Begin a call with a span of its own: weft_client_begin, whose headers go into the metadata as
 * weft_grpc_inject has it. Setter and carrier in `options` are not looked at.
 *
 * @return  An owned handle for weft_client_end; NULL as weft_client_begin, and when metadata is
 *   NULL.
 */
static inline weft_client *weft_grpc_client_begin(grpc_metadata_array *metadata,
                                                  weft_client_options options)
{
    if (!metadata) return NULL;
    return weft_reuse_client_begin_(weft_grpc_setter(), metadata, weft_grpc_clear_, options);
}

#endif
