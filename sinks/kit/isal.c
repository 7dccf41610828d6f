/* gzip by ISA-L, several times as quick as zlib. It has no level that we would offer: see level. */
#include "codec.h"

#if defined WEFT_WITH_ISAL

#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>

/* Of 0 to 3: the one that gives the best ratio at a speed that no disk exceeds. */
#define ISAL_LEVEL  1
#define LEVEL_BYTES ISAL_DEF_LVL1_DEFAULT

struct isal {
    struct isal_zstream stream;
    unsigned char level[LEVEL_BYTES];
};

static int isal_open(void **self, int level, uint64_t size)
{
    (void)level, (void)size;
    struct isal *isal = malloc(sizeof *isal);
    if (!isal) return ENOMEM;
    isal_deflate_init(&isal->stream);
    isal->stream.gzip_flag = IGZIP_GZIP;
    isal->stream.level = ISAL_LEVEL;
    isal->stream.level_buf = isal->level;
    isal->stream.level_buf_size = LEVEL_BYTES;
    *self = isal;
    return 0;
}

static int isal_step(void *self, struct weftp_codec_buffers *buffers, bool last, bool *more)
{
    struct isal_zstream *stream = &((struct isal *)self)->stream;
    /* Its type has no const; it only reads. */
    stream->next_in = (unsigned char *)(uintptr_t)buffers->in;
    stream->avail_in = (uint32_t)buffers->in_size;
    stream->next_out = buffers->out;
    stream->avail_out = (uint32_t)buffers->out_size;
    stream->end_of_stream = last;
    if (isal_deflate(stream) != COMP_OK) return EIO;
    buffers->in = stream->next_in;
    buffers->in_size = stream->avail_in;
    buffers->out = stream->next_out;
    buffers->out_size = stream->avail_out;
    *more = stream->avail_out == 0 || (last && stream->internal_state.state != ZSTATE_END);
    return 0;
}

const struct weftp_codec_engine weftp_engine_isal = {"isa-l", isal_open, isal_step, free};

#else

const struct weftp_codec_engine weftp_engine_isal = {.name = "isa-l"};

#endif
