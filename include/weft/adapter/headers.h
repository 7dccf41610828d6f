/*
 * Headers as text: "Name: value" lines, each ended by CRLF or LF, as an HTTP/1 parser, a message
 * queue or a CGI-like protocol has them in memory. Header-only; C11 and C++17.
 *
 *     weft_headers in;
 *     weft_headers_init(&in, block, block_size);
 *     weft_extract(weft_headers_getter(), &in);
 *
 *     char block[4096];
 *     weft_headers_out out;
 *     weft_headers_out_init(&out, block, sizeof block);
 *     weft_headers_inject(&out);                    out.size bytes, each line ended by CRLF
 *
 * A line that is no header is passed over, a request line too. A header whose value is folded over
 * several lines (RFC 9112, section 5.2), or holds CR or NUL, is as if absent. The block ends with
 * its first empty line, or its size.
 *
 * Threads: one per weft_headers or weft_headers_out. Signals: unsafe. Allocates: never. Since: 0.1.
 */
#ifndef WEFT_ADAPTER_HEADERS_H
#define WEFT_ADAPTER_HEADERS_H

#include "reuse.h"
#include "text.h"

/*
 * A block to read. The block is borrowed for as long as this is used. The last members are private.
 */
typedef struct weft_headers {
    const char *data;
    size_t size;
    /*
     * The last find: the next value of a name is looked for behind it, so that one pass finds all.
     */
    const char *last_name_;
    size_t last_name_size_, last_index_, last_end_;
} weft_headers;

/** Begin to read `size` bytes; data may be NULL when size is 0. */
static inline void weft_headers_init(weft_headers *headers, const char *data, size_t size)
{
    headers->data = data;
    headers->size = size;
    headers->last_name_ = NULL;
    headers->last_name_size_ = headers->last_index_ = headers->last_end_ = 0;
}

/* One line of a block, and the header on it. */
struct weft_header_line_ {
    const char *text;
    size_t size; /* without CR and LF */
    bool folded;
    size_t name_size, value_size;
    const char *value;
};

/* The end of the line that begins at `at`, behind its LF; *size is its size without CR and LF. */
static inline size_t weft_headers_line_(const weft_headers *headers, size_t at, size_t *size)
{
    const char *line = headers->data + at;
    const char *end = WEFT_CAST_(const char *, __builtin_memchr(line, '\n', headers->size - at));
    size_t n = end ? WEFT_CAST_(size_t, end - line) : headers->size - at;
    const size_t next = at + n + (end ? 1 : 0);
    if (n > 0 && line[n - 1] == '\r') n--;
    *size = n;
    return next;
}

/*
 * Take the line at *at and go behind it, and behind those that it is folded over; false at the end.
 */
static inline bool weft_headers_next_(const weft_headers *headers, size_t *at,
                                      struct weft_header_line_ *line)
{
    size_t size = 0;
    if (*at >= headers->size) return false;
    line->text = headers->data + *at;
    line->folded = false;
    size_t next = weft_headers_line_(headers, *at, &line->size);
    if (line->size == 0) return false;
    while (next < headers->size && (headers->data[next] == ' ' || headers->data[next] == '\t')) {
        line->folded = true;
        next = weft_headers_line_(headers, next, &size);
    }
    *at = next;
    return true;
}

/*
 * Find the value, without white space around it; false when the line is no header that may be used.
 */
static inline bool weft_header_value_(struct weft_header_line_ *line, size_t name_size)
{
    const char *value = line->text + name_size + 1;
    size_t size = line->size - name_size - 1;
    while (size > 0 && (value[0] == ' ' || value[0] == '\t')) value++, size--;
    while (size > 0 && (value[size - 1] == ' ' || value[size - 1] == '\t')) size--;
    line->name_size = name_size;
    line->value = value;
    line->value_size = size;
    return !line->folded && weft_header_value_ok_(value, size);
}

/* Whether a line is about a header of this name. */
static inline bool weft_header_is_(const struct weft_header_line_ *line, const char *name,
                                   size_t name_size)
{
    return line->size > name_size && line->text[name_size] == ':' &&
           weft_name_is_(line->text, name_size, name);
}

static inline const char *weft_headers_get_(void *carrier, const char *name, size_t index,
                                            size_t *size)
{
    weft_headers *headers = WEFT_CAST_(weft_headers *, carrier);
    const size_t name_size = __builtin_strlen(name);
    const bool goes_on = headers->last_name_ && index == headers->last_index_ + 1 &&
                         weft_name_is_(headers->last_name_, headers->last_name_size_, name);
    size_t at = goes_on ? headers->last_end_ : 0;
    size_t found = goes_on ? index : 0;
    struct weft_header_line_ line;
    while (weft_headers_next_(headers, &at, &line)) {
        if (!weft_header_is_(&line, name, name_size)) continue;
        if (!weft_header_value_(&line, name_size) || found++ < index) continue;
        headers->last_name_ = line.text;
        headers->last_name_size_ = name_size;
        headers->last_index_ = index;
        headers->last_end_ = at;
        *size = line.value_size;
        return line.value;
    }
    return NULL;
}

