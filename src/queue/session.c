#include "session.h"

#include "../base/key_hash.h"
#include "../port/boot.h"
#include "../port/errno_text.h"
#include "../port/io.h"
#include "../port/lock.h"
#include "../port/process.h"
#include "../record/packed_form.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX      "weft-"
#define PREFIX_SIZE (sizeof PREFIX - 1)
#define ATTEMPTS    3
#define CHECK_SEED  1 /* of every version: another one is told from a damaged one */

_Static_assert(sizeof(struct weftp_session_face) == 136, "no padding");
_Static_assert(sizeof(struct weftp_session_site) == 24, "no padding");

/* ---- names ---- */

static const char *const suffixes[] = {
    [WEFTP_SESSION_FACE] = ".session",
    [WEFTP_SESSION_SITES] = ".sites",
    [WEFTP_SESSION_RING] = ".ring",
    [WEFTP_SESSION_NEW] = ".new",
};

void weftp_session_name(char name[WEFTP_SESSION_NAME_SIZE], const char *id,
                        enum weftp_session_kind kind, uint32_t number)
{
    char part[16] = "";
    if (kind == WEFTP_SESSION_RING) (void)snprintf(part, sizeof part, "-%u", (unsigned)number);
    (void)snprintf(name, WEFTP_SESSION_NAME_SIZE, PREFIX "%.32s%s%s", id, part, suffixes[kind]);
}

static bool is_id(const char *text)
{
    return strspn(text, "0123456789abcdef") >= WEFTP_SESSION_ID_SIZE;
}

/* Read "-N"; NULL: there is none. */
static const char *read_number(const char *text, uint32_t *number)
{
    char *end;
    if (text[0] != '-' || text[1] < '0' || text[1] > '9') return NULL;
    errno = 0;
    const unsigned long long value = strtoull(text + 1, &end, 10);
    if (errno != 0 || value > UINT32_MAX) return NULL;
    *number = (uint32_t)value;
    return end;
}

bool weftp_session_name_read(const char *name, struct weftp_session_name *out)
{
    if (strncmp(name, PREFIX, PREFIX_SIZE) != 0 || !is_id(name + PREFIX_SIZE)) return false;
    const char *rest = name + PREFIX_SIZE + WEFTP_SESSION_ID_SIZE;
    memcpy(out->id, name + PREFIX_SIZE, WEFTP_SESSION_ID_SIZE);
    out->id[WEFTP_SESSION_ID_SIZE] = '\0';
    out->number = 0;
    if (*rest == '-') {
        rest = read_number(rest, &out->number);
        out->kind = WEFTP_SESSION_RING;
        return rest && strcmp(rest, suffixes[WEFTP_SESSION_RING]) == 0;
    }
    for (unsigned kind = WEFTP_SESSION_FACE; kind <= WEFTP_SESSION_NEW; kind++) {
        out->kind = (enum weftp_session_kind)kind;
        if (kind != WEFTP_SESSION_RING && strcmp(rest, suffixes[kind]) == 0) return true;
    }
    return false;
}

/* ---- checks ---- */

uint32_t weftp_session_check(const struct weftp_session_face *face)
{
    struct weftp_session_face bare = *face;
    bare.check = 0;
    return weftp_hash_bytes(CHECK_SEED, (const char *)&bare, sizeof bare);
}

uint32_t weftp_session_entry_check(const void *entry, size_t size)
{
    const size_t before = offsetof(struct weftp_session_entry, id);
    return weftp_hash_bytes(size, (const char *)entry + before, size - before);
}

/* ---- the directory ---- */

static int refuse(int fd, int err, char *why, size_t why_size, const char *reason)
{
    if (fd >= 0) close(fd);
    (void)snprintf(why, why_size, "%s", reason);
    errno = err;
    return -1;
}

static const char *reason_of(int err)
{
    switch (err) {
    case ELOOP: return "is a symbolic link";
    case ENOTDIR: return "is no directory, or lies in none";
    case ENOENT: return "is not there, and what it would be made in is not there either";
    default: return weftp_errno_text(err);
    }
}

int weftp_session_dir(const char *path, bool make, char *why, size_t why_size)
{
    struct stat info;
    char reason[96];
    if (make && mkdir(path, 0700) != 0 && errno != EEXIST)
        return refuse(-1, errno, why, why_size, reason_of(errno));
    const int dir = weftp_io_open_dir(path, false);
    if (dir < 0) return refuse(-1, errno, why, why_size, reason_of(errno));
    if (fstat(dir, &info) != 0) return refuse(dir, errno, why, why_size, reason_of(errno));
    if (info.st_uid != geteuid())
        return refuse(dir, EPERM, why, why_size, "is not owned by this user");
    if ((info.st_mode & 0077) == 0 && (info.st_mode & 0700) == 0700) return dir;
    (void)snprintf(reason, sizeof reason, "%s (its mode is %04o, and must be 0700)",
                   info.st_mode & 0022   ? "may be written by others"
                   : info.st_mode & 0055 ? "may be read by others"
                                         : "may not be used by its owner",
                   (unsigned)info.st_mode & 07777);
    return refuse(dir, EPERM, why, why_size, reason);
}

weft_status weftp_session_list(int dir,
                               bool (*each)(void *arg, const struct weftp_session_name *file),
                               void *arg)
{
    struct weftp_session_name file;
    const int own = weftp_io_openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *list = own >= 0 ? fdopendir(own) : NULL;
    const struct dirent *entry;
    if (!list) {
        const int err = errno;
        if (own >= 0) close(own);
        return err == ENOMEM ? WEFT_ENOMEM : WEFT_EIO;
    }
    errno = 0;
    while ((entry = readdir(list)) != NULL) {
        if (weftp_session_name_read(entry->d_name, &file) && !each(arg, &file)) break;
        errno = 0;
    }
    const weft_status status = !entry && errno != 0 ? WEFT_EIO : WEFT_OK;
    closedir(list);
    return status;
}

