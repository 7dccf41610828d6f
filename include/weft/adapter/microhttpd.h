/*
 * libmicrohttpd: one request's context from its headers, and x-request-id in the response.
 * Header-only; C11 and C++17.
 *
 *     in the handler:   weft_request *request = weft_mhd_request_begin(connection, method, url);
 *     before the reply: weft_mhd_reply(response);
 *     at the end:       weft_request_end(request, status, bytes);
 *
 * Threads: the one that handles the connection. Signals: unsafe. Since: 0.1.
 */
#ifndef WEFT_ADAPTER_MICROHTTPD_H
#define WEFT_ADAPTER_MICROHTTPD_H

#include "../request.h"
#include "text.h"
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Private: what is looked for, and what was found. */
struct weft_mhd_search_ {
    const char *name;
    size_t left; /* values to pass over */
    const char *found_name, *value;
    size_t size;
};

static inline enum MHD_Result weft_mhd_step_(void *arg, enum MHD_ValueKind kind, const char *key,
                                             size_t key_size, const char *value, size_t size)
{
    struct weft_mhd_search_ *search = WEFT_CAST_(struct weft_mhd_search_ *, arg);
    (void)kind;
    if (!key || !weft_name_is_(key, key_size, search->name) || search->left-- > 0) return MHD_YES;
    search->value = value ? value : "";
    search->size = value ? size : 0;
    return MHD_NO; /* found: no further */
}

static inline const char *weft_mhd_get_(void *carrier, const char *name, size_t index, size_t *size)
{
    struct weft_mhd_search_ search = {name, index, NULL, NULL, 0};
    MHD_get_connection_values_n(WEFT_CAST_(struct MHD_Connection *, carrier), MHD_HEADER_KIND,
                                weft_mhd_step_, &search);
    *size = search.size;
    return search.value;
}

/* Private: a callback and its argument. */
struct weft_mhd_listing_ {
    void (*callback)(void *arg, const char *name, size_t name_size, const char *value, size_t size);
    void *arg;
};

static inline enum MHD_Result weft_mhd_list_(void *arg, enum MHD_ValueKind kind, const char *key,
                                             size_t key_size, const char *value, size_t size)
{
    const struct weft_mhd_listing_ *listing = WEFT_CAST_(const struct weft_mhd_listing_ *, arg);
    (void)kind;
    if (key && value) listing->callback(listing->arg, key, key_size, value, size);
    return MHD_YES;
}

static inline void weft_mhd_each_(void *carrier,
                                  void (*callback)(void *arg, const char *name, size_t name_size,
                                                   const char *value, size_t size),
                                  void *arg)
{
    struct weft_mhd_listing_ listing = {callback, arg};
    MHD_get_connection_values_n(WEFT_CAST_(struct MHD_Connection *, carrier), MHD_HEADER_KIND,
                                weft_mhd_list_, &listing);
}

/** Return the getter whose carrier is a struct MHD_Connection. Static. */
static inline const weft_getter *weft_mhd_getter(void)
{
    static const weft_getter getter = {sizeof(weft_getter), weft_mhd_get_, weft_mhd_each_};
    return &getter;
}

static inline enum MHD_Result weft_mhd_reply_step_(void *arg, enum MHD_ValueKind kind,
                                                   const char *key, const char *value)
{
    struct weft_mhd_search_ *search = WEFT_CAST_(struct weft_mhd_search_ *, arg);
    (void)kind;
    if (!weft_name_is_(key, __builtin_strlen(key), search->name)) return MHD_YES;
    search->found_name = key;
    search->value = value;
    return MHD_NO;
}

/* libmicrohttpd deletes by the exact name and value, so they are looked for first. */
static inline void weft_mhd_remove_(struct MHD_Response *response, const char *name)
{
    for (;;) {
        struct weft_mhd_search_ search = {name, 0, NULL, NULL, 0};
        MHD_get_response_headers(response, weft_mhd_reply_step_, &search);
        if (!search.found_name || !search.value) return;
        if (MHD_del_response_header(response, search.found_name, search.value) != MHD_YES) return;
    }
}

static inline weft_status weft_mhd_set_(void *carrier, const char *name, const char *value,
                                        size_t size)
{
    struct MHD_Response *response = WEFT_CAST_(struct MHD_Response *, carrier);
    if (size == 0 || !weft_header_value_ok_(value, size)) return WEFT_EINVAL;
    weft_mhd_remove_(response, name);
    return MHD_add_response_header(response, name, value) == MHD_YES ? WEFT_OK : WEFT_ENOMEM;
}

/** Return the setter whose carrier is a struct MHD_Response. Static. */
static inline const weft_setter *weft_mhd_setter(void)
{
    static const weft_setter setter = {sizeof(weft_setter), weft_mhd_set_};
    return &setter;
}

/* The address of the client as text, NULL when it is not known. */
static inline const char *weft_mhd_peer_(struct MHD_Connection *connection, char *text,
                                         socklen_t capacity)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *address = info ? info->client_addr : NULL;
    if (!address) return NULL;
    if (address->sa_family == AF_INET) {
        struct sockaddr_in four;
        __builtin_memcpy(&four, address, sizeof four);
        return inet_ntop(AF_INET, &four.sin_addr, text, capacity);
    }
    if (address->sa_family != AF_INET6) return NULL;
    struct sockaddr_in6 six;
    __builtin_memcpy(&six, address, sizeof six);
    return inet_ntop(AF_INET6, &six.sin6_addr, text, capacity);
}

/**
 * Begin a request with options of the caller's own: their getter, carrier, method, target and peer
 * (unless it is set) come from the connection.
 */
static inline weft_request *weft_mhd_request_begin_with(struct MHD_Connection *connection,
                                                        const char *method, const char *url,
                                                        weft_request_options options)
{
    char peer[INET6_ADDRSTRLEN];
    options.getter = weft_mhd_getter();
    options.carrier = connection;
    options.method = method;
    options.target = url;
    if (!options.peer) options.peer = weft_mhd_peer_(connection, peer, sizeof peer);
    return weft_request_begin(&options);
}

/**
 * Begin a request: weft_request_begin with the headers, method, path and client of a connection.
 *
 * @param url  As the handler gets it: without the query.
 * @return  An owned handle for weft_request_end; NULL as weft_request_begin.
 */
static inline weft_request *weft_mhd_request_begin(struct MHD_Connection *connection,
                                                   const char *method, const char *url)
{
    const weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    return weft_mhd_request_begin_with(connection, method, url, options);
}

/**
 * Set x-request-id of a response to the id of this thread's request, so that a caller can quote it.
 *
 * @retval WEFT_ENOTFOUND  There is no request. @retval WEFT_ENOMEM libmicrohttpd has no memory.
 */
static inline weft_status weft_mhd_reply(struct MHD_Response *response)
{
    const char *id = weft_request_id();
    if (!id || !response) return id ? WEFT_EINVAL : WEFT_ENOTFOUND;
    return weft_mhd_set_(response, "x-request-id", id, __builtin_strlen(id));
}

#endif
