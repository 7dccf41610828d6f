/*
 * Formats that are one header with a request id: x-request-id (many services; nginx, where it is
 * told to send $request_id), x-unique-id (HAProxy, which adds its own behind a client's: the last
 * one counts).
 */
#include "registry.h"
#include "request_id.h"

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

static weft_status extract_unique(const void *self, struct weft_propagated *context,
                                  const weft_getter *getter, void *carrier)
{
    (void)self;
    weftp_request_id_take_last(context, getter, carrier, "x-unique-id");
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
};

const struct weft_propagator_type weftp_propagator_nginx = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "nginx",
    .extract = extract_x,
    .inject = inject_x,
};

const struct weft_propagator_type weftp_propagator_haproxy = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "haproxy",
    .extract = extract_unique,
    .inject = inject_unique,
};
