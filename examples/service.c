#include "service.h"

#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include <weft/adapter/microhttpd.h>
#include <weft/weft.h>

#define LOG WEFT_LOGGER("service")

static bool port_read(const char *text, uint16_t *port)
{
    char *end = NULL;
    const unsigned long number = strtoul(text, &end, 10);
    if (end == text || *end || number > UINT16_MAX) return false;
    *port = (uint16_t)number;
    return true;
}

static bool option_set(struct service_options *options, int letter, const char *value)
{
    switch (letter) {
    case 'p': return port_read(value, &options->port);
    case 'f': options->port_file = value; return true;
    case 'u': options->payments_url = value; return true;
    case 'i': options->invoice_dir = value; return true;
    default: return false;
    }
}

bool service_options_read(struct service_options *options, int argc, char **argv)
{
    static const struct option names[] = {{"port", required_argument, NULL, 'p'},
                                          {"port-file", required_argument, NULL, 'f'},
                                          {"payments", required_argument, NULL, 'u'},
                                          {"invoices", required_argument, NULL, 'i'},
                                          {NULL, 0, NULL, 0}};
    const char *port = getenv("PORT");
    bool ok = !port || port_read(port, &options->port);
    for (int letter = 0; ok && (letter = getopt_long(argc, argv, "", names, NULL)) != -1;)
        ok = option_set(options, letter, optarg);
    if (!ok || optind < argc)
        fprintf(stderr,
                "usage: %s [--port N] [--port-file FILE] [--payments URL] [--invoices DIR]\n",
                argv[0]);
    return ok && optind == argc;
}

int service_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    if (pthread_sigmask(SIG_BLOCK, &set, NULL)) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static enum MHD_Result reply_send(struct MHD_Connection *connection,
                                  const struct service_reply *reply)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        strlen(reply->body), (void *)(uintptr_t)reply->body, MHD_RESPMEM_MUST_COPY);
    if (!response) return MHD_NO; /* closes the connection */
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    weft_mhd_reply(response); /* x-request-id, so that a caller can quote it */
    const enum MHD_Result result = MHD_queue_response(connection, reply->status, response);
    MHD_destroy_response(response);
    return result;
}

/* What has come of a request's body. */
struct body {
    size_t size;
    bool too_long;
    char text[SERVICE_BODY_MAX + 1];
};

static void body_add(struct body *body, const char *piece, size_t size)
{
    body->too_long = body->too_long || size > SERVICE_BODY_MAX - body->size;
    if (body->too_long) return;
    memcpy(body->text + body->size, piece, size);
    body->size += size;
    body->text[body->size] = '\0';
}

/* Also when the caller has gone in the middle. */
static void on_completed(void *arg, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)arg;
    (void)connection;
    (void)why;
    free(*state);
    *state = NULL;
}

static struct service_reply answer(const struct service_route *route,
                                   struct MHD_Connection *connection, const char *path,
                                   const char *method, const struct body *body)
{
    const struct service_request request = {connection, body->text};
    if (body->too_long)
        return (struct service_reply){MHD_HTTP_CONTENT_TOO_LARGE, "{\"error\":\"too long\"}"};
    if (strcmp(method, route->method) == 0 && strcmp(path, route->path) == 0)
        return route->handle(route->arg, &request);
    return (struct service_reply){MHD_HTTP_NOT_FOUND, "{\"error\":\"not found\"}"};
}

/*
 * libmicrohttpd calls this once when the headers are there, then for each piece of the body, and
 * at last with nothing left: that last call is where our request begins and ends, on one thread.
 */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *piece,
                                  size_t *piece_size, void **state)
{
    struct body *body = *state;
    (void)version;
    if (!body) {
        *state = body = malloc(sizeof *body);
        if (!body) return MHD_NO;
        body->size = 0;
        body->too_long = false;
        body->text[0] = '\0';
        return MHD_YES;
    }
    if (*piece_size > 0) {
        body_add(body, piece, *piece_size);
        *piece_size = 0;
        return MHD_YES;
    }
    weft_request *request =
        weft_mhd_request_begin(connection, method, url); /* clears, reads the caller's headers */
    const struct service_reply reply = answer(arg, connection, url, method, body);
    const enum MHD_Result result = reply_send(connection, &reply);
    weft_request_end(request, (int)reply.status, strlen(reply.body)); /* writes the access record */
    return result;
}

static bool port_announce(struct MHD_Daemon *daemon, const char *path)
{
    const uint16_t port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    weft_info(LOG, "listening", weft_str("server.address", "127.0.0.1"),
              weft_uint("server.port", port));
    if (!path) return true;
    FILE *file = fopen(path, "w");
    bool written = file && fprintf(file, "%u\n", port) > 0;
    if (file && fclose(file)) written = false;
    if (!written)
        weft_error(LOG, "port file not written", weft_str("file.path", path),
                   weft_errno("cause", errno));
    return written;
}

int service_run(const struct service_options *options, const struct service_route *route,
                int signals)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(options->port),
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct MHD_Daemon *daemon =
        MHD_start_daemon(MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL,
                         NULL, on_request, (void *)(uintptr_t)route, MHD_OPTION_SOCK_ADDR, &address,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
    if (!daemon) {
        weft_fatal(LOG, "cannot listen", weft_uint("server.port", options->port),
                   weft_errno("cause", errno));
        return EXIT_FAILURE;
    }
    struct signalfd_siginfo signal = {.ssi_signo = 0};
    bool ok = port_announce(daemon, options->port_file);
    while (ok && read(signals, &signal, sizeof signal) < 0) ok = errno == EINTR;
    weft_info(LOG, "stopping", weft_uint("signal", signal.ssi_signo));
    MHD_stop_daemon(daemon); /* waits for the requests under way */
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
