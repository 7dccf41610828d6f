#include "rotate.h"

#include "../../src/port/io.h"
#include "tally.h"
#include "trim.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define LOCK_TIMEOUT_MS 250 /* that a caller of write() may be kept by other processes' rotations */
#define KEEP_SLACK      64  /* one file in so many may be too many, for a while */

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

/* ---- moving ---- */

static int move_to(const struct weftp_rotation *rotation, int dir, const char *from,
                   const struct weftp_rotated *to)
{
    struct weftp_rotated_name name;
    const int err = weftp_rotated_text(rotation, to, &name);
    if (err != 0) return err;
    if (weftp_rotated_kind(dir, name.text, NULL) != WEFTP_ROTATED_NONE) return EEXIST;
    return weftp_io.renameat(dir, from, dir, name.text) == 0 ? 0 : errno;
}

enum weftp_rotated_kind weftp_rotation_packed(const struct weftp_rotation *rotation, int dir,
                                              const struct weftp_rotated *plain, uint64_t size)
{
    struct weftp_rotated packed = *plain;
    for (packed.codec = WEFTP_CODEC_NONE + 1; packed.codec < WEFTP_CODECS; packed.codec++) {
        struct weftp_rotated_name name;
        if (weftp_rotated_text(rotation, &packed, &name) != 0) continue;
        const enum weftp_rotated_kind kind = weftp_rotated_kind(dir, name.text, NULL);
        if (kind == WEFTP_ROTATED_NONE) continue;
        if (kind == WEFTP_ROTATED_FOREIGN) return kind;
        const int fd =
            weftp_io_openat(dir, name.text, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0);
        const bool whole = fd >= 0 && weftp_codec_is_whole(packed.codec, fd, size);
        if (fd >= 0) close(fd);
        return whole ? WEFTP_ROTATED_OURS : WEFTP_ROTATED_FOREIGN;
    }
    return WEFTP_ROTATED_NONE;
}

/* The forms of one number; the plain one is the first. */
struct forms {
    const struct weftp_rotated *items;
    size_t count;
};

static int move_form(const struct weftp_rotation *rotation, int dir,
                     const struct weftp_rotated *form, uint32_t number)
{
    struct weftp_rotated_name from;
    struct weftp_rotated to = *form;
    const int err = weftp_rotated_text(rotation, form, &from);
    to.number = number;
    return err != 0 ? err : move_to(rotation, dir, from.text, &to);
}

/*
 * Move all forms to a number that is free. *moved: false where one is not ours. Plain and
 * compressed: a crash came between the end of compression and the removal. Moved apart they would
 * be taken for two, so the plain one is removed.
 */
static int move_forms(const struct weftp_rotation *rotation, int dir, struct forms forms,
                      uint32_t number, bool *moved)
{
    struct weftp_rotated_name name;
    struct stat found = {0};
    *moved = false;
    for (size_t i = forms.count; i > 0; i--) {
        const int err = weftp_rotated_text(rotation, &forms.items[i - 1], &name);
        if (err != 0) return err;
        if (weftp_rotated_kind(dir, name.text, &found) == WEFTP_ROTATED_FOREIGN) return 0;
    }
    *moved = true;
    /* `name` and `found` are those of the first. */
    if (forms.count > 1 && forms.items->codec == WEFTP_CODEC_NONE &&
        weftp_rotation_packed(rotation, dir, forms.items, (uint64_t)found.st_size) ==
            WEFTP_ROTATED_OURS) {
        if (weftp_io.unlinkat(dir, name.text, 0) != 0) return errno;
        forms.items++;
        forms.count--;
    }
    int err = 0;
    for (size_t i = forms.count; i > 0 && err == 0; i--)
        err = move_form(rotation, dir, &forms.items[i - 1], number);
    return err;
}

/* The lowest number that nobody has, and how many items have lower ones. */
static uint32_t first_gap(const struct weftp_rotated_list *list, size_t *below)
{
    uint32_t number = 1;
    for (*below = 0; *below < list->count; ++*below) {
        const uint32_t next = list->items[*below].number;
        if (next > number) break;
        number = next + 1;
    }
    return number;
}

