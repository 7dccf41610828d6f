#include "arena.h"

#include <sys/mman.h>

void *weftp_arena_take(struct weftp_arena *arena, size_t size)
{
    if (size > WEFTP_ARENA_BLOCK) return NULL;
    const size_t rounded = (size + 15) & ~(size_t)15;
    if ((size_t)(arena->end - arena->cur) < rounded) {
        void *block = mmap(NULL, WEFTP_ARENA_BLOCK, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (block == MAP_FAILED) return NULL;
        arena->cur = block;
        arena->end = arena->cur + WEFTP_ARENA_BLOCK;
    }
    void *piece = arena->cur;
    arena->cur += rounded;
    return piece;
}
