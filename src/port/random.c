#include "random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/*
 * Twelve span ids a system call. Thread-local storage of the library is scarce (256 bytes in all),
 * hence no more.
 */
#define BATCH_SIZE 96

struct batch {
    uint32_t generation; /* 0: never filled */
    uint32_t left;       /* bytes at the end of `bytes` that were not given out */
    unsigned char bytes[BATCH_SIZE];
};

static _Thread_local struct batch batch;

/*
 * The number of this process among its forks. It lies in a page that the kernel zeroes in every
 * child; a child that finds 0 takes the next number, which no batch that it inherited has.
 */
static _Atomic uint32_t fallback_generation;
static _Atomic uint32_t *_Atomic generation_word = &fallback_generation;
static _Atomic uint32_t last_generation;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void forget_generation(void)
{
    atomic_store(&fallback_generation, 0);
}

/*
 * Emulators (qemu-user) may say yes to any advice and do nothing about it; a kernel refuses one that does not exist.
 */
static bool wiped_on_fork(void *page, size_t size)
{
    return madvise(page, size, MADV_WIPEONFORK) == 0 && madvise(page, size, -1) != 0;
}

static void set_up(void)
{
    const long size = sysconf(_SC_PAGESIZE);
    if (size > 0) {
        void *page =
            mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page != MAP_FAILED) {
            if (wiped_on_fork(page, (size_t)size)) {
                atomic_store(&generation_word, page);
                return;
            }
            (void)munmap(page, (size_t)size);
        }
    }
    (void)pthread_atfork(NULL, NULL, forget_generation);
}

/* 0: this process has no number yet. */
static uint32_t current_generation(void)
{
    return atomic_load_explicit(atomic_load_explicit(&generation_word, memory_order_acquire),
                                memory_order_relaxed);
}

static uint32_t take_generation(void)
{
    uint32_t now = current_generation();
    if (now) return now;
    uint32_t next = atomic_fetch_add(&last_generation, 1) + 1;
    if (next == 0) next = atomic_fetch_add(&last_generation, 1) + 1;
    if (atomic_compare_exchange_strong(atomic_load(&generation_word), &now, next)) return next;
    return now; /* another thread was first */
}

/* splitmix64: spreads what little differs between two calls over all the bits. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/*
 * For a kernel that has no random bytes (yet): unique rather than unpredictable, which is what ids
 * need most.
 */
static void fill_without_kernel(unsigned char *out, size_t size)
{
    static _Atomic uint64_t calls;
    struct timespec wall = {0, 0}, up = {0, 0};
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    (void)clock_gettime(CLOCK_MONOTONIC, &up);
    uint64_t state = mix((uint64_t)wall.tv_sec ^ ((uint64_t)wall.tv_nsec << 32));
    state = mix(state ^ (uint64_t)up.tv_nsec ^ ((uint64_t)getpid() << 40));
    state = mix(state ^ (uint64_t)(uintptr_t)&batch ^ atomic_fetch_add(&calls, 1));
    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0) state = mix(state);
        out[i] = (unsigned char)(state >> (8 * (i % 8)));
    }
}

/* Up to 256 bytes come whole or not at all, signals or not (getrandom(2)). */
static void fill_from_kernel(unsigned char *out, size_t size)
{
    const int saved = errno;
    ssize_t got;
    do {
        got = getrandom(out, size, GRND_NONBLOCK);
    } while (got < 0 && errno == EINTR);
    if (got != (ssize_t)size) fill_without_kernel(out, size);
    errno = saved;
}

static __attribute__((noinline)) void refill(void)
{
    (void)pthread_once(&once, set_up);
    batch.generation = take_generation();
    fill_from_kernel(batch.bytes, BATCH_SIZE);
    batch.left = BATCH_SIZE;
}

static void take(unsigned char *out, size_t size)
{
    const uint32_t generation = current_generation();
    if (generation == 0 || batch.generation != generation || batch.left < size) refill();
    batch.left -= (uint32_t)size;
    unsigned char *from = batch.bytes + batch.left;
    memcpy(out, from, size);
    memset(from, 0, size); /* what was given out is not kept */
}

uint32_t weftp_random_generation(void)
{
    const uint32_t now = current_generation();
    if (__builtin_expect(now != 0, 1)) return now;
    (void)pthread_once(&once, set_up);
    return take_generation();
}

void weftp_random_bytes(void *out, size_t size)
{
    unsigned char *to = out;
    for (; size > BATCH_SIZE; to += BATCH_SIZE, size -= BATCH_SIZE) take(to, BATCH_SIZE);
    take(to, size);
}
