/* Zstandard: one frame with the plain size in its header and a checksum at its end. */
#include "codec.h"

#include <unistd.h>

#define FRAME_MAGIC      0xFD2FB528U
#define FRAME_HEADER_MAX 18

/* The bytes of a number, the lowest first. */
static uint64_t little(const unsigned char *from, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) value |= (uint64_t)from[i] << 8 * i;
    return value;
}

/*
 * Read the header here, and not with the library, so that a build without it also knows a leftover.
 * RFC 8878, 3.1.1.1.
 */
bool weftp_zstd_is_whole(int fd, uint64_t size)
{
    static const unsigned char dictionary_bytes[] = {0, 1, 2, 4};
    unsigned char header[FRAME_HEADER_MAX];
    const ssize_t got = pread(fd, header, sizeof header, 0);
    if (got < 6 || little(header, 4) != FRAME_MAGIC) return false;
    const unsigned flags = header[4];
    const bool single = flags >> 5 & 1;
    const unsigned size_bytes = flags >> 6 ? 1U << (flags >> 6) : (unsigned)single;
    const unsigned at = 5U + !single + dictionary_bytes[flags & 3];
    if (size_bytes == 0 || at + size_bytes > (unsigned)got) return false;
    /* Two bytes begin at 256. */
    return little(header + at, size_bytes) + (size_bytes == 2 ? 256 : 0) == size;
}

#if defined WEFT_WITH_ZSTD

#include <errno.h>
#include <zstd.h>
#include <zstd_errors.h>

/* On lines of logs it is both quicker and smaller than the library's own default, 3. */
#define LEVEL_DEFAULT 1

static int zstd_open(void **self, int level, uint64_t size)
{
    if (level == 0) level = LEVEL_DEFAULT;
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (!context) return ENOMEM;
    if (ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)) ||
        ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(context, size))) {
        ZSTD_freeCCtx(context);
        return EINVAL;
    }
    *self = context;
    return 0;
}

static int zstd_step(void *self, struct weftp_codec_buffers *buffers, bool last, bool *more)
{
    ZSTD_inBuffer in = {buffers->in, buffers->in_size, 0};
    ZSTD_outBuffer out = {buffers->out, buffers->out_size, 0};
    const size_t left = ZSTD_compressStream2(self, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left))
        return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? ENOMEM : EIO;
    buffers->in += in.pos;
    buffers->in_size -= in.pos;
    buffers->out += out.pos;
    buffers->out_size -= out.pos;
    *more = last ? left > 0 : buffers->in_size > 0;
    return 0;
}

static void zstd_close(void *self)
{
    ZSTD_freeCCtx(self);
}

const struct weftp_codec_engine weftp_engine_zstd = {"zstd", zstd_open, zstd_step, zstd_close};

#else

const struct weftp_codec_engine weftp_engine_zstd = {.name = "zstd"};

#endif
