#include "file.h"

#include "../src/port/io.h"
#include "kit/compress.h"
#include "kit/due.h"
#include "kit/logfile.h"
#include "kit/options.h"
#include "kit/rotate.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_DEFAULT         7
#define LOOK_BYTES_MAX       (UINT64_C(1) << 20)
#define COMPRESS_AT_CLOSE_MS 1000

struct file_sink {
    struct weftp_logfile file;
    uint64_t quick_max; /* size that the file may get in the quick way; 0: none is possible */
    int64_t looked_ns;  /* time of the line for which the path was last looked at */
    uint64_t look_size; /* look at the file when it would grow beyond: others write it too */
    bool stay;          /* rotation failed: not again before the next look */
    uint64_t max_bytes; /* 0: no rotation */
    struct weftp_rotation rotation;
    struct weftp_compressor *compressor; /* NULL: no compression */
    struct weft_sink_error noted;        /* a failure that cost no line; err 0: none */
    char *path;
};

static void note(struct file_sink *sink, int err, const char *what)
{
    if (err != 0) sink->noted = (struct weft_sink_error){.err = err, .what = what};
}

/*
 * Decide how far the next lines may go without a look: one compare then covers all that could be in
 * the way.
 */
static void plan(struct file_sink *sink)
{
    const struct weftp_logfile *file = &sink->file;
    uint64_t step = sink->max_bytes / 16;
    if (step > LOOK_BYTES_MAX) step = LOOK_BYTES_MAX;
    sink->look_size = UINT64_MAX;
    if (sink->max_bytes > 0 && file->regular && !sink->stay) {
        sink->look_size = file->size + step;
        if (sink->look_size > sink->max_bytes) sink->look_size = sink->max_bytes;
    }
}

static void set_quick(struct file_sink *sink)
{
    const struct weftp_logfile *file = &sink->file;
    if (file->error.err == EBADF)
        sink->looked_ns = INT64_MIN; /* the program closed it: look before the next line */
    const bool quick = file->fd >= 0 && !file->limited && !file->inherited &&
                       file->torn_at == WEFTP_LOGFILE_WHOLE && sink->noted.err == 0;
    sink->quick_max = quick ? sink->look_size : 0;
}

static void start_compression(struct file_sink *sink)
{
    if (sink->compressor) note(sink, weftp_compressor_kick(sink->compressor), "compress");
}

/*
 * Look at the path, at most once a second and before a write that others may have made too large.
 */
static void look(struct file_sink *sink, int64_t time_ns)
{
    const bool is_new = sink->file.fd < 0 || sink->file.inherited;
    const int err = is_new ? weftp_logfile_open(&sink->file) : weftp_logfile_check(&sink->file);
    if (sink->file.fd >= 0) note(sink, err, "reopen");
    if (weftp_due(time_ns, sink->looked_ns)) {
        sink->stay = false;
        if (sink->compressor) note(sink, weftp_compressor_error(sink->compressor), "compress");
    }
    sink->looked_ns = time_ns;
    plan(sink);
}

static void rotate(struct file_sink *sink)
{
    bool rotated = false;
    const struct weftp_rotation_live live = {.dev = sink->file.dev, .ino = sink->file.ino};
    int err = weftp_rotation_run(&sink->rotation, &live, &rotated);
    note(sink, err, "rotate");
    if (err == 0) {
        err = weftp_logfile_open(&sink->file);
        note(sink, err, "reopen");
    }
    sink->stay = err != 0;
    if (rotated) start_compression(sink);
    plan(sink);
}

/* Make the file ready for `size` bytes. False: there is none. */
static bool prepare(struct file_sink *sink, int64_t time_ns, size_t size)
{
    const bool due = weftp_due(time_ns, sink->looked_ns);
    if (due) look(sink, time_ns);
    if (sink->file.fd < 0) return false;
    if (sink->file.size + size <= sink->look_size) return true;
    if (!due) look(sink, time_ns);
    if (sink->file.fd < 0) return false;
    if (sink->max_bytes > 0 && sink->file.regular && !sink->stay && sink->file.size > 0 &&
        sink->file.size + size > sink->max_bytes)
        rotate(sink);
    return sink->file.fd >= 0;
}

/* As many lines as go into one call and into the file as it is; the first always. */
static size_t gather(const struct file_sink *sink, const struct weft_line *lines, size_t count,
                     struct iovec *parts)
{
    uint64_t size = sink->file.size;
    size_t taken = 0;
    while (taken < count && taken < WEFTP_LOGFILE_PARTS_MAX) {
        size += lines[taken].size;
        if (taken > 0 && size > sink->look_size) break;
        /* writev(2) takes no const; it only reads. */
        parts[taken] = (struct iovec){(void *)(uintptr_t)lines[taken].data, lines[taken].size};
        taken++;
    }
    return taken;
}

static weft_status write_slowly(struct file_sink *sink, const struct weft_line *lines, size_t count,
                                size_t *written)
{
    weft_status status = WEFT_OK;
    sink->noted.err = 0;
    while (*written < count && status == WEFT_OK) {
        struct iovec parts[WEFTP_LOGFILE_PARTS_MAX];
        const struct weft_line *next = &lines[*written];
        if (!prepare(sink, next->time_ns, next->size)) {
            status = WEFT_EIO;
            break;
        }
        const size_t wanted = gather(sink, next, count - *written, parts);
        const size_t taken = weftp_logfile_put(&sink->file, parts, wanted);
        *written += taken;
        if (taken < wanted) status = WEFT_EIO;
    }
    if (status == WEFT_OK && sink->noted.err != 0) {
        status = WEFT_EIO;
        sink->file.error = sink->noted;
    }
    sink->noted.err = 0;
    set_quick(sink);
    return status;
}

