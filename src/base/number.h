/*
 * The one number writer: integers (number.c) and doubles (double_text.c) to text, independent of
 * locale and rounding mode. Each writes at `to`, which has room for WEFTP_*_TEXT_MAX bytes, and
 * returns the end. No NUL. Pure functions; any thread; signal-safe.
 */
#ifndef WEFTP_BASE_NUMBER_H
#define WEFTP_BASE_NUMBER_H

#include <stdint.h>

#define WEFTP_INTEGER_TEXT_MAX 20
/* The text takes at most 25; the writer puts more zeros than it keeps. */
#define WEFTP_DOUBLE_TEXT_MAX 64

/* How a finite double is laid out; the digits are always the shortest that read back equal. */
enum weftp_double_style {
    /* 3, 12.5, 1e21, 1.5e-7: decimal from 1e-6 to below 1e21 */
    WEFTP_DOUBLE_SHORT,
    /* 3.0, 12.5, 1.0E21, 1.5E-7: as Double.toString, decimal from 1e-3 to below 1e7 */
    WEFTP_DOUBLE_JAVA
};

char *weftp_u64_text(char *to, uint64_t value);
char *weftp_i64_text(char *to, int64_t value);
/*
 * A finite double; NaN and infinities are written as the bare words NaN, Infinity, -Infinity (the
 * caller quotes).
 */
char *weftp_double_text(char *to, double value, enum weftp_double_style style);
/*
 * Nanoseconds as milliseconds with the decimals that are needed: 12000 -> 0.012; 1000000 -> 1. At
 * most 27 bytes.
 */
char *weftp_duration_text(char *to, int64_t ns);

#endif
