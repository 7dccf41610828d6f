/*
 * The set of rotated files: names, and one listing that rotation, trimming and compression share.
 *
 *   numbers   app.log.1 (the newest)  app.log.2.gz  app.log.3.zst
 *   dates     app.log.2026-11-22  app.log.2026-11-22.1  app.log.2026-11-22T13.gz
 *             …T1305 …T130501: UTC, as exact as the period; .N tells apart what has the same date
 *   with ext  app.log.1.gz of the live file app.log.gz: never compressed again
 *
 * Its job: names to text and back, which of them are there, whose they are. Not its job: moving and
 * removing (rotate.h).
 * Threads: any; nothing here is changed but what the caller owns. Signals: unsafe (allocates).
 * May include: base, port.
 *
 * Ours is only a regular file with one link that belongs to the effective user and whose name is
 * exactly one that weft writes. Files of the other kind of names are not in the set.
 */
#ifndef WEFTP_SINKS_KIT_ROTATED_H
#define WEFTP_SINKS_KIT_ROTATED_H

#include "codec.h"
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#define WEFTP_ROTATED_MAX        2000000 /* names of one set: plain and compressed ones */
#define WEFTP_ROTATED_NUMBER_MAX 999999999
#define WEFTP_ROTATED_DATE_MAX   17 /* 2026-11-22T130501 */

/* What a rotated file is called after. */
enum weftp_rotated_names {
    WEFTP_NAMES_NUMBER, /* app.log.1 is the newest */
    WEFTP_NAMES_DATE /* app.log.2026-11-22T13: the UTC time at which its first line was written */
};

/* Wall-clock periods, UTC: a file holds lines of one. Dated names are as exact as the period. */
enum weftp_period { WEFTP_PERIOD_NONE, WEFTP_PERIOD_MINUTE, WEFTP_PERIOD_HOUR, WEFTP_PERIOD_DAY };

/* What rotation is told; see rotate.h. */
struct weftp_rotation {
    char *dir; /* owned */
    /* The live file's name in it, borrowed from the path. Where it ends in `ext`, that is cut. */
    const char *base;
    const char *
        ext; /* ".gz" where the live file is compressed itself (app.log.gz, app.log.1.gz), else "" */
    bool follow;         /* the directory may be a symbolic link */
    unsigned mode;       /* of the lock file */
    unsigned names;      /* enum weftp_rotated_names */
    unsigned period;     /* enum weftp_period */
    uint32_t keep;       /* rotated files that are left at most */
    uint64_t keep_bytes; /* that they may have on the disk in all; 0: any */
    uint64_t keep_age_s; /* seconds since the last change; 0: for ever */
    unsigned codec;      /* enum weftp_codec */
    int codec_level;     /* 0: the codec's default */
    uint32_t delay;      /* so many of the newest rotated files stay plain */
};

struct weftp_rotated_name {
    char text[NAME_MAX + 1];
};

/* A name, taken apart. Two of one file, plain and compressed, differ in the codec alone. */
struct weftp_rotated {
    char date[WEFTP_ROTATED_DATE_MAX + 1]; /* "" where numbers are the names */
    uint8_t codec;                         /* enum weftp_codec, by its suffix; NONE with `ext` */
    uint32_t number;                       /* 1 is the newest; of a date: 0 none, the highest is */
};

/* Newest first; of one file: plain, then compressed. */
struct weftp_rotated_list {
    struct weftp_rotated *items;
    size_t count, capacity;
};

/* "app.log". 0 or ENAMETOOLONG, as all that write a name. */
int weftp_rotated_live(const struct weftp_rotation *rotation, struct weftp_rotated_name *name);
/* ".app.log" and the suffix: names that tailers pass over. */
int weftp_rotated_hidden(const struct weftp_rotation *rotation, struct weftp_rotated_name *name,
                         const char *suffix);
int weftp_rotated_text(const struct weftp_rotation *rotation, const struct weftp_rotated *rotated,
                       struct weftp_rotated_name *name);
/* The date that a file whose first line is of this time has in its name; no number. */
void weftp_rotated_at(const struct weftp_rotation *rotation, int64_t born_ns,
                      struct weftp_rotated *rotated);
/* Take a name apart. False: it is none of the set's. Any text. */
bool weftp_rotated_parse(const struct weftp_rotation *rotation, const char *name,
                         struct weftp_rotated *rotated);
/*
 * Negative: a is newer. Dates of another exactness count from their beginning: 2026-11-22 is older
 * than 2026-11-22T00.
 */
int weftp_rotated_compare(const struct weftp_rotated *a, const struct weftp_rotated *b);
/* Whether two names differ in the codec at most. */
bool weftp_rotated_same(const struct weftp_rotated *a, const struct weftp_rotated *b);

/*
 * All names of the set in the directory, ours or not. *list is overwritten; free it on success.
 * Costs one pass over the directory and 24 bytes a name, no stat. Returns 0 or an errno: ENOMEM,
 * EOVERFLOW where there are more than WEFTP_ROTATED_MAX.
 */
int weftp_rotated_list(const struct weftp_rotation *rotation, int dir,
                       struct weftp_rotated_list *list);
void weftp_rotated_free(struct weftp_rotated_list *list);

enum weftp_rotated_kind { WEFTP_ROTATED_NONE, WEFTP_ROTATED_OURS, WEFTP_ROTATED_FOREIGN };
/* Whose a file is of which this was found. */
enum weftp_rotated_kind weftp_rotated_owner(const struct stat *found);
/* What a name in the directory is. *found: of one of ours; may be NULL. */
enum weftp_rotated_kind weftp_rotated_kind(int dir, const char *name, struct stat *found);

#endif