/* Move what has numbers below the first gap up by one, from the highest down. *room: then free. */
static int make_room(const struct weftp_rotation *rotation, int dir, uint32_t *room)
{
    struct weftp_rotated_list list;
    size_t end = 0;
    int err = weftp_rotated_list(rotation, dir, &list);
    if (err != 0) return err;
    *room = first_gap(&list, &end);
    while (end > 0 && err == 0) {
        size_t first = end - 1;
        bool moved = false;
        while (first > 0 && weftp_rotated_same(&list.items[first - 1], &list.items[first])) first--;
        const struct forms forms = {list.items + first, end - first};
        err = move_forms(rotation, dir, forms, *room, &moved);
        if (moved) *room = forms.items->number;
        end = first;
    }
    weftp_rotated_free(&list);
    return err;
}

/* ---- dates ---- */

/* Whether no form of this name is there, whoever's. */
static bool is_free(const struct weftp_rotation *rotation, int dir,
                    const struct weftp_rotated *rotated)
{
    struct weftp_rotated form = *rotated;
    for (form.codec = 0; form.codec < WEFTP_CODECS; form.codec++) {
        struct weftp_rotated_name name;
        if (weftp_rotated_text(rotation, &form, &name) == 0 &&
            weftp_rotated_kind(dir, name.text, NULL) != WEFTP_ROTATED_NONE)
            return false;
    }
    return true;
}

/* The number after the highest that the date has. */
static int count_up(const struct weftp_rotation *rotation, int dir, struct weftp_rotated *rotated)
{
    struct weftp_rotated_list list;
    const int err = weftp_rotated_list(rotation, dir, &list);
    if (err != 0) return err;
    for (size_t i = 0; i < list.count; i++) {
        if (strcmp(list.items[i].date, rotated->date) != 0) continue;
        rotated->number = list.items[i].number + 1;
        break;
    }
    weftp_rotated_free(&list);
    return 0;
}

/*
 * Find the name for a file of this date: never a number that older files of the date had before
 * they were removed. A date that is newer than all others needs no look at them.
 */
static int find_date(const struct weftp_rotation *rotation, int dir,
                     const struct weftp_tally *tally, struct weftp_rotated *rotated)
{
    int err = 0;
    if (tally->known && strcmp(tally->newest.date, rotated->date) == 0)
        rotated->number = tally->newest.number + 1;
    else if (!tally->known || weftp_rotated_compare(&tally->newest, rotated) < 0)
        err = count_up(rotation, dir, rotated);
    while (err == 0 && !is_free(rotation, dir, rotated))
        if (rotated->number++ >= WEFTP_ROTATED_NUMBER_MAX) err = ERANGE;
    return err;
}

/* ---- rotation ---- */

/* Whether the live file still is the one that is meant. */
static int check_live(int dir, const char *name, const struct weftp_rotation_live *live, bool *same)
{
    struct stat now;
    *same = false;
    if (fstatat(dir, name, &now, AT_SYMLINK_NOFOLLOW) != 0) return errno == ENOENT ? 0 : errno;
    if (S_ISLNK(now.st_mode)) return ELOOP; /* followed on request; it was put there meanwhile */
    *same = now.st_dev == live->dev && now.st_ino == live->ino && S_ISREG(now.st_mode);
    return 0;
}

/* Trim; the tally says when that may wait. */
static int trim(const struct weftp_rotation *rotation, const struct weftp_rotation_lock *lock,
                struct weftp_tally *tally, int64_t now_ns)
{
    size_t left = 0;
    const bool by_count = rotation->keep_bytes == 0 && rotation->keep_age_s == 0;
    if (by_count && tally->known &&
        tally->count <= (uint64_t)rotation->keep + rotation->keep / KEEP_SLACK)
        return 0;
    const int err = weftp_rotated_trim(rotation, lock->dir, now_ns, &left);
    if (err != 0 || rotation->names != WEFTP_NAMES_DATE) return err;
    tally->count = (uint32_t)left;
    weftp_tally_write(lock->lock, tally);
    return 0;
}

