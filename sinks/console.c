#include "console.h"

#include "../src/base/parse.h"
#include "kit/options.h"
#include "kit/stream.h"
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const lock_names[] = {"auto", "always", "never", NULL};

static weft_status open_number(void **self, const struct weft_options_kv *options, int number)
{
    const char *path = NULL;
    struct weftp_stream *stream = malloc(sizeof *stream);
    if (!stream) return WEFT_ENOMEM;
    weftp_stream_init(stream, number);
    const struct weftp_option rows[] = {
        {"timeout", WEFTP_OPTION_DURATION, &stream->timeout_ms, 0, 600000, NULL,
         "a duration up to 10m, as 500ms or 2s"},
        {"lock", WEFTP_OPTION_CHOICE, &stream->lock, 0, 0, lock_names, "auto, always or never"},
        {"path", WEFTP_OPTION_TEXT, &path, 0, 0, NULL, NULL},
        {.accepted = "timeout, lock"},
    };
    *self = stream;
    return weftp_options_read(options, rows, &stream->error);
}

static weft_status open_stdout(void **self, const struct weft_options_kv *options)
{
    return open_number(self, options, STDOUT_FILENO);
}

static weft_status open_stderr(void **self, const struct weft_options_kv *options)
{
    return open_number(self, options, STDERR_FILENO);
}

static weft_status open_path(void **self, const struct weft_options_kv *options)
{
    const int number = weftp_console_number(weftp_options_get(options, "path"));
    if (number < 0) return WEFT_EINVAL;
    return open_number(self, options, number);
}

static weft_status console_write(void *self, const struct weft_line *lines, size_t count,
                                 size_t *written)
{
    weft_status status = WEFT_OK;
    *written = 0;
    while (*written < count) {
        status = weftp_stream_put(self, &lines[*written]);
        if (status != WEFT_OK) break;
        ++*written;
    }
    return status;
}

static weft_status console_flush(void *self, uint32_t timeout_ms)
{
    return weftp_stream_flush(self, timeout_ms);
}

static void console_close(void *self)
{
    if (!self) return;
    weftp_stream_deinit(self);
    free(self);
}

static void console_explain(void *self, struct weft_sink_error *error)
{
    *error = ((struct weftp_stream *)self)->error;
}

static void console_forked(void *self)
{
    weftp_stream_forked(self);
}
static bool console_terminal(void *self)
{
    return weftp_stream_terminal(self);
}

static bool has_prefix(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

int weftp_console_number(const char *path)
{
    static const char *const folders[] = {"/proc/self/fd/", "/dev/fd/"};
    uint64_t number = 0;
    if (!path) return -1;
    if (strcmp(path, "/dev/stdout") == 0) return STDOUT_FILENO;
    if (strcmp(path, "/dev/stderr") == 0) return STDERR_FILENO;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (!has_prefix(path, folders[i])) continue;
        if (weftp_parse_u64(path + strlen(folders[i]), &number) && number <= INT_MAX)
            return (int)number;
    }
    return -1;
}

#define CONSOLE(scheme, open_function)                                                             \
    {                                                                                              \
        .type =                                                                                    \
            {                                                                                      \
                .struct_size = sizeof(struct weft_sink_type_more),                                 \
                .name = scheme,                                                                    \
                .open = open_function,                                                             \
                .write = console_write,                                                            \
                .flush = console_flush,                                                            \
                .close = console_close,                                                            \
            },                                                                                     \
        .explain = console_explain, .forked = console_forked, .terminal = console_terminal,        \
        .console = true,                                                                           \
    }

const struct weft_sink_type_more weftp_sink_stdout = CONSOLE("stdout", open_stdout);
const struct weft_sink_type_more weftp_sink_stderr = CONSOLE("stderr", open_stderr);
const struct weft_sink_type_more weftp_sink_descriptor = CONSOLE("file", open_path);
