#include "request_id.h"

#include "chars.h"

enum {
    VALUES_MAX = 8,         /* empty ones before the first that is looked at */
    LAST_VALUES_MAX = 64,   /* where the last one counts; with more of them none does */
    REJECTED_SIZE_MAX = 256 /* bytes of a refused id that the records show */
};

bool weftp_request_id_ok(const char *id, size_t size)
{
    return size > 0 && size <= WEFTP_REQUEST_ID_SIZE_MAX &&
           weftp_char_span(id, size, WEFTP_CHAR_REQUEST_ID) == size;
}

/* The id, or NULL when it is refused. */
static const char *checked(struct weft_propagated *context, const char *id, size_t size)
{
    if (!id || size == 0) return NULL;
    if (weftp_request_id_ok(id, size)) return id;
    context->rejected++;
    context->rejected_id = id;
    context->rejected_id_size = (uint32_t)(size < REJECTED_SIZE_MAX ? size : REJECTED_SIZE_MAX);
    return NULL;
}

static void take(struct weft_propagated *context, const char *id, size_t size)
{
    if (!id || context->request_id) return;
    context->request_id = id;
    context->request_id_size = (uint32_t)size;
}

const char *weftp_request_id_get(struct weft_propagated *context, const weft_getter *getter,
                                 void *carrier, const char *header, size_t *size)
{
    const char *id = "";
    *size = 0;
    for (size_t i = 0; i < VALUES_MAX && id && *size == 0; i++)
        id = getter->get(carrier, header, i, size);
    return checked(context, id, *size);
}

void weftp_request_id_take(struct weft_propagated *context, const weft_getter *getter,
                           void *carrier, const char *header)
{
    size_t size;
    const char *id = weftp_request_id_get(context, getter, carrier, header, &size);
    take(context, id, size);
}

void weftp_request_id_carry(struct weft_propagated *context, const weft_getter *getter,
                            void *carrier, const char *header, enum weft_carried_of of)
{
    size_t size;
    const char *id = weftp_request_id_get(context, getter, carrier, header, &size);
    if (!id) return;
    (void)weft_propagated_carry(context, (struct weft_carried){header, id, (uint32_t)size, of});
    take(context, id, size);
}

void weftp_request_id_take_own(struct weft_propagated *context, const weft_getter *getter,
                               void *carrier, const char *header,
                               bool (*is_own)(const char *id, size_t size))
{
    const char *last = NULL, *own = NULL, *value;
    size_t count = 0, last_size = 0, own_size = 0, size = 0;
    while ((value = getter->get(carrier, header, count, &size)) != NULL) {
        if (count++ == LAST_VALUES_MAX) {
            context->rejected++;
            return;
        }
        if (size == 0) continue;
        last = value;
        last_size = size;
        if (!is_own(value, size)) continue;
        own = value;
        own_size = size;
    }
    if (own)
        take(context, own, own_size);
    else
        take(context, checked(context, last, last_size), last_size);
}

weft_status weftp_request_id_give(const struct weft_propagated *context, const weft_setter *setter,
                                  void *carrier, const char *header)
{
    if (!context->request_id || !weftp_request_id_ok(context->request_id, context->request_id_size))
        return WEFT_OK;
    return setter->set(carrier, header, context->request_id, context->request_id_size);
}
