#include "live.h"

#include "../../src/port/io.h"
#include "../../src/port/lock.h"
#include "path.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_BYTES_MAX       (UINT64_C(1) << 20)
#define COMPRESS_AT_CLOSE_MS 1000
#define SECOND_NS            INT64_C(1000000000)
#define BACK_NS_MAX                                                                                \
    SECOND_NS /* lines of several threads come out of order; clocks that jump, more */
#define LOCK_TIMEOUT_MS 250

void weftp_live_note(struct weftp_live *live, int err, const char *what)
{
    if (err != 0) live->noted = (struct weft_sink_error){.err = err, .what = what};
}

/* ---- age ---- */

static int64_t period_ns(const struct weftp_live *live)
{
    static const int64_t lengths_ns[] = {0, 60 * SECOND_NS, 3600 * SECOND_NS, 86400 * SECOND_NS};
    return lengths_ns[live->rotation.period];
}

/* When a file whose first line is of born_ns has to make room for another; INT64_MAX: never. */
static int64_t turn_ns(const struct weftp_live *live, int64_t born_ns)
{
    const int64_t period = period_ns(live);
    int64_t turn = INT64_MAX, end;
    if (live->max_age_ns > 0 && !__builtin_add_overflow(born_ns, live->max_age_ns, &end))
        turn = end;
    if (period > 0 && born_ns >= 0 && born_ns < INT64_MAX - period) {
        end = (born_ns / period + 1) * period;
        if (end < turn) turn = end;
    }
    return turn;
}

static bool is_over(const struct weftp_live *live, int64_t born_ns, int64_t time_ns)
{
    return weftp_live_turns(turn_ns(live, born_ns), time_ns);
}

int64_t weftp_live_turn_ns(const struct weftp_live *live, int64_t first_ns)
{
    const bool empty = live->file.size == 0 || live->born_ns == INT64_MIN;
    return live->file.regular ? turn_ns(live, empty ? first_ns : live->born_ns) : INT64_MAX;
}

/* Whether a file of that birth can be the one that lines of this time go to. */
static bool is_current(const struct weftp_live *live, int64_t born_ns, int64_t time_ns)
{
    return born_ns <= time_ns && !is_over(live, born_ns, time_ns);
}

/* Another file is open: how old is it? */
static void adopt(struct weftp_live *live, int64_t time_ns)
{
    struct weftp_logfile *file = &live->file;
    int64_t made_ns;
    weftp_live_note(live, file->aside.err, file->aside.what);
    file->fresh = false;
    file->aside.err = 0;
    weftp_space_anew(&live->space, file->size);
    if (live->born_ns != INT64_MIN && file->dev == live->born_dev && file->ino == live->born_ino)
        return; /* the same after a fork */
    if (file->size > 0 && live->born_ns == INT64_MIN)
        live->born_ns = live->made_ns;
    else if (file->size > 0 && weftp_io_birth_ns(file->fd, &made_ns) &&
             is_current(live, made_ns, time_ns))
        live->born_ns = made_ns;
    else
        live->born_ns = time_ns;
    live->born_dev = file->dev;
    live->born_ino = file->ino;
}

/* Birth of a file that was there at the start. */
static int64_t birth_at_start(int fd)
{
    int64_t made_ns;
    struct stat found;
    if (weftp_io_birth_ns(fd, &made_ns)) return made_ns;
    if (fstat(fd, &found) != 0) return INT64_MAX;
    const int64_t modified_ns = found.st_mtim.tv_sec * SECOND_NS + found.st_mtim.tv_nsec;
    const int64_t changed_ns = found.st_ctim.tv_sec * SECOND_NS + found.st_ctim.tv_nsec;
    return modified_ns < changed_ns ? modified_ns : changed_ns;
}

/* ---- the look ---- */

/*
 * Decide how far the next lines may go without a look: two compares then cover all that could be in
 * the way.
 */
