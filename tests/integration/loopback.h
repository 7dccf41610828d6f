/*
 * For tests over real sockets: a listener and a client on the loopback, with a deadline on every
 * wait.
 */
#ifndef WEFT_TESTS_LOOPBACK_H
#define WEFT_TESTS_LOOPBACK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static inline struct sockaddr_in loopback(uint16_t port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

static inline void deadline_set(int fd)
{
    const struct timeval ten_seconds = {10, 0};
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &ten_seconds, sizeof ten_seconds);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &ten_seconds, sizeof ten_seconds);
}

/* Listen on a free port; -1 on failure. */
static inline int loopback_listen(uint16_t *port)
{
    struct sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    deadline_set(fd);
    if (bind(fd, (struct sockaddr *)&address, size) == 0 && listen(fd, 4) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        *port = ntohs(address.sin_port);
        return fd;
    }
    close(fd);
    return -1;
}

/* Connect to a port; -1 on failure. */
static inline int loopback_connect(uint16_t port)
{
    const struct sockaddr_in address = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    deadline_set(fd);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) return fd;
    close(fd);
    return -1;
}

/*
 * Read until `end` stands in the text, or the peer closes, or the buffer is full; the text is
 * NUL-terminated.
 */
static inline size_t read_until(int fd, char *text, size_t capacity, const char *end)
{
    size_t size = 0;
    text[0] = '\0';
    while (size + 1 < capacity && !(end && strstr(text, end))) {
        const ssize_t got = read(fd, text + size, capacity - 1 - size);
        if (got <= 0) break;
        size += (size_t)got;
        text[size] = '\0';
    }
    return size;
}

static inline bool write_all(int fd, const char *text, size_t size)
{
    while (size > 0) {
        const ssize_t put = send(fd, text, size, MSG_NOSIGNAL);
        if (put <= 0) return false;
        text += put;
        size -= (size_t)put;
    }
    return true;
}

#endif
