/*
 * The requests of a thread are a chain, the current one first. Each holds in `other` the context of
 * what is right under it: the next request's, or the thread's own at the end of the chain; the
 * thread's slot holds that of the current one. So whichever goes out of the chain exchanges one
 * context with its neighbour above (the slot, if it is the first), and has its own then.
 */
#include "../base/utf8.h"
#include "../mdc/mdc.h"
#include "../propagate/propagate.h"
#include "access.h"

#include <stdlib.h>
#include <string.h>

#define ID_SIZE_MAX 128

struct weft_request {
    weft_context *other;   /* on a chain: of what is under it; parked: its own */
    weft_request *under;   /* on a chain: what is current again after it; NULL: none */
    weft_request **thread; /* atomic: `current` of the thread whose chain it is on; NULL: parked */
    bool no_access_record;
    bool traced;             /* `trace` is set */
    struct weft_trace trace; /* as it began: its record has them whatever becomes of the MDC */
    char id[ID_SIZE_MAX + 1];
    weft_logger *logger;
    struct weftp_access access;
    char text[]; /* method, path and peer, each with its NUL */
};

/* The first of this thread's chain. Its address tells threads apart. */
static _Thread_local weft_request *current;

static weft_request *request_create(const weft_request_options *options)
{
    const struct weftp_access_texts texts =
        weftp_access_texts(options->method, options->target, options->peer);
    weft_request *request = malloc(sizeof *request + weftp_access_size(&texts));
    if (!request) return NULL;
    request->access.outgoing = false;
    request->access.begun_ns = weftp_access_clock_ns();
    request->other = NULL;
    request->under = NULL;
    request->thread = NULL;
    request->traced = false;
    request->id[0] = '\0';
    request->no_access_record = options->no_access_record;
    request->logger = options->logger;
    weftp_access_keep(&request->access, &texts, request->text);
    return request;
}

static bool options_ok(const weft_request_options *options)
{
    if (!options || options->struct_size < sizeof *options) return false;
    if ((unsigned)options->trust > WEFT_TRUST_RESTART_EXTERNAL) return false;
    return !options->reply || options->reply->set;
}

/* ---- the chain ---- */

/* Take a parked request for this thread; false: it is not parked, or another was faster. */
static bool claim(weft_request *request)
{
    weft_request **none = NULL;
    return __atomic_compare_exchange_n(&request->thread, &none, &current, false, __ATOMIC_ACQUIRE,
                                       __ATOMIC_RELAXED);
}

/* Put a request that this thread has claimed before all others. */
static void enter(weft_request *request)
{
    request->under = current;
    current = request;
    request->other = weft_mdc_swap(request->other);
}

/*
 * Take a request out of this thread's chain, wherever it stands; it stays claimed. False: it is not
 * on it. (One that a thread has left behind at its end may name a place that this thread has now,
 * so that the chain itself has the last word.)
 */
static bool leave(weft_request *request)
{
    if (__atomic_load_n(&request->thread, __ATOMIC_RELAXED) != &current) return false;
    weft_request *above = NULL, *at = current;
    for (; at && at != request; at = at->under) above = at;
    if (!at) return false;
    if (!above) {
        current = request->under;
        request->other = weft_mdc_swap(request->other);
        return true;
    }
    weft_context *own = above->other;
    above->other = request->other;
    above->under = request->under;
    request->other = own;
    return true;
}

/* Make a request the current one; false when it is on another thread. */
static bool make_current(weft_request *request)
{
    if (current == request) return true;
    if (!claim(request) && !leave(request)) return false;
    enter(request);
    return true;
}

void weft_request_park(weft_request *request)
{
    if (request && leave(request)) __atomic_store_n(&request->thread, NULL, __ATOMIC_RELEASE);
}

void weft_request_resume(weft_request *request)
{
    if (request) (void)make_current(request);
}

/* ---- its own ids ---- */

static void remember_ids(weft_request *request)
{
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    request->traced = view.trace != NULL;
    if (view.trace) request->trace = *view.trace;
    const char *id = weft_request_id();
    if (!id) return;
    const size_t size = weftp_utf8_cut(id, strnlen(id, ID_SIZE_MAX + 1), ID_SIZE_MAX);
    memcpy(request->id, id, size);
    request->id[size] = '\0';
}

/* Put back those that are gone; what the application has put in their place stays. */
static void restore_ids(const weft_request *request)
{
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    if (!view.trace && request->traced) (void)weftp_mdc_trace_set(&request->trace, NULL);
    if (request->id[0] && !weft_request_id()) (void)weft_mdc_put(WEFTP_KEY_REQUEST_ID, request->id);
}

/* ---- begin and end ---- */

static weft_status extract(const weft_request_options *options)
{
    const struct weftp_extract_options how = {options->trust, options->internal};
    return weftp_extract(weftp_request_propagation(), options->getter, options->carrier, &how);
}

static void set_reply(const weft_request_options *options)
{
    const char *id = weft_request_id();
    if (options->reply && id)
        (void)options->reply->set(options->reply_carrier, "x-request-id", id, strlen(id));
}

/* Take it off this thread and free it. */
static void destroy(weft_request *request)
{
    (void)leave(request);
    weft_mdc_release(request->other);
    free(request);
}

/* No request: nothing that is logged now may look like an earlier one's, which is kept, parked. */
static void empty_thread(void)
{
    while (current) weft_request_park(current);
    weft_mdc_clear();
}

weft_request *weft_request_begin(const weft_request_options *options)
{
    weft_request *request = options_ok(options) ? request_create(options) : NULL;
    if (!request) goto fail;
    (void)make_current(request); /* it is nobody else's yet */
    if (extract(options) != WEFT_OK) goto fail_destroy;
    remember_ids(request);
    set_reply(options);
    return request;
fail_destroy:
    destroy(request);
fail:
    empty_thread();
    return NULL;
}

void weft_request_end(weft_request *request, int status, uint64_t bytes)
{
    if (!request || !make_current(request)) return;
    if (!request->no_access_record) {
        restore_ids(request);
        weftp_access_log(&request->access, request->logger, status, bytes);
    }
    destroy(request);
}

const char *weft_request_id(void)
{
    return weft_mdc_get(WEFTP_KEY_REQUEST_ID);
}
