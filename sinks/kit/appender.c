#include "appender.h"

#include "../../src/port/io.h"
#include <errno.h>
#include <unistd.h>

#define GATHER_MAX 256 /* lines that go out together at most */

/* A failure that cost no line is told once. */
static weft_status tell_noted(struct weftp_appender *appender, weft_status status)
{
    struct weftp_live *live = &appender->live;
    if (status == WEFT_OK && live->noted.err != 0) {
        status = WEFT_EIO;
        live->file.error = live->noted;
    }
    live->noted.err = 0;
    return status;
}

/* ---- sync ---- */

static void sync_now(struct weftp_appender *appender)
{
    struct weftp_live *live = &appender->live;
    int result;
    do {
        result = weftp_io.fdatasync(live->file.fd);
    } while (result != 0 && errno == EINTR);
    /* What cannot be synced at all, as a device, is no trouble. */
    appender->sync_err = result == 0 || errno == EINVAL || errno == EROFS ? 0 : errno;
    appender->dirty = false;
    weftp_live_note(live, appender->sync_err, "fsync");
}

/*
 * Lines went out. A sync that failed is tried again once a second; the lines in between are not
 * safe either, and that is told.
 */
static void sync_lines(struct weftp_appender *appender, int64_t time_ns)
{
    appender->dirty = true;
    if (appender->fsync != WEFTP_FSYNC_EVERY) return;
    if (appender->sync_err != 0 && !weftp_due(time_ns, appender->sync_failed_ns)) {
        weftp_live_note(&appender->live, appender->sync_err, "fsync");
        return;
    }
    sync_now(appender);
    if (appender->sync_err != 0) appender->sync_failed_ns = time_ns;
}

/* ---- out ---- */

/* Whether what failed may go better now: the program closed the descriptor, or there is room. */
static bool mend(struct weftp_appender *appender, unsigned *reopenings)
{
    if (appender->live.file.error.err == EBADF && ++*reopenings == 1) {
        weftp_live_reopen(&appender->live);
        return true;
    }
    return weftp_live_make_room(&appender->live);
}

/* Emit, by all means that there are. Returns how many lines went out. */
static size_t emit(struct weftp_appender *appender, const struct iovec *lines, size_t count,
                   int64_t time_ns)
{
    size_t done = 0;
    unsigned reopenings = 0;
    do {
        done += appender->emit(appender, lines + done, count - done, time_ns);
    } while (done < count && mend(appender, &reopenings));
    if (done > 0) sync_lines(appender, time_ns);
    return done;
}

static bool put_aside(struct weftp_appender *appender, const struct weft_line *line)
{
    if (appender->live.on_full != WEFTP_FULL_STDERR) return false;
    const struct weft_sink_error why = appender->live.file.error;
    if (weftp_stream_put(&appender->fallback, line) != WEFT_OK) return false;
    weftp_live_note(&appender->live, why.err, why.what);
    return true;
}

/* What the file did not take. */
static void put_batch_aside(struct weftp_appender *appender)
{
    struct weftp_batch *batch = &appender->batch;
    size_t done = 0;
    for (; done < batch->count; done++) {
        const struct iovec *part = &batch->lines[done];
        const struct weft_line line = {
            .data = part->iov_base, .size = part->iov_len, .time_ns = batch->first_ns};
        if (!put_aside(appender, &line)) break;
    }
    weftp_batch_remove(batch, done);
}

static weft_status empty_batch(struct weftp_appender *appender)
{
    struct weftp_batch *batch = &appender->batch;
    appender->turn_ns = INT64_MIN;
    if (batch->count == 0) return WEFT_OK;
    weftp_batch_remove(batch, emit(appender, batch->lines, batch->count, batch->first_ns));
    if (batch->count > 0) put_batch_aside(appender);
    return batch->count == 0 ? WEFT_OK : WEFT_EIO;
}

/* ---- in ---- */

/* As many lines as go out in one call: of one period, and only so many if they have gaps. */
static size_t gather(const struct weftp_appender *appender, const struct weft_line *lines,
                     size_t count, struct iovec *parts)
{
    const int64_t turn_ns = weftp_live_turn_ns(&appender->live, lines->time_ns);
    const char *end = lines->data;
    size_t taken = 0, most = count < GATHER_MAX ? count : GATHER_MAX;
    for (const struct weft_line *line = lines; taken < most; line++) {
        if (weftp_live_turns(turn_ns, line->time_ns) && taken > 0) break;
        if (line->data != end && most > WEFTP_LOGFILE_PARTS_MAX) {
            if (taken >= WEFTP_LOGFILE_PARTS_MAX) break;
            most = WEFTP_LOGFILE_PARTS_MAX;
        }
        end = line->data + line->size;
        /* writev(2) takes no const; it only reads. */
        parts[taken++] = (struct iovec){(void *)(uintptr_t)line->data, line->size};
    }
    return taken;
}

static weft_status write_at_once(struct weftp_appender *appender, const struct weft_line *lines,
                                 size_t count, size_t *written)
{
    while (*written < count) {
        struct iovec parts[GATHER_MAX];
        const struct weft_line *next = &lines[*written];
        const size_t wanted = gather(appender, next, count - *written, parts);
        const size_t taken = emit(appender, parts, wanted, next->time_ns);
        *written += taken;
        if (taken == wanted) continue;
        if (!put_aside(appender, next + taken)) return WEFT_EIO;
        ++*written;
    }
    return WEFT_OK;
}

