/* Elastic APM's header from before it spoke W3C: elastic-apm-traceparent, the same value. */
#include "registry.h"
#include "traceparent.h"

#define HEADER "elastic-apm-traceparent"

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    size_t size = 0;
    const char *text = getter->get(carrier, HEADER, 0, &size);
    if (text && size > 0 && !weftp_traceparent_read(context, text, size)) context->rejected++;
    return WEFT_OK;
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    char text[WEFTP_TRACEPARENT_SIZE + 1];
    if (!weftp_traceparent_write(text, context)) return WEFT_OK;
    return setter->set(carrier, HEADER, text, WEFTP_TRACEPARENT_SIZE);
}

const struct weft_propagator_type weftp_propagator_elastic = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "elastic",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){HEADER, NULL},
};
