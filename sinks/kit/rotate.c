#include "rotate.h"

#include "../../src/port/io.h"
#include "../../src/port/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TIMEOUT_MS 250 /* that a caller of write() may be kept by other processes' rotations */

bool weftp_rotation_init(struct weftp_rotation *rotation, const char *path)
{
    const char *slash = strrchr(path, '/');
    const size_t size = slash == path ? 1 : (size_t)(slash - path);
    rotation->dir = strndup(path, size);
    rotation->base = slash + 1;
    if (!rotation->ext) rotation->ext = "";
    return rotation->dir != NULL;
}

void weftp_rotation_deinit(struct weftp_rotation *rotation)
{
    free(rotation->dir);
    rotation->dir = NULL;
}

int weftp_rotated_name(const struct weftp_rotation *rotation, struct weftp_rotated_name *name,
                       const char *prefix, uint32_t number, const char *suffix)
{
    char digits[16] = "";
    if (number > 0) snprintf(digits, sizeof digits, ".%u", (unsigned)number);
    const int size =
        snprintf(name->text, sizeof name->text, "%s%s%s%s", prefix, rotation->base, digits, suffix);
    return size > 0 && (size_t)size < sizeof name->text ? 0 : ENAMETOOLONG;
}

static int wait_for_lock(int fd, uint32_t timeout_ms)
{
    struct weftp_wait wait;
    weftp_wait_start(&wait, timeout_ms);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        if (errno != EWOULDBLOCK) return 0; /* no such locks here: go on without */
        if (!weftp_wait_pause(&wait)) return EAGAIN;
    }
    return 0;
}

static int open_lock_file(const struct weftp_rotation *rotation, struct weftp_rotation_lock *lock)
{
    struct weftp_rotated_name name;
    struct stat found;
    if (weftp_rotated_name(rotation, &name, ".", 0, ".lock") != 0) return ENAMETOOLONG;
    const int flags = O_RDONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    lock->lock = weftp_io_private(openat(lock->dir, name.text, flags, (mode_t)rotation->mode));
    if (lock->lock < 0) return errno;
    return fstat(lock->lock, &found) == 0 && S_ISREG(found.st_mode) ? 0 : EINVAL;
}

