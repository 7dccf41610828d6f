#include "compress.h"

#include "../../src/port/io.h"
#include "../../src/port/thread.h"
#include "../../src/port/wait.h"
#include "gzip.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define BUSY_TRIES_MAX    14 /* looks at files that others still use: about three seconds in all */
#define BUSY_PAUSE_NS     20000000 /* the first pause; it doubles */
#define BUSY_PAUSE_NS_MAX 320000000
#define LOCK_TIMEOUT_MS   5000 /* for the names' lock: rotations are over in milliseconds */

struct weftp_compressor {
    const struct weftp_rotation *rotation;
    pthread_mutex_t mutex; /* guards running, kicked, busy, error */
    pthread_cond_t wake;   /* kicked or stop */
    pthread_cond_t idle;   /* not busy any more */
    pthread_t thread;
    bool running, kicked, busy;
    int error;
    atomic_bool stop;
    /* The thread's own; here so that a forked child can close its copies. */
    struct weftp_rotation_lock lock;
    int source, temporary;
};

static void close_one(int *fd)
{
    if (*fd >= 0) {
        /* As for the names' lock: a child may hold the descriptor too. */
        (void)flock(*fd, LOCK_UN);
        close(*fd);
    }
    *fd = -1;
}

static bool stops(const struct weftp_compressor *compressor)
{
    return atomic_load_explicit(&compressor->stop, memory_order_relaxed);
}

static int lock_exclusive(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EINTR) continue;
        return errno == EWOULDBLOCK ? EAGAIN : 0;
    }
    return 0;
}

/*
 * Whether a name still is this open file. Who holds the file's lock can rely on the answer: only he
 * renames it.
 */
static bool is_named(int dir, const char *name, int fd)
{
    struct stat own, at;
    return fstat(fd, &own) == 0 && fstatat(dir, name, &at, AT_SYMLINK_NOFOLLOW) == 0 &&
           own.st_dev == at.st_dev && own.st_ino == at.st_ino;
}

/*
 * Open a rotated file that nobody writes any more. EAGAIN: somebody does. ENOENT: nothing to do
 * under this name.
 */
static int open_source(struct weftp_compressor *compressor, int dir, const char *name,
                       struct stat *found)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    compressor->source = weftp_io_private(openat(dir, name, flags));
    if (compressor->source < 0) return errno ? errno : EIO;
    if (fstat(compressor->source, found) != 0) return errno;
    if (!S_ISREG(found->st_mode) || found->st_nlink != 1) return ENOENT;
    const int err = lock_exclusive(compressor->source);
    /* The last line may have come between the look and the lock. */
    if (err == 0 && fstat(compressor->source, found) != 0) return errno;
    return err;
}

/*
 * Open the file that the .gz grows in, empty, for this thread alone. EAGAIN: another process works
 * on one.
 */
static int open_temporary(struct weftp_compressor *compressor, int dir, const char *name,
                          const struct stat *like)
{
    struct stat own;
    const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    compressor->temporary = weftp_io_private(openat(dir, name, flags, 0600));
    if (compressor->temporary < 0) return errno;
    int err = lock_exclusive(compressor->temporary);
    if (err != 0) return err;
    if (fstat(compressor->temporary, &own) != 0) return errno;
    if (!S_ISREG(own.st_mode) || own.st_nlink > 1) return EEXIST;
    /* It may have got its final name while we waited for the lock. */
    if (!is_named(dir, name, compressor->temporary)) return EAGAIN;
    if (ftruncate(compressor->temporary, 0) != 0) return errno;
    (void)!fchown(compressor->temporary, like->st_uid, like->st_gid);
    return fchmod(compressor->temporary, like->st_mode & 0777) == 0 ? 0 : errno;
}

