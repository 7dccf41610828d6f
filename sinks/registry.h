/*
 * The kinds of sinks that weft knows by itself. To add one: its file, and one line in registry.c.
 *
 * Threads: any; all is constant.
 * May include: every sink.
 */
#ifndef WEFTP_SINKS_REGISTRY_H
#define WEFTP_SINKS_REGISTRY_H

#include <weft/sys/sink.h>

/* All of them; ends with NULL. */
extern const struct weft_sink_type *const weftp_sinks_builtin[];

/*
 * Find a kind by its scheme in a list that ends with NULL (NULL: the built-in ones); NULL when it
 * is not there.
 *
 * The sink's options, which may be NULL, take part: `file:/dev/stdout`, `/dev/stderr`, `/dev/fd/N`
 * and `/proc/self/fd/N` are consoles. So find by this function, not by the names alone, where a
 * sink is to be opened.
 */
const struct weft_sink_type *weftp_sinks_find(const struct weft_sink_type *const *list,
                                              const char *scheme,
                                              const struct weft_options_kv *options);

#endif
