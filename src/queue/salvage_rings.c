/*
 * A dead process's rings, read through windows and merged by time.
 */
#include "../port/io.h"
#include "salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FACE_SIZE_MAX    (1u << 20) /* bytes before the data: a page, of any machine's */
#define RINGS_MAX        ((size_t)2 * WEFTP_SALVAGE_RINGS_MAX) /* those of the last file included */
#define WINDOWS_SIZE_MAX ((size_t)64 << 20)

/* ---- files ---- */

static int open_file(const struct weftp_salvage *salvage, uint32_t number, int flags)
{
    char name[WEFTP_SESSION_NAME_SIZE];
    weftp_session_name(name, salvage->id, WEFTP_SESSION_RING, number);
    return weftp_session_open(salvage->dir, name, flags);
}

/* Returns how many bytes there were. */
static size_t read_at(int fd, void *to, size_t size, uint64_t at)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t got = pread(fd, (char *)to + done, size - done, (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    return done;
}

/* ---- faces ---- */

static bool is_shaped(const struct weftp_ring_face *face)
{
    return memcmp(face->magic, WEFTP_RING_MAGIC, sizeof face->magic) == 0 &&
           face->version == WEFTP_RING_VERSION && face->byte_order == 0x01020304 &&
           face->face_size >= sizeof *face && face->face_size <= FACE_SIZE_MAX &&
           face->capacity >= WEFTP_RING_BYTES_MIN && face->capacity <= WEFTP_RING_BYTES_MAX &&
           (face->capacity & (face->capacity - 1)) == 0;
}

static uint32_t used_of(const struct weftp_ring_face *face)
{
    return face->producer.head - face->consumer.tail;
}

static bool is_sound(const struct weftp_ring_face *face)
{
    return used_of(face) <= face->capacity && face->producer.head % WEFTP_RING_ALIGN == 0 &&
           face->consumer.tail % WEFTP_RING_ALIGN == 0;
}

static struct weftp_salvage_ring *add_ring(struct weftp_salvage *salvage)
{
    if (salvage->ring_count == salvage->ring_capacity) {
        const size_t capacity = salvage->ring_capacity * 2 + 16;
        struct weftp_salvage_ring *rings = realloc(salvage->rings, capacity * sizeof *rings);
        if (!rings) return NULL;
        salvage->rings = rings;
        salvage->ring_capacity = capacity;
    }
    struct weftp_salvage_ring *ring = &salvage->rings[salvage->ring_count++];
    memset(ring, 0, sizeof *ring);
    return ring;
}

static bool take_ring(struct weftp_salvage *salvage, const struct weftp_ring_face *face,
                      uint32_t number, uint64_t at)
{
    struct weftp_salvage_ring *ring = add_ring(salvage);
    if (!ring) return false;
    ring->number = number;
    ring->at = at;
    ring->face_size = face->face_size;
    ring->capacity = face->capacity;
    ring->key = face->key;
    /* One that is not sound is at its end. */
    ring->head = face->producer.head;
    ring->stored = ring->taken = is_sound(face) ? face->consumer.tail : ring->head;
    ring->from = ring->taken;
    ring->lost = face->lost;
    memcpy(ring->told, face->told, sizeof ring->told);
    if (!is_sound(face)) salvage->damaged_bytes += face->capacity;
    return true;
}

/* All rings of a file. False: no memory. */
static bool take_file(struct weftp_salvage *salvage, int fd, uint32_t number, uint64_t size)
{
    struct weftp_ring_face face;
    uint64_t at = 0;
    while (at < size) {
        if (salvage->ring_count >= RINGS_MAX) {
            salvage->damaged_bytes += size - at;
            break;
        }
        memset(&face, 0, sizeof face);
        (void)read_at(fd, &face, sizeof face, at);
        if (!is_shaped(&face)) {
            /* Where nothing was published nothing is lost: the process ended while it made the ring. */
            if (used_of(&face) != 0) salvage->damaged_bytes += size - at;
            break;
        }
        if (!take_ring(salvage, &face, number, at)) return false;
        at += (uint64_t)face.face_size + face.capacity;
    }
    /* Also for a file without rings, which is to be removed like the others. */
    if (at > 0) return true;
    struct weftp_salvage_ring *ring = add_ring(salvage);
    if (ring) ring->number = number;
    return ring != NULL;
}

struct loading {
    struct weftp_salvage *salvage;
    weft_status status;
};

static bool load_one(void *arg, const struct weftp_session_name *file)
{
    struct loading *loading = arg;
    struct weftp_salvage *salvage = loading->salvage;
    struct stat info;
    if (file->kind != WEFTP_SESSION_RING || strcmp(file->id, salvage->id) != 0) return true;
    const int fd = open_file(salvage, file->number, O_RDONLY);
    if (fd < 0 || fstat(fd, &info) != 0) {
        if (errno != ENOENT) salvage->stuck = true;
    } else if (!take_file(salvage, fd, file->number,
                          info.st_size > 0 ? (uint64_t)info.st_size : 0)) {
        loading->status = WEFT_ENOMEM;
    }
    if (fd >= 0) close(fd);
    return !loading->status && salvage->ring_count < WEFTP_SALVAGE_RINGS_MAX;
}

/* ---- windows ---- */

enum front { FRONT_READY, FRONT_HUNGRY, FRONT_END };

/* What is left of the ring is of no use. */
static enum front give_up(struct weftp_salvage *salvage, struct weftp_salvage_ring *ring)
{
    salvage->damaged_bytes += ring->head - ring->taken;
    ring->taken = ring->head;
    return FRONT_END;
}

static bool is_entry(const struct weftp_salvage_ring *ring, const struct weftp_ring_entry *entry)
{
    const uint32_t size = weftp_ring_entry_size(entry);
    return entry->size % WEFTP_RING_ALIGN <= WEFTP_RING_GAP && size > sizeof *entry &&
           size <= ring->head - ring->taken &&
           entry->check == weftp_ring_check(ring->key, ring->taken, entry->size, entry->time_ns);
}

static const struct weftp_ring_entry *front_of(const struct weftp_salvage_ring *ring)
{
    return (const struct weftp_ring_entry *)(const void *)(ring->window +
                                                           (ring->taken - ring->from));
}

/* Look at what comes next. *needed: bytes that the window must have, when it is hungry. */
static enum front look(struct weftp_salvage *salvage, struct weftp_salvage_ring *ring,
                       size_t *needed)
{
    const size_t have = ring->window_size - (ring->taken - ring->from);
    if (ring->taken == ring->head) return FRONT_END;
    *needed = sizeof(struct weftp_ring_entry);
    if (have < *needed) return FRONT_HUNGRY;
    const struct weftp_ring_entry *entry = front_of(ring);
    if (!is_entry(ring, entry)) return give_up(salvage, ring);
    *needed = weftp_ring_entry_size(entry);
    return have < *needed ? FRONT_HUNGRY : FRONT_READY;
}

static bool make_window(struct weftp_salvage *salvage, struct weftp_salvage_ring *ring,
                        size_t needed)
{
    const size_t share = WINDOWS_SIZE_MAX / (salvage->ring_count + 1);
    size_t size = share < WEFTP_SALVAGE_WINDOW ? share : WEFTP_SALVAGE_WINDOW;
    if (size < WEFTP_SALVAGE_WINDOW_LEAST) size = WEFTP_SALVAGE_WINDOW_LEAST;
    if (size < needed) size = needed;
    if (ring->window_capacity >= size) return true;
    char *window = malloc(size);
    if (!window) return false;
    free(ring->window);
    ring->window = window;
    ring->window_capacity = size;
    return true;
}

/* Read on from what is taken. */
static bool fill(struct weftp_salvage *salvage, struct weftp_salvage_ring *ring, size_t needed)
{
    if (!make_window(salvage, ring, needed)) return false;
    const uint32_t left = ring->head - ring->taken;
    const size_t size = left < ring->window_capacity ? left : ring->window_capacity;
    const uint32_t place = ring->taken & (ring->capacity - 1);
    const size_t first = ring->capacity - place < size ? ring->capacity - place : size;
    const uint64_t data = ring->at + ring->face_size;
    ring->from = ring->taken;
    ring->window_size = 0;
    const int fd = open_file(salvage, ring->number, O_RDONLY);
    if (fd < 0) return false;
    ring->window_size = read_at(fd, ring->window, first, data + place);
    if (ring->window_size == first)
        ring->window_size += read_at(fd, ring->window + first, size - first, data);
    close(fd);
    return true;
}

/* Read until the next entry is there. A file that is too short is damaged. */
static enum front feed(struct weftp_salvage *salvage, struct weftp_salvage_ring *ring)
{
    size_t needed;
    enum front front = look(salvage, ring, &needed);
    for (unsigned i = 0; front == FRONT_HUNGRY && i < 2; i++) {
        if (!fill(salvage, ring, needed)) {
            salvage->stuck = true; /* it is left for later */
            return FRONT_END;
        }
        if (ring->window_size < needed) return give_up(salvage, ring);
        front = look(salvage, ring, &needed);
    }
    return front == FRONT_HUNGRY ? give_up(salvage, ring) : front;
}

/* ---- the merge ---- */

static int64_t front_ns(const struct weftp_salvage *salvage, uint32_t index)
{
    return front_of(&salvage->rings[index])->time_ns;
}

static void sift_down(struct weftp_salvage *salvage, size_t at)
{
    uint32_t *heap = salvage->heap;
    const uint32_t ring = heap[at];
    for (;;) {
        size_t child = 2 * at + 1;
        if (child >= salvage->heap_count) break;
        if (child + 1 < salvage->heap_count &&
            front_ns(salvage, heap[child + 1]) < front_ns(salvage, heap[child]))
            child++;
        if (front_ns(salvage, heap[child]) >= front_ns(salvage, ring)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = ring;
}

static void make_heap(struct weftp_salvage *salvage)
{
    for (size_t i = salvage->heap_count / 2; i-- > 0;) sift_down(salvage, i);
}

weft_status weftp_salvage_rings(struct weftp_salvage *salvage, bool *any)
{
    struct loading loading = {.salvage = salvage};
    weftp_salvage_free_rings(salvage);
    const weft_status listed = weftp_session_list(salvage->dir, load_one, &loading);
    if (loading.status || listed) return loading.status ? loading.status : listed;
    *any = salvage->ring_count > 0;
    uint32_t *heap = realloc(salvage->heap, (salvage->ring_count + 1) * sizeof *heap);
    if (!heap) return WEFT_ENOMEM;
    salvage->heap = heap;
    for (uint32_t i = 0; i < salvage->ring_count; i++)
        if (feed(salvage, &salvage->rings[i]) == FRONT_READY) heap[salvage->heap_count++] = i;
    make_heap(salvage);
    return WEFT_OK;
}

const struct weftp_ring_entry *weftp_salvage_next(struct weftp_salvage *salvage,
                                                  struct weftp_salvage_ring **ring)
{
    size_t needed;
    if (salvage->heap_count == 0 || salvage->hungry) return NULL;
    struct weftp_salvage_ring *first = &salvage->rings[salvage->heap[0]];
    const struct weftp_ring_entry *entry = front_of(first);
    first->taken += weftp_ring_entry_size(entry);
    const enum front front = look(salvage, first, &needed);
    if (front != FRONT_READY) salvage->heap[0] = salvage->heap[--salvage->heap_count];
    if (salvage->heap_count > 0) sift_down(salvage, 0);
    if (front == FRONT_HUNGRY) {
        first->next = salvage->hungry;
        salvage->hungry = first;
    }
    *ring = first;
    return entry;
}

bool weftp_salvage_more(struct weftp_salvage *salvage)
{
    while (salvage->hungry) {
        struct weftp_salvage_ring *ring = salvage->hungry;
        salvage->hungry = ring->next;
        if (feed(salvage, ring) == FRONT_READY)
            salvage->heap[salvage->heap_count++] = (uint32_t)(ring - salvage->rings);
    }
    make_heap(salvage);
    return salvage->heap_count > 0;
}

bool weftp_salvage_losses(struct weftp_salvage_ring *ring, const struct weftp_ring_entry *gap,
                          struct weftp_ring_losses *losses)
{
    bool any = false;
    if (gap && weftp_ring_entry_size(gap) < sizeof *gap + sizeof *losses) return false;
    memcpy(losses, gap ? (const void *)(gap + 1) : &ring->lost, sizeof *losses);
    for (size_t i = 0; i < WEFTP_RING_LEVELS; i++) {
        const uint64_t now = losses->by_level[i];
        losses->by_level[i] = now > ring->told[i] ? now - ring->told[i] : 0;
        if (now > ring->told[i]) ring->told[i] = now;
        any = any || losses->by_level[i] > 0;
    }
    return any;
}

/* ---- progress ---- */

static bool put(int fd, const void *data, size_t size, uint64_t at)
{
    return weftp_io_pwrite_masked(fd, data, size, (off_t)at) == (ssize_t)size;
}

static bool store_tail(const struct weftp_salvage *salvage, const struct weftp_salvage_ring *ring)
{
    const uint64_t tail = ring->at + offsetof(struct weftp_ring_face, consumer.tail),
                   told = ring->at + offsetof(struct weftp_ring_face, told);
    const int fd = open_file(salvage, ring->number, O_WRONLY);
    if (fd < 0) return false;
    const bool stored = put(fd, &ring->taken, sizeof ring->taken, tail) &&
                        put(fd, ring->told, sizeof ring->told, told);
    close(fd);
    return stored;
}

void weftp_salvage_commit(struct weftp_salvage *salvage)
{
    for (size_t i = 0; i < salvage->ring_count; i++) {
        struct weftp_salvage_ring *ring = &salvage->rings[i];
        if (ring->taken != ring->stored && store_tail(salvage, ring)) ring->stored = ring->taken;
    }
}

void weftp_salvage_drop_rings(struct weftp_salvage *salvage)
{
    char name[WEFTP_SESSION_NAME_SIZE];
    for (size_t i = 0; i < salvage->ring_count; i++) {
        weftp_session_name(name, salvage->id, WEFTP_SESSION_RING, salvage->rings[i].number);
        if (unlinkat(salvage->dir, name, 0) != 0 && errno != ENOENT) salvage->stuck = true;
    }
    weftp_salvage_free_rings(salvage);
}

void weftp_salvage_free_rings(struct weftp_salvage *salvage)
{
    for (size_t i = 0; i < salvage->ring_count; i++) free(salvage->rings[i].window);
    salvage->ring_count = salvage->heap_count = 0;
    salvage->hungry = NULL;
}
