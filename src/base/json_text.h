/*
 * The one JSON string writer (RFC 8259, section 7): escapes bytes below 0x20, the quote and the
 * backslash - \b \t \n \f \r short, the rest as \u001F with upper-case hex - and nothing else;
 * writes U+FFFD per maximal ill-formed subpart. NUL is escaped. Scans 16 bytes a step where the
 * machine has SSE2 or NEON, with a scalar twin that gives the same bytes.
 *
 * Threads: one per `out`. May include: out, utf8, port/scan.
 */
#ifndef WEFTP_BASE_JSON_TEXT_H
#define WEFTP_BASE_JSON_TEXT_H

#include "out.h"

/* No byte of text grows to more bytes than this. */
#define WEFTP_ESCAPE_MAX 6

/* Append `text` escaped, without quotes. */
void weftp_json_escape(struct weft_out *out, const char *text, size_t size);
/* The same by the scalar twin, for the test that compares them. */
void weftp_json_escape_scalar(struct weft_out *out, const char *text, size_t size);
/* Append `text` as a JSON string, with quotes. */
void weftp_json_string(struct weft_out *out, const char *text, size_t size);
/*
 * The same, cut so that what stands between the quotes is at most `limit` bytes (the mark, "…"
 * U+2026, included; a limit below 3 gives an empty string). Returns whether it was cut. Never
 * splits an escape or a character.
 */
bool weftp_json_string_cut(struct weft_out *out, const char *text, size_t size, uint32_t limit);

#endif
