#include "gzip.h"

#include "kit/appender_options.h"
#include "kit/memberfile.h"
#include "kit/options.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct gzip_sink {
    struct weftp_appender appender; /* first: the table's functions take it */
    struct weftp_member member;
    struct weftp_memberfile members;
};

static size_t emit(struct weftp_appender *appender, const struct iovec *lines, size_t count,
                   int64_t time_ns)
{
    struct gzip_sink *sink = (struct gzip_sink *)appender;
    struct weftp_live *live = &appender->live;
    int err = weftp_member_build(&sink->member, lines, count);
    if (err != 0) {
        live->file.error = (struct weft_sink_error){.err = err, .what = "compress"};
        return 0;
    }
    for (unsigned tries = 0; tries < 2; tries++) {
        if (!weftp_live_ready(live, time_ns, sink->member.size)) return 0;
        err = weftp_memberfile_append(&sink->members, &live->file, &sink->member);
        if (err != EBADMSG) break;
        /* What is there was not written by weft: it stays, under another name. */
        weftp_live_rotate(live, time_ns);
    }
    return err == 0 ? count : 0;
}

static void gzip_close(void *self)
{
    struct gzip_sink *sink = self;
    if (!sink) return;
    weftp_memberfile_deinit(&sink->members);
    weftp_member_deinit(&sink->member);
    weftp_appender_close(&sink->appender);
    free(sink);
}

static weft_status open_parts(struct gzip_sink *sink, const char *path, int level)
{
    struct weftp_live *live = &sink->appender.live;
    const size_t length = strlen(path);
    if (length > 3 && strcmp(path + length - 3, ".gz") == 0 && path[length - 4] != '/')
        live->rotation.ext = ".gz";
    live->file.binary = true;
    if (weftp_appender_open(&sink->appender, path) != WEFT_OK ||
        !weftp_member_init(&sink->member, level) ||
        !weftp_memberfile_init(&sink->members, &live->file, level))
        return WEFT_ENOMEM;
    /* What cannot be mended now is told of by the first write. */
    (void)weftp_memberfile_mend(&sink->members, &live->file);
    return WEFT_OK;
}

static weft_status gzip_open(void **self, const struct weft_options_kv *options)
{
    unsigned level = 0;
    const char *path = weftp_options_get(options, "path");
    if (!path || !*path) return WEFT_EINVAL;
    struct gzip_sink *sink = calloc(1, sizeof *sink);
    if (!sink) return WEFT_ENOMEM;
    sink->appender.emit = emit;
    sink->appender.live.file.fd = -1;
    const weft_status status =
        weftp_appender_options(&sink->appender, options, WEFTP_APPENDS_GZIP, &level);
    const struct weft_sink_error bad = sink->appender.live.file.error;
    if (open_parts(sink, path, (int)level) != WEFT_OK) {
        gzip_close(sink);
        return WEFT_ENOMEM;
    }
    if (status != WEFT_OK) sink->appender.live.file.error = bad;
    *self = sink;
    return status;
}

static void gzip_forked(void *self)
{
    struct gzip_sink *sink = self;
    weftp_appender_forked(self);
    weftp_memberfile_forked(&sink->members);
}

const struct weft_sink_type_more weftp_sink_gzip = {
    .type =
        {
            .struct_size = sizeof(struct weft_sink_type_more),
            .name = "gzip",
            .open = gzip_open,
            .write = weftp_appender_write,
            .flush = weftp_appender_flush,
            .close = gzip_close,
        },
    .explain = weftp_appender_explain,
    .forked = gzip_forked,
    .reopen = weftp_appender_reopen,
    .pending_ms = weftp_appender_pending_ms,
    .tick = weftp_appender_tick,
    .held = weftp_appender_held,
    .keeps = weftp_appender_keeps,
};
