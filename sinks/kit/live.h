/*
 * The live file of a sink that rotates: looked at once a second, rotated by size, age or period,
 * kept within the room that there is.
 *
 * Its job: that the file is the right one before something is appended. Not its job: lines and
 * buffers (appender.h), the file itself (logfile.h), names (rotate.h).
 * Threads: one at a time, cancellation disabled; forked: the child's only one.
 * May include: kit, port.
 *
 * Times are those of the lines; no clock is read. The file's age counts from its first line, where
 * this process wrote that; from what the file system says of a file that was there at the start;
 * and from the line at hand where another process made the file under another clock. A file
 * without lines is never rotated, and a clock that jumps back begins the age anew: so no clock
 * makes it rotate for ever.
 */
#ifndef WEFTP_SINKS_KIT_LIVE_H
#define WEFTP_SINKS_KIT_LIVE_H

#include "compress.h"
#include "due.h"
#include "logfile.h"
#include "rotate.h"
#include "space.h"

enum weftp_on_full { WEFTP_FULL_DROP, WEFTP_FULL_DELETE_OLDEST, WEFTP_FULL_STDERR };

struct weftp_live {
    /* Set these, and members of file, rotation and space, before open. */
    uint64_t max_bytes; /* 0: no rotation by size */
    int64_t max_age_ns; /* 0: none by age */
    unsigned on_full;   /* enum weftp_on_full */
    /* The rest is live.c's, to be read. */
    struct weftp_logfile file;
    struct weftp_rotation rotation;
    struct weftp_space space;
    uint64_t quick_max; /* size that the file may get without a look; 0: look before each line */
    uint64_t look_size; /* look at the file when it would grow beyond: others write it too */
    int64_t looked_ns;  /* time of the line for which the path was last looked at */
    uint64_t window_ns; /* for so long lines need no look: up to a second, less before a turn */
    int64_t born_ns;    /* when the first line came; INT64_MIN: no file was open yet */
    int64_t made_ns;    /* birth of the file that was there at the start, by the file system */
    dev_t born_dev;     /* the file that born_ns is of */
    ino_t born_ino;
    bool stay;    /* rotation failed: not again before the next look */
    bool no_more; /* nothing is left to be given up for room: not again before the next look */
    struct weftp_compressor *compressor; /* NULL: no compression */
    struct weft_sink_error noted;        /* a failure that cost no line; err 0: none */
    char *path;
};

/*
 * Take the path, make what is needed and open the file; a file that cannot be opened now is no
 * failure. The struct stays where it is until close. @retval WEFT_ENOMEM  close it.
 */
weft_status weftp_live_open(struct weftp_live *live, const char *path);
/*
 * Make the file ready for `size` bytes of a line of this time. False: they cannot be written now;
 * file.error says why.
 */
bool weftp_live_ready(struct weftp_live *live, int64_t time_ns, size_t size);
/*
 * When lines begin to need another file than one of first_ns, which may not be out yet; INT64_MAX:
 * never. And whether one does.
 */
int64_t weftp_live_turn_ns(const struct weftp_live *live, int64_t first_ns);
static inline bool weftp_live_turns(int64_t turn_ns, int64_t time_ns)
{
    return time_ns >= turn_ns && turn_ns != INT64_MAX;
}
/* The file is not what it should be: rotate it before the next line, whatever its size and age. */
void weftp_live_rotate(struct weftp_live *live, int64_t time_ns);
/* No room, says file.error: give up one rotated file. True: try again. */
bool weftp_live_make_room(struct weftp_live *live);
/* After lines: decide anew how far the next may go in the quick way. */
void weftp_live_settle(struct weftp_live *live, bool allowed);
/* Remember a failure that cost no line, unless err is 0. */
void weftp_live_note(struct weftp_live *live, int err, const char *what);
/* Look before the next line. */
void weftp_live_reopen(struct weftp_live *live);
void weftp_live_forked(struct weftp_live *live);
/* Takes one that was not opened, all zero but for file.fd = -1. */
void weftp_live_close(struct weftp_live *live);

/* Whether one line may go out in the quick way. */
static inline bool weftp_live_is_quick(const struct weftp_live *live, const struct weft_line *line)
{
    return live->file.size + line->size <= live->quick_max &&
           !weftp_due_within(line->time_ns, live->looked_ns, live->window_ns);
}

#endif