static void plan(struct weftp_live *live)
{
    const struct weftp_logfile *file = &live->file;
    const struct weftp_space *space = &live->space;
    uint64_t step = live->max_bytes / 16;
    if (step > LOOK_BYTES_MAX) step = LOOK_BYTES_MAX;
    live->look_size = space->end;
    live->window_ns = WEFTP_DUE_INTERVAL_NS;
    if (space->reserve_chunk > 0 && !space->no_reserve && space->reserved_end < live->look_size)
        live->look_size = space->reserved_end;
    if (!file->regular || live->stay) return;
    if (live->max_bytes > 0) {
        uint64_t size = file->size + step;
        if (size > live->max_bytes) size = live->max_bytes;
        if (size < live->look_size) live->look_size = size;
    }
    const int64_t turn = turn_ns(live, live->born_ns);
    if (turn <= live->looked_ns)
        live->window_ns = 0;
    else if ((uint64_t)turn - (uint64_t)live->looked_ns < live->window_ns)
        live->window_ns = (uint64_t)turn - (uint64_t)live->looked_ns;
}

void weftp_live_settle(struct weftp_live *live, bool allowed)
{
    const struct weftp_logfile *file = &live->file;
    if (file->error.err == EBADF)
        live->looked_ns = INT64_MIN; /* the program closed it: look before the next line */
    const bool quick = allowed && file->fd >= 0 && !file->limited && !file->inherited &&
                       file->torn_at == WEFTP_LOGFILE_WHOLE && live->noted.err == 0;
    live->quick_max = quick ? live->look_size : 0;
}

static void start_compression(struct weftp_live *live)
{
    if (live->compressor)
        weftp_live_note(live, weftp_compressor_kick(live->compressor), "compress");
}

/*
 * Look at the path, at most once a second and before a write that others may have made too large.
 */
static void look(struct weftp_live *live, int64_t time_ns)
{
    struct weftp_logfile *file = &live->file;
    const bool is_new = file->fd < 0;
    const int err = is_new ? weftp_logfile_open(file) : weftp_logfile_check(file);
    if (file->fd >= 0) weftp_live_note(live, err, "reopen");
    if (file->fresh) {
        if (is_new && live->born_ns == INT64_MIN && live->made_ns == INT64_MAX)
            live->made_ns = birth_at_start(file->fd);
        adopt(live, time_ns);
    }
    if (weftp_due(time_ns, live->looked_ns)) {
        live->stay = live->no_more = false;
        if (live->compressor)
            weftp_live_note(live, weftp_compressor_error(live->compressor), "compress");
    }
    live->looked_ns = time_ns;
    if (err != 0) live->stay = true; /* it is not in its place: nothing to be moved */
    if (file->fd < 0) return;
    if (file->size == 0 || time_ns < live->born_ns - BACK_NS_MAX) live->born_ns = time_ns;
    weftp_space_look(&live->space, file->fd, file->size);
    plan(live);
}

void weftp_live_rotate(struct weftp_live *live, int64_t time_ns)
{
    bool rotated = false;
    const struct weftp_rotation_live old = {
        .dev = live->file.dev, .ino = live->file.ino, .born_ns = live->born_ns, .now_ns = time_ns};
    int err = weftp_rotation_run(&live->rotation, &old, &rotated);
    weftp_live_note(live, err, rotated ? "trim" : "rotate");
    if (err == 0 || rotated) {
        err = weftp_logfile_open(&live->file);
        weftp_live_note(live, err, "reopen");
    }
    if (live->file.fresh) {
        adopt(live, time_ns);
        weftp_space_look(&live->space, live->file.fd, live->file.size);
    }
    live->stay = err != 0;
    if (rotated) start_compression(live);
    plan(live);
}

static bool wants_rotation(const struct weftp_live *live, int64_t time_ns, size_t size)
{
    const struct weftp_logfile *file = &live->file;
    if (!file->regular || live->stay || file->size == 0) return false;
    return (live->max_bytes > 0 && file->size + size > live->max_bytes) ||
           is_over(live, live->born_ns, time_ns);
}

/* The file is the right one: is there room for it on the disk? */
static bool has_room(struct weftp_live *live, size_t size)
{
    struct weftp_logfile *file = &live->file;
    struct weftp_space *space = &live->space;
    if (!file->regular) return true;
    if (file->size + size > space->full_end) {
        space->refused = true;
        file->error = (struct weft_sink_error){.err = ENOSPC, .what = "min_free"};
        return false;
    }
    if (space->reserve_chunk > 0 && file->size + size > space->reserved_end) {
        if (weftp_space_reserve(space, file->fd, file->size, live->max_bytes))
            file->reserved = true;
        plan(live);
    }
    return true;
}

