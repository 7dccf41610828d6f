#include "line.h"

/* Room beyond the budget, so that a line a little too long is seen as such, and not as out of memory. */
#define SLACK 4096

static const struct weft_limits unlimited = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

static bool fits(const struct weftp_encoding *encoding, const struct weft_record *record,
                 const struct weft_limits *limits, struct weft_out *out)
{
    const size_t max = out->max;
    weftp_out_clear(out);
    if (encoding->budget + SLACK < max) out->max = encoding->budget + SLACK;
    encoding->type->encode(encoding->self, record, limits, out);
    out->max = max;
    return !out->overflow && weftp_out_size(out) <= encoding->budget;
}

/* Find the largest limit for one part at which the line fits, to about a part in sixteen; it fits at 0. */
static bool widen(const struct weftp_encoding *encoding, const struct weft_record *record,
                  struct weft_limits *limits, uint32_t *part, struct weft_out *out)
{
    uint32_t low = 0,
             high = encoding->budget < UINT32_MAX ? (uint32_t)encoding->budget : UINT32_MAX;
    while (high - low > 8 + low / 16) {
        *part = low + (high - low) / 2;
        if (fits(encoding, record, limits, out))
            low = *part;
        else
            high = *part;
    }
    *part = low;
    return fits(encoding, record, limits, out);
}

/* The head alone: for a budget that not even the trimmed line keeps. */
static bool encode_bare(const struct weftp_encoding *encoding, const struct weft_record *record,
                        struct weft_out *out)
{
    struct weft_record bare = *record;
    const struct weft_limits none = {0, 0, 0, 0};
    bare.field_count = bare.bound_count = bare.mdc_count = 0;
    return fits(encoding, &bare, &none, out);
}

bool weftp_line_encode(const struct weftp_encoding *encoding, const struct weft_record *record,
                       struct weft_out *out, bool *trimmed)
{
    *trimmed = false;
    if (__builtin_expect(fits(encoding, record, &unlimited, out), 1)) return true;
    *trimmed = true;
    struct weft_limits limits = unlimited;
    uint32_t *const plan[] = {&limits.field, &limits.bound, &limits.message, &limits.mdc};
    for (size_t i = 0; i < sizeof plan / sizeof plan[0]; i++) {
        *plan[i] = 0;
        if (fits(encoding, record, &limits, out))
            return widen(encoding, record, &limits, plan[i], out);
    }
    return encode_bare(encoding, record, out);
}
