#include "memory.h"

#include "kit/options.h"
#include "kit/stream.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES_DEFAULT (UINT64_C(1) << 20)
#define BYTES_MIN     1024
#define BYTES_MAX     (UINT64_C(1) << 30)

/*
 * The ring holds entries, each a size and the bytes of a line, and `used` bytes of it from `head`
 * on are in use. An entry may go over the end and on at the start.
 */
struct memory_sink {
    char *ring;
    size_t capacity, head, used;
    unsigned dump;              /* enum below */
    struct weftp_stream stream; /* stderr, when dump is DUMP_STDERR */
    struct weft_sink_error error;
};

enum { DUMP_STDERR, DUMP_NONE };
static const char *const dump_names[] = {"stderr", "none", NULL};

typedef uint32_t entry_size;

static void copy_in(struct memory_sink *sink, const void *data, size_t size)
{
    const size_t at = (sink->head + sink->used) % sink->capacity;
    const size_t first = size < sink->capacity - at ? size : sink->capacity - at;
    memcpy(sink->ring + at, data, first);
    memcpy(sink->ring, (const char *)data + first, size - first);
    sink->used += size;
}

static entry_size size_at(const struct memory_sink *sink, size_t offset)
{
    unsigned char bytes[sizeof(entry_size)];
    entry_size size;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)sink->ring[(sink->head + offset + i) % sink->capacity];
    memcpy(&size, bytes, sizeof size);
    return size;
}

static void forget_oldest(struct memory_sink *sink)
{
    const size_t size = sizeof(entry_size) + size_at(sink, 0);
    sink->head = (sink->head + size) % sink->capacity;
    sink->used -= size;
}

static bool keep(struct memory_sink *sink, const struct weft_line *line)
{
    const size_t need = sizeof(entry_size) + line->size;
    if (line->size > UINT32_MAX - sizeof(entry_size) || need > sink->capacity) return false;
    while (sink->capacity - sink->used < need) forget_oldest(sink);
    const entry_size size = (entry_size)line->size;
    copy_in(sink, &size, sizeof size);
    copy_in(sink, line->data, line->size);
    return true;
}

/* Write all lines in order. Each is put together first, so that one goes out in one call. */
static weft_status dump_to(const struct memory_sink *sink, struct weftp_stream *stream)
{
    weft_status status = WEFT_OK;
    char *whole = malloc(sink->used ? sink->used : 1);
    if (!whole) return WEFT_ENOMEM;
    for (size_t offset = 0; offset < sink->used;) {
        const size_t size = size_at(sink, offset);
        const size_t at = (sink->head + offset + sizeof(entry_size)) % sink->capacity;
        const size_t first = size < sink->capacity - at ? size : sink->capacity - at;
        memcpy(whole, sink->ring + at, first);
        memcpy(whole + first, sink->ring, size - first);
        const struct weft_line line = {.data = whole, .size = size};
        const weft_status put = weftp_stream_put(stream, &line);
        if (put != WEFT_OK) status = put;
        offset += sizeof(entry_size) + size;
    }
    free(whole);
    return status;
}

weft_status weftp_memory_dump(void *self, int fd)
{
    struct weftp_stream stream;
    if (!self || fd < 0) return WEFT_EINVAL;
    weftp_stream_init(&stream, fd);
    weft_status status = dump_to(self, &stream);
    const weft_status flushed = weftp_stream_flush(&stream, WEFTP_STREAM_TIMEOUT_MS);
    if (status == WEFT_OK && flushed != WEFT_OK) status = WEFT_EIO;
    weftp_stream_deinit(&stream);
    return status;
}

static weft_status dump_fatal(struct memory_sink *sink)
{
    const weft_status status = dump_to(sink, &sink->stream);
    if (status != WEFT_OK) sink->error = sink->stream.error;
    sink->head = sink->used = 0;
    return status;
}

static weft_status memory_write(void *self, const struct weft_line *lines, size_t count,
                                size_t *written)
{
    struct memory_sink *sink = self;
    weft_status status = WEFT_OK;
    *written = 0;
    for (size_t i = 0; i < count; i++) {
        if (!keep(sink, &lines[i])) {
            sink->error =
                (struct weft_sink_error){.err = EMSGSIZE, .what = "line larger than bytes="};
            return WEFT_EIO;
        }
        ++*written;
        if (lines[i].level >= WEFT_LEVEL_FATAL && lines[i].level < WEFT_LEVEL_OFF &&
            sink->dump == DUMP_STDERR && dump_fatal(sink) != WEFT_OK)
            status = WEFT_EIO;
    }
    return status;
}

static weft_status memory_flush(void *self, uint32_t timeout_ms)
{
    struct memory_sink *sink = self;
    return sink->dump == DUMP_STDERR ? weftp_stream_flush(&sink->stream, timeout_ms) : WEFT_OK;
}

static void memory_close(void *self)
{
    struct memory_sink *sink = self;
    if (!sink) return;
    if (sink->dump == DUMP_STDERR) weftp_stream_deinit(&sink->stream);
    free(sink->ring);
    free(sink);
}

static weft_status memory_open(void **self, const struct weft_options_kv *options)
{
    const char *path = NULL;
    uint64_t bytes = BYTES_DEFAULT;
    struct memory_sink *sink = calloc(1, sizeof *sink);
    if (!sink) return WEFT_ENOMEM;
    const struct weftp_option rows[] = {
        {"path", WEFTP_OPTION_TEXT, &path, 0, 0, NULL, NULL},
        {"bytes", WEFTP_OPTION_BYTES, &bytes, BYTES_MIN, BYTES_MAX, NULL,
         "a size from 1KiB to 1GiB"},
        {"dump", WEFTP_OPTION_CHOICE, &sink->dump, 0, 0, dump_names, "stderr or none"},
        {.accepted = "bytes, dump"},
    };
    const weft_status status = weftp_options_read(options, rows, &sink->error);
    sink->capacity = (size_t)bytes;
    sink->ring = malloc(sink->capacity);
    if (!sink->ring) {
        free(sink);
        return WEFT_ENOMEM;
    }
    if (sink->dump == DUMP_STDERR) weftp_stream_init(&sink->stream, STDERR_FILENO);
    *self = sink;
    return status;
}

static void memory_explain(void *self, struct weft_sink_error *error)
{
    *error = ((struct memory_sink *)self)->error;
}

static void memory_forked(void *self)
{
    struct memory_sink *sink = self;
    /* What the parent logged is the parent's to dump. */
    sink->head = sink->used = 0;
    if (sink->dump == DUMP_STDERR) weftp_stream_forked(&sink->stream);
}

const struct weft_sink_type_more weftp_sink_memory = {
    .type =
        {
            .struct_size = sizeof(struct weft_sink_type_more),
            .name = "memory",
            .open = memory_open,
            .write = memory_write,
            .flush = memory_flush,
            .close = memory_close,
        },
    .explain = memory_explain,
    .forked = memory_forked,
};