static inline void weft_headers_each_(void *carrier,
                                      void (*callback)(void *arg, const char *name,
                                                       size_t name_size, const char *value,
                                                       size_t size),
                                      void *arg)
{
    const weft_headers *headers = WEFT_CAST_(const weft_headers *, carrier);
    struct weft_header_line_ line;
    size_t at = 0;
    while (weft_headers_next_(headers, &at, &line)) {
        size_t name = 0;
        while (name < line.size && weft_name_char_(line.text[name])) name++;
        if (name == 0 || name == line.size || line.text[name] != ':') continue;
        if (weft_header_value_(&line, name))
            callback(arg, line.text, name, line.value, line.value_size);
    }
}

/** Return the getter whose carrier is a weft_headers. Static. */
static inline const weft_getter *weft_headers_getter(void)
{
    static const weft_getter getter = {sizeof(weft_getter), weft_headers_get_, weft_headers_each_};
    return &getter;
}

/*
 * A block to write: `size` of at most `capacity` bytes are used. No NUL and no empty line stand
 * behind the last header.
 */
typedef struct weft_headers_out {
    char *data;
    size_t size, capacity;
} weft_headers_out;

/**
 * Begin an empty block in a buffer that the caller owns. Set `size` afterwards to go on with
 * headers that are there, each with its line end and without the empty line behind the last.
 */
static inline void weft_headers_out_init(weft_headers_out *out, char *data, size_t capacity)
{
    out->data = data;
    out->size = 0;
    out->capacity = capacity;
}

/* Whether a line is about a header of this name, or with NULL of any that weft may have written. */
static inline bool weft_headers_is_(const struct weft_header_line_ *line, const char *name)
{
    if (name) return weft_header_is_(line, name, __builtin_strlen(name));
    const char *colon = WEFT_CAST_(const char *, __builtin_memchr(line->text, ':', line->size));
    return colon && weft_propagation_has_field(line->text, WEFT_CAST_(size_t, colon - line->text));
}

/* The size of the block once those headers are taken out; with `apply` they are. */
static inline size_t weft_headers_without_(weft_headers_out *out, const char *name, bool apply)
{
    weft_headers in;
    struct weft_header_line_ line;
    size_t at = 0, kept = 0, begin = 0;
    weft_headers_init(&in, out->data, out->size);
    while (weft_headers_next_(&in, &at, &line)) {
        const char *text = out->data + begin;
        const bool same = weft_headers_is_(&line, name);
        if (!same && apply) __builtin_memmove(out->data + kept, text, at - begin);
        if (!same) kept += at - begin;
        begin = at;
    }
    if (apply) __builtin_memmove(out->data + kept, out->data + begin, out->size - begin);
    return kept + out->size - begin;
}

static inline weft_status weft_headers_set_(void *carrier, const char *name, const char *value,
                                            size_t size)
{
    weft_headers_out *out = WEFT_CAST_(weft_headers_out *, carrier);
    const size_t name_size = __builtin_strlen(name), line_size = name_size + 2 + size + 2;
    if (!weft_header_value_ok_(value, size)) return WEFT_EINVAL;
    const size_t kept = weft_headers_without_(out, name, false);
    if (kept > out->capacity || line_size > out->capacity - kept) return WEFT_ELIMIT;
    out->size = weft_headers_without_(out, name, true);
    char *to = out->data + out->size;
    __builtin_memcpy(to, name, name_size);
    __builtin_memcpy(to + name_size, ": ", 2);
    if (size > 0) __builtin_memcpy(to + name_size + 2, value, size);
    __builtin_memcpy(to + name_size + 2 + size, "\r\n", 2);
    out->size += line_size;
    return WEFT_OK;
}

/**
 * Return the setter whose carrier is a weft_headers_out. It answers WEFT_ELIMIT when a line does
 * not fit; the block is then as before. Static.
 */
static inline const weft_setter *weft_headers_setter(void)
{
    static const weft_setter setter = {sizeof(weft_setter), weft_headers_set_};
    return &setter;
}

static inline void weft_headers_clear_(void *carrier)
{
    weft_headers_out *out = WEFT_CAST_(weft_headers_out *, carrier);
    out->size = weft_headers_without_(out, NULL, true);
}

/**
 * Write this thread's context to a block, as weft_inject does, and take away what an earlier
 * request has left there: all headers that the formats in force may write
 * (weft_propagation_has_field). Without a context nothing is touched.
 *
 * @retval WEFT_ELIMIT  A header did not fit; the others are there.
 */
static inline weft_status weft_headers_inject(weft_headers_out *out)
{
    return weft_reuse_inject_(weft_headers_setter(), out, weft_headers_clear_);
}

/**
 * Begin a call with a span of its own: weft_client_begin, whose headers go into the block as
 * weft_headers_inject has it. Setter and carrier in `options` are not looked at.
 *
 * @return  An owned handle for weft_client_end; NULL as weft_client_begin.
 */
static inline weft_client *weft_headers_client_begin(weft_headers_out *out,
                                                     weft_client_options options)
{
    return weft_reuse_client_begin_(weft_headers_setter(), out, weft_headers_clear_, options);
}

#endif
