/*
 * JSON text that comes in, parsed by yajl and written again by our own writer: one line, keys unique (a later twin gets
 * _1, _2 …), UTF-8 repaired, nesting capped at WEFTP_DEPTH_MAX + the depth that it stands at, numbers with the digits that they came with.
 *
 * Threads: one per `out`. Allocates: yes (yajl). May include: out, json_text.
 */
#ifndef WEFTP_BASE_JSON_RAW_H
#define WEFTP_BASE_JSON_RAW_H

#include "out.h"

/* Append the value, or append nothing and return false when `text` is not exactly one valid JSON value. */
bool weftp_json_rewrite(struct weft_out *out, const char *text, size_t size, unsigned depth, unsigned *notes);

#endif
