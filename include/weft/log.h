/*
 * The calls that log. Each is a void expression: the logger is evaluated once, the other arguments not at all when the
 * level is off. A call that is off costs a NULL test, one relaxed load and one compare.
 *
 *     weft_info(log, "order accepted", weft_str("order_id", id), weft_int("items", 3));
 *     weft_infof(log, "took %d ms", elapsed);          printf style, checked by the compiler
 *     weft_log(log, level, "message", fields...);      a level known at run time
 *
 * NULL logger: the root. NULL message: empty. No call changes errno or ends the process; FATAL
 * flushes before it returns. A call waits as long as its sinks' writes do: where a blocking pipe is
 * full, until its reader reads. A call from inside a sink, from weft's own callbacks, or from a
 * signal handler that interrupted a call of weft is dropped and counted (dropped_reentrant). What
 * arguments point to is read before the call returns. Define WEFT_STATEMENT for compilers that must
 * not see statement expressions.
 *
 * Threads: any. Signals: not async-signal-safe (a first record allocates), but a handler over a call
 * of weft never deadlocks. Allocates: on a thread's first record, for lines longer than any before,
 * for raw JSON, and for records of more than 128 fields.
 * Cancellation: deferred cancellation is not acted upon inside a call. Since: 0.1.
 */
#ifndef WEFT_LOG_H
#define WEFT_LOG_H

#include "kv.h"
#include "logger.h"
#include <stdarg.h>

/* Where a call stands in the source. Static, one per place; the last two words belong to the library. */
typedef struct weft_site {
    const char *file, *func;
    uint32_t line;
    int16_t level; /* 0: known at run time only */
    uint16_t flags;
    uint32_t id; /* 0 until the library has registered it */
    uint32_t state;
} weft_site;

WEFT_EXTERN_C_BEGIN
/**
 * Log `count` fields of an array that the caller owns (count WEFT_SIZE_UNKNOWN_: up to an END field). For wrappers and
 * for fields that are known at run time only. fields may be NULL when count is 0.
 */
WEFT_API void weft_log_fields(weft_logger *logger, weft_level level, const char *msg,
                              const weft_field *fields, size_t count);

/** Log a printf-style message from a va_list, for wrappers. site may be NULL; it must outlive the library otherwise. */
WEFT_API void weft_vlogf(weft_logger *logger, weft_level level, weft_site *site, const char *format,
                         va_list args) WEFT_PRINTF_(4, 0);

/* Behind the macros. `level` is the level, or'ed with WEFT_CONST_MSG_. */
WEFT_API void weft_emit_(weft_site *site, weft_logger *logger, int level, const char *msg,
                         const weft_field *fields, size_t count);
WEFT_API void weft_emitf_(weft_site *site, weft_logger *logger, int level, const char *format, ...)
    WEFT_PRINTF_(4, 5);
WEFT_EXTERN_C_END

static inline bool weft_on_(const weft_logger *logger, int level)
{
    return (WEFT_UNLIKELY_(!logger) ? 0 : WEFT_LOAD_RELAXED_(&logger->gate_)) <= level;
}

static inline int weft_level_int_(weft_level level)
{
    return WEFT_CAST_(int, level);
}

/**
 * True when a record of this level would be looked at, for arguments that are dear to make. It errs
 * on the side of true. NULL: the root, always true.
 *
 * Threads: any. Signals: safe. Allocates: never. Since: 0.1.
 */
static inline bool weft_log_enabled(const weft_logger *logger, weft_level level)
{
    return weft_level_int_(level) >= WEFT_MIN_LEVEL && weft_on_(logger, weft_level_int_(level));
}

#define WEFT_SITE_(lv)                                                                             \
    {                                                                                              \
        __FILE__, __func__, __LINE__, lv, 0, 0, 0                                                  \
    }
#define WEFT_CONST_MSG_                                                                            \
    256 /* beside the level: the message is a literal and may be cached with the site */
#define WEFT_FLAGS_(lv, msg) ((lv) | (__builtin_constant_p(msg) ? WEFT_CONST_MSG_ : 0))

#ifdef __cplusplus
extern "C++" {
template <size_t N>
inline void weft_emit_(weft_site *site, weft_logger *logger, int level, const char *msg,
                       const weft_field (&fields)[N])
{
    weft_emit_(site, logger, level, msg, fields, N);
}
}
#define WEFT_CALL_(site, logger, level, msg, ...)                                                  \
    weft_emit_(site, logger, level, msg, {__VA_ARGS__})
