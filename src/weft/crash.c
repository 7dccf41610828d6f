#include "crash.h"

#include "../port/io.h"
#include "../port/signal_crash.h"
#include "../queue/store.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FREEZE_MS    1000 /* that a process takes to die; one that lives on writes again after it */
#define LIST_WAIT_MS 100  /* for the list of rings; who changes it may have crashed */

static struct {
    struct weftp_lock lock;
    char *dir; /* owned; NULL: not installed */
    struct weftp_store *store;
    bool forked; /* the files are the parent's */
    /* Read by the handler. Atomic. */
    struct weftp_queue *queue;
    int fd;           /* -1: none */
    int64_t saved_ms; /* when the last save was over; the saver's */
    dev_t dev;
    ino_t ino;
} crash = {.lock = WEFTP_LOCK_INIT, .fd = -1};

/* ---- in the handler: nothing that is not async-signal-safe ---- */

static void put(int fd, const void *data, size_t size, uint64_t at)
{
    while (size > 0) {
        const ssize_t written = weftp_io_pwrite_masked(fd, data, size, (off_t)at);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return;
        data = (const char *)data + written;
        size -= (size_t)written;
        at += (uint64_t)written;
    }
}

/* Whether it is one, as far as can be told of memory that may have been written over. */
static bool is_ring(const struct weftp_ring *ring)
{
    const struct weftp_ring_face *face = ring->face;
    return face && ring->memory.data && ring->capacity >= WEFTP_RING_BYTES_MIN &&
           ring->capacity <= WEFTP_RING_BYTES_MAX && (ring->capacity & (ring->capacity - 1)) == 0 &&
           ring->memory.size == ring->capacity &&
           memcmp(face->magic, WEFTP_RING_MAGIC, sizeof face->magic) == 0;
}

/* What one ring has in the file: where, and how far. */
struct dump {
    const struct weftp_ring *ring;
    uint64_t at;
    uint32_t tail, head;
};

static void put_data(int fd, const struct dump *dump)
{
    const struct weftp_ring *ring = dump->ring;
    const uint32_t place = dump->tail & (ring->capacity - 1), size = dump->head - dump->tail;
    const uint32_t first = ring->capacity - place < size ? ring->capacity - place : size;
    const uint64_t data = dump->at + ring->memory.head_size;
    put(fd, ring->memory.data + place, first, data + place);
    put(fd, ring->memory.data, size - first, data);
}

/*
 * The worker may still have given back a batch: that is written, and may be overwritten, so the tail
 * is read once more, behind the data.
 */
static void put_face(int fd, const struct dump *dump)
{
    struct weftp_ring_face face = *dump->ring->face;
    const uint32_t tail = __atomic_load_n(&dump->ring->face->consumer.tail, __ATOMIC_ACQUIRE);
    face.producer.head = dump->head;
    face.consumer.tail = tail - dump->tail < dump->head - dump->tail ? tail : dump->head;
    put(fd, &face, sizeof face, dump->at);
}

/* A ring's place in the file, where the next one is behind it; false: it has nothing to be saved. */
static bool measure(const struct weftp_seat *seat, uint64_t *at, struct dump *dump)
{
    const struct weftp_ring *ring = &seat->ring;
    if (seat->store || !is_ring(ring)) return false;
    *dump = (struct dump){.ring = ring, .at = *at};
    dump->tail = __atomic_load_n(&ring->face->consumer.tail, __ATOMIC_ACQUIRE);
    dump->head = __atomic_load_n(&ring->face->producer.head, __ATOMIC_ACQUIRE);
    if (dump->head == dump->tail || dump->head - dump->tail > ring->capacity) return false;
    *at += ring->memory.head_size + ring->capacity;
    return true;
}

static void save_rings(int fd, struct weftp_queue *queue)
{
    const struct weftp_seat *seat = __atomic_load_n(&queue->first, __ATOMIC_ACQUIRE);
    struct dump dump;
    uint64_t at = 0;
    for (size_t i = 0; seat && i < WEFTP_QUEUE_SEATS_MAX; i++, seat = seat->next) {
        if ((uintptr_t)seat % _Alignof(struct weftp_seat) != 0) return;
        if (!measure(seat, &at, &dump)) continue;
        weftp_queue_freeze(queue, FREEZE_MS); /* writing many may take longer than that */
        put_data(fd, &dump);
        put_face(fd, &dump);
    }
}

