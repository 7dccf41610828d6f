#include "access.h"
#include "../base/utf8.h"
#include "../mdc/mdc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <weft/log.h>

#define FIELDS_MAX 7

int64_t weftp_access_clock_ns(void)
{
    struct timespec now = {0, 0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The path at `path`; where an authority came before it, which alone asks for its root. */
static struct weftp_access_text path_cut(const char *path, bool behind_authority)
{
    const size_t whole = strcspn(path, "?#");
    if (whole == 0 && behind_authority) return (struct weftp_access_text){"/", 1};
    return (struct weftp_access_text){path, weftp_utf8_cut(path, whole, WEFTP_ACCESS_PATH_MAX)};
}

const char *weftp_access_path(const char *target, size_t *size)
{
    const char *path = target;
    const size_t name = strcspn(target, ":/?#");
    const bool has_authority = strncmp(target + name, "://", 3) == 0;
    if (has_authority) path += name + 3 + strcspn(target + name + 3, "/?#");
    const struct weftp_access_text text = path_cut(path, has_authority);
    *size = text.size;
    return text.text;
}

static struct weftp_access_text cut(const char *text, size_t max)
{
    if (!text) return (struct weftp_access_text){NULL, 0};
    const size_t size = strnlen(text, max + 1);
    return (struct weftp_access_text){text, weftp_utf8_cut(text, size, max)};
}

struct weftp_access_texts weftp_access_texts(const char *method, const char *target,
                                             const char *peer)
{
    struct weftp_access_texts texts = {.method = cut(method, WEFTP_ACCESS_METHOD_MAX),
                                       .peer = cut(peer, WEFTP_ACCESS_PEER_MAX)};
    if (target) texts.path.text = weftp_access_path(target, &texts.path.size);
    return texts;
}

size_t weftp_access_size(const struct weftp_access_texts *texts)
{
    return texts->method.size + texts->path.size + texts->peer.size + 3;
}

static const char *keep(char **to, const struct weftp_access_text *piece)
{
    if (!piece->text) return NULL;
    char *kept = *to;
    memcpy(kept, piece->text, piece->size);
    kept[piece->size] = '\0';
    *to += piece->size + 1;
    return kept;
}

void weftp_access_keep(struct weftp_access *access, const struct weftp_access_texts *texts,
                       char *to)
{
    access->method = keep(&to, &texts->method);
    access->path = keep(&to, &texts->path);
    access->peer = keep(&to, &texts->peer);
}

/*
 * Where a URL's authority begins; NULL: it has none. As curl has it: without a scheme the host comes
 * first, and a scheme of HTTP may have one or three slashes behind it.
 */
static const char *authority_at(const char *url)
{
    const size_t name = strcspn(url, ":/?#");
    size_t slashes = 0;
    if (name > 0 && url[name] == ':' && url[name + 1] == '/') {
        const size_t slashes_max = strncasecmp(url, "http", 4) == 0 ? 3 : 2;
        while (slashes < slashes_max && url[name + 1 + slashes] == '/') slashes++;
        return url + name + 1 + slashes;
    }
    if (strncmp(url, "//", 2) == 0) return url + 2;
    if (strncmp(url, "://", 3) == 0) return url + 3;
    return strchr("/?#*", *url) ? NULL : url; /* "" is among them */
}

struct weftp_access_url weftp_access_url(const char *url)
{
    const char *host = authority_at(url);
    if (!host) return (struct weftp_access_url){{NULL, 0}, path_cut(url, false)};
    const size_t whole = strcspn(host, "/?#");
    size_t user = whole;
    while (user > 0 && host[user - 1] != '@') user--;
    const size_t size = weftp_utf8_cut(host + user, whole - user, WEFTP_ACCESS_PEER_MAX);
    return (struct weftp_access_url){{whole > user ? host + user : NULL, size},
                                     path_cut(host + whole, true)};
}

/* "GET /orders 200", or as much of it as is known. */
static void message_format(char *out, size_t capacity, const struct weftp_access *access,
                           int status)
{
    const char *method = access->method ? access->method : "",
               *path = access->path ? access->path : "";
    const char *space = access->method && access->path ? " " : "";
    int size = snprintf(out, capacity, "%s%s%s", method, space, path);
    if (size <= 0) size = snprintf(out, capacity, "request");
    if (status != 0 && size > 0 && (size_t)size < capacity)
        (void)snprintf(out + size, capacity - (size_t)size, " %d", status);
}

/* Without it a trace's records would not say which call led to which request. */
static bool parent_field(weft_field *field, const struct weft_trace *trace)
{
    if (!trace || !trace->parent_id[0]) return false;
    *field = weft_str("parent_span_id", trace->parent_id);
    return true;
}

static int64_t as_signed(uint64_t n)
{
    return n < INT64_MAX ? (int64_t)n : INT64_MAX;
}

void weftp_access_log(const struct weftp_access *access, weft_logger *logger, int status,
                      uint64_t bytes)
{
    const bool failed = status >= 500 || (access->outgoing && status == 0);
    const weft_level level = failed ? WEFT_LEVEL_ERROR : WEFT_LEVEL_INFO;
    if (!logger) logger = weft_logger_get(access->outgoing ? "http.client" : "http.access");
    if (!weft_log_enabled(logger, level)) return;
    char message[WEFTP_ACCESS_METHOD_MAX + WEFTP_ACCESS_PATH_MAX + 32];
    message_format(message, sizeof message, access, status);
    weft_field fields[FIELDS_MAX];
    size_t count = 0;
    if (access->method) fields[count++] = weft_str("http.request.method", access->method);
    if (access->path) fields[count++] = weft_str("url.path", access->path);
    if (status != 0) fields[count++] = weft_int("http.response.status_code", status);
    fields[count++] = weft_int("http.response.body.bytes", as_signed(bytes));
    fields[count++] = weft_int("event.duration", weftp_access_clock_ns() - access->begun_ns);
    if (access->peer)
        fields[count++] =
            weft_str(access->outgoing ? "server.address" : "client.address", access->peer);
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    if (parent_field(&fields[count], view.trace)) count++;
    weft_log_fields(logger, level, message, fields, count);
}
