/*
 * Loggers: named places that records come from. Names form a tree by their dots: `orders.db.pool` inherits its level
 * from `orders.db`, then `orders`, then the root, whichever was created or set first. A logger lives as long as the
 * process (but see weft_logger_with), so its pointer may be kept anywhere. NULL is the root logger everywhere.
 *
 * The calls that log are in log.h.
 */
#ifndef WEFT_LOGGER_H
#define WEFT_LOGGER_H

#include "field.h"
#include "level.h"
#include "status.h"

/* The first word is read by the macros; the rest is private. Never on the stack, never copied. */
typedef struct weft_logger {
    int gate_; /* the lowest level that anything wants; the library decides exactly behind it */
} weft_logger;

WEFT_EXTERN_C_BEGIN
/**
 * Return the logger of this name, made on first use; the first call of all reads WEFT_* and starts weft.
 *
 * @param name  Dotted, up to 255 bytes (longer: cut and counted). NULL or "": the root.
 * @return      Never NULL; the root when memory or the limit of 65,536 loggers is reached (counted).
 *
 * Owned by weft. Threads: any. Signals: unsafe (locks). Allocates: on first use of a name. Since: 0.1.
 */
WEFT_API weft_logger *weft_logger_get(const char *name);

/**
 * Return the name of a logger; "" for the root. Borrowed, as long as the logger.
 *
 * Threads: any. Signals: safe. Allocates: never. Since: 0.1.
 */
WEFT_API const char *weft_logger_name(const weft_logger *logger);

/**
 * Set a logger's level, for it and for all below it that have none of their own. It beats WEFT_LEVEL and the file.
 * WEFT_LEVEL_INHERIT undoes it. For a child made by weft_logger_with: the level of its name.
 *
 * Threads: any; others see it with their next call. Signals: unsafe (locks). Allocates: never. Since: 0.1.
 */
WEFT_API void weft_logger_set_level(weft_logger *logger, weft_level level);

/** Return the level in force for a logger. Threads: any. Signals: safe. Allocates: never. Since: 0.1. */
WEFT_API weft_level weft_logger_get_level(const weft_logger *logger);

/**
 * Release a child made by weft_logger_with(), once nobody uses it any more. Named loggers and NULL are left alone.
 *
 * Threads: any, not while another logs through it. Signals: unsafe (locks). Since: 0.1.
 */
WEFT_API void weft_logger_release(weft_logger *logger);

/* Behind weft_logger_with and WEFT_LOGGER. */
WEFT_API weft_logger *weft_logger_with_(weft_logger *logger, const weft_field *fields,
                                        size_t count);
WEFT_API weft_logger *weft_logger_get_cached_(weft_logger **slot, const char *name);
WEFT_EXTERN_C_END

/**
 * weft_logger_with(logger, fields...): make a child with bound fields, which are encoded once, here.
 *
 * The child has the name and level of its parent. Fields past a limit (64 of them, 8 KiB in all, the parent's included)
 * are left out and counted. Returns an owned logger, for weft_logger_release(); when out of memory the parent itself,
 * which may be "released" all the same. Threads: any. Signals: unsafe (locks, allocates). Since: 0.1.
 */
#define weft_logger_with(...) WEFT_WITH_(__VA_ARGS__, weft_end_())

#ifdef __cplusplus
extern "C++" {
template <size_t N>
inline weft_logger *weft_logger_with_(weft_logger *logger, const weft_field (&fields)[N])
{
    return weft_logger_with_(logger, fields, N);
}
}
#define WEFT_WITH_(logger, ...) weft_logger_with_(logger, {__VA_ARGS__})
#else
#define WEFT_WITH_(logger, ...)                                                                    \
    weft_logger_with_(logger, WEFT_FIELDS_(__VA_ARGS__), WEFT_SIZE_UNKNOWN_)
#endif

static inline weft_logger *weft_logger_cached_(weft_logger **slot, const char *name)
{
    weft_logger *logger = WEFT_LOAD_ACQUIRE_(slot);
    return logger ? logger : weft_logger_get_cached_(slot, name);
}

/** A logger by name, looked up once per place: `#define LOG WEFT_LOGGER("orders.db")` at the top of a file. */
#define WEFT_LOGGER(name)                                                                          \
    (__extension__({                                                                               \
        static weft_logger *weft_slot_;                                                            \
        weft_logger_cached_(&weft_slot_, name);                                                    \
    }))

#endif
