#define ZLIB_CONST /* its input is const */
#include "codec.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define GZIP_FORMAT     (MAX_WBITS + 16) /* zlib: with a gzip header and trailer */
#define MEMORY_LEVEL    8
#define GZIP_BYTES_MIN  18 /* header and trailer */
#define GZIP_SIZE_BYTES 4  /* the last of the trailer: the plain size, modulo 2^32 */

static int zlib_open(void **self, int level, uint64_t size)
{
    (void)size;
    z_stream *zip = calloc(1, sizeof *zip);
    if (!zip) return ENOMEM;
    if (level == 0) level = Z_DEFAULT_COMPRESSION;
    if (deflateInit2(zip, level, Z_DEFLATED, GZIP_FORMAT, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) !=
        Z_OK) {
        free(zip);
        return ENOMEM;
    }
    *self = zip;
    return 0;
}

static int zlib_step(void *self, struct weftp_codec_buffers *buffers, bool last, bool *more)
{
    z_stream *zip = self;
    zip->next_in = buffers->in;
    zip->avail_in = (unsigned)buffers->in_size;
    zip->next_out = buffers->out;
    zip->avail_out = (unsigned)buffers->out_size;
    if (deflate(zip, last ? Z_FINISH : Z_NO_FLUSH) == Z_STREAM_ERROR) return EIO;
    buffers->in = zip->next_in;
    buffers->in_size = zip->avail_in;
    buffers->out = zip->next_out;
    buffers->out_size = zip->avail_out;
    *more = zip->avail_out == 0;
    return 0;
}

static void zlib_close(void *self)
{
    deflateEnd(self);
    free(self);
}

const struct weftp_codec_engine weftp_engine_zlib = {"zlib", zlib_open, zlib_step, zlib_close};

bool weftp_gzip_is_whole(int fd, uint64_t size)
{
    unsigned char at_end[GZIP_SIZE_BYTES];
    struct stat found;
    if (fstat(fd, &found) != 0 || found.st_size < GZIP_BYTES_MIN) return false;
    if (pread(fd, at_end, sizeof at_end, found.st_size - GZIP_SIZE_BYTES) != GZIP_SIZE_BYTES)
        return false;
    const uint32_t plain = (uint32_t)at_end[0] | (uint32_t)at_end[1] << 8 |
                           (uint32_t)at_end[2] << 16 | (uint32_t)at_end[3] << 24;
    return plain == (uint32_t)size;
}
