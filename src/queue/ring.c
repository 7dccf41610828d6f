#include "ring.h"

#include "../port/random.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

_Static_assert(sizeof(struct weftp_ring_entry) == WEFTP_RING_ALIGN, "one step");
_Static_assert(sizeof(struct weftp_ring_face) == 320 &&
                   offsetof(struct weftp_ring_face, producer) == 64 &&
                   offsetof(struct weftp_ring_face, consumer) == 128,
               "indices on lines of their own");

size_t weftp_ring_capacity(size_t wanted)
{
    size_t capacity = WEFTP_RING_BYTES_MIN;
    while (capacity < wanted && capacity < WEFTP_RING_BYTES_MAX) capacity *= 2;
    return capacity;
}

size_t weftp_ring_file_size(size_t capacity)
{
    return weftp_mirror_unit() + weftp_ring_capacity(capacity);
}

static weft_status map(struct weftp_mirror *memory, size_t capacity, int fd)
{
    const size_t face_size = weftp_mirror_unit();
    const int own = fd < 0 ? weftp_mirror_memory(face_size + capacity) : -1;
    if (fd < 0 && own < 0) return WEFT_ENOMEM;
    const int err = weftp_mirror_map(memory, fd < 0 ? own : fd, face_size, capacity);
    if (own >= 0) close(own);
    return err == 0 ? WEFT_OK : WEFT_ENOMEM;
}

weft_status weftp_ring_create(struct weftp_ring *ring, size_t capacity, int fd)
{
    capacity = weftp_ring_capacity(capacity);
    memset(ring, 0, sizeof *ring);
    const weft_status status = map(&ring->memory, capacity, fd);
    if (status) return status;
    struct weftp_ring_face *face = (struct weftp_ring_face *)(void *)ring->memory.head;
    ring->face = face;
    ring->capacity = (uint32_t)capacity;
    weftp_random_bytes(&ring->key, sizeof ring->key);
    face->version = WEFTP_RING_VERSION;
    face->face_size = (uint32_t)ring->memory.head_size;
    face->capacity = ring->capacity;
    face->key = ring->key;
    face->byte_order = 0x01020304;
    memcpy(face->magic, WEFTP_RING_MAGIC, sizeof face->magic); /* last: now it is one */
    return WEFT_OK;
}

void weftp_ring_destroy(struct weftp_ring *ring)
{
    weftp_mirror_unmap(&ring->memory);
    memset(ring, 0, sizeof *ring);
}
