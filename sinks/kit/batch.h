/*
 * Lines that wait to be written together: copied whole, one behind the other.
 *
 * Its job: memory for them, and which are there. Not its job: when they are written, and how.
 * Threads: one at a time.
 * May include: port.
 */
#ifndef WEFTP_SINKS_KIT_BATCH_H
#define WEFTP_SINKS_KIT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/uio.h>

#define WEFTP_BATCH_BYTES_MAX (UINT64_C(64) << 20)

struct weftp_batch {
    char *data; /* owned; lines stand without gaps from its start */
    size_t size, capacity;
    struct iovec *lines; /* owned; where each stands */
    size_t count, count_max;
    int64_t first_ns; /* time of the oldest line */
};

/* Memory for `capacity` bytes of lines, up to BYTES_MAX. False: there is none. */
bool weftp_batch_init(struct weftp_batch *batch, size_t capacity);
void weftp_batch_deinit(struct weftp_batch *batch);
/* Whether a line of this size goes in as well. */
static inline bool weftp_batch_fits(const struct weftp_batch *batch, size_t size)
{
    return batch->count < batch->count_max && size <= batch->capacity - batch->size;
}
/* Copy a line that fits. */
static inline void weftp_batch_add(struct weftp_batch *batch, const char *data, size_t size,
                                   int64_t time_ns)
{
    char *to = batch->data + batch->size;
    if (batch->count == 0) batch->first_ns = time_ns;
    memcpy(to, data, size);
    batch->lines[batch->count++] = (struct iovec){to, size};
    batch->size += size;
}
/* The first `count` lines are written. */
void weftp_batch_remove(struct weftp_batch *batch, size_t count);

#endif
