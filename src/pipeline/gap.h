/*
 * The gap ledger of one sink: how many records it lost, of which levels, between which times.
 *
 * Threads: the holder of the sink's lock. May include: base, public headers.
 */
#ifndef WEFTP_PIPELINE_GAP_H
#define WEFTP_PIPELINE_GAP_H

#include <weft/sys/encoder.h>

#define WEFTP_GAP_LEVELS 6

struct weftp_gap {
    uint64_t lost;
    uint64_t by_level[WEFTP_GAP_LEVELS]; /* TRACE, DEBUG, INFO, WARN, ERROR, FATAL */
    int64_t first_ns, last_ns;
    int err; /* of the last loss */
};

/* Note one lost record. */
void weftp_gap_add(struct weftp_gap *gap, int level, int64_t time_ns, int err);

/* The ledger of records of which nothing is left but their number at each level. */
struct weftp_gap weftp_gap_of(const uint64_t by_level[WEFTP_GAP_LEVELS], int64_t first_ns,
                              int64_t last_ns, int err);
/* Add what another ledger holds. */
void weftp_gap_join(struct weftp_gap *gap, const struct weftp_gap *more);

/* The fields of the record that tells about a gap. They point into themselves and the gap: keep both while it is encoded. */
struct weftp_gap_fields {
    weft_field fields[6];
    weft_field levels[WEFTP_GAP_LEVELS];
    size_t count;
};
void weftp_gap_describe(const struct weftp_gap *gap, struct weftp_gap_fields *out);

#endif
