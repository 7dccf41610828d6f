#include "space.h"

#include "../../src/port/io.h"
#include <errno.h>

#define LOOK_BYTES_MAX (UINT64_C(1) << 20)

void weftp_space_look(struct weftp_space *space, int fd, uint64_t size)
{
    struct statvfs found;
    space->end = UINT64_MAX;
    space->refused = false;
    if (space->min_free == 0 || weftp_io.fstatvfs(fd, &found) != 0) return;
    const uint64_t free_bytes = (uint64_t)found.f_bavail * found.f_frsize;
    uint64_t left = free_bytes > space->min_free ? free_bytes - space->min_free : 0;
    if (left > LOOK_BYTES_MAX) left = LOOK_BYTES_MAX;
    space->end = size + left;
}

bool weftp_space_reserve(struct weftp_space *space, int fd, uint64_t size, uint64_t limit)
{
    if (space->reserve_chunk == 0 || space->no_reserve || size < space->reserved_end) return false;
    uint64_t chunk = space->reserve_chunk;
    if (limit > 0 && size + chunk > limit) chunk = limit > size ? limit - size : 0;
    space->reserved_end = size + space->reserve_chunk;
    if (chunk == 0) return false;
    int result;
    do {
        result = weftp_io.reserve(fd, (off_t)size, (off_t)chunk);
    } while (result != 0 && errno == EINTR);
    if (result != 0) space->no_reserve = errno == EOPNOTSUPP || errno == ENOSYS;
    return result == 0;
}

void weftp_space_anew(struct weftp_space *space, uint64_t size)
{
    space->reserved_end = size;
    space->end = UINT64_MAX;
    space->refused = false;
}
