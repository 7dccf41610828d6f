/*
 * Levels: the severity numbers of OpenTelemetry (Logs Data Model, "Severity Fields"), which leave room between
 * the names, so that NOTICE or CRITICAL can come without breaking the ABI.
 */
#ifndef WEFT_LEVEL_H
#define WEFT_LEVEL_H

#include "port.h"
#include "status.h"

typedef enum weft_level {
    WEFT_LEVEL_INHERIT = 0, /* only for weft_logger_set_level: as the parent has it */
    WEFT_LEVEL_TRACE = 1,
    WEFT_LEVEL_DEBUG = 5,
    WEFT_LEVEL_INFO = 9,
    WEFT_LEVEL_WARN = 13,
    WEFT_LEVEL_ERROR = 17,
    WEFT_LEVEL_FATAL = 21,
    WEFT_LEVEL_OFF = 127
} weft_level;

/* Define before including weft.h: calls below this level are not compiled at all. */
#ifndef WEFT_MIN_LEVEL
#define WEFT_MIN_LEVEL WEFT_LEVEL_TRACE
#endif

WEFT_EXTERN_C_BEGIN
/**
 * Return the name of a level: TRACE, DEBUG, INFO, WARN, ERROR, FATAL or OFF; a number in between takes the name below it.
 *
 * The text is static. Threads: any. Signals: safe. Allocates: never. Since: 0.1.
 */
WEFT_API const char *weft_level_name(int level);

/**
 * Read a level from text, in any case: a name, or a number from 1 to 127.
 *
 * @retval WEFT_OK      *out is set.
 * @retval WEFT_EINVAL  The text is NULL or no level; *out is unchanged.
 *
 * Threads: any. Signals: safe. Allocates: never. Since: 0.1.
 */
WEFT_API weft_status weft_level_parse(const char *text, weft_level *out);
WEFT_EXTERN_C_END

#endif
