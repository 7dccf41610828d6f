#include "gzip.h"

#include "../../src/port/io.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#define CHUNK_BYTES  65536
#define GZIP_FORMAT  (MAX_WBITS + 16) /* zlib: with a gzip header and trailer */
#define MEMORY_LEVEL 8

struct buffers {
    unsigned char in[CHUNK_BYTES];
    unsigned char out[CHUNK_BYTES];
};

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

static int read_chunk(int fd, unsigned char *data, off_t at, size_t *size)
{
    ssize_t got;
    do {
        got = pread(fd, data, CHUNK_BYTES, at);
    } while (got < 0 && errno == EINTR);
    *size = got > 0 ? (size_t)got : 0;
    return got < 0 ? errno : 0;
}

/* Write all that deflate has for the input that it was given. */
static int drain(z_stream *zip, struct buffers *buffers, int to, int flush)
{
    do {
        zip->next_out = buffers->out;
        zip->avail_out = CHUNK_BYTES;
        if (deflate(zip, flush) == Z_STREAM_ERROR) return EIO;
        const int err = write_whole(to, buffers->out, CHUNK_BYTES - zip->avail_out);
        if (err != 0) return err;
    } while (zip->avail_out == 0);
    return 0;
}

static int copy(z_stream *zip, struct buffers *buffers, int from, int to, const atomic_bool *stop)
{
    off_t at = 0;
    for (;;) {
        size_t size = 0;
        if (atomic_load_explicit(stop, memory_order_relaxed)) return ECANCELED;
        int err = read_chunk(from, buffers->in, at, &size);
        if (err != 0) return err;
        at += (off_t)size;
        zip->next_in = buffers->in;
        zip->avail_in = (unsigned)size;
        err = drain(zip, buffers, to, size == 0 ? Z_FINISH : Z_NO_FLUSH);
        if (err != 0 || size == 0) return err;
    }
}

int weftp_gzip_copy(int from, int to, const atomic_bool *stop)
{
    z_stream zip = {0};
    struct buffers *buffers = malloc(sizeof *buffers);
    if (!buffers) return ENOMEM;
    int err = ENOMEM;
    if (deflateInit2(&zip, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_FORMAT, MEMORY_LEVEL,
                     Z_DEFAULT_STRATEGY) == Z_OK) {
        err = copy(&zip, buffers, from, to, stop);
        deflateEnd(&zip);
    }
    free(buffers);
    return err;
}
