/*
 * The formats that are built in. To add one: its file, and one line in registry.c. Threads: any.
 */
#ifndef WEFTP_ENCODE_REGISTRY_H
#define WEFTP_ENCODE_REGISTRY_H

#include <weft/sys/encoder.h>

/* All of them, ends with NULL; the first is the default. */
extern const struct weft_encoder_type *const weftp_encoders_builtin[];

/* Find one by its name; NULL: there is none. */
const struct weft_encoder_type *weftp_encoder_builtin(const char *name);

#endif
