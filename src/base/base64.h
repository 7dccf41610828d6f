/* base64 (RFC 4648, section 4), with padding. Pure; any thread. */
#ifndef WEFTP_BASE_BASE64_H
#define WEFTP_BASE_BASE64_H

#include "out.h"

void weftp_base64(struct weft_out *out, const void *bytes, size_t size);

#endif