/* Remove a number's plain file, of which the .gz is whole. Under the names' lock. */
static int remove_plain(const struct weftp_compressor *compressor, uint32_t number)
{
    struct weftp_rotated_name plain, gz;
    uint64_t size = 0;
    const int dir = compressor->lock.dir;
    if (weftp_rotated_name(compressor->rotation, &gz, "", number, ".gz") != 0 ||
        weftp_rotated_name(compressor->rotation, &plain, "", number, "") != 0)
        return ENAMETOOLONG;
    if (weftp_rotated_kind(dir, gz.text, NULL) != WEFTP_ROTATED_OURS ||
        weftp_rotated_kind(dir, plain.text, &size) != WEFTP_ROTATED_OURS ||
        !weftp_rotated_is_whole(dir, gz.text, size))
        return EEXIST;
    return weftp_io.unlinkat(dir, plain.text, 0) == 0 ? 0 : errno;
}

/*
 * Give the whole .gz the name that belongs to its source, wherever rotation has moved that. Under
 * the names' lock.
 */
static int rename_whole(const struct weftp_compressor *compressor, const char *temporary,
                        uint32_t number)
{
    struct weftp_rotated_name gz;
    const int dir = compressor->lock.dir;
    if (!is_named(dir, temporary, compressor->temporary)) return EAGAIN;
    if (weftp_rotated_name(compressor->rotation, &gz, "", number, ".gz") != 0) return ENAMETOOLONG;
    if (weftp_rotated_kind(dir, gz.text, NULL) != WEFTP_ROTATED_NONE) return EEXIST;
    return weftp_io.renameat(dir, temporary, dir, gz.text) == 0 ? 0 : errno;
}

/*
 * Put the .gz in the plain file's place. The names are not locked while the directory is synced,
 * which may take long: a rotation in between moves both together, or removes the plain one itself.
 */
static int replace(struct weftp_compressor *compressor, int dir, const char *temporary,
                   const struct stat *source)
{
    const struct weftp_rotation *rotation = compressor->rotation;
    for (unsigned step = 0; step < 2; step++) {
        int err = weftp_rotation_lock(rotation, &compressor->lock, LOCK_TIMEOUT_MS);
        if (err != 0) return err;
        const uint32_t number =
            weftp_rotation_find(rotation, compressor->lock.dir, source->st_dev, source->st_ino);
        /* Not there: it was more than `keep`, and has been removed. */
        if (number == 0)
            err = ENOENT;
        else
            err = step == 0 ? rename_whole(compressor, temporary, number)
                            : remove_plain(compressor, number);
        weftp_rotation_unlock(&compressor->lock);
        if (err != 0) return err;
        if (step == 0 && weftp_io.fsync(dir) != 0) return errno;
    }
    return 0;
}

static int compress_opened(struct weftp_compressor *compressor, int dir, const char *temporary,
                           const struct stat *source)
{
    const struct timespec times[2] = {source->st_atim, source->st_mtim};
    int err = weftp_gzip_copy(compressor->source, compressor->temporary, &compressor->stop);
    if (err == 0) (void)futimens(compressor->temporary, times);
    if (err == 0 && weftp_io.fsync(compressor->temporary) != 0) err = errno;
    return err != 0 ? err : replace(compressor, dir, temporary, source);
}

/*
 * Both names at one number: the end of a compression that a crash cut short, or somebody else's
 * file.
 */
static int finish_pair(struct weftp_compressor *compressor, uint32_t number)
{
    const int err = weftp_rotation_lock(compressor->rotation, &compressor->lock, LOCK_TIMEOUT_MS);
    if (err != 0) return err;
    const int result = remove_plain(compressor, number);
    weftp_rotation_unlock(&compressor->lock);
    return result;
}

