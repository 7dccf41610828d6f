/*
 * A server that knows no HTTP: it keeps the bytes of each request as they came, up to the empty
 * line, and answers 200. So a test sees what is on the wire, and not what a parser makes of it.
 */
#ifndef WEFT_TESTS_RAW_SERVER_H
#define WEFT_TESTS_RAW_SERVER_H

#include "tests/integration/loopback.h"
#include <assert.h>
#include <pthread.h>
#include <stdio.h>

enum { RAW_REQUEST_MAX = 131072 };

struct raw_request {
    size_t size;
    char text[RAW_REQUEST_MAX]; /* with a NUL behind */
};

struct raw_server {
    int listener;
    uint16_t port;
    size_t wanted, came; /* connections, a request on each */
    struct raw_request *requests;
    pthread_t thread;
};

static inline void *raw_server_run(void *arg)
{
    static const char reply[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    struct raw_server *server = arg;
    while (server->came < server->wanted) {
        struct raw_request *request = &server->requests[server->came];
        const int fd = accept(server->listener, NULL, NULL); /* has a deadline */
        if (fd < 0) break;
        deadline_set(fd);
        request->size = read_until(fd, request->text, sizeof request->text, "\r\n\r\n");
        (void)write_all(fd, reply, sizeof reply - 1);
        close(fd);
        server->came++;
    }
    return NULL;
}

/* Begin to take `wanted` connections; `requests` is the caller's. */
static inline void raw_server_start(struct raw_server *server, struct raw_request *requests,
                                    size_t wanted)
{
    *server = (struct raw_server){.wanted = wanted, .requests = requests};
    server->listener = loopback_listen(&server->port);
    assert(server->listener >= 0);
    const int error = pthread_create(&server->thread, NULL, raw_server_run, server);
    assert(error == 0);
    (void)error;
}

/* Wait until all have come; how many did. */
static inline size_t raw_server_join(struct raw_server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
    return server->came;
}

/* How often a part stands in a text, in any case. */
static inline size_t times(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strcasestr(text, part))) count++, text++;
    return count;
}

/* Whether CR and LF stand as line ends alone, and no other control character but tab does. */
static inline bool only_lines(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '\r' && (i + 1 == size || text[i + 1] != '\n')) return false;
        if (c == '\n' && (i == 0 || text[i - 1] != '\r')) return false;
        if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

#endif
