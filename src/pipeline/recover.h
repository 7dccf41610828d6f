/*
 * What dead processes left in a directory of rings, to the sinks.
 *
 * Its job: entries of all rings of a session, merged by time, to records, marked, to batches;
 * progress is stored behind each batch. Not its job: reading the files (queue/salvage.h).
 *
 *   weftp_recover | any thread, inside of a call (thread.h); before it logs anything itself
 *
 * Progress: a ring's tail is stored once a batch was handed to the sinks and they were flushed. Who
 * is killed in between, the dead process or this one, leaves that batch to be written again: at most
 * WEFTP_BULK_LINES records for each sink. May include: record, queue, base, port.
 */
#ifndef WEFTP_PIPELINE_RECOVER_H
#define WEFTP_PIPELINE_RECOVER_H

#include "bulk.h"

#define WEFTP_RECOVER_FLUSH_MS 5000 /* the longest that sinks are waited for, in all */

/* What was done; sums over sessions. */
struct weftp_recovered {
    uint64_t sessions; /* dead ones that had something, or were damaged */
    uint64_t records;
    uint64_t repeated_max;  /* of the records: so many at most may have been written before */
    uint64_t lost;          /* records that the dead processes had to drop, told of now */
    uint64_t damaged_bytes; /* of which nothing could be made */
    uint64_t skipped;       /* sessions of another version or byte order: left alone */
    uint64_t failed;        /* sessions that could not be read or removed now: left for later */
};

/*
 * Write what every dead session of a directory holds, say how many records those were, and remove
 * it. A directory that is not there is empty.
 *
 * @retval WEFT_EINVAL  The directory is none that weft would put rings into.
 * @retval WEFT_EIO     It, or some session, could not be read.
 * @retval WEFT_ENOMEM  Some sessions are left for later.
 */
weft_status weftp_recover(const char *dir, const struct weftp_pipeline *pipeline,
                          struct weftp_thread *thread, struct weftp_recovered *done);
/* The same, but files and progress stay as they are. */
weft_status weftp_recover_keep(const char *dir, const struct weftp_pipeline *pipeline,
                               struct weftp_thread *thread, struct weftp_recovered *done);

#endif