/* Compress one number's plain file. 0: done, or nothing to do. EAGAIN: later. */
static int compress_number(struct weftp_compressor *compressor, int dir, uint32_t number)
{
    struct weftp_rotated_name plain, gz, temporary;
    struct stat source = {0};
    if (weftp_rotated_name(compressor->rotation, &plain, "", number, "") != 0 ||
        weftp_rotated_name(compressor->rotation, &gz, "", number, ".gz") != 0 ||
        weftp_rotated_name(compressor->rotation, &temporary, ".", 0, ".gz.tmp") != 0)
        return ENAMETOOLONG;
    if (weftp_rotated_kind(dir, plain.text, NULL) != WEFTP_ROTATED_OURS) return 0;
    if (weftp_rotated_kind(dir, gz.text, NULL) != WEFTP_ROTATED_NONE)
        return finish_pair(compressor, number);
    int err = open_source(compressor, dir, plain.text, &source);
    if (err == 0) err = open_temporary(compressor, dir, temporary.text, &source);
    if (err == 0) {
        err = compress_opened(compressor, dir, temporary.text, &source);
        if (is_named(dir, temporary.text, compressor->temporary))
            (void)weftp_io.unlinkat(dir, temporary.text, 0);
    }
    close_one(&compressor->temporary);
    close_one(&compressor->source);
    return err == ENOENT ? 0 : err;
}

/* A file that a killed compressor left. */
static void remove_leftover(struct weftp_compressor *compressor, int dir)
{
    struct weftp_rotated_name name;
    const int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    if (weftp_rotated_name(compressor->rotation, &name, ".", 0, ".gz.tmp") != 0) return;
    if (weftp_rotated_kind(dir, name.text, NULL) != WEFTP_ROTATED_OURS) return;
    compressor->temporary = weftp_io_private(openat(dir, name.text, flags));
    if (compressor->temporary >= 0 && lock_exclusive(compressor->temporary) == 0 &&
        is_named(dir, name.text, compressor->temporary))
        (void)weftp_io.unlinkat(dir, name.text, 0);
    close_one(&compressor->temporary);
}

/*
 * One look at all numbers, the oldest first. Returns 0, EAGAIN when something is left for later, or
 * another errno.
 */
