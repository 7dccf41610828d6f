#include "memberfile.h"

#include "../../src/port/io.h"
#include "rotated.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCK_TIMEOUT_MS 1000 /* others hold it for one write, and for saving what was torn */

/* What the lock file holds, for processes of this machine. */
struct end_record {
    char magic[8];
    uint64_t dev, ino, end;
};
static const char record_magic[8] = "weftend";

static int fail(struct weftp_logfile *file, int err, const char *what)
{
    file->error = (struct weft_sink_error){.err = err, .what = what};
    return err;
}

/* ---- the lock ---- */

static void close_lock(struct weftp_memberfile *members)
{
    if (members->lock >= 0) close(members->lock);
    members->lock = -1;
}

/* Whoever may write the file may lock it: what was asked for holds for the lock, too. */
static void adorn(const struct weftp_memberfile *members, const struct weftp_logfile *file,
                  const struct stat *own)
{
    if (weftp_rotated_owner(own) != WEFTP_ROTATED_OURS) return;
    if (file->has_group && own->st_gid != file->group)
        (void)weftp_io.fchown(members->lock, (uid_t)-1, file->group);
    if (file->mode_exact && (own->st_mode & 0777) != file->mode)
        (void)fchmod(members->lock, (mode_t)file->mode);
}

static int open_in(struct weftp_memberfile *members, int dir)
{
    const char *name = strrchr(members->path, '/') + 1;
    const int flags = O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
    const mode_t mode = (mode_t)members->mode;
    members->lock = weftp_io_openat(dir, name, flags | O_RDWR, mode);
    /* Another user's: to lock it, reading is enough. */
    if (members->lock < 0 && errno == EACCES)
        members->lock = weftp_io_openat(dir, name, flags | O_RDONLY, mode);
    return members->lock >= 0 ? 0 : errno;
}

/* Open the lock file, unless it is open and still in its place. */
static int open_lock(struct weftp_memberfile *members, const struct weftp_logfile *file)
{
    struct stat own, at;
    if (members->lock >= 0 && fstat(members->lock, &own) == 0 && lstat(members->path, &at) == 0 &&
        own.st_dev == at.st_dev && own.st_ino == at.st_ino)
        return 0;
    close_lock(members);
    const int dir = weftp_io_open_dir(file->dir, file->follow);
    if (dir < 0) return errno;
    const int err = open_in(members, dir);
    close(dir);
    if (err != 0) return err;
    if (fstat(members->lock, &own) == 0 && S_ISREG(own.st_mode)) {
        adorn(members, file, &own);
        return 0;
    }
    close_lock(members);
    return EINVAL;
}

/* Returns 0, EAGAIN, or why there is no lock. */
static int take_lock(struct weftp_memberfile *members, const struct weftp_logfile *file)
{
    const int err = open_lock(members, file);
    return err != 0 ? err : weftp_io_flock_wait(members->lock, LOCK_TIMEOUT_MS);
}

/* Up to where the file is known to be whole. */
static uint64_t known_end(const struct weftp_memberfile *members, const struct stat *own)
{
    struct end_record record;
    if (pread(members->lock, &record, sizeof record, 0) != (ssize_t)sizeof record) return 0;
    if (memcmp(record.magic, record_magic, sizeof record.magic) != 0) return 0;
    const bool same = record.dev == (uint64_t)own->st_dev && record.ino == (uint64_t)own->st_ino;
    return same && record.end <= (uint64_t)own->st_size ? record.end : 0;
}

/* What is not remembered is hopped over next time. */
static void remember_end(const struct weftp_memberfile *members, const struct weftp_logfile *file,
                         uint64_t end)
{
    struct end_record record = {.dev = (uint64_t)file->dev, .ino = (uint64_t)file->ino, .end = end};
    struct stat own;
    /* A name more is not ours: what is behind it may be somebody's. */
    if (fstat(members->lock, &own) != 0 || own.st_nlink > 1) return;
    memcpy(record.magic, record_magic, sizeof record.magic);
    (void)weftp_io_pwrite_masked(members->lock, &record, sizeof record, 0);
}

/* ---- the end ---- */

/* Hop over whole members from *end on. EBADMSG: foreign; ENODATA: one of ours is torn there. */
static int hop(int fd, uint64_t *end, uint64_t file_size)
{
    while (*end < file_size) {
        unsigned char head[WEFTP_MEMBER_HEAD_SIZE];
        uint32_t size = 0;
        const ssize_t got = pread(fd, head, sizeof head, (off_t)*end);
        if (got <= 0) return got < 0 ? errno : EIO;
        switch (weftp_member_head(head, (size_t)got, &size)) {
        case WEFTP_HEAD_OURS:
            if (size > file_size - *end) return ENODATA;
            *end += size;
            break;
        case WEFTP_HEAD_FOREIGN: {
            const int err = weftp_member_read(fd, *end, file_size, NULL, end);
            if (err != 0) return err;
            break;
        }
        case WEFTP_HEAD_BEGUN: return ENODATA;
        case WEFTP_HEAD_NONE: return EBADMSG;
        }
    }
    return 0;
}

