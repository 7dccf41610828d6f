/*
 * JSON text that comes in, parsed by yajl and written again by our own writer: one line, keys
 * unique (a later twin gets _1, _2 …), UTF-8 repaired, lone surrogates as U+FFFD, numbers with
 * the digits that they came with, nesting capped.
 *
 * Threads: one per `out`. Allocates: yes (yajl). May include: out, json_text, key_set, json_limits.
 */
#ifndef WEFTP_BASE_JSON_RAW_H
#define WEFTP_BASE_JSON_RAW_H

#include "json_limits.h"
#include "out.h"

/*
 * Append the value, or append nothing and return false when `text` is not exactly one valid JSON
 * value, is longer than WEFTP_JSON_RAW_SIZE_MAX, or memory or `out` gave out.
 *
 * @param depth  Objects and arrays that the value already stands in; with them it may nest
 *               WEFTP_DEPTH_MAX deep, and deeper ones are written as "[too deep]".
 * @param notes  Or'ed with WEFTP_NOTE_* on success. NULL: not wanted.
 */
bool weftp_json_rewrite(struct weft_out *out, const char *text, size_t size, unsigned depth,
                        unsigned *notes);

#endif