static weft_status file_write(void *self, const struct weft_line *lines, size_t count,
                              size_t *written)
{
    struct file_sink *sink = self;
    *written = 0;
    if (count == 1 && sink->file.size + lines->size <= sink->quick_max &&
        !weftp_due(lines->time_ns, sink->looked_ns)) {
        const struct iovec line = {(void *)(uintptr_t)lines->data, lines->size};
        *written = weftp_logfile_put(&sink->file, &line, 1);
        if (*written == 1) return WEFT_OK;
        set_quick(sink);
        return WEFT_EIO;
    }
    return write_slowly(sink, lines, count, written);
}

/*
 * The path as it must be found again after chdir(2): absolute, and behind the link that may be
 * followed.
 */
static char *absolute_path(const char *path, bool follow)
{
    char *resolved = follow ? realpath(path, NULL) : NULL;
    if (resolved) return resolved;
    if (*path == '/') return strdup(path);
    char *folder = getcwd(NULL, 0);
    const size_t size = folder ? strlen(folder) + strlen(path) + 2 : 0;
    char *joined = folder ? malloc(size) : strdup(path);
    if (folder && joined) {
        const size_t length = strlen(folder);
        memcpy(joined, folder, length);
        joined[length] = '/';
        memcpy(joined + length + 1, path, strlen(path) + 1);
    }
    free(folder);
    return joined;
}

static weft_status read_options(struct file_sink *sink, const struct weft_options_kv *options,
                                unsigned *compress)
{
    static const char *const compress_names[] = {"none", "gzip", NULL};
    static const char *const symlink_names[] = {"refuse", "follow", NULL};
    const char *path = NULL;
    unsigned follow = 0;
    sink->file.mode = 0640;
    sink->rotation.keep = KEEP_DEFAULT;
    const struct weftp_option rows[] = {
        {"path", WEFTP_OPTION_TEXT, &path, 0, 0, NULL, NULL},
        {"max_bytes", WEFTP_OPTION_BYTES, &sink->max_bytes, 0, INT64_MAX, NULL,
         "a size, as 64k or 10MiB; 0: never"},
        {"keep", WEFTP_OPTION_COUNT, &sink->rotation.keep, 1, WEFTP_ROTATE_KEEP_MAX, NULL,
         "a number from 1 to 1000000"},
        {"compress", WEFTP_OPTION_CHOICE, compress, 0, 0, compress_names, "gzip or none"},
        {"mode", WEFTP_OPTION_MODE, &sink->file.mode, 0, 0777, NULL, "octal permissions, as 0640"},
        {"symlink", WEFTP_OPTION_CHOICE, &follow, 0, 0, symlink_names, "follow or refuse"},
        {.accepted = "max_bytes, keep, compress, mode, symlink"},
    };
    const weft_status status = weftp_options_read(options, rows, &sink->file.error);
    sink->file.mode_exact = weftp_options_get(options, "mode") != NULL;
    sink->file.follow = follow == 1;
    sink->rotation.mode = sink->file.mode;
    return status;
}

static void file_close(void *self)
{
    struct file_sink *sink = self;
    if (!sink) return;
    weftp_compressor_destroy(sink->compressor, COMPRESS_AT_CLOSE_MS);
    weftp_logfile_close(&sink->file);
    weftp_rotation_deinit(&sink->rotation);
    free(sink->path);
    free(sink);
}

/* Everything that needs memory. */
static bool allocate(struct file_sink *sink, const char *path, bool compress)
{
    sink->path = absolute_path(path, sink->file.follow);
    if (!sink->path) return false;
    sink->file.path = sink->path;
    if (strchr(sink->path, '/') == NULL) return false;
    if (!weftp_rotation_init(&sink->rotation, sink->path)) return false;
    if (compress) sink->compressor = weftp_compressor_create(&sink->rotation);
    return !compress || sink->compressor;
}

static weft_status file_open(void **self, const struct weft_options_kv *options)
{
    unsigned compress = 0;
    const char *path = weftp_options_get(options, "path");
    if (!path || !*path) return WEFT_EINVAL;
    struct file_sink *sink = calloc(1, sizeof *sink);
    if (!sink) return WEFT_ENOMEM;
    sink->file.fd = -1;
    sink->file.torn_at = WEFTP_LOGFILE_WHOLE;
    sink->looked_ns = INT64_MIN;
    const weft_status status = read_options(sink, options, &compress);
    const struct weft_sink_error bad = sink->file.error;
    if (!allocate(sink, path, compress == 1)) {
        file_close(sink);
        return WEFT_ENOMEM;
    }
    (void)weftp_logfile_open(&sink->file);
    plan(sink);
    if (sink->compressor && weftp_compressor_needed(&sink->rotation)) start_compression(sink);
    if (status != WEFT_OK) sink->file.error = bad;
    *self = sink;
    return status;
}

static void file_explain(void *self, struct weft_sink_error *error)
{
    *error = ((struct file_sink *)self)->file.error;
}

static void file_forked(void *self)
{
    struct file_sink *sink = self;
    weftp_logfile_forked(&sink->file);
    if (sink->compressor) weftp_compressor_forked(sink->compressor);
    sink->looked_ns = INT64_MIN; /* look before the next line */
    sink->quick_max = 0;
}

const struct weft_sink_type_more weftp_sink_file = {
    .type =
        {
            .struct_size = sizeof(struct weft_sink_type_more),
            .name = "file",
            .open = file_open,
            .write = file_write,
            .close = file_close,
        },
    .explain = file_explain,
    .forked = file_forked,
};
