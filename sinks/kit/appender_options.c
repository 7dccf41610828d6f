#include "appender_options.h"

#include "codec.h"
#include "options.h"
#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>

#define KEEP_DEFAULT        7
#define INTERVAL_MS_DEFAULT 1000
#define INTERVAL_MS_MAX     3600000
#define GZIP_BUFFER_DEFAULT (UINT64_C(256) << 10)
#define GZIP_BUFFER_MIN     4096
#define AGE_MS_MAX          (UINT64_C(36500) * 86400000) /* a hundred years */
#define GROUP_BUFFER_MAX    (1 << 20)
#define RESERVE_MAX         (UINT64_C(1) << 40)

/* What options hold before they are looked at together. */
struct raw {
    const char *path, *group;
    uint64_t max_age_ms, keep_age_ms, buffer_bytes;
    unsigned symlink;
    uint32_t level;
};

static weft_status complain(struct weftp_appender *appender, const char *what, const char *option,
                            const char *accepted)
{
    struct weft_sink_error *error = &appender->live.file.error;
    if (!error->option)
        *error = (struct weft_sink_error){.what = what, .option = option, .accepted = accepted};
    return WEFT_EINVAL;
}

/* ---- group ---- */

/* 0, ENOENT: there is none of that name, or another errno. */
static int find_group(const char *name, gid_t *gid)
{
    for (size_t size = 1024; size <= GROUP_BUFFER_MAX; size *= 4) {
        struct group group, *found = NULL;
        char *buffer = malloc(size);
        if (!buffer) return ENOMEM;
        const int err = getgrnam_r(name, &group, buffer, size, &found);
        if (found) *gid = found->gr_gid;
        free(buffer);
        if (err != ERANGE) return found ? 0 : ENOENT;
    }
    return ENOENT;
}

static bool read_gid(const char *text, gid_t *gid)
{
    uint64_t value = 0;
    for (const char *at = text; *at; at++) {
        if (*at < '0' || *at > '9' || value > UINT32_MAX) return false;
        value = value * 10 + (unsigned)(*at - '0');
    }
    if (!*text || value >= UINT32_MAX) return false;
    *gid = (gid_t)value;
    return true;
}

static weft_status take_group(struct weftp_appender *appender, const char *name)
{
    struct weftp_logfile *file = &appender->live.file;
    if (!name) return WEFT_OK;
    file->has_group = read_gid(name, &file->group) || find_group(name, &file->group) == 0;
    if (file->has_group) return WEFT_OK;
    return complain(appender, "unknown group", "group", "the name of a group, or its number");
}

/* ---- compression ---- */

static weft_status check_codec(struct weftp_appender *appender)
{
    struct weftp_rotation *rotation = &appender->live.rotation;
    if (weftp_codec_available((enum weftp_codec)rotation->codec)) {
        if (rotation->codec != WEFTP_CODEC_GZIP || rotation->codec_level <= 9) return WEFT_OK;
        rotation->codec_level = 0;
        return complain(appender, "bad value", "compress_level", "1 to 9 for gzip");
    }
    rotation->codec = WEFTP_CODEC_NONE;
    return complain(appender, "zstd is not in this build", "compress", "gzip or none");
}

/* ---- tables ---- */

static const char *const periods[] = {"none", "minute", "hour", "day", NULL};
static const char *const names[] = {"number", "date", NULL};
static const char *const codecs[] = {"none", "gzip", "zstd", NULL};
static const char *const links[] = {"refuse", "follow", NULL};
static const char *const syncs[] = {"never", "interval", "every", NULL};
static const char *const fulls[] = {"drop", "delete_oldest", "fallback:stderr", NULL};

/* Rows for both kinds; returns how many. */
static size_t common_rows(struct weftp_appender *appender, struct raw *raw,
                          struct weftp_option *rows)
{
    struct weftp_live *live = &appender->live;
    const struct weftp_option common[] = {
        {"path", WEFTP_OPTION_TEXT, &raw->path, 0, 0, NULL, NULL},
        {"max_bytes", WEFTP_OPTION_BYTES, &live->max_bytes, 0, INT64_MAX, NULL,
         "a size, as 64k or 10MiB; 0: never"},
        {"max_age", WEFTP_OPTION_AGE, &raw->max_age_ms, 0, AGE_MS_MAX, NULL,
         "a duration, as 12h or 7d; 0: never"},
        {"period", WEFTP_OPTION_CHOICE, &live->rotation.period, 0, 0, periods,
         "none, minute, hour or day"},
        {"names", WEFTP_OPTION_CHOICE, &live->rotation.names, 0, 0, names, "number or date"},
        {"keep", WEFTP_OPTION_COUNT, &live->rotation.keep, 1, WEFTP_ROTATE_KEEP_MAX, NULL,
         "a number from 1 to 1000000"},
        {"keep_bytes", WEFTP_OPTION_BYTES, &live->rotation.keep_bytes, 0, INT64_MAX, NULL,
         "a size, as 10GiB; 0: any"},
        {"keep_age", WEFTP_OPTION_AGE, &raw->keep_age_ms, 0, AGE_MS_MAX, NULL,
         "a duration, as 30d; 0: for ever"},
        {"mode", WEFTP_OPTION_MODE, &live->file.mode, 0, 0777, NULL, "octal permissions, as 0640"},
        {"group", WEFTP_OPTION_TEXT, &raw->group, 0, 0, NULL, NULL},
        {"symlink", WEFTP_OPTION_CHOICE, &raw->symlink, 0, 0, links, "follow or refuse"},
        {"fsync", WEFTP_OPTION_CHOICE, &appender->fsync, 0, 0, syncs, "never, interval or every"},
        {"flush_interval_ms", WEFTP_OPTION_INTERVAL, &appender->interval_ms, 1, INTERVAL_MS_MAX,
         NULL, "milliseconds, or a duration from 1ms to 1h"},
        {"min_free", WEFTP_OPTION_BYTES, &live->space.min_free, 0, INT64_MAX, NULL,
         "a size, as 1GiB; 0: no limit"},
        {"on_full", WEFTP_OPTION_CHOICE, &live->on_full, 0, 0, fulls,
         "drop, delete_oldest or fallback:stderr"},
    };
    memcpy(rows, common, sizeof common);
    return sizeof common / sizeof *common;
}

