/*
 * What a request's context costs: reading it from headers, writing it, a whole inbound request with
 * its access record, an outgoing call with its record; the record alone beside them.
 *
 *     build/bench/bench/weft_propagate       a table of nanoseconds, the best and the median round
 *
 * Records go to a callback that does nothing.
 */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

enum { ROUNDS = 41, OPERATIONS = 20000 };

struct header {
    const char *name, *value;
};
static const struct header w3c[] = {
    {"host", "orders:8080"},
    {"user-agent", "curl/7.88.1"},
    {"accept", "application/json"},
    {"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"},
    {"tracestate", "vendor=abc,other=00f067aa0ba902b7"},
    {"baggage", "tenant=acme,user=u%201,plan=gold"},
    {"x-request-id", "4e4bf37c-1d3a-4c2e-9f21-0a1b2c3d4e5f"},
    {NULL, NULL},
};
static const struct header b3[] = {
    {"host", "orders:8080"},
    {"x-b3-traceid", "4bf92f3577b34da6a3ce929d0e0e4736"},
    {"x-b3-spanid", "00f067aa0ba902b7"},
    {"x-b3-sampled", "1"},
    {"x-request-id", "4e4bf37c-1d3a-4c2e-9f21-0a1b2c3d4e5f"},
    {NULL, NULL},
};

static const char *get(void *carrier, const char *name, size_t index, size_t *size)
{
    for (const struct header *header = carrier; header->name; header++) {
        if (strcasecmp(header->name, name) != 0 || index-- > 0) continue;
        *size = strlen(header->value);
        return header->value;
    }
    return NULL;
}

static weft_status set(void *carrier, const char *name, const char *value, size_t size)
{
    (void)carrier;
    (void)name;
    (void)size;
    bench_keep(value);
    return WEFT_OK;
}

static const weft_getter getter = {sizeof getter, get, NULL};
static const weft_setter setter = {sizeof setter, set};
static void *headers;

static weft_status drop(void *arg, const struct weft_line *line)
{
    (void)arg;
    bench_keep(line->data);
    return WEFT_OK;
}

/* ---- what is measured ---- */

static void read_context(void)
{
    (void)weft_extract(&getter, headers);
}

static void write_context(void)
{
    (void)weft_inject(&setter, NULL);
}

static void whole_request(void)
{
    weft_request_options options = WEFT_REQUEST_OPTIONS_INIT;
    options.getter = &getter;
    options.carrier = headers;
    options.method = "POST";
    options.target = "/orders?expand=1";
    options.peer = "10.0.0.7";
    weft_request_end(weft_request_begin(&options), 201, 17);
}

static void outgoing_call(void)
{
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    options.setter = &setter;
    options.method = "POST";
    options.target = "http://payments:8080/charge";
    weft_client_end(weft_client_begin(&options), 201, 17);
}

static void record_alone(void)
{
    weft_info(WEFT_LOGGER("http.access"), "POST /orders 201",
              weft_str("http.request.method", "POST"), weft_str("url.path", "/orders"),
              weft_int("http.response.status_code", 201), weft_int("http.response.body.bytes", 17),
              weft_int("event.duration", 1234), weft_str("client.address", "10.0.0.7"));
}

/* ---- measuring ---- */

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void measure(const char *what, void (*operation)(void))
{
    double rounds[ROUNDS];
    for (int round = 0; round < ROUNDS; round++) {
        const double begun = now_ns();
        for (int i = 0; i < OPERATIONS; i++) operation();
        rounds[round] = (now_ns() - begun) / OPERATIONS;
    }
    qsort(rounds, ROUNDS, sizeof *rounds, by_size);
    printf("%-56s %7.0f %7.0f\n", what, rounds[0], rounds[ROUNDS / 2]);
}

static bool start(const char *propagators)
{
    weft_options options = weft_options_default();
    options.sinks = "callback:";
    options.format = "ecs";
    options.propagators = propagators;
    weft_sink_callback_set(NULL, drop, NULL);
    return weft_init(&options) == WEFT_OK;
}

int main(void)
{
    printf("%-56s %7s %7s\n", "nanoseconds of", "best", "median");
    if (!start("tracecontext,baggage,xrequestid")) return 1;
    headers = (void *)(uintptr_t)w3c;
    measure("extract: traceparent, tracestate, baggage of 3, id", read_context);
    measure("inject: traceparent, tracestate, baggage of 3, id", write_context);
    measure("a request: begin, end, its access record", whole_request);
    read_context();
    measure("that record alone, in a context", record_alone);
    measure("an outgoing call: begin, inject, end, its record", outgoing_call);
    if (!start("b3multi,xrequestid")) return 1;
    headers = (void *)(uintptr_t)b3;
    measure("extract: x-b3-*, id", read_context);
    measure("inject: x-b3-*, id", write_context);
    if (!start("auto")) return 1;
    measure("extract: x-b3-*, id, by auto", read_context);
    measure("inject: x-b3-*, id, by auto", write_context);
    weft_mdc_clear();
    return 0;
}