#else
#define WEFT_CALL_(site, logger, level, msg, ...)                                                  \
    weft_emit_(site, logger, level, msg, WEFT_FIELDS_(__VA_ARGS__), WEFT_SIZE_UNKNOWN_)
#endif

#ifdef WEFT_STATEMENT
#define WEFT_BLOCK_(...)                                                                           \
    do {                                                                                           \
        __VA_ARGS__                                                                                \
    } while (0)
#else
#define WEFT_BLOCK_(...) __extension__({__VA_ARGS__})
#endif
#define WEFT_LOG_(logger_expr, lv, msg, ...)                                                       \
    WEFT_BLOCK_(weft_logger *const weft_self_ = (logger_expr);                                     \
                if ((lv) >= WEFT_MIN_LEVEL && WEFT_UNLIKELY_(weft_on_(weft_self_, lv))) {          \
                    static weft_site weft_site_ = WEFT_SITE_(lv);                                  \
                    WEFT_CALL_(&weft_site_, weft_self_, WEFT_FLAGS_(lv, msg), msg, __VA_ARGS__);   \
                })
#define WEFT_LOGRT_(logger_expr, level_expr, msg, ...)                                             \
    WEFT_BLOCK_(                                                                                   \
        weft_logger *const weft_self_ = (logger_expr);                                             \
        const int weft_level_ = weft_level_int_(level_expr);                                       \
        if (weft_level_ >= WEFT_MIN_LEVEL && WEFT_UNLIKELY_(weft_on_(weft_self_, weft_level_))) {  \
            static weft_site weft_site_ = WEFT_SITE_(0);                                           \
            WEFT_CALL_(&weft_site_, weft_self_, WEFT_FLAGS_(weft_level_, msg), msg, __VA_ARGS__);  \
        })
#define WEFT_LOGF_(logger_expr, lv, ...)                                                           \
    WEFT_BLOCK_(weft_logger *const weft_self_ = (logger_expr);                                     \
                if ((lv) >= WEFT_MIN_LEVEL && WEFT_UNLIKELY_(weft_on_(weft_self_, lv))) {          \
                    static weft_site weft_site_ = WEFT_SITE_(lv);                                  \
                    weft_emitf_(&weft_site_, weft_self_, lv, __VA_ARGS__);                         \
                })

#define weft_log(logger, level, ...) WEFT_LOGRT_(logger, level, __VA_ARGS__, weft_end_())
#define weft_trace(logger, ...)      WEFT_LOG_(logger, WEFT_LEVEL_TRACE, __VA_ARGS__, weft_end_())
#define weft_debug(logger, ...)      WEFT_LOG_(logger, WEFT_LEVEL_DEBUG, __VA_ARGS__, weft_end_())
#define weft_info(logger, ...)       WEFT_LOG_(logger, WEFT_LEVEL_INFO, __VA_ARGS__, weft_end_())
#define weft_warn(logger, ...)       WEFT_LOG_(logger, WEFT_LEVEL_WARN, __VA_ARGS__, weft_end_())
#define weft_error(logger, ...)      WEFT_LOG_(logger, WEFT_LEVEL_ERROR, __VA_ARGS__, weft_end_())
#define weft_fatal(logger, ...)      WEFT_LOG_(logger, WEFT_LEVEL_FATAL, __VA_ARGS__, weft_end_())
#define weft_tracef(logger, ...)     WEFT_LOGF_(logger, WEFT_LEVEL_TRACE, __VA_ARGS__)
#define weft_debugf(logger, ...)     WEFT_LOGF_(logger, WEFT_LEVEL_DEBUG, __VA_ARGS__)
#define weft_infof(logger, ...)      WEFT_LOGF_(logger, WEFT_LEVEL_INFO, __VA_ARGS__)
#define weft_warnf(logger, ...)      WEFT_LOGF_(logger, WEFT_LEVEL_WARN, __VA_ARGS__)
#define weft_errorf(logger, ...)     WEFT_LOGF_(logger, WEFT_LEVEL_ERROR, __VA_ARGS__)
#define weft_fatalf(logger, ...)     WEFT_LOGF_(logger, WEFT_LEVEL_FATAL, __VA_ARGS__)

#endif
