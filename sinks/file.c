#include "file.h"

#include "../src/port/lock.h"
#include "kit/appender_options.h"
#include "kit/options.h"
#include <errno.h>
#include <stdlib.h>

/* As many lines as go into the file as it is; the first always. */
static size_t fit(const struct weftp_live *live, const struct iovec *lines, size_t count)
{
    uint64_t size = live->file.size + lines->iov_len;
    size_t fitting = 1;
    while (fitting < count) {
        size += lines[fitting].iov_len;
        if (size > live->look_size) break;
        fitting++;
    }
    return fitting;
}

static size_t emit(struct weftp_appender *appender, const struct iovec *lines, size_t count,
                   int64_t time_ns)
{
    struct weftp_live *live = &appender->live;
    size_t done = 0;
    while (done < count) {
        if (!weftp_live_ready(live, time_ns, lines[done].iov_len)) break;
        const size_t wanted = fit(live, lines + done, count - done);
        const size_t taken = weftp_logfile_put(&live->file, lines + done, wanted);
        done += taken;
        if (taken < wanted) break;
    }
    return done;
}

/* Write one line at once; true: that is all there is to do, and *status says how it went. */
static bool write_quick(struct weftp_appender *file, const struct weft_line *line, size_t *written,
                        weft_status *status)
{
    file->dirty = true;
    *written = weftp_logfile_put_quick(&file->live.file, line->data, line->size);
    *status = *written == 1 ? WEFT_OK : WEFT_EIO;
    if (__builtin_expect(*written == 1, 1)) return true;
    weftp_live_settle(&file->live, false);
    /* Once more only where there is a way: a descriptor that was closed, a full disk. */
    return file->live.file.error.err != EBADF && file->live.on_full == WEFTP_FULL_DROP;
}

static weft_status file_write(void *self, const struct weft_line *lines, size_t count,
                              size_t *written)
{
    struct weftp_appender *file = self;
    weft_status status = WEFT_OK;
    if (count == 1) {
        *written = 1;
        if (weftp_appender_take_quick(file, lines)) return WEFT_OK;
        if (weftp_live_is_quick(&file->live, lines) && write_quick(file, lines, written, &status))
            return status;
    }
    const int cancel_state = weftp_cancel_disable();
    status = weftp_appender_write(file, lines, count, written);
    weftp_cancel_restore(cancel_state);
    return status;
}

static void file_close(void *self)
{
    struct weftp_appender *file = self;
    if (!file) return;
    weftp_appender_close(file);
    free(file);
}

static weft_status file_open(void **self, const struct weft_options_kv *options)
{
    unsigned level;
    const char *path = weftp_options_get(options, "path");
    if (!path || !*path) return WEFT_EINVAL;
    struct weftp_appender *file = calloc(1, sizeof *file);
    if (!file) return WEFT_ENOMEM;
    file->emit = emit;
    file->live.file.fd = -1;
    const weft_status status = weftp_appender_options(file, options, WEFTP_APPENDS_LINES, &level);
    const struct weft_sink_error bad = file->live.file.error;
    if (weftp_appender_open(file, path) != WEFT_OK) {
        file_close(file);
        return WEFT_ENOMEM;
    }
    if (status != WEFT_OK) file->live.file.error = bad;
    *self = file;
    return status;
}

const struct weft_sink_type_more weftp_sink_file = {
    .type =
        {
            .struct_size = sizeof(struct weft_sink_type_more),
            .name = "file",
            .open = file_open,
            .write = file_write,
            .flush = weftp_appender_flush,
            .close = file_close,
        },
    .explain = weftp_appender_explain,
    .forked = weftp_appender_forked,
    .reopen = weftp_appender_reopen,
    .pending_ms = weftp_appender_pending_ms,
    .tick = weftp_appender_tick,
    .held = weftp_appender_held,
    .keeps = weftp_appender_keeps,
    .guarded = true,
};