/* Seats that are being freed are out of the list then; no more are, as long as it is frozen. */
static void wait_for_list(const struct weftp_queue *queue)
{
    for (int left_ms = LIST_WAIT_MS; left_ms > 0; left_ms--) {
        if (__atomic_load_n(&queue->removing, __ATOMIC_SEQ_CST) == 0) return;
        (void)poll(NULL, 0, 1);
    }
}

/* A program that closes all descriptors gives the number to something else. */
static bool is_own(int fd)
{
    struct stat info;
    return fd >= 0 && fstat(fd, &info) == 0 && info.st_dev == crash.dev && info.st_ino == crash.ino;
}

static void save(void)
{
    struct weftp_queue *queue = __atomic_load_n(&crash.queue, __ATOMIC_ACQUIRE);
    const int fd = __atomic_load_n(&crash.fd, __ATOMIC_ACQUIRE);
    if (!queue || !is_own(fd)) return;
    /* Several threads crash at once: the first one's death must not find the second one's save half done. */
    if (crash.saved_ms != 0 && weftp_monotonic_ms() - crash.saved_ms < FREEZE_MS) return;
    weftp_queue_freeze(queue, FREEZE_MS);
    wait_for_list(queue);
    if (ftruncate(fd, 0) == 0) save_rings(fd, queue);
    crash.saved_ms = weftp_monotonic_ms();
}

/* ---- the files ---- */

static void disarm(void)
{
    const int fd = __atomic_exchange_n(&crash.fd, -1, __ATOMIC_SEQ_CST);
    if (is_own(fd)) close(fd);
}

/* Without a descriptor there is nothing to be saved to. */
static void arm(void)
{
    struct stat info;
    const int fd = weftp_store_spare(crash.store);
    if (fd < 0 || fstat(fd, &info) != 0) return;
    crash.dev = info.st_dev;
    crash.ino = info.st_ino;
    __atomic_store_n(&crash.fd, fd, __ATOMIC_RELEASE);
}

static void forget(void)
{
    weftp_crash_signals_release();
    disarm();
    if (crash.queue) weftp_queue_freeze(crash.queue, 0);
    weftp_store_close(crash.store, false);
    free(crash.dir);
    crash.store = NULL;
    crash.dir = NULL;
}

static weft_status install(const char *dir, char *why, size_t why_size)
{
    const weft_status status = weftp_store_open(&crash.store, dir, why, why_size);
    if (status) return status;
    char *copy = strdup(dir);
    if (!copy) {
        forget();
        (void)snprintf(why, why_size, "out of memory");
        return WEFT_ENOMEM;
    }
    crash.dir = copy;
    crash.forked = false;
    arm();
    weftp_crash_signals_claim(save);
    return WEFT_OK;
}

weft_status weftp_crash_install(const char *dir, struct weftp_queue *queue, char *why,
                                size_t why_size)
{
    weft_status status = WEFT_OK;
    weftp_lock(&crash.lock);
    __atomic_store_n(&crash.queue, queue, __ATOMIC_RELEASE);
    if (!crash.dir || strcmp(crash.dir, dir) != 0) {
        forget();
        status = install(dir, why, why_size);
    }
    weftp_unlock(&crash.lock);
    return status;
}

void weftp_crash_remove(void)
{
    weftp_lock(&crash.lock);
    if (crash.dir) forget();
    weftp_unlock(&crash.lock);
}

void weftp_crash_fork_child(void)
{
    weftp_lock_init(&crash.lock);
    disarm();
    weftp_crash_signals_forked();
    if (crash.store) weftp_store_fork_child(crash.store);
    crash.forked = true;
    crash.saved_ms = 0;
}

void weftp_crash_thread_begin(void)
{
    weftp_lock(&crash.lock);
    const bool installed = crash.dir != NULL;
    if (installed && crash.forked) {
        crash.forked = false;
        arm();
    }
    weftp_unlock(&crash.lock);
    if (installed) weftp_crash_stack_begin();
}

void weftp_crash_thread_end(void)
{
    weftp_crash_stack_end();
}
