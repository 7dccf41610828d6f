#include "compress_one.h"

#include "../../src/port/io.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_TIMEOUT_MS 5000 /* for the names' lock: rotations are over in milliseconds */
#define GROUP_MODE      070

void weftp_compression_init(struct weftp_compression *compression,
                            const struct weftp_rotation *rotation, const atomic_bool *stop)
{
    *compression = (struct weftp_compression){.rotation = rotation,
                                              .stop = stop,
                                              .lock = WEFTP_ROTATION_LOCK_INIT,
                                              .source = -1,
                                              .temporary = -1,
                                              .dir = -1};
}

void weftp_compression_forked(struct weftp_compression *compression)
{
    weftp_rotation_forked(&compression->lock);
    if (compression->source >= 0) close(compression->source);
    if (compression->temporary >= 0) close(compression->temporary);
    if (compression->dir >= 0) close(compression->dir);
    compression->source = compression->temporary = compression->dir = -1;
}

static void close_one(int *fd)
{
    if (*fd >= 0) {
        /*
         * A child that was forked meanwhile holds the descriptor too: closing alone would leave it
         * locked.
         */
        (void)flock(*fd, LOCK_UN);
        close(*fd);
    }
    *fd = -1;
}

static int lock_exclusive(int fd)
{
    /* Where there are no such locks: go on without. */
    return weftp_io_flock_now(fd, LOCK_EX) != 0 && errno == EWOULDBLOCK ? EAGAIN : 0;
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

static int temporary_name(const struct weftp_rotation *rotation, unsigned codec,
                          struct weftp_rotated_name *name)
{
    char suffix[16];
    snprintf(suffix, sizeof suffix, "%s.tmp", weftp_codec_suffix(codec));
    return weftp_rotated_hidden(rotation, name, suffix);
}

/*
 * Open a rotated file that nobody writes any more. EAGAIN: somebody does. ENOENT: nothing to do
 * under this name.
 */
static int open_source(struct weftp_compression *compression, int dir, const char *name,
                       struct stat *found)
{
    const int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    compression->source = weftp_io_openat(dir, name, flags, 0);
    if (compression->source < 0) return errno ? errno : EIO;
    const int err = lock_exclusive(compression->source);
    if (err != 0) return err;
    /* After the lock: the last line may have come just before it. */
    if (fstat(compression->source, found) != 0) return errno;
    return weftp_rotated_owner(found) == WEFTP_ROTATED_OURS ? 0 : ENOENT;
}

/* Give the temporary file what the plain one has. */
static int imitate(int fd, const struct stat *own, const struct stat *like)
{
    mode_t mode = like->st_mode & 0777;
    if (fchown(fd, like->st_uid, like->st_gid) != 0 && own->st_gid != like->st_gid)
        mode &= ~(mode_t)GROUP_MODE; /* a group that we may not give: ours shall not read instead */
    return fchmod(fd, mode) == 0 ? 0 : errno;
}

/*
 * Open the file that the compressed bytes go to, empty, for this thread alone. EAGAIN: another
 * process works on one.
 */
static int open_temporary(struct weftp_compression *compression, int dir, const char *name,
                          const struct stat *like)
{
    struct stat own;
    const int flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    const int fd = weftp_io_openat(dir, name, flags, 0600);
    compression->temporary = fd;
    if (fd < 0) return errno;
    int err = lock_exclusive(fd);
    if (err != 0) return err;
    /* It may have got its final name while we waited for the lock. */
    if (!is_named(dir, name, fd)) return EAGAIN;
    if (fstat(fd, &own) != 0) return errno;
    if (weftp_rotated_owner(&own) != WEFTP_ROTATED_OURS) return EEXIST;
    if (fchmod(fd, 0600) != 0 || ftruncate(fd, 0) != 0) return errno;
    return imitate(fd, &own, like);
}

/* Remove a plain file of which the compressed one is whole. Under the names' lock. */
static int remove_plain(const struct weftp_compression *compression,
                        const struct weftp_rotated *plain)
{
    struct weftp_rotated_name name;
    struct stat found;
    const int dir = compression->lock.dir;
    const int err = weftp_rotated_text(compression->rotation, plain, &name);
    if (err != 0) return err;
    if (weftp_rotated_kind(dir, name.text, &found) != WEFTP_ROTATED_OURS) return 0;
    if (weftp_rotation_packed(compression->rotation, dir, plain, (uint64_t)found.st_size) !=
        WEFTP_ROTATED_OURS)
        return EEXIST;
    return weftp_io.unlinkat(dir, name.text, 0) == 0 ? 0 : errno;
}

/* Give the whole file the name that belongs to its source. Under the names' lock. */
static int rename_whole(const struct weftp_compression *compression, const char *temporary,
                        const struct weftp_rotated *plain)
{
    struct weftp_rotated packed = *plain;
    struct weftp_rotated_name name;
    const int dir = compression->lock.dir;
    packed.codec = (uint8_t)compression->rotation->codec;
    const int err = weftp_rotated_text(compression->rotation, &packed, &name);
    if (err != 0) return err;
    if (!is_named(dir, temporary, compression->temporary)) return EAGAIN;
    if (weftp_rotated_kind(dir, name.text, NULL) != WEFTP_ROTATED_NONE) return EEXIST;
    return weftp_io.renameat(dir, temporary, dir, name.text) == 0 ? 0 : errno;
}

/* Whether somebody who holds no lock has written to the source since it was looked at. */
static bool has_grown(const struct weftp_compression *compression, const struct stat *source)
{
    struct stat now;
    return fstat(compression->source, &now) == 0 && now.st_size != source->st_size;
}

/* The compressed file has its name, and is not all of the plain one. Under the names' lock. */
static int take_back(const struct weftp_compression *compression, const struct weftp_rotated *plain)
{
    struct weftp_rotated packed = *plain;
    struct weftp_rotated_name name;
    const int dir = compression->lock.dir;
    packed.codec = (uint8_t)compression->rotation->codec;
    if (weftp_rotated_text(compression->rotation, &packed, &name) == 0 &&
        is_named(dir, name.text, compression->temporary))
        (void)weftp_io.unlinkat(dir, name.text, 0);
    return EAGAIN;
}

/*
 * Put the compressed file in the plain one's place, wherever rotation has moved that. The names are
 * not locked while the directory is synced, which may take long: a rotation in between moves both
 * together, or removes the plain one itself.
 */
static int replace(struct weftp_compression *compression, const char *temporary,
                   struct weftp_rotated plain, const struct stat *source)
{
    const struct weftp_rotation *rotation = compression->rotation;
    for (unsigned step = 0; step < 2; step++) {
        int err = weftp_rotation_lock(rotation, &compression->lock, LOCK_TIMEOUT_MS);
        if (err != 0) return err;
        /* Not there: it was more than `keep`, and has been removed. */
        if (!weftp_rotation_find(rotation, compression->lock.dir, source->st_dev, source->st_ino,
                                 &plain))
            err = ENOENT;
        else if (has_grown(compression, source))
            err = step == 0 ? EAGAIN : take_back(compression, &plain);
        else
            err = step == 0 ? rename_whole(compression, temporary, &plain)
                            : remove_plain(compression, &plain);
        weftp_rotation_unlock(&compression->lock);
        if (err != 0) return err;
        if (step == 0 && weftp_io.fsync(compression->dir) != 0) return errno;
    }
    return 0;
}

static int compress_opened(struct weftp_compression *compression, const char *temporary,
                           const struct weftp_rotated *plain, const struct stat *source)
{
    const struct weftp_rotation *rotation = compression->rotation;
    const struct timespec times[2] = {source->st_atim, source->st_mtim};
    int err =
        weftp_codec_copy(rotation->codec, rotation->codec_level, compression->source,
                         compression->temporary, (uint64_t)source->st_size, compression->stop);
    if (err == 0) (void)futimens(compression->temporary, times);
    if (err == 0 && weftp_io.fsync(compression->temporary) != 0) err = errno;
    return err != 0 ? err : replace(compression, temporary, *plain, source);
}

/*
 * A compressed file beside the plain one: the end of a compression that a crash cut short, or
 * somebody else's file.
 */
static int finish_pair(struct weftp_compression *compression, const struct weftp_rotated *plain)
{
    const int err = weftp_rotation_lock(compression->rotation, &compression->lock, LOCK_TIMEOUT_MS);
    if (err != 0) return err;
    const int result = remove_plain(compression, plain);
    weftp_rotation_unlock(&compression->lock);
    return result;
}

int weftp_compress_one(struct weftp_compression *compression, const struct weftp_rotated *plain)
{
    const int dir = compression->dir;
    const struct weftp_rotation *rotation = compression->rotation;
    struct weftp_rotated_name name, temporary;
    struct stat source = {0};
    int err = weftp_rotated_text(rotation, plain, &name);
    if (err == 0) err = temporary_name(rotation, rotation->codec, &temporary);
    if (err != 0) return err;
    if (weftp_rotated_kind(dir, name.text, NULL) != WEFTP_ROTATED_OURS) return 0;
    if (weftp_rotation_packed(rotation, dir, plain, 0) != WEFTP_ROTATED_NONE)
        return finish_pair(compression, plain);
    err = open_source(compression, dir, name.text, &source);
    if (err == 0) err = open_temporary(compression, dir, temporary.text, &source);
    if (err == 0) {
        err = compress_opened(compression, temporary.text, plain, &source);
        if (is_named(dir, temporary.text, compression->temporary))
            (void)weftp_io.unlinkat(dir, temporary.text, 0);
    }
    close_one(&compression->temporary);
    close_one(&compression->source);
    return err == ENOENT ? 0 : err;
}

bool weftp_compression_left(const struct weftp_rotation *rotation, int dir)
{
    struct weftp_rotated_name name;
    for (unsigned codec = WEFTP_CODEC_NONE + 1; codec < WEFTP_CODECS; codec++)
        if (temporary_name(rotation, codec, &name) == 0 &&
            weftp_rotated_kind(dir, name.text, NULL) == WEFTP_ROTATED_OURS)
            return true;
    return false;
}

void weftp_compression_clear(struct weftp_compression *compression)
{
    const int dir = compression->dir;
    const int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    for (unsigned codec = WEFTP_CODEC_NONE + 1; codec < WEFTP_CODECS; codec++) {
        struct weftp_rotated_name name;
        if (temporary_name(compression->rotation, codec, &name) != 0 ||
            weftp_rotated_kind(dir, name.text, NULL) != WEFTP_ROTATED_OURS)
            continue;
        compression->temporary = weftp_io_openat(dir, name.text, flags, 0);
        if (compression->temporary >= 0 && lock_exclusive(compression->temporary) == 0 &&
            is_named(dir, name.text, compression->temporary))
            (void)weftp_io.unlinkat(dir, name.text, 0);
        close_one(&compression->temporary);
    }
}
