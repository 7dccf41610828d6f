#include "file_mark.h"

void weftp_file_mark_of(struct weftp_file_mark *mark, const struct stat *info)
{
    *mark = (struct weftp_file_mark){.dev = (uint64_t)info->st_dev,
                                     .ino = (uint64_t)info->st_ino,
                                     .size = (uint64_t)info->st_size,
                                     .owner_and_mode = (uint64_t)info->st_uid << 32 | info->st_mode,
                                     .mtime_s = info->st_mtim.tv_sec,
                                     .mtime_ns = info->st_mtim.tv_nsec};
}

void weftp_file_mark_look(struct weftp_file_mark *mark, const char *path)
{
    struct stat info;
    *mark = (struct weftp_file_mark){0};
    if (stat(path, &info) == 0) weftp_file_mark_of(mark, &info);
}

bool weftp_file_mark_same(const struct weftp_file_mark *a, const struct weftp_file_mark *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->owner_and_mode == b->owner_and_mode && a->mtime_s == b->mtime_s &&
           a->mtime_ns == b->mtime_ns;
}

bool weftp_file_mark_exists(const struct weftp_file_mark *mark)
{
    return mark->owner_and_mode != 0; /* a file always has a type */
}
