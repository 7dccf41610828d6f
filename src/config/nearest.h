/*
 * Nearest: which known name a misspelt one was meant to be.
 *
 * Its job: distances between short names. Not its job: what the names mean.
 * Pure functions; any thread; signal-safe; no allocation. May include: libc.
 */
#ifndef WEFTP_CONFIG_NEAREST_H
#define WEFTP_CONFIG_NEAREST_H

#include <stddef.h>

#define WEFTP_NEAREST_DISTANCE_MAX 3  /* edits that still count as a slip of the pen */
#define WEFTP_NEAREST_SIZE_MAX     64 /* bytes of a name; a longer one is near to nothing */

/*
 * Count the insertions, deletions, substitutions and swaps of neighbours that turn one name into
 * the other, each place edited once (Damerau-Levenshtein, "optimal string alignment"). ASCII
 * letters are equal in any case. A name longer than WEFTP_NEAREST_SIZE_MAX is at distance
 * WEFTP_NEAREST_SIZE_MAX + 1 from everything.
 */
unsigned weftp_edit_distance(const char *a, size_t a_size, const char *b, size_t b_size);

/*
 * Return the name of a NULL-terminated list that is nearest to `name`: at most
 * WEFTP_NEAREST_DISTANCE_MAX edits away, and no more than half as many as the longer of the two has
 * bytes (else "xml" would be near to "ecs"). The first of equals. NULL when there is none, or when
 * the list is NULL.
 */
const char *weftp_nearest(const char *name, size_t size, const char *const *list);
/*
 * The same rule for one candidate: its distance when it is near, else WEFTP_NEAREST_DISTANCE_MAX +
 * 1.
 */
unsigned weftp_near(const char *name, size_t size, const char *candidate);

#endif
