/*
 * Makes the Nth allocation fail, and counts allocations, by standing in front of the C library's
 * malloc, calloc and realloc. Include it in one file of a test program that is linked with the
 * static library.
 *
 * Under a sanitizer, which stands there itself, FAIL_ALLOC_WORKS is 0 and nothing ever fails: such
 * tests skip.
 */
#ifndef TEST_SUPPORT_FAIL_ALLOC_H
#define TEST_SUPPORT_FAIL_ALLOC_H

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define FAIL_ALLOC_WORKS 0
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FAIL_ALLOC_WORKS 0
#endif
#endif
#ifndef FAIL_ALLOC_WORKS
#define FAIL_ALLOC_WORKS 1
#endif

/*
 * Atomic, for all threads: allocations so far; which one fails (UINT64_MAX: none); whether all
 * after it fail, too.
 */
static uint64_t fail_alloc_count, fail_alloc_at = UINT64_MAX;
static bool fail_alloc_all;

/* Let the nth allocation from now (0: the next one) fail, and with `all` every later one. */
static inline void fail_alloc_from_now(uint64_t n, bool all)
{
    fail_alloc_all = all;
    __atomic_store_n(&fail_alloc_at, __atomic_load_n(&fail_alloc_count, __ATOMIC_SEQ_CST) + n,
                     __ATOMIC_SEQ_CST);
}

/* Let none fail any more. Returns whether one has failed. */
static inline bool fail_alloc_stop(void)
{
    const uint64_t at = __atomic_exchange_n(&fail_alloc_at, UINT64_MAX, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&fail_alloc_count, __ATOMIC_SEQ_CST) > at;
}

#if FAIL_ALLOC_WORKS
/*
 * Count an allocation; the C library's function of this name, or NULL (errno set) when this one is
 * to fail.
 */
static inline void *fail_alloc_next(void **cache, const char *name)
{
    const uint64_t n = __atomic_fetch_add(&fail_alloc_count, 1, __ATOMIC_SEQ_CST);
    const uint64_t at = __atomic_load_n(&fail_alloc_at, __ATOMIC_SEQ_CST);
    if (n == at || (n > at && fail_alloc_all)) {
        errno = ENOMEM;
        return NULL;
    }
    void *next = __atomic_load_n(cache, __ATOMIC_RELAXED);
    if (!next) {
        next = dlsym(RTLD_NEXT, name);
        __atomic_store_n(cache, next, __ATOMIC_RELAXED);
    }
    return next;
}

void *malloc(size_t size)
{
    static void *cache;
    void *(*next)(size_t);
    *(void **)&next = fail_alloc_next(&cache, "malloc");
    return next ? next(size) : NULL;
}

void *calloc(size_t n, size_t size)
{
    static void *cache;
    void *(*next)(size_t, size_t);
    *(void **)&next = fail_alloc_next(&cache, "calloc");
    return next ? next(n, size) : NULL;
}

void *realloc(void *p, size_t size)
{
    static void *cache;
    void *(*next)(void *, size_t);
    *(void **)&next = fail_alloc_next(&cache, "realloc");
    return next ? next(p, size) : NULL;
}
#endif

#endif
