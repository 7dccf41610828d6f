/*
 * x-request-id: an opaque id; Envoy, Kong, nginx and many services set it. The first value holds.
 */
#include "chars.h"
#include "registry.h"

enum {
    ID_SIZE_MAX = 128,
    VALUES_MAX = 8,         /* empty ones before the first that is looked at */
    REJECTED_SIZE_MAX = 256 /* bytes of a refused id that the records show */
};

static bool id_ok(const char *id, size_t size)
{
    return size > 0 && size <= ID_SIZE_MAX &&
           weftp_char_span(id, size, WEFTP_CHAR_REQUEST_ID) == size;
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    const char *id = "";
    size_t size = 0;
    for (size_t i = 0; i < VALUES_MAX && id && size == 0; i++)
        id = getter->get(carrier, "x-request-id", i, &size);
    if (!id || size == 0) return WEFT_OK;
    if (id_ok(id, size)) {
        if (context->request_id) return WEFT_OK; /* an earlier format's holds */
        context->request_id = id;
        context->request_id_size = (uint32_t)size;
        return WEFT_OK;
    }
    context->rejected++;
    context->rejected_id = id;
    context->rejected_id_size = (uint32_t)(size < REJECTED_SIZE_MAX ? size : REJECTED_SIZE_MAX);
    return WEFT_OK;
}

/* What the program has put in place of the id goes out only if the next service may take it. */
static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    if (!context->request_id || !id_ok(context->request_id, context->request_id_size))
        return WEFT_OK;
    return setter->set(carrier, "x-request-id", context->request_id, context->request_id_size);
}

const struct weft_propagator_type weftp_propagator_xrequestid = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "xrequestid",
    .extract = extract,
    .inject = inject,
};
