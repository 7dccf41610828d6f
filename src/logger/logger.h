/*
 * The tree of loggers: names, levels, gates, bound fields. The public face is include/weft/logger.h.
 *
 * Its job: which logger has which level in force, and its bound fields. Not its job: what a record looks like.
 *
 *   function            | by
 *   --------------------|---------------------------------------------------------------
 *   all but the inlines | any thread; they lock
 *   the inlines         | any thread, also in a signal handler
 *
 * Named loggers lie in mapped memory that is never given back: a pointer to one may be used until the very end of the
 * process. May include: record, base, port, public headers.
 */
#ifndef WEFTP_LOGGER_LOGGER_H
#define WEFTP_LOGGER_LOGGER_H

#include "../record/pair.h"
#include <weft/logger.h>

#define WEFTP_LOGGERS_MAX          65536
#define WEFTP_LOGGER_NAME_SIZE_MAX 255 /* bytes */

struct weftp_logger {
    weft_logger face; /* first: the public pointer is a pointer to this */
    int level;        /* in force; read and written with relaxed atomics */
    int own_level;    /* set by the program for exactly this name; WEFT_LEVEL_INHERIT: not set */
    uint32_t name_hash;
    uint16_t name_size;
    bool child; /* made by weft_logger_with: to be freed */
    const char *name;
    struct weftp_pair_set *bound; /* NULL: none */
    struct weftp_logger *origin;  /* of a child: the named logger that it has its level from */
    struct weftp_logger *next;    /* in the bucket; of a child: in the list of children */
    struct weftp_logger *previous;
};

/* A level by name, as the configuration has them. */
struct weftp_level_setting {
    const char *logger; /* "" is the root */
    int level;
};

static inline struct weftp_logger *weftp_logger_of(const weft_logger *face)
{
    return (struct weftp_logger *)(uintptr_t)face;
}
static inline int weftp_logger_level(const struct weftp_logger *logger)
{
    return __atomic_load_n(&logger->level, __ATOMIC_RELAXED);
}

/* The root; it is always there. */
struct weftp_logger *weftp_logger_root(void);
/* Find or make a logger; the root when it cannot be made. `name` may be NULL. */
struct weftp_logger *weftp_logger_find(const char *name);
/* Make a child with bound fields; NULL when out of memory or over a limit (counted). */
struct weftp_logger *weftp_logger_bind(struct weftp_logger *logger, const weft_field *fields,
                                       size_t count);
void weftp_logger_unbind(struct weftp_logger *logger);
void weftp_logger_own_level(struct weftp_logger *logger, int level);

/* Put the configuration's levels in force, and the lowest level that any sink wants. WEFT_ENOMEM: nothing changed. */
weft_status weftp_loggers_configure(const struct weftp_level_setting *settings, size_t count,
                                    int floor);
/* Loggers and bound fields that were refused. */
void weftp_loggers_counts(uint64_t *rejected, uint64_t *bound_rejected);
/* Free what the configuration left; loggers stay. */
void weftp_loggers_close(void);

void weftp_loggers_fork_prepare(void);
void weftp_loggers_fork_parent(void);
void weftp_loggers_fork_child(void);

#endif
