#include "gap.h"

static const char *const level_keys[WEFTP_GAP_LEVELS] = {"trace", "debug", "info",
                                                         "warn",  "error", "fatal"};

void weftp_gap_add(struct weftp_gap *gap, int level, int64_t time_ns, int err)
{
    int index = (level - WEFT_LEVEL_TRACE) / (WEFT_LEVEL_DEBUG - WEFT_LEVEL_TRACE);
    if (index < 0) index = 0;
    if (index >= WEFTP_GAP_LEVELS) index = WEFTP_GAP_LEVELS - 1;
    if (gap->lost == 0) gap->first_ns = time_ns;
    gap->last_ns = time_ns;
    gap->err = err;
    gap->by_level[index]++;
    gap->lost++;
}

struct weftp_gap weftp_gap_of(const uint64_t by_level[WEFTP_GAP_LEVELS], int64_t first_ns,
                              int64_t last_ns, int err)
{
    struct weftp_gap gap = {.first_ns = first_ns, .last_ns = last_ns, .err = err};
    for (size_t i = 0; i < WEFTP_GAP_LEVELS; i++) {
        gap.by_level[i] = by_level[i];
        gap.lost += by_level[i];
    }
    return gap;
}

void weftp_gap_join(struct weftp_gap *gap, const struct weftp_gap *more)
{
    if (more->lost == 0) return;
    if (gap->lost == 0 || more->first_ns < gap->first_ns) gap->first_ns = more->first_ns;
    if (gap->lost == 0 || more->last_ns > gap->last_ns) gap->last_ns = more->last_ns;
    for (size_t i = 0; i < WEFTP_GAP_LEVELS; i++) gap->by_level[i] += more->by_level[i];
    gap->lost += more->lost;
    gap->err = more->err;
}

static struct timespec timespec_of(int64_t time_ns)
{
    struct timespec when;
    when.tv_sec = (time_t)(time_ns / 1000000000);
    when.tv_nsec = (long)(time_ns % 1000000000);
    if (when.tv_nsec < 0) {
        when.tv_sec--;
        when.tv_nsec += 1000000000;
    }
    return when;
}

void weftp_gap_describe(const struct weftp_gap *gap, struct weftp_gap_fields *out)
{
    size_t levels = 0;
    for (size_t i = 0; i < WEFTP_GAP_LEVELS; i++)
        if (gap->by_level[i]) out->levels[levels++] = weft_uint(level_keys[i], gap->by_level[i]);
    out->count = 0;
    out->fields[out->count++] = weft_uint("lost", gap->lost);
    out->fields[out->count++] = weft_objn("lost_by_level", out->levels, levels);
    out->fields[out->count++] = weft_time("first_lost", timespec_of(gap->first_ns));
    out->fields[out->count++] = weft_time("last_lost", timespec_of(gap->last_ns));
    if (gap->err) out->fields[out->count++] = weft_errno("reason", gap->err);
}