/* ---- one session ---- */

int weftp_session_open(int dir, const char *name, int flags)
{
    struct stat info;
    const int fd =
        weftp_io_openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0) return -1;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == geteuid()) return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

static void face_fill(struct weftp_session_face *face, const char *id)
{
    char host[256] = "";
    const size_t size = weftp_host_name(host, sizeof host);
    memset(face, 0, sizeof *face);
    memcpy(face->magic, WEFTP_SESSION_MAGIC, sizeof face->magic);
    face->version = WEFTP_SESSION_VERSION;
    face->byte_order = 0x01020304;
    face->packed = WEFTP_PACKED_VERSION;
    face->pid = weftp_process_id();
    face->start_ns = weftp_realtime_ns();
    memcpy(face->id, id, sizeof face->id);
    memcpy(face->host, host, size < sizeof face->host ? size : sizeof face->host);
    face->check = weftp_session_check(face);
}

_Static_assert(WEFTP_SESSION_ID_SIZE == WEFTP_BOOT_ID_SIZE, "a session has its process's id");

/* The process's own, which its lines have where they have numbers; another one if that is in use here. */
static void make_id(int dir, bool again, char id[WEFTP_SESSION_ID_SIZE + 1])
{
    char name[WEFTP_SESSION_NAME_SIZE];
    struct stat found;
    (void)weftp_boot_id(id);
    weftp_session_name(name, id, WEFTP_SESSION_FACE, 0);
    if (again || fstatat(dir, name, &found, AT_SYMLINK_NOFOLLOW) == 0) weftp_boot_draw(id);
}

/* Give a new file its lock and its content, and only then its name. */
static bool settle(int dir, int fd, const char *id, const char *new_name)
{
    struct weftp_session_face face;
    char name[WEFTP_SESSION_NAME_SIZE];
    face_fill(&face, id);
    weftp_session_name(name, id, WEFTP_SESSION_FACE, 0);
    if (fchmod(fd, 0600) != 0 || weftp_io_flock_now(fd, LOCK_EX) != 0) return false;
    errno = ENOSPC;
    if (weftp_io_pwrite_masked(fd, &face, sizeof face, 0) != (ssize_t)sizeof face) return false;
    return renameat(dir, new_name, dir, name) == 0;
}

int weftp_session_begin(int dir, char id[WEFTP_SESSION_ID_SIZE + 1])
{
    char name[WEFTP_SESSION_NAME_SIZE];
    /* Another process may take a file that is not locked yet for one that was left. */
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        make_id(dir, attempt > 0, id);
        weftp_session_name(name, id, WEFTP_SESSION_NEW, 0);
        const int fd =
            weftp_io_openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0) return -1;
        if (settle(dir, fd, id, name)) return fd;
        const int err = errno;
        (void)unlinkat(dir, name, 0);
        close(fd);
        errno = err;
        if (err != EWOULDBLOCK && err != ENOENT) return -1;
    }
    return -1;
}

static int claim(int dir, const char *id, enum weftp_session_kind kind)
{
    struct stat info;
    char name[WEFTP_SESSION_NAME_SIZE];
    weftp_session_name(name, id, kind, 0);
    const int fd = weftp_session_open(dir, name, O_RDWR);
    if (fd < 0) return -1;
    /* Whoever had the lock before may have removed the file. */
    if (weftp_io_flock_now(fd, LOCK_EX) == 0 && fstat(fd, &info) == 0 && info.st_nlink > 0)
        return fd;
    close(fd);
    return -1;
}

int weftp_session_claim(int dir, const char *id)
{
    return claim(dir, id, WEFTP_SESSION_FACE);
}

struct removal {
    int dir;
    const char *id;
    bool left;
};

static bool remove_one(void *arg, const struct weftp_session_name *file)
{
    struct removal *removal = arg;
    char name[WEFTP_SESSION_NAME_SIZE];
    if (file->kind == WEFTP_SESSION_FACE || strcmp(file->id, removal->id) != 0) return true;
    weftp_session_name(name, file->id, file->kind, file->number);
    if (unlinkat(removal->dir, name, 0) != 0 && errno != ENOENT) removal->left = true;
    return true;
}

bool weftp_session_remove(int dir, const char *id)
{
    struct removal removal = {.dir = dir, .id = id};
    char name[WEFTP_SESSION_NAME_SIZE];
    if (weftp_session_list(dir, remove_one, &removal) != WEFT_OK || removal.left) return false;
    weftp_session_name(name, id, WEFTP_SESSION_FACE, 0);
    return unlinkat(dir, name, 0) == 0 || errno == ENOENT;
}

static bool sweep_one(void *arg, const struct weftp_session_name *file)
{
    const int dir = *(const int *)arg;
    char name[WEFTP_SESSION_NAME_SIZE];
    if (file->kind != WEFTP_SESSION_NEW) return true;
    const int fd = claim(dir, file->id, WEFTP_SESSION_NEW);
    if (fd < 0) return true;
    weftp_session_name(name, file->id, WEFTP_SESSION_NEW, 0);
    (void)unlinkat(dir, name, 0);
    close(fd);
    return true;
}

void weftp_session_sweep(int dir)
{
    (void)weftp_session_list(dir, sweep_one, &dir);
}
