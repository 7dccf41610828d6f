/* What a call of weft can answer. Log calls answer nothing: what they lose is counted (options.h, weft_stats). */
#ifndef WEFT_STATUS_H
#define WEFT_STATUS_H

#include "port.h"

#define WEFT_STATUS_TABLE(X)                                                                       \
    X(WEFT_OK, 0, "success")                                                                       \
    X(WEFT_EINVAL, 1, "bad argument")                                                              \
    X(WEFT_ENOMEM, 2, "out of memory")                                                             \
    X(WEFT_ETIMEOUT, 3, "timed out")                                                               \
    X(WEFT_EIO, 4, "i/o error")                                                                    \
    X(WEFT_ELIMIT, 5, "a documented limit was reached")                                            \
    X(WEFT_ENOTFOUND, 6, "not found")                                                              \
    X(WEFT_ESTATE, 7, "not possible now: shut down, or called from inside a log call")

#define WEFT_STATUS_ENUM_(name, value, text) name = value,
typedef enum weft_status {
    WEFT_STATUS_TABLE(WEFT_STATUS_ENUM_) WEFT_STATUS_MAX_ = 127
} weft_status;

WEFT_EXTERN_C_BEGIN
/**
 * Return the text of a status, in English; "unknown status" for a number that is none.
 *
 * The text is static. Threads: any. Signals: safe. Allocates: never. Since: 0.1.
 */
WEFT_API const char *weft_status_text(weft_status status);
WEFT_EXTERN_C_END

#endif
