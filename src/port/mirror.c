#include "mirror.h"

#include "io.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

size_t weftp_mirror_unit(void)
{
    const long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

int weftp_mirror_memory(size_t bytes)
{
    const int fd = memfd_create("weft-ring", MFD_CLOEXEC);
    if (fd < 0) return -1;
    /* Not ftruncate, which raises SIGXFSZ where files may not be so large. */
    if (weftp_io_pwrite_masked(fd, "", 1, (off_t)bytes - 1) == 1) return fd;
    const int err = errno;
    close(fd);
    errno = err;
    return -1;
}

static int map_at(char *at, size_t size, int fd, size_t offset)
{
    const void *mapped =
        mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, (off_t)offset);
    return mapped == MAP_FAILED ? errno : 0;
}

int weftp_mirror_map(struct weftp_mirror *mirror, int fd, size_t head_size, size_t size)
{
    if (size > SIZE_MAX / 4 || head_size > SIZE_MAX / 4) return ENOMEM;
    /* Take the room as a whole, so that nobody else's mapping gets in between. */
    char *base = mmap(NULL, head_size + 2 * size, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) return errno;
    int err = map_at(base, head_size + size, fd, 0);
    if (err == 0) err = map_at(base + head_size + size, size, fd, head_size);
    if (err != 0) {
        munmap(base, head_size + 2 * size);
        return err;
    }
    *mirror = (struct weftp_mirror){base, base + head_size, head_size, size};
    return 0;
}

void weftp_mirror_unmap(struct weftp_mirror *mirror)
{
    if (mirror->head) munmap(mirror->head, mirror->head_size + 2 * mirror->size);
    *mirror = (struct weftp_mirror){0};
}