bool weftp_live_ready(struct weftp_live *live, int64_t time_ns, size_t size)
{
    struct weftp_logfile *file = &live->file;
    const bool due = weftp_due_within(time_ns, live->looked_ns, live->window_ns);
    if (due) look(live, time_ns);
    if (file->fd < 0) return false;
    if (file->size + size > live->look_size && !live->space.refused && !due) look(live, time_ns);
    if (file->fd < 0) return false;
    if (wants_rotation(live, time_ns, size)) weftp_live_rotate(live, time_ns);
    return file->fd >= 0 && has_room(live, size);
}

bool weftp_live_make_room(struct weftp_live *live)
{
    const int why = live->file.error.err;
    bool removed = false;
    if (live->on_full != WEFTP_FULL_DELETE_OLDEST || live->no_more) return false;
    if (why != ENOSPC && why != EDQUOT) return false;
    const struct weft_sink_error error = live->file.error;
    const int err = weftp_rotation_remove_oldest(&live->rotation, &removed);
    weftp_live_note(live, err, "delete_oldest");
    live->file.error = error;
    live->no_more = !removed;
    if (removed && live->file.fd >= 0)
        weftp_space_look(&live->space, live->file.fd, live->file.size);
    plan(live);
    return removed;
}

void weftp_live_reopen(struct weftp_live *live)
{
    live->looked_ns = INT64_MIN;
    live->quick_max = 0;
}

/* ---- life ---- */

/* Everything that needs memory. */
static bool allocate(struct weftp_live *live, const char *path)
{
    live->path = weftp_path_resolve(path, live->file.follow);
    if (!live->path) return false;
    live->file.path = live->path;
    if (!weftp_rotation_init(&live->rotation, live->path)) return false;
    live->file.dir = live->rotation.dir;
    if (live->rotation.codec != WEFTP_CODEC_NONE)
        live->compressor = weftp_compressor_create(&live->rotation);
    return live->rotation.codec == WEFTP_CODEC_NONE || live->compressor;
}

static bool rotates(const struct weftp_live *live)
{
    return live->max_bytes > 0 || live->max_age_ns > 0 ||
           live->rotation.period != WEFTP_PERIOD_NONE;
}

/* The lock file has the group of the others, and the permissions that were asked for. */
static void adorn_lock(struct weftp_live *live)
{
    const struct weftp_logfile *file = &live->file;
    struct weftp_rotation_lock lock;
    struct stat found;
    int err = weftp_rotation_lock(&live->rotation, &lock, LOCK_TIMEOUT_MS);
    if (err == 0 && fstat(lock.lock, &found) == 0 && found.st_nlink == 1) {
        if (file->has_group && weftp_io.fchown(lock.lock, (uid_t)-1, file->group) != 0) err = errno;
        if (file->mode_exact) (void)fchmod(lock.lock, (mode_t)file->mode);
    }
    weftp_rotation_unlock(&lock);
    weftp_live_note(live, err, "group");
}

weft_status weftp_live_open(struct weftp_live *live, const char *path)
{
    live->looked_ns = live->born_ns = INT64_MIN;
    live->made_ns = INT64_MAX;
    live->file.torn_at = WEFTP_LOGFILE_WHOLE;
    live->space.end = live->space.full_end = UINT64_MAX;
    if (!allocate(live, path)) return WEFT_ENOMEM;
    (void)weftp_logfile_open(&live->file);
    if (live->file.fd >= 0) live->made_ns = birth_at_start(live->file.fd);
    if (live->file.fd >= 0 && live->file.regular && rotates(live)) {
        if (live->file.has_group || live->file.mode_exact) adorn_lock(live);
        weftp_live_note(live, weftp_rotation_trim(&live->rotation, weftp_realtime_ns()), "trim");
    }
    plan(live);
    if (live->compressor && weftp_compressor_needed(&live->rotation)) start_compression(live);
    return WEFT_OK;
}

void weftp_live_forked(struct weftp_live *live)
{
    weftp_logfile_forked(&live->file);
    if (live->compressor) weftp_compressor_forked(live->compressor);
    weftp_live_reopen(live);
}

void weftp_live_close(struct weftp_live *live)
{
    weftp_compressor_destroy(live->compressor, COMPRESS_AT_CLOSE_MS);
    weftp_logfile_close(&live->file);
    weftp_rotation_deinit(&live->rotation);
    free(live->path);
}
