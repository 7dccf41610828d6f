#include "fork_mark.h"

#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

volatile uint32_t *weftp_fork_mark(void)
{
    static volatile uint32_t everywhere = 1;
    const long page = sysconf(_SC_PAGESIZE);
    const size_t size = page > 0 ? (size_t)page : 4096;
    volatile uint32_t *mark =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mark == MAP_FAILED) return &everywhere;
    if (madvise((void *)(uintptr_t)mark, size, MADV_WIPEONFORK) != 0) {
        munmap((void *)(uintptr_t)mark, size);
        return &everywhere;
    }
    *mark = 1;
    return mark;
}
