/*
 * Formats that are one header with a request id: x-request-id (many services; nginx, where it is
 * told to send $request_id), x-unique-id (HAProxy, which adds its own beside a client's).
 */
#include "registry.h"
#include "request_id.h"

#include <string.h>

static weft_status extract_x(const void *self, struct weft_propagated *context,
                             const weft_getter *getter, void *carrier)
{
    (void)self;
    weftp_request_id_take(context, getter, carrier, "x-request-id");
    return WEFT_OK;
}

static weft_status inject_x(const void *self, const struct weft_propagated *context,
                            const weft_setter *setter, void *carrier)
{
    (void)self;
    return weftp_request_id_give(context, setter, carrier, "x-request-id");
}

/* Five to seven numbers in hex and what stands between them: %{+X}o %ci:%cp_%fi:%fp_%Ts_%rt:%pid. */
static bool is_packed(const char *id, size_t size)
{
    size_t colons = 0, lows = 0;
    for (size_t i = 0; i < size; i++) {
        colons += id[i] == ':';
        lows += id[i] == '_';
        if (!strchr("0123456789ABCDEFabcdef:_", id[i]) || id[i] == '\0') return false;
    }
    return lows == 3 && colons >= 3;
}

static bool is_uuid(const char *id, size_t size)
{
    if (size != 36) return false;
    for (size_t i = 0; i < size; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? id[i] != '-' : id[i] == '\0' || !strchr("0123456789abcdefABCDEF", id[i]))
            return false;
    }
    return true;
}

/* As HAProxy's manual has them, and its uuid(). */
static bool is_haproxys(const char *id, size_t size)
{
    return size <= WEFTP_REQUEST_ID_SIZE_MAX && (is_packed(id, size) || is_uuid(id, size));
}

static weft_status extract_unique(const void *self, struct weft_propagated *context,
                                  const weft_getter *getter, void *carrier)
{
    (void)self;
    weftp_request_id_take_own(context, getter, carrier, "x-unique-id", is_haproxys);
    return WEFT_OK;
}

static weft_status inject_unique(const void *self, const struct weft_propagated *context,
                                 const weft_setter *setter, void *carrier)
{
    (void)self;
    return weftp_request_id_give(context, setter, carrier, "x-unique-id");
}

const struct weft_propagator_type weftp_propagator_xrequestid = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "xrequestid",
    .extract = extract_x,
    .inject = inject_x,
    .fields = (const char *const[]){"x-request-id", NULL},
};

const struct weft_propagator_type weftp_propagator_nginx = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "nginx",
    .extract = extract_x,
    .inject = inject_x,
    .fields = (const char *const[]){"x-request-id", NULL},
};

const struct weft_propagator_type weftp_propagator_haproxy = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "haproxy",
    .extract = extract_unique,
    .inject = inject_unique,
    .fields = (const char *const[]){"x-unique-id", NULL},
};
