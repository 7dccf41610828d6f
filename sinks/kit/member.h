/*
 * Gzip members (RFC 1952) that say how long they are: each is a whole gzip file of some lines, and
 * one behind the other they are one, too.
 *
 * Its job: bytes to a member, a member's head to its size, what is left of a torn one to lines. Not
 * its job: files that others write, too (memberfile.h).
 * Threads: one at a time per struct.
 * May include: zlib, port.
 *
 * The head has an extra field, subfield "WF", with the size of the whole member as 4 bytes, little
 * endian: a reader may hop from member to member, or read them side by side, without inflating.
 */
#ifndef WEFTP_SINKS_KIT_MEMBER_H
#define WEFTP_SINKS_KIT_MEMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <zlib.h>

#define WEFTP_MEMBER_HEAD_SIZE 20
#define WEFTP_MEMBER_TEXT_MAX  (UINT64_C(256) << 20) /* that is read back from a torn one */

struct weftp_member {
    unsigned char *data; /* owned */
    size_t size, capacity;
    z_stream zip; /* raw deflate; begun: zip.state */
};

/* Get ready. level: 1 to 9, 0: zlib's default. False: no memory. */
bool weftp_member_init(struct weftp_member *member, int level);
void weftp_member_deinit(struct weftp_member *member);
/* Make the member of these lines, of at most 4 GiB less a few. Returns 0, ENOMEM or EIO. */
int weftp_member_build(struct weftp_member *member, const struct iovec *lines, size_t count);

enum weftp_member_head {
    WEFTP_HEAD_OURS,    /* *size is set */
    WEFTP_HEAD_BEGUN,   /* the first bytes of one of ours */
    WEFTP_HEAD_FOREIGN, /* gzip, but not weft's */
    WEFTP_HEAD_NONE     /* no gzip at all */
};
/* What `size` bytes, HEAD_SIZE if there are so many, are the beginning of. */
enum weftp_member_head weftp_member_head(const unsigned char *head, size_t head_size,
                                         uint32_t *size);

/* Text that was read back. */
struct weftp_member_text {
    char *data; /* free(3) it */
    size_t size, capacity;
};
/*
 * Inflate the member that stands at `at` in a file, up to its end or the file's, `end`. text: gets
 * what comes out, at most TEXT_MAX; NULL: it is only passed over. *next: where it ends.
 * Returns 0, EBADMSG: it is torn or no gzip (text has what could be read), or another errno.
 */
int weftp_member_read(int fd, uint64_t at, uint64_t end, struct weftp_member_text *text,
                      uint64_t *next);

#endif
