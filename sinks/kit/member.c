#include "member.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TAIL_SIZE       8 /* CRC and size of the text */
#define MEMORY_LEVEL    8
#define CHUNK_BYTES     16384
#define ANY_GZIP_HEADER (MAX_WBITS + 16)

/* Magic, deflate, FEXTRA, no time, Unix; one subfield of 4 bytes; the size follows. */
static const unsigned char head_begin[16] = {0x1f, 0x8b, 8, 4, 0,   0,   0, 0,
                                             0,    3,    8, 0, 'W', 'F', 4, 0};

static void put_u32(unsigned char *to, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static uint32_t get_u32(const unsigned char *from)
{
    return (uint32_t)from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
           (uint32_t)from[3] << 24;
}

bool weftp_member_init(struct weftp_member *member, int level)
{
    *member = (struct weftp_member){.data = NULL};
    return deflateInit2(&member->zip, level == 0 ? Z_DEFAULT_COMPRESSION : level, Z_DEFLATED,
                        -MAX_WBITS, MEMORY_LEVEL, Z_DEFAULT_STRATEGY) == Z_OK;
}

void weftp_member_deinit(struct weftp_member *member)
{
    if (member->zip.state) deflateEnd(&member->zip);
    free(member->data);
    *member = (struct weftp_member){.data = NULL};
}

/* ---- making ---- */

static bool grow(struct weftp_member *member, size_t text_size)
{
    const size_t needed =
        deflateBound(&member->zip, text_size) + WEFTP_MEMBER_HEAD_SIZE + TAIL_SIZE;
    if (needed <= member->capacity) return true;
    unsigned char *data = realloc(member->data, needed);
    if (!data) return false;
    member->data = data;
    member->capacity = needed;
    return true;
}

/* deflateBound says that all of it fits. */
static bool pack(struct weftp_member *member, const struct iovec *lines, size_t count)
{
    z_stream *zip = &member->zip;
    zip->next_out = member->data + WEFTP_MEMBER_HEAD_SIZE;
    zip->avail_out = (uInt)(member->capacity - WEFTP_MEMBER_HEAD_SIZE - TAIL_SIZE);
    for (size_t i = 0; i < count; i++) {
        zip->next_in = lines[i].iov_base;
        zip->avail_in = (uInt)lines[i].iov_len;
        const int result = deflate(zip, i + 1 < count ? Z_NO_FLUSH : Z_FINISH);
        if (result == Z_STREAM_ERROR || zip->avail_in > 0) return false;
        if (i + 1 == count && result != Z_STREAM_END) return false;
    }
    return true;
}

int weftp_member_build(struct weftp_member *member, const struct iovec *lines, size_t count)
{
    uLong crc = crc32(0, NULL, 0);
    size_t text_size = 0;
    for (size_t i = 0; i < count; i++) {
        text_size += lines[i].iov_len;
        crc = crc32(crc, lines[i].iov_base, (uInt)lines[i].iov_len);
    }
    if (text_size > UINT32_MAX / 2) return EIO;
    if (deflateReset(&member->zip) != Z_OK) return EIO;
    if (!grow(member, text_size)) return ENOMEM;
    if (!pack(member, lines, count)) return EIO;
    unsigned char *tail = member->zip.next_out;
    member->size = (size_t)(tail - member->data) + TAIL_SIZE;
    memcpy(member->data, head_begin, sizeof head_begin);
    put_u32(member->data + sizeof head_begin, (uint32_t)member->size);
    put_u32(tail, (uint32_t)crc);
    put_u32(tail + 4, (uint32_t)text_size);
    return 0;
}

/* ---- reading ---- */

enum weftp_member_head weftp_member_head(const unsigned char *head, size_t head_size,
                                         uint32_t *size)
{
    const size_t known = head_size < sizeof head_begin ? head_size : sizeof head_begin;
    if (memcmp(head, head_begin, known) != 0)
        return head_size >= 3 && memcmp(head, head_begin, 3) == 0 ? WEFTP_HEAD_FOREIGN
                                                                  : WEFTP_HEAD_NONE;
    if (head_size < WEFTP_MEMBER_HEAD_SIZE) return WEFTP_HEAD_BEGUN;
    *size = get_u32(head + sizeof head_begin);
    return *size > WEFTP_MEMBER_HEAD_SIZE + TAIL_SIZE ? WEFTP_HEAD_OURS : WEFTP_HEAD_NONE;
}

static int keep_text(struct weftp_member_text *text, const unsigned char *data, size_t size)
{
    if (size == 0) return 0;
    if (size > WEFTP_MEMBER_TEXT_MAX - text->size) return EFBIG;
    if (text->size + size > text->capacity) {
        const size_t capacity = 2 * (text->size + size);
        char *bigger = realloc(text->data, capacity);
        if (!bigger) return ENOMEM;
        text->data = bigger;
        text->capacity = capacity;
    }
    memcpy(text->data + text->size, data, size);
    text->size += size;
    return 0;
}

struct chunks {
    unsigned char in[CHUNK_BYTES], out[CHUNK_BYTES];
};

/* Inflate what has been read. Returns a code of zlib's, or Z_MEM_ERROR. */
static int unpack(z_stream *zip, struct chunks *chunks, struct weftp_member_text *text)
{
    int result;
    do {
        zip->next_out = chunks->out;
        zip->avail_out = CHUNK_BYTES;
        result = inflate(zip, Z_SYNC_FLUSH);
        if (text && keep_text(text, chunks->out, CHUNK_BYTES - zip->avail_out) != 0)
            return Z_MEM_ERROR;
    } while (result == Z_OK && (zip->avail_in > 0 || zip->avail_out == 0));
    return result;
}

static int read_on(z_stream *zip, struct chunks *chunks, int fd, uint64_t *at, uint64_t end)
{
    const uint64_t left = end - *at;
    const ssize_t got =
        pread(fd, chunks->in, left < CHUNK_BYTES ? (size_t)left : CHUNK_BYTES, (off_t)*at);
    if (got < 0) return errno == EINTR ? 0 : errno;
    if (got == 0) return EBADMSG;
    *at += (uint64_t)got;
    zip->next_in = chunks->in;
    zip->avail_in = (uInt)got;
    return 0;
}

int weftp_member_read(int fd, uint64_t at, uint64_t end, struct weftp_member_text *text,
                      uint64_t *next)
{
    z_stream zip = {0};
    struct chunks *chunks = malloc(sizeof *chunks);
    if (!chunks || inflateInit2(&zip, ANY_GZIP_HEADER) != Z_OK) {
        free(chunks);
        return ENOMEM;
    }
    int err = 0, result = Z_OK;
    while (err == 0 && (result == Z_OK || result == Z_BUF_ERROR)) {
        err = at < end ? read_on(&zip, chunks, fd, &at, end) : EBADMSG;
        if (err == 0 && zip.avail_in > 0) result = unpack(&zip, chunks, text);
    }
    *next = at - zip.avail_in;
    if (err == 0 && result != Z_STREAM_END) err = result == Z_MEM_ERROR ? ENOMEM : EBADMSG;
    inflateEnd(&zip);
    free(chunks);
    return err;
}
