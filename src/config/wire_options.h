/*
 * The options of one sink's URL: one list, part of it for the sink and part of it for its encoder.
 *
 * Threads: one at a time. May include: the public plug-in headers, the catalog.
 */
#ifndef WEFTP_CONFIG_WIRE_OPTIONS_H
#define WEFTP_CONFIG_WIRE_OPTIONS_H

#include "wire.h"

#define WEFTP_OPTIONS_ADDED_MAX 2 /* with weftp_options_default */

size_t weftp_options_count(const struct weft_options_kv *options); /* NULL: 0 */
/*
 * Copy the encoder's (those that any encoder lists as its own) or else the sink's options, with room for those that are
 * added. The texts stay where they are. NULL: out of memory. Owned: free(3).
 */
struct weft_options_kv *weftp_options_pick(const struct weftp_catalog *catalog,
                                           const struct weft_options_kv *options, bool encoders);
const char *weftp_options_path(const struct weft_options_kv *options); /* "": there is none */
bool weftp_options_same(const struct weft_options_kv *a, const struct weft_options_kv *b);
/* Take an option out of the list. */
void weftp_options_drop(struct weft_options_kv *options, const char *key);
/* Add an option that is not there yet; WEFTP_OPTIONS_ADDED_MAX times a list. */
void weftp_options_default(struct weft_options_kv *options, const char *key, const char *value);
/* What an encoder accepts for an option: "a|b|c"; NULL: it has none of this name. */
const char *weftp_option_accepted(const struct weft_encoder_type *type, const char *key);
/* Whether `value` is one of "a|b|c". */
bool weftp_option_among(const char *value, const char *accepted);

#endif
