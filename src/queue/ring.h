/*
 * A ring of bytes between one producer and one consumer: entries, whole and in order.
 *
 * Its job: room, publishing, giving back. Not its job: what the bytes mean, who sleeps and who wakes
 * (queue.h).
 *
 *   function             | by                     | waits
 *   ---------------------|------------------------|------
 *   ring_room_sp         | the producer           | never
 *   ring_look_sp         | the producer           | never
 *   ring_commit_sp       | the producer           | never
 *   ring_look_sc         | the consumer           | never
 *   ring_take_sc         | the consumer           | never
 *   ring_release_sc      | the consumer           | never
 *   ring_used            | the producer, consumer | never
 *   create, destroy      | while nobody uses it   |
 *
 * Who is the producer, and who the consumer, may change, if the change itself synchronizes (a lock).
 *
 * Memory order. `head` is stored by the producer with release after the entry's bytes, and loaded by
 * the consumer with acquire before it reads them. `tail` is stored by the consumer with release after
 * it has read them, and loaded by the producer with acquire before it writes there again. Each keeps
 * what it saw of the other's index, and looks again only when that does not do. The indices stand on
 * cache lines of their own.
 *
 * Positions count bytes modulo 2^32; capacities are powers of two of at most 2^30, so that
 * differences are exact.
 *
 * The mapping is self-describing: with a file behind it, another process reads what this one left.
 * May include: port, base.
 */
#ifndef WEFTP_QUEUE_RING_H
#define WEFTP_QUEUE_RING_H

#include "../port/mirror.h"
#include <stdbool.h>
#include <stdint.h>
#include <weft/status.h>

#define WEFTP_RING_ALIGN     16
#define WEFTP_RING_BYTES_MIN ((size_t)64 << 10)
#define WEFTP_RING_BYTES_MAX ((size_t)1 << 30)
#define WEFTP_RING_VERSION   1
#define WEFTP_RING_MAGIC     "weftring" /* 8 bytes */
#define WEFTP_RING_LEVELS    6          /* TRACE, DEBUG, INFO, WARN, ERROR, FATAL */

enum weftp_ring_kind { WEFTP_RING_RECORD = 0, WEFTP_RING_GAP = 1 };

/* Stands in front of each entry's bytes, aligned. In the machine's byte order. */
struct weftp_ring_entry {
    uint32_t
        size; /* bytes with this head, a multiple of 16; its low 4 bits: enum weftp_ring_kind */
    uint32_t check; /* of position, size, time and the ring's key: weftp_ring_check */
    int64_t time_ns;
};

/* How many records the producer could not put in, since the ring was made; the whole of what a GAP entry holds. */
struct weftp_ring_losses {
    uint64_t by_level[WEFTP_RING_LEVELS];
    int64_t first_ns,
        last_ns; /* since the entry before that; of no meaning where nothing is lost */
};

/* The first bytes of the mapping. */
struct weftp_ring_face {
    char magic[8];
    uint32_t version;
    uint32_t face_size;  /* bytes before the data */
    uint32_t capacity;   /* bytes of data */
    uint32_t key;        /* random */
    uint32_t byte_order; /* 0x01020304 */
    uint32_t reserved[9];
    struct {
        uint32_t head; /* atomic: all before it is published */
        uint32_t reserved[15];
    } producer;
    struct {
        uint32_t tail; /* atomic: all before it is given back, and needed no more */
        uint32_t reserved[15];
    } consumer;
    struct weftp_ring_losses lost;    /* the producer's, also those that no entry tells of yet */
    uint64_t told[WEFTP_RING_LEVELS]; /* the consumer's: those of them that it has told of */
    uint64_t reserved_last[2];
};

#define WEFTP_RING_LINE 64 /* bytes of a cache line */
#define WEFTP_RING_PAIR                                                                            \
    128 /* processors fetch lines in such pairs: between what two threads write */

/* What both read and the producer writes, and on lines of its own what the consumer writes. */
struct weftp_ring {
    _Alignas(WEFTP_RING_PAIR) struct weftp_mirror memory;
    struct weftp_ring_face *face;
    uint32_t capacity, key;
    _Alignas(WEFTP_RING_LINE) uint32_t head; /* the producer's own */
    uint32_t limit; /* it need not look again before this position; never behind the head */
    _Alignas(WEFTP_RING_PAIR) uint32_t head_seen; /* the consumer's own */
    uint32_t taken;
};

/*
 * Make a ring of `capacity` bytes, which is rounded up to a power of two within the bounds, over a
 * descriptor of as many bytes as weftp_ring_file_size says, all zeros; -1: memory of its own. The
 * descriptor stays the caller's and is not needed any more. WEFT_ENOMEM: there is none.
 */
weft_status weftp_ring_create(struct weftp_ring *ring, size_t capacity, int fd);
void weftp_ring_destroy(struct weftp_ring *ring);
size_t weftp_ring_file_size(size_t capacity);
size_t weftp_ring_capacity(size_t wanted);

