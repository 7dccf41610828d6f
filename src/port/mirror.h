/*
 * Memory that stands twice in a row, so that what begins near its end goes on where it begins again.
 *
 * Its job: the mapping, of the process's own memory or of a file. Not its job: what lies in it.
 * Threads: any. Signals: unsafe. Level 0.
 */
#ifndef WEFTP_PORT_MIRROR_H
#define WEFTP_PORT_MIRROR_H

#include <stddef.h>

struct weftp_mirror {
    char *head;       /* the first page or pages of the file; NULL: nothing is mapped */
    char *data;       /* right behind: data[i] and data[i + size] are the same byte */
    size_t head_size; /* bytes, whole pages */
    size_t size;      /* bytes of data, whole pages */
};

/* The least unit of both sizes, in bytes: a power of two. */
size_t weftp_mirror_unit(void);
/* A descriptor of memory that no file system knows, of `bytes` zeros; -1 and errno where there is none to be had. */
int weftp_mirror_memory(size_t bytes);
/*
 * Map a descriptor of head_size + size bytes, for reading and writing, shared with whoever maps the
 * same file. The descriptor may be closed afterwards. 0, or an errno.
 */
int weftp_mirror_map(struct weftp_mirror *mirror, int fd, size_t head_size, size_t size);
void weftp_mirror_unmap(struct weftp_mirror *mirror); /* nothing is mapped: does nothing */

#endif