/* Write a member at the end, which is `end`; on failure nothing of it stays. Under the lock. */
static int write_member(struct weftp_memberfile *members, struct weftp_logfile *file,
                        const struct weftp_member *member, uint64_t end)
{
    size_t done = 0;
    const int err = weftp_logfile_write(file, (const char *)member->data, member->size, &done);
    if (err == 0) {
        if (members->lock >= 0) remember_end(members, file, end + member->size);
        return 0;
    }
    if (done == 0) return err;
    if (members->lock >= 0 && weftp_io.ftruncate(file->fd, (off_t)end) == 0) {
        file->size = end;
        return err;
    }
    members->own_dev = file->dev;
    members->own_ino = file->ino;
    members->own_torn_at = end;
    return err;
}

static bool is_own(const struct weftp_memberfile *members, const struct weftp_logfile *file,
                   uint64_t end)
{
    return members->own_torn_at == end && members->own_dev == file->dev &&
           members->own_ino == file->ino;
}

/* The whole lines of a text, as a member. */
static int write_saved(struct weftp_memberfile *members, struct weftp_logfile *file,
                       const struct weftp_member_text *text, uint64_t *end)
{
    size_t size = text->size;
    while (size > 0 && text->data[size - 1] != '\n') size--;
    if (size == 0) return 0;
    struct weftp_member member;
    if (!weftp_member_init(&member, members->level)) return ENOMEM;
    const struct iovec lines = {text->data, size};
    int err = weftp_member_build(&member, &lines, 1);
    if (err == 0) err = write_member(members, file, &member, *end);
    if (err == 0) *end += member.size;
    weftp_member_deinit(&member);
    return err;
}

/* Cut off what is torn from *end on, and append the lines that are whole in it. */
static int save_torn(struct weftp_memberfile *members, struct weftp_logfile *file, uint64_t *end)
{
    struct weftp_member_text text = {0};
    uint64_t next;
    if (!is_own(members, file, *end)) {
        const int err = weftp_member_read(file->fd, *end, file->size, &text, &next);
        if (err != 0 && err != EBADMSG) {
            free(text.data);
            return err;
        }
    }
    int err = weftp_io.ftruncate(file->fd, (off_t)*end) == 0 ? 0 : errno;
    if (err == 0) {
        file->size = *end;
        members->own_torn_at = UINT64_MAX;
        err = write_saved(members, file, &text, end);
    }
    free(text.data);
    return err;
}

/* Find the end of a file, and make it whole. Under the lock. */
static int settle(struct weftp_memberfile *members, struct weftp_logfile *file, uint64_t *end)
{
    struct stat own;
    if (fstat(file->fd, &own) != 0) return errno;
    file->size = (uint64_t)own.st_size;
    *end = known_end(members, &own);
    const bool known = *end > 0;
    int err = hop(file->fd, end, file->size);
    if (err != 0 && known) { /* or it is known of an earlier file that had this number */
        *end = 0;
        err = hop(file->fd, end, file->size);
    }
    return err == ENODATA ? save_torn(members, file, end) : err;
}

/* ---- public ---- */

/*
 * Where the lock cannot be had for ever, as in a directory of another user, on a file system without
 * locks, or where something else has its name, there is none.
 */
static bool is_denied(int err)
{
    static const int errs[] = {EACCES, EPERM,  EROFS,        ENOLCK, EOPNOTSUPP,
                               EISDIR, EINVAL, ENAMETOOLONG, ENOSYS, ELOOP};
    for (size_t i = 0; i < sizeof errs / sizeof *errs; i++)
        if (err == errs[i]) return true;
    return false;
}

int weftp_memberfile_append(struct weftp_memberfile *members, struct weftp_logfile *file,
                            const struct weftp_member *member)
{
    uint64_t end = file->size;
    int err = file->regular ? take_lock(members, file) : EROFS;
    if (err != 0 && !is_denied(err)) return fail(file, err, "lock");
    if (err != 0) return write_member(members, file, member, end);
    err = settle(members, file, &end);
    if (err != 0)
        (void)fail(file, err, "mend");
    else
        err = write_member(members, file, member, end);
    (void)flock(members->lock, LOCK_UN);
    return err;
}

int weftp_memberfile_mend(struct weftp_memberfile *members, struct weftp_logfile *file)
{
    uint64_t end = 0;
    if (file->fd < 0 || !file->regular || file->size == 0) return 0;
    int err = take_lock(members, file);
    if (err != 0) return is_denied(err) ? 0 : fail(file, err, "lock");
    err = settle(members, file, &end);
    if (err == 0)
        remember_end(members, file, end);
    else
        (void)fail(file, err, "mend");
    (void)flock(members->lock, LOCK_UN);
    return err;
}

bool weftp_memberfile_init(struct weftp_memberfile *members, const struct weftp_logfile *file,
                           int level)
{
    const char *base = strrchr(file->path, '/') + 1;
    const size_t folder = (size_t)(base - file->path), name = strlen(base);
    *members = (struct weftp_memberfile){
        .mode = file->mode, .level = level, .lock = -1, .own_torn_at = UINT64_MAX};
    members->path = malloc(folder + name + sizeof "..end");
    if (!members->path) return false;
    memcpy(members->path, file->path, folder);
    members->path[folder] = '.';
    memcpy(members->path + folder + 1, base, name);
    memcpy(members->path + folder + 1 + name, ".end", sizeof ".end");
    return true;
}

void weftp_memberfile_forked(struct weftp_memberfile *members)
{
    close_lock(members); /* the lock may be the parent's, and stays its own */
    members->own_torn_at = UINT64_MAX;
}

void weftp_memberfile_deinit(struct weftp_memberfile *members)
{
    if (members->path) close_lock(members);
    free(members->path);
    members->path = NULL;
}
