/*
 * Sizes, durations and switches as people write them in variables, in the configuration file and in
 * a sink's URL.
 *
 * Its job: text to a value. Not its job: complaining; each returns false and leaves *out alone when
 * the text is NULL or bad. Pure functions, independent of the locale; any thread; signal-safe. May
 * include: port.
 */
#ifndef WEFTP_BASE_PARSE_H
#define WEFTP_BASE_PARSE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Bytes: `500 64k 10MiB 1g`, any case, 1024-based: k, kB and KiB are the same. False also when it
 * exceeds 64 bits.
 */
bool weftp_parse_bytes(const char *text, uint64_t *out);
/*
 * A duration in milliseconds: `500ms 10s 5m 1h 7d`, any case. The unit may be left out for 0 alone.
 */
bool weftp_parse_duration_ms(const char *text, uint64_t *out);
/* A switch: on off true false yes no 1 0, any case. */
bool weftp_parse_bool(const char *text, bool *out);
/* A plain decimal number, digits only, without a sign. */
bool weftp_parse_u64(const char *text, uint64_t *out);

#endif
