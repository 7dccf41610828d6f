#include "../base/utf8.h"
#include "../propagate/propagate.h"
#include "access.h"

#include <stdlib.h>
#include <string.h>

struct weft_request {
    weft_context *other; /* current: the thread's earlier context; parked: the request's own */
    bool parked;
    bool no_access_record;
    weft_logger *logger;
    struct weftp_access access;
    char text[]; /* method, path and peer, each with its NUL */
};

/* A text to be kept: NULL stays NULL. */
struct piece {
    const char *text;
    size_t size; /* without the NUL */
};

static struct piece piece_of(const char *text, size_t max)
{
    if (!text) return (struct piece){NULL, 0};
    const size_t size = strnlen(text, max + 1);
    return (struct piece){text, weftp_utf8_cut(text, size, max)};
}

static struct piece path_of(const char *target)
{
    if (!target) return (struct piece){NULL, 0};
    struct piece path;
    path.text = weftp_access_path(target, &path.size);
    return path;
}

static const char *keep(char **to, struct piece piece)
{
    if (!piece.text) return NULL;
    char *kept = *to;
    memcpy(kept, piece.text, piece.size);
    kept[piece.size] = '\0';
    *to += piece.size + 1;
    return kept;
}

static weft_request *request_create(const weft_request_options *options)
{
    const struct piece method = piece_of(options->method, WEFTP_ACCESS_METHOD_MAX);
    const struct piece path = path_of(options->target);
    const struct piece peer = piece_of(options->peer, WEFTP_ACCESS_PEER_MAX);
    weft_request *request = malloc(sizeof *request + method.size + path.size + peer.size + 3);
    if (!request) return NULL;
    char *to = request->text;
    request->access.begun_ns = weftp_access_clock_ns();
    request->other = NULL;
    request->parked = false;
    request->no_access_record = options->no_access_record;
    request->logger = options->logger;
    request->access.method = keep(&to, method);
    request->access.path = keep(&to, path);
    request->access.peer = keep(&to, peer);
    return request;
}

static bool options_ok(const weft_request_options *options)
{
    if (!options || options->struct_size < sizeof *options) return false;
    if ((unsigned)options->trust > WEFT_TRUST_RESTART_EXTERNAL) return false;
    return !options->reply || options->reply->set;
}

static weft_status enter(weft_request *request, const weft_request_options *options)
{
    const struct weftp_extract_options how = {options->trust, options->internal};
    if (!weftp_propagation_published())
        (void)weft_logger_get(NULL); /* the first use of all: reads the settings */
    request->other = weft_mdc_swap(NULL);
    return weftp_extract(weftp_propagation_current(), options->getter, options->carrier, &how);
}

static void set_reply(const weft_request_options *options)
{
    const char *id = weft_request_id();
    if (options->reply && id)
        (void)options->reply->set(options->reply_carrier, "x-request-id", id, strlen(id));
}

weft_request *weft_request_begin(const weft_request_options *options)
{
    weft_request *request = options_ok(options) ? request_create(options) : NULL;
    if (!request) goto fail;
    if (enter(request, options) != WEFT_OK) goto fail_release;
    set_reply(options);
    return request;
fail_release:
    weft_mdc_release(request->other);
    free(request);
fail:
    weft_mdc_clear();
    return NULL;
}

/* Exchange the request's context and the thread's other one. */
static void exchange(weft_request *request)
{
    request->other = weft_mdc_swap(request->other);
    request->parked = !request->parked;
}

void weft_request_park(weft_request *request)
{
    if (request && !request->parked) exchange(request);
}

void weft_request_resume(weft_request *request)
{
    if (request && request->parked) exchange(request);
}

void weft_request_end(weft_request *request, int status, uint64_t bytes)
{
    if (!request) return;
    weft_request_resume(request);
    if (!request->no_access_record)
        weftp_access_log(&request->access, request->logger, status, bytes);
    weft_request_park(request);
    weft_mdc_release(request->other);
    free(request);
}

const char *weft_request_id(void)
{
    return weft_mdc_get(WEFTP_KEY_REQUEST_ID);
}
