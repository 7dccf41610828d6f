#include "nearest.h"

#include <string.h>

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned weftp_edit_distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
    /*
     * Three rows of the matrix are alive: this one, the one above and, for swaps, the one above
     * that.
     */
    unsigned rows[3][WEFTP_NEAREST_SIZE_MAX + 1];
    if (a_size > WEFTP_NEAREST_SIZE_MAX || b_size > WEFTP_NEAREST_SIZE_MAX)
        return WEFTP_NEAREST_SIZE_MAX + 1;
    for (unsigned j = 0; j <= b_size; j++) rows[0][j] = j;
    for (unsigned i = 1; i <= a_size; i++) {
        unsigned *now = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3], *above2 = rows[(i + 1) % 3];
        now[0] = i;
        for (unsigned j = 1; j <= b_size; j++) {
            const char x = lower(a[i - 1]), y = lower(b[j - 1]);
            now[j] = least(least(above[j], now[j - 1]) + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
                now[j] = least(now[j], above2[j - 2] + 1);
        }
    }
    return rows[a_size % 3][b_size];
}

unsigned weftp_near(const char *name, size_t size, const char *candidate)
{
    const size_t candidate_size = strlen(candidate);
    const size_t longer = size > candidate_size ? size : candidate_size;
    const unsigned distance = weftp_edit_distance(name, size, candidate, candidate_size);
    if (distance > WEFTP_NEAREST_DISTANCE_MAX || distance > longer / 2)
        return WEFTP_NEAREST_DISTANCE_MAX + 1;
    return distance;
}

const char *weftp_nearest(const char *name, size_t size, const char *const *list)
{
    const char *nearest = NULL;
    unsigned best = WEFTP_NEAREST_DISTANCE_MAX + 1;
    for (; list && *list; list++) {
        const unsigned distance = weftp_near(name, size, *list);
        if (distance >= best) continue;
        best = distance;
        nearest = *list;
    }
    return nearest;
}
