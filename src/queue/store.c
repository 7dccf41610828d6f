#include "store.h"

#include "../port/errno_text.h"
#include "../port/io.h"
#include "../record/key_list.h"
#include "../record/sites.h"
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZEROS 4096

_Static_assert(sizeof(struct weftp_session_site) + (size_t)2 * (WEFTP_SITE_TEXT_SIZE_MAX + 1) + 8 <=
                   WEFTP_SESSION_ENTRY_MAX,
               "the longest site");
_Static_assert(sizeof(struct weftp_session_entry) + WEFTP_KEY_LIST_MAX + 8 <=
                   WEFTP_SESSION_ENTRY_MAX,
               "the longest template");

struct weftp_store {
    struct weftp_queue_store type;
    int dir;
    /* The session; lock -1: there is none yet. */
    int lock;
    dev_t lock_dev; /* a program that closes all descriptors gives the number to something else */
    ino_t lock_ino;
    char id[WEFTP_SESSION_ID_SIZE + 1];
    uint32_t next; /* number of the next ring */
    /* Under the lock of the tables of sites and templates. */
    bool has_sites;
    uint64_t sites_size; /* bytes of the sites file */
    _Alignas(struct weftp_session_site) char entry[WEFTP_SESSION_ENTRY_MAX]; /* being laid */
};

/* ---- files ---- */

/* Zeros, for file systems that allocate what is written and nothing else. */
static bool write_zeros(int fd, size_t bytes)
{
    static const char zeros[ZEROS];
    for (size_t at = 0; at < bytes;) {
        const size_t size = bytes - at < ZEROS ? bytes - at : ZEROS;
        const ssize_t written = weftp_io_pwrite_masked(fd, zeros, size, (off_t)at);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        at += (size_t)written;
    }
    return true;
}

/* Blocks for so many bytes, which are the file's size then. */
static bool allocate(int fd, size_t bytes)
{
    if (bytes == 0) return true;
    int err;
    do {
        err = weftp_io.reserve(fd, 0, (off_t)bytes) == 0 ? 0 : errno;
    } while (err == EINTR);
    if (err == EOPNOTSUPP || err == ENOSYS) return write_zeros(fd, bytes);
    errno = err;
    /* Not ftruncate, which raises SIGXFSZ where files may not be so large. */
    return err == 0 && weftp_io_pwrite_masked(fd, "", 1, (off_t)bytes - 1) == 1;
}

static int make_file(const struct weftp_store *store, enum weftp_session_kind kind, uint32_t number,
                     size_t bytes)
{
    char name[WEFTP_SESSION_NAME_SIZE];
    weftp_session_name(name, store->id, kind, number);
    const int fd =
        weftp_io_openat(store->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) return -1;
    if (fchmod(fd, 0600) == 0 && allocate(fd, bytes)) return fd;
    const int err = errno;
    (void)unlinkat(store->dir, name, 0);
    close(fd);
    errno = err;
    return -1;
}

/* ---- sites and templates ---- */

/*
 * Write the entry that has been laid, `content` bytes, behind what the file has; false: it did not
 * fit, and nothing of it is there.
 */
static bool append(struct weftp_store *store, uint32_t id, size_t content)
{
    char name[WEFTP_SESSION_NAME_SIZE];
    struct weftp_session_entry head = {.size = (uint32_t)((content + 7) & ~(size_t)7), .id = id};
    const off_t at = (off_t)store->sites_size;
    errno = EFBIG;
    if (head.size > WEFTP_SESSION_SITES_MAX - store->sites_size) return false;
    memset(store->entry + content, 0, head.size - content);
    memcpy(store->entry, &head, sizeof head);
    head.check = weftp_session_entry_check(store->entry, head.size);
    memcpy(store->entry, &head, sizeof head);
    const int cancel_state = weftp_cancel_disable();
    weftp_session_name(name, store->id, WEFTP_SESSION_SITES, 0);
    const int fd = weftp_session_open(store->dir, name, O_WRONLY);
    errno = fd < 0 ? errno : ENOSPC;
    const bool whole =
        fd >= 0 && weftp_io_pwrite_masked(fd, store->entry, head.size, at) == (ssize_t)head.size;
    const int err = errno;
    if (whole)
        store->sites_size += head.size;
    else if (fd >= 0)
        (void)ftruncate(fd, at);
    if (fd >= 0) close(fd);
    weftp_cancel_restore(cancel_state);
    errno = err;
    return whole;
}

