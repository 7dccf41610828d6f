/*
 * Lines on their way into a live file: at once, or in batches; synced, or given to stderr while the
 * file cannot take them.
 *
 * Its job: what file: and gzip: have in common. Not its job: in what form lines are appended (the
 * sink's `emit`), and to which file (live.h).
 * Threads: as the sink contract says.
 * May include: kit, port, public sink header.
 *
 * A batch goes out when it is full, at each tick, at a flush, for a FATAL line, and before the
 * first line that needs another file. One that cannot go out stays, and new lines are refused when
 * there is no room left for them: what was taken is never given up but by close.
 */
#ifndef WEFTP_SINKS_KIT_APPENDER_H
#define WEFTP_SINKS_KIT_APPENDER_H

#include "batch.h"
#include "live.h"
#include "stream.h"

enum weftp_fsync { WEFTP_FSYNC_NEVER, WEFTP_FSYNC_INTERVAL, WEFTP_FSYNC_EVERY };

struct weftp_appender {
    /* Set these before open. */
    unsigned fsync; /* enum weftp_fsync */
    uint32_t interval_ms;
    size_t buffer_bytes; /* 0: lines go out at once */
    /*
     * Append lines of one period, in order; returns how many are in the file, file.error says why
     * not all. Lines that are not contiguous are at most WEFTP_LOGFILE_PARTS_MAX.
     */
    size_t (*emit)(struct weftp_appender *appender, const struct iovec *lines, size_t count,
                   int64_t time_ns);
    /* The rest is appender.c's. */
    struct weftp_live live;
    struct weftp_batch batch;
    int64_t turn_ns; /* lines before that time go into the batch that there is; INT64_MIN: none */
    struct weftp_stream fallback; /* where on_full says so */
    bool dirty;                   /* something is not synced */
    int sync_err;                 /* of the last sync */
    int64_t sync_failed_ns;       /* time of the line that it failed for */
};

/* As live.h's. On failure, close it. */
weft_status weftp_appender_open(struct weftp_appender *appender, const char *path);
/*
 * For the sink's table of functions: `self` is an appender, or begins with one. The child of a fork
 * forgets what the parent has yet to write.
 */
weft_status weftp_appender_write(void *self, const struct weft_line *lines, size_t count,
                                 size_t *written);
/*
 * Take one line into the batch where nothing else is to be done; false: weftp_appender_write knows
 * what. Cancellation need not be disabled.
 */
bool weftp_appender_take_quick(struct weftp_appender *appender, const struct weft_line *line);
weft_status weftp_appender_flush(void *self, uint32_t timeout_ms);
weft_status weftp_appender_tick(void *self);
uint32_t weftp_appender_pending_ms(void *self);
uint64_t weftp_appender_held(void *self);
bool weftp_appender_keeps(void *self);
void weftp_appender_explain(void *self, struct weft_sink_error *error);
void weftp_appender_reopen(void *self);
void weftp_appender_forked(void *self);
/* What was not flushed is lost. The memory of the struct itself stays. */
void weftp_appender_close(struct weftp_appender *appender);

#endif
