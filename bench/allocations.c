/* Counts allocations by standing in front of the C library's allocator. */
#include "bench.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

static uint64_t count; /* atomic */
static bool counting;  /* set before there are threads */

/* The next definition of a symbol after ours; cached, because dlsym is slow. */
#define NEXT(pointer, name)                                                                        \
    do {                                                                                           \
        if (counting) __atomic_fetch_add(&count, 1, __ATOMIC_RELAXED);                             \
        if (!__atomic_load_n(&(pointer), __ATOMIC_RELAXED)) {                                      \
            void *const found_ = dlsym(RTLD_NEXT, name);                                           \
            __atomic_store_n((void **)&(pointer), found_, __ATOMIC_RELAXED);                       \
        }                                                                                          \
    } while (0)

void *malloc(size_t size)
{
    static void *(*next)(size_t);
    NEXT(next, "malloc");
    return next(size);
}

void *calloc(size_t n, size_t size)
{
    static void *(*next)(size_t, size_t);
    NEXT(next, "calloc");
    return next(n, size);
}

void *realloc(void *p, size_t size)
{
    static void *(*next)(void *, size_t);
    NEXT(next, "realloc");
    return next(p, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    static void *(*next)(size_t, size_t);
    NEXT(next, "aligned_alloc");
    return next(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    static int (*next)(void **, size_t, size_t);
    NEXT(next, "posix_memalign");
    return next(out, alignment, size);
}

void bench_allocations_start(void)
{
    counting = true;
}

uint64_t bench_allocations(void)
{
    return __atomic_load_n(&count, __ATOMIC_RELAXED);
}
