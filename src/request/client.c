/* Outgoing calls: a span of their own, below the thread's, in the headers and in the record. */
#include "../mdc/mdc.h"
#include "../propagate/ids.h"
#include "access.h"

#include <stdlib.h>
#include <string.h>
#include <weft/client.h>

struct weft_client {
    weft_context *context;   /* as the thread's was, with the call's trace; NULL: it was empty */
    struct weft_trace trace; /* of the call's span */
    weft_logger *logger;
    bool no_record;
    struct weftp_access access;
    char text[]; /* method, path and peer, each with its NUL */
};

static bool options_ok(const weft_client_options *options)
{
    if (!options || options->struct_size < sizeof *options) return false;
    return !options->setter || options->setter->set;
}

static weft_client *client_create(const weft_client_options *options)
{
    struct weftp_access_texts texts = weftp_access_texts(options->method, NULL, options->peer);
    if (options->target) {
        const struct weftp_access_url url = weftp_access_url(options->target);
        texts.path = url.path;
        if (!options->peer) texts.peer = url.authority;
    }
    weft_client *client = malloc(sizeof *client + weftp_access_size(&texts));
    if (!client) return NULL;
    client->access.begun_ns = weftp_access_clock_ns();
    client->access.outgoing = true;
    client->context = NULL;
    client->logger = options->logger;
    client->no_record = options->no_record;
    weftp_access_keep(&client->access, &texts, client->text);
    return client;
}

/* The call's span: below the one of the context in force, or at the root of a new trace. */
static void begin_span(struct weft_trace *span)
{
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    memset(span, 0, sizeof *span);
    if (view.trace) {
        memcpy(span->trace_id, view.trace->trace_id, sizeof span->trace_id);
        memcpy(span->parent_id, view.trace->span_id, sizeof span->parent_id);
        span->flags = view.trace->flags;
    } else {
        weftp_id_random(span->trace_id, 32);
        span->flags = 2; /* W3C: the id is random */
    }
    weftp_id_random(span->span_id, 16);
}

/*
 * In the context that is in force, which is the call's own copy: a trace where there is none, and
 * the headers.
 */
static weft_status inject(weft_client *client, const weft_client_options *options)
{
    weft_status status = WEFT_OK;
    begin_span(&client->trace);
    if (!client->trace.parent_id[0]) status = weftp_mdc_trace_set(&client->trace, NULL);
    if (!status && options->setter)
        (void)weftp_inject_as(weftp_request_propagation(), client->trace.span_id, options->setter,
                              options->carrier);
    return status;
}

weft_client *weft_client_begin(const weft_client_options *options)
{
    weft_client *client = options_ok(options) ? client_create(options) : NULL;
    if (!client) return NULL;
    weft_context *before = weft_mdc_swap(weft_mdc_capture());
    const weft_status status = inject(client, options);
    client->context = weft_mdc_swap(before);
    if (status == WEFT_OK) return client;
    weft_mdc_release(client->context);
    free(client);
    return NULL;
}

void weft_client_ids(const weft_client *client, char trace_id[33], char span_id[17])
{
    if (trace_id) memcpy(trace_id, client->trace.trace_id, sizeof client->trace.trace_id);
    if (span_id) memcpy(span_id, client->trace.span_id, sizeof client->trace.span_id);
}

void weft_client_end(weft_client *client, int status, uint64_t bytes)
{
    if (!client) return;
    weft_context *before = weft_mdc_swap(client->context);
    if (!client->no_record) {
        (void)weftp_mdc_trace_set(&client->trace,
                                  NULL); /* what is carried is not needed any more */
        weftp_access_log(&client->access, client->logger, status, bytes);
    }
    weft_mdc_release(weft_mdc_swap(before));
    free(client);
}
