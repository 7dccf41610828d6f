#include "fragment.h"

#include "../../src/port/io.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLANKS 512 /* bytes that one call blanks */

bool weftp_fragment_is_last(int fd, uint64_t *end)
{
    struct stat own;
    const off_t at = lseek(fd, 0, SEEK_CUR);
    *end = at > 0 ? (uint64_t)at : 0;
    return at >= 0 && fstat(fd, &own) == 0 && own.st_size == at;
}

bool weftp_fragment_cut(int fd, size_t done)
{
    uint64_t end;
    bool cut = false;
    if (weftp_io_flock_now(fd, LOCK_EX) == 0)
        cut = weftp_fragment_is_last(fd, &end) && weftp_io.ftruncate(fd, (off_t)(end - done)) == 0;
    (void)weftp_io_flock_now(fd, LOCK_SH);
    return cut;
}

/* The same file by a descriptor that does not append. */
static int open_again(int fd)
{
    char name[32];
    (void)snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return weftp_io_openat(AT_FDCWD, name, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0);
}

bool weftp_fragment_blank(int fd, uint64_t end, size_t done)
{
    char blanks[BLANKS];
    struct stat own, same;
    const int again = open_again(fd);
    if (again < 0) return false;
    memset(blanks, ' ', sizeof blanks);
    bool ok = fstat(fd, &own) == 0 && fstat(again, &same) == 0 && own.st_dev == same.st_dev &&
              own.st_ino == same.st_ino;
    while (ok && done > 0) {
        const size_t part = done < sizeof blanks ? done : sizeof blanks;
        if (part == done) blanks[part - 1] = '\n';
        const ssize_t got = pwrite(again, blanks, part, (off_t)(end - done));
        if (got < 0 && errno == EINTR) continue;
        ok = got == (ssize_t)part;
        done -= part;
    }
    close(again);
    return ok;
}
