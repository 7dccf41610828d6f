#include "line.h"

static const struct weft_limits unlimited = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};

/* What is tried again and again: a line at the end of a text. */
struct attempt {
    const struct weftp_encoding *encoding;
    const struct weft_record *record;
    struct weft_out *out;
    size_t start; /* bytes of the text before it */
};

/* Keep the first bytes of a text, which may have no memory yet. */
static void begin_at(struct weft_out *out, size_t start)
{
    weftp_out_clear(out);
    if (start > 0) out->cur += start;
}

static bool fits(const struct attempt *attempt, const struct weft_limits *limits)
{
    begin_at(attempt->out, attempt->start);
    return weftp_line_fits(attempt->encoding, attempt->record, limits, attempt->out);
}

/* Find the largest limit for one part at which the line fits, to about a part in sixteen; it fits at 0. */
static bool widen(const struct attempt *attempt, struct weft_limits *limits, uint32_t *part)
{
    const size_t budget = attempt->encoding->budget;
    uint32_t low = 0, high = budget < UINT32_MAX ? (uint32_t)budget : UINT32_MAX;
    while (high - low > 8 + low / 16) {
        *part = low + (high - low) / 2;
        if (fits(attempt, limits))
            low = *part;
        else
            high = *part;
    }
    *part = low;
    return fits(attempt, limits);
}

/* The head alone: for a budget that not even the trimmed line keeps. */
static bool encode_bare(const struct attempt *attempt)
{
    struct weft_record bare = *attempt->record;
    struct attempt last = *attempt;
    const struct weft_limits none = {0, 0, 0, 0};
    bare.field_count = bare.bound_count = bare.mdc_count = 0;
    last.record = &bare;
    return fits(&last, &none);
}

static bool trim(const struct attempt *attempt)
{
    struct weft_limits limits = unlimited;
    uint32_t *const plan[] = {&limits.field, &limits.bound, &limits.message, &limits.mdc};
    for (size_t i = 0; i < sizeof plan / sizeof plan[0]; i++) {
        *plan[i] = 0;
        if (fits(attempt, &limits)) return widen(attempt, &limits, plan[i]);
    }
    return encode_bare(attempt);
}

bool weftp_line_trim(const struct weftp_encoding *encoding, const struct weft_record *record,
                     struct weft_out *out, size_t start)
{
    const struct attempt attempt = {encoding, record, out, start};
    if (trim(&attempt)) return true;
    begin_at(out, start);
    return false;
}
