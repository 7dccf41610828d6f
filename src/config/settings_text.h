/*
 * Text of settings: trimming, splitting, percent escapes, and showing what somebody wrote without
 * letting it do harm on a terminal or give a secret away.
 *
 * Its job: bytes. Not its job: what a setting means. Pure functions; any thread; no allocation. May
 * include: base.
 */
#ifndef WEFTP_CONFIG_SETTINGS_TEXT_H
#define WEFTP_CONFIG_SETTINGS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Part of a text. */
struct weftp_span {
    const char *text;
    size_t size;
};

/*
 * Pieces that are appended to a fixed place. A piece that does not fit, and all after it, is
 * counted and not written. With no room at all it only measures.
 */
struct weftp_text {
    char *to;    /* never NUL-terminated by these functions */
    size_t room; /* bytes that may be written; after a piece did not fit: bytes that were */
    size_t size; /* of all pieces */
};

void weftp_text_put(struct weftp_text *text, const char *bytes, size_t size);
void weftp_text_str(struct weftp_text *text, const char *string);
void weftp_text_number(struct weftp_text *text, unsigned long long number);
/*
 * Append with everything made visible that would act on a terminal or break the line: control
 * characters (C0, DEL, C1), line separators and marks that turn the direction of writing, as \n \t
 * \r \x1B or \u202E; bytes that are no UTF-8 as \xFF.
 */
void weftp_text_visible(struct weftp_text *text, const char *bytes, size_t size);
/*
 * The same for a sink's URL, where ***@ replaces user and password, and *** the value of each
 * option whose key tells of a secret.
 */
void weftp_text_url(struct weftp_text *text, const char *bytes, size_t size);
/* The same for "key=value", where *** replaces the value when the key tells of a secret. */
void weftp_text_pair(struct weftp_text *text, const char *bytes, size_t size);

#define WEFTP_SHOWN_MAX 100 /* bytes of a value in a complaint */
/* A value as complaints show it: visible, and cut with "…". */
struct weftp_shown {
    char text[WEFTP_SHOWN_MAX + sizeof "…"];
};
/*
 * Show by one of the three writers above, NULL: weftp_text_visible. Returns shown->text,
 * NUL-terminated.
 */
typedef void (*weftp_text_writer)(struct weftp_text *text, const char *bytes, size_t size);
const char *weftp_show(struct weftp_shown *shown, struct weftp_span value,
                       weftp_text_writer writer);

/*
 * Whether a key (percent escapes allowed) tells that its value is a secret: password, passwd,
 * secret, token, key, credential.
 */
bool weftp_key_is_secret(const char *key, size_t size);

static inline struct weftp_span weftp_span(const char *text, size_t size)
{
    const struct weftp_span span = {text, size};
    return span;
}
/* Without white space (space, \t \n \v \f \r) at both ends. */
struct weftp_span weftp_span_trim(struct weftp_span span);
/*
 * Take the next part of *rest that ends at one of `separators` or at its end; trimmed; empty parts
 * are passed over. False at the end.
 */
bool weftp_split(struct weftp_span *rest, const char *separators, struct weftp_span *part);
/* Whether two spans of ASCII letters are equal in any case. */
bool weftp_same_word(const char *a, size_t a_size, const char *b);
/*
 * Decode %41 in place. False, and the text undefined, where % is not followed by two hex digits or
 * where the result would hold a NUL.
 */
bool weftp_text_percent_decode(char *text, size_t *size);

#endif
