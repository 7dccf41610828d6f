/*
 * Text for a terminal: whatever could move the cursor, change colours or turn the direction of
 * writing is made visible.
 *
 * C0 controls and DEL become \n, \r, \t or \x1b, C1 controls, line separators and bidirectional
 * controls \u202e, ill-formed UTF-8 U+FFFD. Threads: one per `out`. May include: base.
 */
#ifndef WEFTP_ENCODE_VISIBLE_H
#define WEFTP_ENCODE_VISIBLE_H

#include <weft/sys/encoder.h>

/* Append the text. */
void weftp_visible(struct weft_out *out, const char *text, size_t size);
/*
 * Append the text as one word: as it stands, or in quotes when it is empty or has blanks, quotes,
 * '=' or anything that is made visible; quotes and backslashes in it are then escaped.
 */
void weftp_visible_word(struct weft_out *out, const char *text, size_t size);

#endif