/* What an entry's check must be. */
static inline uint32_t weftp_ring_check(uint32_t key, uint32_t position, uint32_t size,
                                        int64_t time_ns)
{
    uint64_t mixed = ((uint64_t)(position ^ key) << 32 | size) ^ (uint64_t)time_ns;
    mixed *= UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32);
}

/*
 * Where the next entry's bytes go, and in *room how many there may be, at least `least`; NULL: as
 * far as the producer has looked there are less. `keep`: so many bytes are left alone. Both at most
 * the capacity. Nothing is taken until the commit.
 */
static inline void *weftp_ring_room_sp(const struct weftp_ring *ring, size_t least, size_t keep,
                                       size_t *room)
{
    const uint32_t left = ring->limit - ring->head;
    if (__builtin_expect(left < least + sizeof(struct weftp_ring_entry) + keep, 0)) return NULL;
    *room = left - keep - sizeof(struct weftp_ring_entry);
    return ring->memory.data + (ring->head & (ring->capacity - 1)) +
           sizeof(struct weftp_ring_entry);
}

/*
 * See what is given back by now: room_sp goes on until so many bytes of the ring are `used`, the
 * capacity at most. Returns how many bytes that leaves, with the entries' heads.
 */
static inline size_t weftp_ring_look_sp(struct weftp_ring *ring, size_t used)
{
    const uint32_t now = ring->head - __atomic_load_n(&ring->face->consumer.tail, __ATOMIC_ACQUIRE);
    const uint32_t left = now < used ? (uint32_t)used - now : 0;
    ring->limit = ring->head + left;
    return left;
}

/* Publish an entry, of which `size` bytes stand where room_sp said; size within its room. */
static inline void weftp_ring_commit_sp(struct weftp_ring *ring, enum weftp_ring_kind kind,
                                        size_t size, int64_t time_ns)
{
    const uint32_t head = ring->head;
    struct weftp_ring_entry *entry =
        (struct weftp_ring_entry *)(void *)(ring->memory.data + (head & (ring->capacity - 1)));
    const uint32_t whole =
        (uint32_t)(size + sizeof *entry + WEFTP_RING_ALIGN - 1) & ~(uint32_t)(WEFTP_RING_ALIGN - 1);
    entry->size = whole | (uint32_t)kind;
    entry->check = weftp_ring_check(ring->key, head, whole | (uint32_t)kind, time_ns);
    entry->time_ns = time_ns;
    ring->head = head + whole;
    __atomic_store_n(&ring->face->producer.head, head + whole, __ATOMIC_RELEASE);
}

static inline uint32_t weftp_ring_entry_size(const struct weftp_ring_entry *entry)
{
    return entry->size & ~(uint32_t)(WEFTP_RING_ALIGN - 1);
}
static inline enum weftp_ring_kind weftp_ring_entry_kind(const struct weftp_ring_entry *entry)
{
    return (enum weftp_ring_kind)(entry->size & (WEFTP_RING_ALIGN - 1));
}

/* See what is published by now; later entries are not looked at until the next time. True: there is an entry. */
static inline bool weftp_ring_look_sc(struct weftp_ring *ring)
{
    ring->head_seen = __atomic_load_n(&ring->face->producer.head, __ATOMIC_ACQUIRE);
    return ring->head_seen != ring->taken;
}

/* The next entry of those that were seen; NULL: none. Its bytes stay until it is released. */
static inline const struct weftp_ring_entry *weftp_ring_front_sc(const struct weftp_ring *ring)
{
    if (ring->taken == ring->head_seen) return NULL;
    return (const struct weftp_ring_entry *)(const void *)(ring->memory.data +
                                                           (ring->taken & (ring->capacity - 1)));
}

/* Go on behind the front entry. */
static inline void weftp_ring_take_sc(struct weftp_ring *ring)
{
    ring->taken += weftp_ring_entry_size(weftp_ring_front_sc(ring));
}

/* Bytes that are taken and not given back. */
static inline uint32_t weftp_ring_held_sc(const struct weftp_ring *ring)
{
    return ring->taken - __atomic_load_n(&ring->face->consumer.tail, __ATOMIC_RELAXED);
}

/* Give back all that was taken. */
static inline void weftp_ring_release_sc(struct weftp_ring *ring)
{
    __atomic_store_n(&ring->face->consumer.tail, ring->taken, __ATOMIC_RELEASE);
}

/* Bytes that are not given back: at most so many for the producer, at least for the consumer. */
static inline uint32_t weftp_ring_used(const struct weftp_ring *ring)
{
    const uint32_t tail = __atomic_load_n(&ring->face->consumer.tail, __ATOMIC_ACQUIRE);
    return __atomic_load_n(&ring->face->producer.head, __ATOMIC_ACQUIRE) - tail;
}

#endif
