#include "codec.h"

#include "../../src/port/io.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define CHUNK_BYTES ((size_t)128 << 10)

struct buffers {
    unsigned char in[CHUNK_BYTES];
    unsigned char out[CHUNK_BYTES];
};

struct codec {
    const char *suffix;
    const struct weftp_codec_engine *quick; /* at level 0, where the build has it; may be NULL */
    const struct weftp_codec_engine *engine;
    bool (*is_whole)(int fd, uint64_t size);
};

static const struct codec codecs[WEFTP_CODECS] = {
    [WEFTP_CODEC_NONE] = {.suffix = ""},
    [WEFTP_CODEC_GZIP] = {".gz", &weftp_engine_isal, &weftp_engine_zlib, weftp_gzip_is_whole},
    [WEFTP_CODEC_ZSTD] = {".zst", NULL, &weftp_engine_zstd, weftp_zstd_is_whole},
};

/* NULL: this build has none. */
static const struct weftp_codec_engine *choose(enum weftp_codec codec, int level)
{
    if ((unsigned)codec >= WEFTP_CODECS) return NULL;
    const struct codec *row = &codecs[codec];
    if (level == 0 && row->quick && row->quick->open) return row->quick;
    return row->engine && row->engine->open ? row->engine : NULL;
}

bool weftp_codec_available(enum weftp_codec codec)
{
    return codec == WEFTP_CODEC_NONE || choose(codec, 0) != NULL;
}

const char *weftp_codec_suffix(enum weftp_codec codec)
{
    return (unsigned)codec < WEFTP_CODECS ? codecs[codec].suffix : "";
}

const char *weftp_codec_engine(enum weftp_codec codec, int level)
{
    const struct weftp_codec_engine *engine = choose(codec, level);
    return engine ? engine->name : "none";
}

bool weftp_codec_is_whole(enum weftp_codec codec, int fd, uint64_t size)
{
    return (unsigned)codec < WEFTP_CODECS && codecs[codec].is_whole &&
           codecs[codec].is_whole(fd, size);
}

static int write_whole(int fd, const unsigned char *data, size_t size)
{
    while (size > 0) {
        const ssize_t got = weftp_io.write(fd, data, size);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return got < 0 ? errno : EIO;
        data += got;
        size -= (size_t)got;
    }
    return 0;
}

static int read_chunk(int fd, unsigned char *data, uint64_t at, size_t *size)
{
    ssize_t got;
    do {
        got = pread(fd, data, CHUNK_BYTES, (off_t)at);
    } while (got < 0 && errno == EINTR);
    *size = got > 0 ? (size_t)got : 0;
    return got < 0 ? errno : 0;
}

/* Write all that the engine has for the chunk of input. */
static int feed(const struct weftp_codec_engine *engine, void *self, struct buffers *buffers,
                size_t size, int to)
{
    struct weftp_codec_buffers left = {.in = buffers->in, .in_size = size};
    bool more = true;
    while (more) {
        left.out = buffers->out;
        left.out_size = CHUNK_BYTES;
        int err = engine->step(self, &left, size == 0, &more);
        if (err == 0) err = write_whole(to, buffers->out, CHUNK_BYTES - left.out_size);
        if (err != 0) return err;
    }
    return 0;
}

struct ends {
    int from, to;
    uint64_t size;
    const atomic_bool *stop;
};

static int copy(const struct weftp_codec_engine *engine, void *self, struct buffers *buffers,
                const struct ends *ends)
{
    uint64_t at = 0;
    for (;;) {
        size_t size = 0;
        if (atomic_load_explicit(ends->stop, memory_order_relaxed)) return ECANCELED;
        int err = read_chunk(ends->from, buffers->in, at, &size);
        if (err != 0) return err;
        at += size;
        /* Somebody adds to it, or has cut it. */
        if (size == 0 ? at != ends->size : at > ends->size) return EAGAIN;
        err = feed(engine, self, buffers, size, ends->to);
        if (err != 0 || size == 0) return err;
    }
}

int weftp_codec_copy(enum weftp_codec codec, int level, int from, int to, uint64_t size,
                     const atomic_bool *stop)
{
    void *self = NULL;
    const struct weftp_codec_engine *engine = choose(codec, level);
    if (!engine) return ENOTSUP;
    struct buffers *buffers = malloc(sizeof *buffers);
    if (!buffers) return ENOMEM;
    int err = engine->open(&self, level, size);
    if (err == 0) {
        const struct ends ends = {from, to, size, stop};
        err = copy(engine, self, buffers, &ends);
        engine->close(self);
    }
    free(buffers);
    return err;
}
