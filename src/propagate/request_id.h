/*
 * Request ids: one opaque value in one header. What is valid, and how one is taken from a carrier.
 *
 * Pure functions over a context on its way; any thread. Allocate never. May include: chars, the
 * public propagator header.
 */
#ifndef WEFTP_PROPAGATE_REQUEST_ID_H
#define WEFTP_PROPAGATE_REQUEST_ID_H

#include <weft/sys/propagator.h>

#define WEFTP_REQUEST_ID_SIZE_MAX 128

/* 1 to 128 of A-Z a-z 0-9 _ . : # = + / - */
bool weftp_request_id_ok(const char *id, size_t size);
/*
 * The first value of a header that is not empty; NULL: there is none, or it is refused, which is
 * counted and noted for the records.
 */
const char *weftp_request_id_get(struct weft_propagated *context, const weft_getter *getter,
                                 void *carrier, const char *header, size_t *size);
/* Take that value as the request's id, unless an earlier format has found one. */
void weftp_request_id_take(struct weft_propagated *context, const weft_getter *getter,
                           void *carrier, const char *header);
/* The same, and carry it under that header's name to the next service. */
void weftp_request_id_carry(struct weft_propagated *context, const weft_getter *getter,
                            void *carrier, const char *header, enum weft_carried_of of);
/*
 * As weftp_request_id_take, for a proxy that adds its header beside those that the client has sent:
 * of the last value; but where that is not one as the proxy makes them, of the last before it that
 * is. With more than 64 values nobody is believed.
 */
void weftp_request_id_take_own(struct weft_propagated *context, const weft_getter *getter,
                               void *carrier, const char *header,
                               bool (*is_own)(const char *id, size_t size));
/*
 * Write the request's id. What the program has put in its place goes out only if the next service
 * may take it.
 */
weft_status weftp_request_id_give(const struct weft_propagated *context, const weft_setter *setter,
                                  void *carrier, const char *header);

#endif
