#include "trim.h"

#include "../../src/port/io.h"
#include <errno.h>

#define NS_PER_SECOND   1000000000
#define STAT_BLOCK_SIZE 512 /* of st_blocks, whatever the file system's own is */

/* What one file of the set has, in all its forms. */
struct file {
    size_t first, end; /* items of the list */
    bool ours;
    uint64_t bytes;     /* on the disk */
    int64_t changed_ns; /* the last change of any */
};

static void look_at(const struct weftp_rotation *rotation, int dir,
                    const struct weftp_rotated *rotated, struct file *file)
{
    struct weftp_rotated_name name;
    struct stat found;
    if (weftp_rotated_text(rotation, rotated, &name) != 0 ||
        weftp_rotated_kind(dir, name.text, &found) != WEFTP_ROTATED_OURS)
        return;
    const int64_t changed_ns =
        (int64_t)found.st_mtim.tv_sec * NS_PER_SECOND + found.st_mtim.tv_nsec;
    if (!file->ours || changed_ns > file->changed_ns) file->changed_ns = changed_ns;
    file->ours = true;
    file->bytes += (uint64_t)found.st_blocks * STAT_BLOCK_SIZE;
}

/* The file whose forms begin at `first`. */
static struct file survey(const struct weftp_rotation *rotation, int dir,
                          const struct weftp_rotated_list *list, size_t first)
{
    struct file file = {.first = first, .end = first};
    while (file.end < list->count &&
           weftp_rotated_same(&list->items[first], &list->items[file.end]))
        look_at(rotation, dir, &list->items[file.end++], &file);
    return file;
}

/* Remove what of these items is ours, from the last one to the first. */
static int remove_items(const struct weftp_rotation *rotation, int dir,
                        const struct weftp_rotated *items, size_t count)
{
    int result = 0;
    for (size_t i = count; i > 0; i--) {
        struct weftp_rotated_name name;
        if (weftp_rotated_text(rotation, &items[i - 1], &name) != 0 ||
            weftp_rotated_kind(dir, name.text, NULL) != WEFTP_ROTATED_OURS)
            continue;
        if (weftp_io.unlinkat(dir, name.text, 0) != 0 && errno != ENOENT && result == 0)
            result = errno;
    }
    return result;
}

static bool is_too_old(const struct weftp_rotation *rotation, const struct file *file,
                       int64_t now_ns)
{
    if (rotation->keep_age_s == 0 || file->changed_ns >= now_ns) return false;
    return ((uint64_t)now_ns - (uint64_t)file->changed_ns) / NS_PER_SECOND > rotation->keep_age_s;
}

/* Decide from the newest to the oldest. The items of what goes are moved to the list's front. */
static size_t choose(const struct weftp_rotation *rotation, int dir, int64_t now_ns,
                     struct weftp_rotated_list *list, size_t *left)
{
    const uint64_t bytes_max = rotation->keep_bytes > 0 ? rotation->keep_bytes : UINT64_MAX;
    size_t going = 0;
    uint64_t bytes = 0;
    *left = 0;
    for (size_t at = 0; at < list->count;) {
        const struct file file = survey(rotation, dir, list, at);
        at = file.end;
        if (!file.ours) continue;
        const bool too_old = is_too_old(rotation, &file, now_ns);
        if (!too_old) bytes += file.bytes;
        if (!too_old && bytes <= bytes_max && *left < rotation->keep) {
            ++*left;
            continue;
        }
        for (size_t i = file.first; i < file.end; i++) list->items[going++] = list->items[i];
    }
    return going;
}

int weftp_rotated_trim(const struct weftp_rotation *rotation, int dir, int64_t now_ns, size_t *left)
{
    struct weftp_rotated_list list;
    *left = 0;
    int err = weftp_rotated_list(rotation, dir, &list);
    if (err != 0) return err;
    const size_t going = choose(rotation, dir, now_ns, &list, left);
    err = remove_items(rotation, dir, list.items, going);
    weftp_rotated_free(&list);
    return err;
}

int weftp_rotated_trim_oldest(const struct weftp_rotation *rotation, int dir, bool *removed)
{
    struct weftp_rotated_list list;
    *removed = false;
    int err = weftp_rotated_list(rotation, dir, &list);
    if (err != 0) return err;
    for (size_t end = list.count; end > 0 && err == 0 && !*removed;) {
        size_t first = end - 1;
        while (first > 0 && weftp_rotated_same(&list.items[first - 1], &list.items[first])) first--;
        if (survey(rotation, dir, &list, first).ours) {
            err = remove_items(rotation, dir, list.items + first, end - first);
            *removed = err == 0;
        }
        end = first;
    }
    weftp_rotated_free(&list);
    return err;
}