static int compress_all(struct weftp_compressor *compressor)
{
    int result = 0;
    const int dir =
        weftp_io_private(open(compressor->rotation->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir < 0) return errno;
    for (uint32_t number = weftp_rotation_top(compressor->rotation, dir); number > 1; number--) {
        if (stops(compressor)) break;
        const int err = compress_number(compressor, dir, number - 1);
        if (err != 0 && result != EAGAIN) result = err;
    }
    remove_leftover(compressor, dir);
    close(dir);
    return result;
}

static void set_busy(struct weftp_compressor *compressor, bool busy)
{
    pthread_mutex_lock(&compressor->mutex);
    compressor->busy = busy;
    if (!busy) pthread_cond_broadcast(&compressor->idle);
    pthread_mutex_unlock(&compressor->mutex);
}

/*
 * Others still use a file. Nobody shall wait for that, least of all at exit: while we pause we are
 * not busy.
 */
static void pause_for(struct weftp_compressor *compressor, int64_t pause_ns)
{
    set_busy(compressor, false);
    for (int64_t slept = 0; slept < pause_ns && !stops(compressor); slept += BUSY_PAUSE_NS)
        weftp_sleep_ns(BUSY_PAUSE_NS);
    set_busy(compressor, true);
}

static void work(struct weftp_compressor *compressor)
{
    int64_t pause_ns = BUSY_PAUSE_NS;
    int err = compress_all(compressor);
    for (unsigned tries = 0; err == EAGAIN && tries < BUSY_TRIES_MAX; tries++) {
        pause_for(compressor, pause_ns);
        if (stops(compressor)) return;
        if (pause_ns < BUSY_PAUSE_NS_MAX) pause_ns *= 2;
        err = compress_all(compressor);
    }
    if (err == 0 || err == EAGAIN || err == ECANCELED) return;
    pthread_mutex_lock(&compressor->mutex);
    compressor->error = err;
    pthread_mutex_unlock(&compressor->mutex);
}

static void *run(void *arg)
{
    struct weftp_compressor *compressor = arg;
    pthread_mutex_lock(&compressor->mutex);
    while (!stops(compressor)) {
        if (!compressor->kicked) {
            compressor->busy = false;
            pthread_cond_broadcast(&compressor->idle);
            pthread_cond_wait(&compressor->wake, &compressor->mutex);
            continue;
        }
        compressor->kicked = false;
        pthread_mutex_unlock(&compressor->mutex);
        work(compressor);
        pthread_mutex_lock(&compressor->mutex);
    }
    pthread_mutex_unlock(&compressor->mutex);
    return NULL;
}

static void make_primitives(struct weftp_compressor *compressor)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&compressor->mutex, NULL);
    pthread_cond_init(&compressor->wake, NULL);
    pthread_cond_init(&compressor->idle, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct weftp_compressor *weftp_compressor_create(const struct weftp_rotation *rotation)
{
    struct weftp_compressor *compressor = calloc(1, sizeof *compressor);
    if (!compressor) return NULL;
    compressor->rotation = rotation;
    compressor->lock = (struct weftp_rotation_lock){-1, -1};
    compressor->source = compressor->temporary = -1;
    make_primitives(compressor);
    return compressor;
}

bool weftp_compressor_needed(const struct weftp_rotation *rotation)
{
    struct weftp_rotated_name name;
    const int dir = weftp_io_private(open(rotation->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (dir < 0) return false;
    bool needed = weftp_rotated_name(rotation, &name, ".", 0, ".gz.tmp") == 0 &&
                  weftp_rotated_kind(dir, name.text, NULL) == WEFTP_ROTATED_OURS;
    for (uint32_t number = weftp_rotation_top(rotation, dir); number > 1 && !needed; number--) {
        needed = weftp_rotated_name(rotation, &name, "", number - 1, "") == 0 &&
                 weftp_rotated_kind(dir, name.text, NULL) == WEFTP_ROTATED_OURS;
    }
    close(dir);
    return needed;
}

int weftp_compressor_kick(struct weftp_compressor *compressor)
{
    int err = 0;
    pthread_mutex_lock(&compressor->mutex);
    compressor->kicked = compressor->busy = true;
    if (compressor->running) {
        pthread_cond_signal(&compressor->wake);
    } else {
        err = weftp_thread_start(&compressor->thread, "weft-gzip", true, run, compressor);
        compressor->running = compressor->kicked = compressor->busy = err == 0;
    }
    pthread_mutex_unlock(&compressor->mutex);
    return err;
}

int weftp_compressor_error(struct weftp_compressor *compressor)
{
    pthread_mutex_lock(&compressor->mutex);
    const int err = compressor->error;
    compressor->error = 0;
    pthread_mutex_unlock(&compressor->mutex);
    return err;
}

bool weftp_compressor_wait(struct weftp_compressor *compressor, uint32_t timeout_ms)
{
    const int64_t deadline_ns = weftp_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    const struct timespec deadline = {deadline_ns / 1000000000, deadline_ns % 1000000000};
    int err = 0;
    pthread_mutex_lock(&compressor->mutex);
    while (compressor->busy && err == 0)
        err = pthread_cond_timedwait(&compressor->idle, &compressor->mutex, &deadline);
    const bool idle = !compressor->busy;
    pthread_mutex_unlock(&compressor->mutex);
    return idle;
}

void weftp_compressor_forked(struct weftp_compressor *compressor)
{
    /* Without unlocking: the locks are the parent's, and its thread goes on. */
    weftp_rotation_forked(&compressor->lock);
    if (compressor->source >= 0) close(compressor->source);
    if (compressor->temporary >= 0) close(compressor->temporary);
    compressor->source = compressor->temporary = -1;
    compressor->running = compressor->kicked = compressor->busy = false;
    make_primitives(compressor);
}

void weftp_compressor_destroy(struct weftp_compressor *compressor, uint32_t timeout_ms)
{
    if (!compressor) return;
    if (compressor->running) {
        (void)weftp_compressor_wait(compressor, timeout_ms);
        pthread_mutex_lock(&compressor->mutex);
        atomic_store(&compressor->stop, true);
        pthread_cond_signal(&compressor->wake);
        pthread_mutex_unlock(&compressor->mutex);
        pthread_join(compressor->thread, NULL);
    }
    pthread_cond_destroy(&compressor->idle);
    pthread_cond_destroy(&compressor->wake);
    pthread_mutex_destroy(&compressor->mutex);
    free(compressor);
}
