/*
 * What the two example services share and what is not about logging: options, answering, and a
 * clean stop on SIGTERM.
 */
#ifndef EXAMPLES_SERVICE_H
#define EXAMPLES_SERVICE_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stdint.h>

struct service_options {
    uint16_t port;         /* --port or PORT; 0 picks a free one */
    const char *port_file; /* --port-file: where to write the port that was picked, for scripts */
    const char *payments_url; /* --payments: where orders finds payments */
    const char *invoice_dir;  /* --invoices: where orders writes invoices */
};

/*
 * What a handler wants to answer: an HTTP status and a JSON text, which is static or the handler's
 * buffer.
 */
struct service_reply {
    unsigned status;
    const char *body;
};

/* A request as its handler gets it. */
struct service_request {
    struct MHD_Connection *connection;
    const char
        *body; /* with a NUL behind it; up to SERVICE_BODY_MAX bytes, "" when there is none */
};
#define SERVICE_BODY_MAX 65536

/* Answer one request; runs inside of it, so whatever it logs carries the request's context. */
typedef struct service_reply (*service_handler)(void *arg, const struct service_request *request);

/* A path and who answers it. */
struct service_route {
    const char *method, *path;
    service_handler handle;
    void *arg;
};

/* Read the command line and PORT; prints the usage and answers false when they make no sense. */
bool service_options_read(struct service_options *options, int argc, char **argv);

/*
 * Block SIGTERM and SIGINT, in all threads made from now on, and return a descriptor that tells of
 * them; -1: failed.
 */
int service_signals(void);

/* Serve until SIGTERM or SIGINT arrives on `signals`; returns the exit status of the program. */
int service_run(const struct service_options *options, const struct service_route *route,
                int signals);

#endif