int weftp_rotation_lock(const struct weftp_rotation *rotation, struct weftp_rotation_lock *lock,
                        uint32_t timeout_ms)
{
    lock->lock = -1;
    lock->dir = weftp_io_private(open(rotation->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    int err = lock->dir < 0 ? errno : open_lock_file(rotation, lock);
    if (err == 0) err = wait_for_lock(lock->lock, timeout_ms);
    if (err != 0) weftp_rotation_unlock(lock);
    return err;
}

void weftp_rotation_unlock(struct weftp_rotation_lock *lock)
{
    /*
     * A child that was forked meanwhile holds the descriptor too: closing alone would leave it
     * locked.
     */
    if (lock->lock >= 0) (void)flock(lock->lock, LOCK_UN);
    weftp_rotation_forked(lock);
}

void weftp_rotation_forked(struct weftp_rotation_lock *lock)
{
    if (lock->lock >= 0) close(lock->lock);
    if (lock->dir >= 0) close(lock->dir);
    lock->lock = lock->dir = -1;
}

enum weftp_rotated_kind weftp_rotated_kind(int dir, const char *name, uint64_t *size)
{
    struct stat found;
    if (fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? WEFTP_ROTATED_NONE : WEFTP_ROTATED_FOREIGN;
    if (!S_ISREG(found.st_mode) || found.st_nlink != 1) return WEFTP_ROTATED_FOREIGN;
    if (size) *size = (uint64_t)found.st_size;
    return WEFTP_ROTATED_OURS;
}

/* A number's two names and what they are. */
struct slot {
    struct weftp_rotated_name plain, gz;
    enum weftp_rotated_kind plain_kind, gz_kind;
    uint64_t plain_size;
};

static int look(const struct weftp_rotation *rotation, int dir, uint32_t number, struct slot *slot)
{
    const int err = weftp_rotated_name(rotation, &slot->gz, "", number, ".gz");
    if (err != 0 || weftp_rotated_name(rotation, &slot->plain, "", number, "") != 0) return err;
    slot->plain_kind = weftp_rotated_kind(dir, slot->plain.text, &slot->plain_size);
    slot->gz_kind = weftp_rotated_kind(dir, slot->gz.text, NULL);
    return 0;
}

static bool is_free(const struct slot *slot)
{
    return slot->plain_kind == WEFTP_ROTATED_NONE && slot->gz_kind == WEFTP_ROTATED_NONE;
}

static bool is_foreign(const struct slot *slot)
{
    return slot->plain_kind == WEFTP_ROTATED_FOREIGN || slot->gz_kind == WEFTP_ROTATED_FOREIGN;
}

static uint32_t top_and_count(const struct weftp_rotation *rotation, int dir, uint32_t *count)
{
    *count = 0;
    for (uint32_t number = 1; number <= WEFTP_ROTATE_KEEP_MAX; number++) {
        struct slot slot;
        errno = look(rotation, dir, number, &slot);
        if (errno != 0) return 0;
        if (is_free(&slot)) return number;
        if (!is_foreign(&slot)) ++*count;
    }
    errno = ERANGE;
    return 0;
}

uint32_t weftp_rotation_top(const struct weftp_rotation *rotation, int dir)
{
    uint32_t count;
    return top_and_count(rotation, dir, &count);
}

uint32_t weftp_rotation_find(const struct weftp_rotation *rotation, int dir, dev_t dev, ino_t ino)
{
    const uint32_t top = weftp_rotation_top(rotation, dir);
    for (uint32_t number = 1; number < top; number++) {
        struct weftp_rotated_name name;
        struct stat found;
        if (weftp_rotated_name(rotation, &name, "", number, "") != 0) return 0;
        if (fstatat(dir, name.text, &found, AT_SYMLINK_NOFOLLOW) == 0 && found.st_dev == dev &&
            found.st_ino == ino)
            return number;
    }
    return 0;
}

bool weftp_rotated_is_whole(int dir, const char *gz, uint64_t size)
{
    unsigned char trailer[4];
    struct stat found;
    const int fd = openat(dir, gz, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return false;
    const bool read_all = fstat(fd, &found) == 0 && found.st_size >= 18 &&
                          pread(fd, trailer, sizeof trailer, found.st_size - 4) == 4;
    close(fd);
    if (!read_all) return false;
    const uint32_t plain = (uint32_t)trailer[0] | (uint32_t)trailer[1] << 8 |
                           (uint32_t)trailer[2] << 16 | (uint32_t)trailer[3] << 24;
    return plain == (uint32_t)size;
}

static int remove_slot(int dir, const struct slot *slot)
{
    int err = 0;
    if (slot->plain_kind == WEFTP_ROTATED_OURS && weftp_io.unlinkat(dir, slot->plain.text, 0) != 0)
        err = errno;
    if (slot->gz_kind == WEFTP_ROTATED_OURS && weftp_io.unlinkat(dir, slot->gz.text, 0) != 0)
        err = errno;
    return err == ENOENT ? 0 : err;
}

static int move_name(const struct weftp_rotation *rotation, int dir, const char *from,
                     uint32_t number, const char *suffix)
{
    struct weftp_rotated_name to;
    if (weftp_rotated_name(rotation, &to, "", number, suffix) != 0) return ENAMETOOLONG;
    return weftp_io.renameat(dir, from, dir, to.text) == 0 ? 0 : errno;
}

static int move_slot(const struct weftp_rotation *rotation, int dir, const struct slot *slot,
                     uint32_t number)
{
    int err = 0;
    bool plain = slot->plain_kind == WEFTP_ROTATED_OURS;
    const bool gz = slot->gz_kind == WEFTP_ROTATED_OURS;
    /*
     * Both: a crash came between the end of compression and the removal. Moved apart they would be
     * taken for two.
     */
    if (plain && gz && weftp_rotated_is_whole(dir, slot->gz.text, slot->plain_size)) {
        if (weftp_io.unlinkat(dir, slot->plain.text, 0) != 0) return errno;
        plain = false;
    }
    if (gz) err = move_name(rotation, dir, slot->gz.text, number, ".gz");
    if (err == 0 && plain) err = move_name(rotation, dir, slot->plain.text, number, "");
    return err;
}

/*
 * Move every number up by one, from the highest down; what is more than keep - 1 goes. *room: the
 * lowest number, free.
 */
static int make_room(const struct weftp_rotation *rotation, int dir, uint32_t *room)
{
    uint32_t count = 0;
    const uint32_t top = top_and_count(rotation, dir, &count);
    if (top == 0) return errno;
    *room = top;
    for (uint32_t number = top - 1; number > 0; number--) {
        struct slot slot;
        int err = look(rotation, dir, number, &slot);
        if (err == 0 && is_foreign(&slot)) continue;
        if (err == 0) {
            err = count >= rotation->keep ? remove_slot(dir, &slot)
                                          : move_slot(rotation, dir, &slot, *room);
        }
        if (err != 0) return err;
        *room = number;
        count--;
    }
    return 0;
}

static int rotate_locked(const struct weftp_rotation *rotation, int dir,
                         const struct weftp_rotation_live *live, bool *rotated)
{
    struct stat now;
    uint32_t room = 0;
    if (fstatat(dir, rotation->base, &now, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : errno;
    if (now.st_dev != live->dev || now.st_ino != live->ino || !S_ISREG(now.st_mode)) return 0;
    int err = make_room(rotation, dir, &room);
    if (err == 0) err = move_name(rotation, dir, rotation->base, room, "");
    *rotated = err == 0;
    return err;
}

int weftp_rotation_run(const struct weftp_rotation *rotation,
                       const struct weftp_rotation_live *live, bool *rotated)
{
    struct weftp_rotation_lock lock;
    *rotated = false;
    int err = weftp_rotation_lock(rotation, &lock, LOCK_TIMEOUT_MS);
    if (err != 0) return err;
    err = rotate_locked(rotation, lock.dir, live, rotated);
    weftp_rotation_unlock(&lock);
    return err;
}
