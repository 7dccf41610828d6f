/*
 * The ways in which a rotated file is compressed: one table of codecs. A new one is a file with its
 * engine and one row in codec.c.
 *
 * Its job: one open file into another; what a whole compressed file looks like. Not its job: names,
 * and when (compress.h).
 * Threads: any. Allocates: 0.6 MiB while it copies; zstd up to 94 MiB, at level 19.
 * May include: port, the compression libraries.
 */
#ifndef WEFTP_SINKS_KIT_CODEC_H
#define WEFTP_SINKS_KIT_CODEC_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How the rotated files are compressed. */
enum weftp_codec { WEFTP_CODEC_NONE, WEFTP_CODEC_GZIP, WEFTP_CODEC_ZSTD };
#define WEFTP_CODECS 3

/* Whether this build can compress so. NONE always is available. Any value. */
bool weftp_codec_available(enum weftp_codec codec);
/* ".gz"; "" for NONE. Also of a codec that is not available: its files may be there. Static. */
const char *weftp_codec_suffix(enum weftp_codec codec);
/*
 * What compresses: "isa-l", "zlib", "zstd"; "none" where nothing does. At level 0, the codec's
 * default, the quickest that the build has. Static.
 */
const char *weftp_codec_engine(enum weftp_codec codec, int level);
/*
 * Read `from` from its start, `size` bytes, and write them compressed to `to`, where that stands.
 * Level 0 is the codec's default. Returns 0, ENOTSUP (not in this build), EAGAIN (the file is not
 * `size` bytes long), another errno, or ECANCELED when *stop became true on the way.
 */
int weftp_codec_copy(enum weftp_codec codec, int level, int from, int to, uint64_t size,
                     const atomic_bool *stop);
/*
 * Whether the open file is the whole of a plain one of `size` bytes, by what its first or last
 * bytes say.
 */
bool weftp_codec_is_whole(enum weftp_codec codec, int fd, uint64_t size);

/* ---- for the files that hold an engine ---- */

/* What is left to be read and to be filled; step() moves on. */
struct weftp_codec_buffers {
    const unsigned char *in;
    size_t in_size;
    unsigned char *out;
    size_t out_size;
};

struct weftp_codec_engine {
    const char *name;
    /* Begin a stream of `size` bytes. Returns 0 or an errno. NULL: this build has it not. */
    int (*open)(void **self, int level, uint64_t size);
    /*
     * Take input and fill output. `last`: no input is to come after this. *more: call again with
     * the same input and an empty output. Returns 0 or an errno.
     */
    int (*step)(void *self, struct weftp_codec_buffers *buffers, bool last, bool *more);
    void (*close)(void *self);
};
extern const struct weftp_codec_engine weftp_engine_isal, weftp_engine_zlib, weftp_engine_zstd;

/* Whether gzip's last four bytes, or zstd's first ones, say `size`. */
bool weftp_gzip_is_whole(int fd, uint64_t size);
bool weftp_zstd_is_whole(int fd, uint64_t size);

#endif