static void file_rows(struct weftp_appender *appender, struct raw *raw, struct weftp_option *rows)
{
    struct weftp_live *live = &appender->live;
    const struct weftp_option own[] = {
        {"compress", WEFTP_OPTION_CHOICE, &live->rotation.codec, 0, 0, codecs,
         "none, gzip or zstd"},
        {"compress_level", WEFTP_OPTION_COUNT, &raw->level, 1, 19, NULL,
         "1 to 9 for gzip, 1 to 19 for zstd"},
        {"compress_delay", WEFTP_OPTION_COUNT, &live->rotation.delay, 0, WEFTP_ROTATE_KEEP_MAX,
         NULL, "a number from 0 to 1000000"},
        {"buffer_bytes", WEFTP_OPTION_BYTES, &raw->buffer_bytes, 0, WEFTP_BATCH_BYTES_MAX, NULL,
         "a size up to 64MiB; 0: none"},
        {"preallocate", WEFTP_OPTION_BYTES, &live->space.reserve_chunk, 0, RESERVE_MAX, NULL,
         "a size up to 1024GiB; 0: none"},
        {.accepted = "max_bytes, max_age, period, names, keep, keep_bytes, keep_age, compress, "
                     "compress_level, compress_delay, mode, group, symlink, fsync, buffer_bytes, "
                     "flush_interval_ms, preallocate, min_free, on_full"},
    };
    memcpy(rows, own, sizeof own);
}

static void gzip_rows(struct raw *raw, struct weftp_option *rows)
{
    const struct weftp_option own[] = {
        {"compress_level", WEFTP_OPTION_COUNT, &raw->level, 1, 9, NULL, "1 to 9"},
        {"buffer_bytes", WEFTP_OPTION_BYTES, &raw->buffer_bytes, GZIP_BUFFER_MIN,
         WEFTP_BATCH_BYTES_MAX, NULL, "a size from 4KiB to 64MiB"},
        {.accepted = "max_bytes, max_age, period, names, keep, keep_bytes, keep_age, "
                     "compress_level, mode, group, symlink, fsync, buffer_bytes, "
                     "flush_interval_ms, min_free, on_full"},
    };
    memcpy(rows, own, sizeof own);
}

static void set_defaults(struct weftp_appender *appender, struct raw *raw,
                         enum weftp_appender_kind kind)
{
    appender->interval_ms = INTERVAL_MS_DEFAULT;
    appender->live.file.mode = 0640;
    appender->live.rotation.delay = 1;
    if (kind == WEFTP_APPENDS_GZIP) raw->buffer_bytes = GZIP_BUFFER_DEFAULT;
}

/* What follows from several options together. */
static void combine(struct weftp_appender *appender, const struct raw *raw,
                    const struct weft_options_kv *options)
{
    struct weftp_live *live = &appender->live;
    struct weftp_rotation *rotation = &live->rotation;
    live->max_age_ns = (int64_t)raw->max_age_ms * 1000000;
    rotation->keep_age_s = (raw->keep_age_ms + 999) / 1000;
    if (rotation->keep == 0) {
        const bool other = rotation->keep_bytes > 0 || rotation->keep_age_s > 0;
        rotation->keep = other ? WEFTP_ROTATE_KEEP_MAX : KEEP_DEFAULT;
    }
    appender->buffer_bytes = (size_t)raw->buffer_bytes;
    live->file.mode_exact = weftp_options_get(options, "mode") != NULL;
    live->file.follow = raw->symlink == 1;
    live->file.durable = appender->fsync != WEFTP_FSYNC_NEVER;
    rotation->follow = live->file.follow;
    rotation->mode = live->file.mode;
    rotation->codec_level = (int)raw->level;
}

weft_status weftp_appender_options(struct weftp_appender *appender,
                                   const struct weft_options_kv *options,
                                   enum weftp_appender_kind kind, unsigned *level)
{
    struct weftp_option rows[32];
    struct raw raw = {0};
    set_defaults(appender, &raw, kind);
    const size_t count = common_rows(appender, &raw, rows);
    if (kind == WEFTP_APPENDS_LINES)
        file_rows(appender, &raw, rows + count);
    else
        gzip_rows(&raw, rows + count);
    weft_status status = weftp_options_read(options, rows, &appender->live.file.error);
    combine(appender, &raw, options);
    if (take_group(appender, raw.group) != WEFT_OK) status = WEFT_EINVAL;
    if (kind == WEFTP_APPENDS_LINES && check_codec(appender) != WEFT_OK) status = WEFT_EINVAL;
    *level = raw.level;
    return status;
}