static int rotate_locked(const struct weftp_rotation *rotation,
                         const struct weftp_rotation_lock *lock,
                         const struct weftp_rotation_live *live, bool *rotated)
{
    struct weftp_rotated to = {.number = 0};
    struct weftp_rotated_name name;
    struct weftp_tally tally = {.known = false};
    bool same = false;
    int err = weftp_rotated_live(rotation, &name);
    if (err == 0) err = check_live(lock->dir, name.text, live, &same);
    if (err != 0 || !same) return err;
    if (rotation->names == WEFTP_NAMES_DATE) {
        weftp_tally_read(lock->lock, &tally);
        weftp_rotated_at(rotation, live->born_ns, &to);
        err = find_date(rotation, lock->dir, &tally, &to);
        if (tally.count < UINT32_MAX) tally.count++;
        if (!tally.known || weftp_rotated_compare(&to, &tally.newest) < 0) tally.newest = to;
        if (err == 0 && tally.known) weftp_tally_write(lock->lock, &tally);
    } else {
        err = make_room(rotation, lock->dir, &to.number);
    }
    if (err == 0) err = move_to(rotation, lock->dir, name.text, &to);
    if (err != 0) return err;
    *rotated = true;
    return trim(rotation, lock, &tally, live->now_ns);
}

int weftp_rotation_run(const struct weftp_rotation *rotation,
                       const struct weftp_rotation_live *live, bool *rotated)
{
    struct weftp_rotation_lock lock;
    *rotated = false;
    int err = weftp_rotation_lock(rotation, &lock, LOCK_TIMEOUT_MS);
    if (err != 0) return err;
    err = rotate_locked(rotation, &lock, live, rotated);
    weftp_rotation_unlock(&lock);
    return err;
}

int weftp_rotation_trim(const struct weftp_rotation *rotation, int64_t now_ns)
{
    struct weftp_rotation_lock lock;
    struct weftp_tally tally;
    size_t left = 0;
    int err = weftp_rotation_lock(rotation, &lock, LOCK_TIMEOUT_MS);
    if (err != 0) return err;
    weftp_tally_read(lock.lock, &tally);
    err = weftp_rotated_trim(rotation, lock.dir, now_ns, &left);
    if (err == 0 && tally.known) {
        tally.count = (uint32_t)left;
        weftp_tally_write(lock.lock, &tally);
    }
    weftp_rotation_unlock(&lock);
    return err;
}

int weftp_rotation_remove_oldest(const struct weftp_rotation *rotation, bool *removed)
{
    struct weftp_rotation_lock lock;
    *removed = false;
    int err = weftp_rotation_lock(rotation, &lock, LOCK_TIMEOUT_MS);
    if (err != 0) return err;
    err = weftp_rotated_trim_oldest(rotation, lock.dir, removed);
    weftp_rotation_unlock(&lock);
    return err;
}

static bool is_file(const struct weftp_rotation *rotation, int dir, dev_t dev, ino_t ino,
                    const struct weftp_rotated *rotated)
{
    struct weftp_rotated_name name;
    struct stat found;
    return weftp_rotated_text(rotation, rotated, &name) == 0 &&
           fstatat(dir, name.text, &found, AT_SYMLINK_NOFOLLOW) == 0 && found.st_dev == dev &&
           found.st_ino == ino;
}

bool weftp_rotation_find(const struct weftp_rotation *rotation, int dir, dev_t dev, ino_t ino,
                         struct weftp_rotated *rotated)
{
    struct weftp_rotated_list list;
    if (is_file(rotation, dir, dev, ino, rotated)) return true;
    if (weftp_rotated_list(rotation, dir, &list) != 0) return false;
    bool found = false;
    for (size_t i = 0; i < list.count && !found; i++) {
        if (list.items[i].codec != WEFTP_CODEC_NONE) continue;
        found = is_file(rotation, dir, dev, ino, &list.items[i]);
        if (found) *rotated = list.items[i];
    }
    weftp_rotated_free(&list);
    return found;
}
