#include "space.h"

#include "../../src/port/io.h"
#include <errno.h>

#define LOOK_BYTES_MAX (UINT64_C(1) << 20)

/* Bytes that may be taken before less than min_free is left. False: the file system does not say. */
static bool room_left(const struct weftp_space *space, int fd, uint64_t *left)
{
    struct statvfs found;
    if (weftp_io.fstatvfs(fd, &found) != 0) return false;
    const uint64_t free_bytes = (uint64_t)found.f_bavail * found.f_frsize;
    *left = free_bytes > space->min_free ? free_bytes - space->min_free : 0;
    return true;
}

void weftp_space_look(struct weftp_space *space, int fd, uint64_t size)
{
    uint64_t left;
    space->end = space->full_end = UINT64_MAX;
    space->refused = false;
    if (space->min_free == 0 || !room_left(space, fd, &left)) return;
    space->full_end = size + left;
    space->end = size + (left < LOOK_BYTES_MAX ? left : LOOK_BYTES_MAX);
}

bool weftp_space_reserve(struct weftp_space *space, int fd, uint64_t size, uint64_t limit)
{
    if (space->reserve_chunk == 0 || space->no_reserve || size < space->reserved_end) return false;
    uint64_t left, chunk = space->reserve_chunk;
    if (limit > 0 && size + chunk > limit) chunk = limit > size ? limit - size : 0;
    space->reserved_end = size + space->reserve_chunk;
    if (chunk == 0 || (room_left(space, fd, &left) && left < chunk)) return false;
    int result;
    do {
        result = weftp_io.reserve(fd, (off_t)size, (off_t)chunk);
    } while (result != 0 && errno == EINTR);
    if (result != 0) space->no_reserve = errno == EOPNOTSUPP || errno == ENOSYS;
    return result == 0 || errno == ENOSPC || errno == EDQUOT;
}

void weftp_space_anew(struct weftp_space *space, uint64_t size)
{
    space->reserved_end = size;
    space->end = space->full_end = UINT64_MAX;
    space->refused = false;
}
