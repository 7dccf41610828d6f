/*
 * A sink of your own: `unixgram:PATH` sends each line as one datagram to a local socket, where a
 * collector may listen. Registered by the program, then used by name in WEFT_SINKS, with level=,
 * format= and line_bytes_max= like every other sink.
 *
 *     ./plugin_sink /tmp/lines.sock     plays the collector, too, and prints what it has received
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

/* ---- the sink ---- */

struct unixgram {
    int socket;
    bool strip; /* newline=strip */
    struct sockaddr_un to;
    struct weft_sink_error error; /* of the last open or write that failed */
};

/* Read one option; false when it is unknown or bad. */
static bool read_option(struct unixgram *sink, const char *key, const char *value)
{
    if (strcmp(key, "path") == 0) {
        snprintf(sink->to.sun_path, sizeof sink->to.sun_path, "%s", value);
        return strlen(value) < sizeof sink->to.sun_path;
    }
    if (strcmp(key, "newline") != 0) return false;
    sink->strip = strcmp(value, "strip") == 0;
    return sink->strip || strcmp(value, "keep") == 0;
}

/* A collector that is not there yet is no failure of open: each write tries anew. */
static weft_status unixgram_open(void **self, const struct weft_options_kv *options)
{
    weft_status status = WEFT_OK;
    struct unixgram *sink = calloc(1, sizeof *sink);
    if (!sink) return WEFT_ENOMEM;
    sink->to.sun_family = AF_UNIX;
    sink->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    for (; options->key; options++) {
        if (read_option(sink, options->key, options->value)) continue;
        sink->error.option = options->key;
        sink->error.accepted = "newline=keep or strip, and a path of up to 107 bytes";
        status = WEFT_EINVAL; /* named on stderr; the sink goes on with the default */
    }
    *self = sink;
    return status;
}

/* Lines from `*written` on are lost when this fails: weft counts them, and says so. */
static weft_status unixgram_write(void *self, const struct weft_line *lines, size_t count,
                                  size_t *written)
{
    struct unixgram *sink = self;
    for (*written = 0; *written < count; ++*written) {
        const struct weft_line *line = &lines[*written];
        const size_t size = line->size - (sink->strip && line->size > 0);
        ssize_t sent;
        do {
            sent = sendto(sink->socket, line->data, size, MSG_NOSIGNAL,
                          (const struct sockaddr *)&sink->to, sizeof sink->to);
        } while (sent < 0 && errno == EINTR);
        if (sent >= 0) continue;
        sink->error = (struct weft_sink_error){.err = errno, .what = "send"};
        return WEFT_EIO;
    }
    return WEFT_OK;
}

static void unixgram_explain(void *self, struct weft_sink_error *error)
{
    *error = ((struct unixgram *)self)->error;
}

static void unixgram_close(void *self)
{
    struct unixgram *sink = self;
    if (sink->socket >= 0) close(sink->socket);
    free(sink);
}

static const struct weft_sink_type_more unixgram = {
    .type =
        {
            .struct_size = sizeof(struct weft_sink_type_more),
            .name = "unixgram",
            .open = unixgram_open,
            .write = unixgram_write,
            .close = unixgram_close,
        },
    .explain = unixgram_explain,
};

/* ---- a program that uses it ---- */

static int collector_open(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    unlink(path);
    return fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 ? fd : -1;
}

int main(int argc, char **argv)
{
    char url[256], line[4096];
    const char *path = argc > 1 ? argv[1] : "/tmp/weft-lines.sock";
    const int collector = collector_open(path);
    if (collector < 0) return EXIT_FAILURE;

    snprintf(url, sizeof url, "unixgram:%s?newline=strip&level=info", path);
    weft_options options = weft_options_default();
    options.sinks = url; /* as WEFT_SINKS, which beats it */
    if (weft_sink_register(&unixgram.type) != WEFT_OK || weft_init(&options) != WEFT_OK)
        return EXIT_FAILURE;

    weft_info(WEFT_LOGGER("orders"), "order accepted", weft_str("order_id", "o-1"));
    weft_debug(WEFT_LOGGER("orders"), "not for this sink");

    const ssize_t size = recv(collector, line, sizeof line, MSG_DONTWAIT);
    printf("received %.*s\n", size > 0 ? (int)size : 0, line);
    close(collector);
    unlink(path);

    fflush(stdout);
    weft_info(WEFT_LOGGER("orders"), "nobody listens any more");
    return weft_flush(0) == WEFT_EIO ? EXIT_SUCCESS : EXIT_FAILURE;
}
