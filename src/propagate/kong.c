/*
 * Kong: kong-request-id, of the correlation-id plugin, is the request's id from end to end;
 * x-kong-request-id is of one pass through the gateway. Both go on as they came.
 */
#include "registry.h"
#include "request_id.h"

#define CORRELATION "kong-request-id"
#define PASS        "x-kong-request-id"

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    weftp_request_id_carry(context, getter, carrier, CORRELATION, WEFT_OF_REQUEST);
    weftp_request_id_carry(context, getter, carrier, PASS, WEFT_OF_REQUEST);
    return WEFT_OK;
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    const struct weft_carried *pass = weft_propagated_find(context, PASS);
    const struct weft_carried *id = weft_propagated_find(context, CORRELATION);
    const weft_status first = id ? setter->set(carrier, CORRELATION, id->value, id->size)
                                 : weftp_request_id_give(context, setter, carrier, CORRELATION);
    const weft_status second = pass ? setter->set(carrier, PASS, pass->value, pass->size) : WEFT_OK;
    return first ? first : second;
}

const struct weft_propagator_type weftp_propagator_kong = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "kong",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){CORRELATION, PASS, NULL},
};
