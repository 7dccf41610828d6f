#include "rotation_lock.h"

#include "../../src/port/io.h"
#include "../../src/port/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

static int open_file(const struct weftp_rotation *rotation, struct weftp_rotation_lock *lock,
                     struct stat *found)
{
    struct weftp_rotated_name name;
    const int err = weftp_rotated_hidden(rotation, &name, ".lock");
    if (err != 0) return err;
    const int flags = O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    const mode_t mode = (mode_t)rotation->mode;
    lock->lock = weftp_io_openat(lock->dir, name.text, flags | O_RDWR, mode);
    /* Another user's: to lock it, reading is enough. */
    if (lock->lock < 0) lock->lock = weftp_io_openat(lock->dir, name.text, flags | O_RDONLY, mode);
    if (lock->lock < 0) return errno;
    return fstat(lock->lock, found) == 0 && S_ISREG(found->st_mode) ? 0 : EINVAL;
}

/* ---- within this process ---- */

#define PLACES 16 /* so that a directory that hangs keeps few others waiting */

/* Who has it: the process, so that a forked child takes none for held that its parent held; or 0. */
static uint32_t places[PLACES];

static bool take_place(uint32_t *place)
{
    const uint32_t own = (uint32_t)getpid();
    uint32_t owner = __atomic_load_n(place, __ATOMIC_RELAXED);
    return owner != own && __atomic_compare_exchange_n(place, &owner, own, false, __ATOMIC_ACQUIRE,
                                                       __ATOMIC_RELAXED);
}

static int wait_for_place(struct weftp_rotation_lock *lock, const struct stat *file,
                          struct weftp_wait *wait)
{
    uint32_t *place = &places[(file->st_dev ^ file->st_ino) % PLACES];
    while (!take_place(place))
        if (!weftp_wait_pause(wait)) return EAGAIN;
    lock->place = place;
    return 0;
}

/* ---- both ---- */

int weftp_rotation_lock(const struct weftp_rotation *rotation, struct weftp_rotation_lock *lock,
                        uint32_t timeout_ms)
{
    struct stat file = {.st_ino = 0};
    struct weftp_wait wait;
    weftp_wait_start(&wait, timeout_ms);
    *lock = (struct weftp_rotation_lock)WEFTP_ROTATION_LOCK_INIT;
    lock->dir = weftp_io_open_dir(rotation->dir, rotation->follow);
    int err = lock->dir < 0 ? errno : open_file(rotation, lock, &file);
    if (err == 0) err = wait_for_place(lock, &file, &wait);
    /* Where there are no locks between processes: go on without. */
    if (err == 0 && weftp_io_flock_wait(lock->lock, (uint32_t)weftp_wait_left_ms(&wait)) == EAGAIN)
        err = EAGAIN;
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
    if (lock->place) __atomic_store_n(lock->place, 0, __ATOMIC_RELEASE);
    weftp_rotation_forked(lock);
}

void weftp_rotation_forked(struct weftp_rotation_lock *lock)
{
    if (lock->lock >= 0) close(lock->lock);
    if (lock->dir >= 0) close(lock->dir);
    *lock = (struct weftp_rotation_lock)WEFTP_ROTATION_LOCK_INIT;
}