bool weftp_appender_take_quick(struct weftp_appender *appender, const struct weft_line *line)
{
    struct weftp_batch *batch = &appender->batch;
    if (line->time_ns >= appender->turn_ns || !weftp_batch_fits(batch, line->size) ||
        line->level >= WEFT_LEVEL_FATAL || appender->live.noted.err != 0)
        return false;
    weftp_batch_add(batch, line->data, line->size, line->time_ns);
    return true;
}

/* Take one line into the batch, for which another may have to go out. */
static bool take(struct weftp_appender *appender, const struct weft_line *line)
{
    struct weftp_batch *batch = &appender->batch;
    const bool turns =
        batch->count > 0 &&
        weftp_live_turns(weftp_live_turn_ns(&appender->live, batch->first_ns), line->time_ns);
    if (turns || !weftp_batch_fits(batch, line->size)) (void)empty_batch(appender);
    /* Two periods in one batch end in one file: only where the older lines are stuck. */
    if (weftp_batch_fits(batch, line->size)) {
        weftp_batch_add(batch, line->data, line->size, line->time_ns);
        appender->turn_ns = weftp_live_turn_ns(&appender->live, batch->first_ns);
        return true;
    }
    const struct iovec part = {(void *)(uintptr_t)line->data, line->size};
    return batch->count == 0 && emit(appender, &part, 1, line->time_ns) == 1;
}

static weft_status write_to_batch(struct weftp_appender *appender, const struct weft_line *lines,
                                  size_t count, size_t *written)
{
    weft_status status = WEFT_OK;
    for (; *written < count; ++*written) {
        const struct weft_line *line = &lines[*written];
        if (!take(appender, line) && !put_aside(appender, line)) return WEFT_EIO;
        if (line->level >= WEFT_LEVEL_FATAL) status = empty_batch(appender);
    }
    return status;
}

weft_status weftp_appender_write(void *self, const struct weft_line *lines, size_t count,
                                 size_t *written)
{
    struct weftp_appender *appender = self;
    const bool at_once = appender->batch.capacity == 0;
    *written = 0;
    const weft_status status = at_once ? write_at_once(appender, lines, count, written)
                                       : write_to_batch(appender, lines, count, written);
    weftp_live_settle(&appender->live, at_once && appender->fsync != WEFTP_FSYNC_EVERY);
    return tell_noted(appender, status);
}

weft_status weftp_appender_flush(void *self, uint32_t timeout_ms)
{
    struct weftp_appender *appender = self;
    weft_status status = empty_batch(appender);
    if (appender->live.on_full == WEFTP_FULL_STDERR &&
        weftp_stream_flush(&appender->fallback, timeout_ms) != WEFT_OK && status == WEFT_OK)
        status = WEFT_ETIMEOUT;
    if (appender->dirty && appender->fsync == WEFTP_FSYNC_INTERVAL && appender->live.file.fd >= 0)
        sync_now(appender);
    return tell_noted(appender, status);
}

weft_status weftp_appender_tick(void *self)
{
    return weftp_appender_flush(self, 0);
}

uint32_t weftp_appender_pending_ms(void *self)
{
    const struct weftp_appender *appender = self;
    const bool waits =
        appender->batch.count > 0 || (appender->dirty && appender->fsync == WEFTP_FSYNC_INTERVAL);
    return waits ? appender->interval_ms : 0;
}

uint64_t weftp_appender_held(void *self)
{
    return ((const struct weftp_appender *)self)->batch.count;
}

bool weftp_appender_keeps(void *self)
{
    return ((const struct weftp_appender *)self)->batch.capacity > 0;
}

void weftp_appender_explain(void *self, struct weft_sink_error *error)
{
    *error = ((const struct weftp_appender *)self)->live.file.error;
}

void weftp_appender_reopen(void *self)
{
    weftp_live_reopen(&((struct weftp_appender *)self)->live);
}

/* ---- life ---- */

weft_status weftp_appender_open(struct weftp_appender *appender, const char *path)
{
    appender->turn_ns = INT64_MIN;
    if (appender->live.on_full == WEFTP_FULL_STDERR)
        weftp_stream_init(&appender->fallback, STDERR_FILENO);
    if (appender->buffer_bytes > 0 && !weftp_batch_init(&appender->batch, appender->buffer_bytes))
        return WEFT_ENOMEM;
    return weftp_live_open(&appender->live, path);
}

void weftp_appender_forked(void *self)
{
    struct weftp_appender *appender = self;
    appender->batch.count = appender->batch.size = 0;
    appender->turn_ns = INT64_MIN;
    appender->dirty = false;
    weftp_live_forked(&appender->live);
    if (appender->live.on_full == WEFTP_FULL_STDERR) weftp_stream_forked(&appender->fallback);
}

void weftp_appender_close(struct weftp_appender *appender)
{
    if (appender->live.on_full == WEFTP_FULL_STDERR) weftp_stream_deinit(&appender->fallback);
    weftp_batch_deinit(&appender->batch);
    weftp_live_close(&appender->live);
}