/* A site whose text there is no room for stays without one. */
static void keep_site(void *arg, const weft_site *site)
{
    struct weftp_store *store = arg;
    struct weftp_session_site head = {.line = site->line};
    if (!store->has_sites) return;
    head.level = (int16_t)site->level;
    head.flags = (uint16_t)site->flags;
    head.file_size = (uint16_t)strlen(site->file);
    head.func_size = (uint16_t)strlen(site->func);
    char *const file = store->entry + sizeof head, *const func = file + head.file_size + 1;
    memcpy(store->entry, &head, sizeof head);
    memcpy(file, site->file, head.file_size + 1u);
    memcpy(func, site->func, head.func_size + 1u);
    (void)append(store, site->id, sizeof head + head.file_size + head.func_size + 2u);
}

/* False: no record may name it, as nobody could tell its keys. */
static bool keep_template(void *arg, const struct weftp_template *known)
{
    struct weftp_store *store = arg;
    const size_t head = sizeof(struct weftp_session_entry);
    if (!store->has_sites) return true; /* the next session is told of it when it begins */
    weftp_key_list_lay(store->entry + head, known);
    return append(store, WEFTP_SESSION_TEMPLATE | known->site.state,
                  head + weftp_key_list_size(known));
}

static void watch_end(struct weftp_store *store)
{
    weftp_sites_unwatch(keep_site, store);
    weftp_templates_unwatch(keep_template, store);
}

/* Rings may hold records that name any of the templates that there are: all must be in the file. */
static bool watch(struct weftp_store *store)
{
    if (weftp_templates_watch(keep_template, store) && weftp_sites_watch(keep_site, store))
        return true;
    const int err = errno;
    watch_end(store);
    errno = err;
    return false;
}

/* ---- the session ---- */

static bool begin(struct weftp_store *store)
{
    struct stat info;
    watch_end(store); /* a parent's */
    store->lock = weftp_session_begin(store->dir, store->id);
    if (store->lock < 0) return false;
    const int sites = make_file(store, WEFTP_SESSION_SITES, 0, 0);
    if (sites < 0 || fstat(store->lock, &info) != 0) goto fail;
    store->lock_dev = info.st_dev;
    store->lock_ino = info.st_ino;
    store->next = 0;
    store->sites_size = 0;
    store->has_sites = true;
    if (!watch(store)) goto fail;
    close(sites);
    return true;
fail : {
    const int err = errno;
    if (sites >= 0) close(sites);
    (void)weftp_session_remove(store->dir, store->id);
    close(store->lock);
    store->lock = -1;
    store->has_sites = false;
    errno = err;
    return false;
}
}

/* Let go of the lock, if it is still what the descriptor stands for. */
static void unlock(struct weftp_store *store)
{
    struct stat info;
    if (store->lock >= 0 && fstat(store->lock, &info) == 0 && info.st_dev == store->lock_dev &&
        info.st_ino == store->lock_ino)
        close(store->lock);
    store->lock = -1;
}

static int open_ring(void *self, size_t bytes, uint32_t *number)
{
    struct weftp_store *store = self;
    const int cancel_state = weftp_cancel_disable();
    int fd = -1;
    if (store->lock >= 0 || begin(store)) {
        fd = make_file(store, WEFTP_SESSION_RING, store->next, bytes);
        *number = store->next;
        if (fd >= 0) store->next++;
    }
    weftp_cancel_restore(cancel_state);
    return fd;
}

static void close_ring(void *self, uint32_t number)
{
    const struct weftp_store *store = self;
    char name[WEFTP_SESSION_NAME_SIZE];
    weftp_session_name(name, store->id, WEFTP_SESSION_RING, number);
    if (store->lock >= 0) (void)unlinkat(store->dir, name, 0);
}

weft_status weftp_store_open(struct weftp_store **out, const char *dir, char *why, size_t why_size)
{
    struct weftp_store *store = calloc(1, sizeof *store);
    if (!store) {
        (void)snprintf(why, why_size, "out of memory");
        return WEFT_ENOMEM;
    }
    store->type = (struct weftp_queue_store){store, open_ring, close_ring};
    store->lock = -1;
    store->dir = weftp_session_dir(dir, true, why, why_size);
    if (store->dir < 0) {
        free(store);
        return WEFT_EINVAL;
    }
    if (!begin(store)) {
        (void)snprintf(why, why_size, "takes no files that can be locked: %s",
                       weftp_errno_text(errno));
        weftp_store_close(store, false);
        return WEFT_EIO;
    }
    *out = store;
    return WEFT_OK;
}

const struct weftp_queue_store *weftp_store_type(struct weftp_store *store)
{
    return &store->type;
}

void weftp_store_close(struct weftp_store *store, bool keep)
{
    if (!store) return;
    watch_end(store);
    if (store->lock >= 0 && !keep) (void)weftp_session_remove(store->dir, store->id);
    unlock(store);
    close(store->dir);
    free(store);
}

int weftp_store_spare(struct weftp_store *store)
{
    uint32_t number;
    return open_ring(store, 0, &number);
}

void weftp_store_fork_child(struct weftp_store *store)
{
    unlock(store);
    store->has_sites = false;
}
