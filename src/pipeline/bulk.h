/*
 * Records to sinks, many at a time: each is encoded once for each format, behind the one before, and
 * all lines of a format go out together.
 *
 * Its job: lines in large batches. Not its job: where records come from (worker.h).
 * Threads: one at a time; inside of a call (thread.h), and flushed before it is left.
 * May include: record, base, port, the encoder and sink types.
 */
#ifndef WEFTP_PIPELINE_BULK_H
#define WEFTP_PIPELINE_BULK_H

#include "pipeline.h"

#define WEFTP_BULK_LINES 256 /* records in a batch */
#define WEFTP_BULK_BYTES                                                                           \
    ((size_t)128 << 10) /* bytes of one format's text after which a batch ends */
#define WEFTP_BULK_RING_BYTES                                                                      \
    (64u << 10) /* taken from rings, after which a batch ends and they get it back */
#define WEFTP_BULK_KEPT ((size_t)512 << 10) /* bytes of memory that a format's text keeps */

struct weftp_bulk_text; /* the lines of one format */

/* Begin with zeros. */
struct weftp_bulk {
    struct weftp_bulk_text *texts[WEFT_SINKS_MAX + 1]; /* by encoding; owned, made when needed */
    size_t count;                                      /* records in this batch */
    bool spoiled;                                      /* one of them is failed or unencoded */
    bool failed[WEFTP_BULK_LINES];                     /* at least one sink has lost it */
    bool unencoded[WEFTP_BULK_LINES];                  /* for at least one format that wanted it */
};

/*
 * Add a record to the batch. What it points to must stay until the flush. True: the batch is full,
 * and is to be flushed now.
 */
bool weftp_bulk_add(struct weftp_bulk *bulk, const struct weftp_pipeline *pipeline,
                    struct weftp_thread *thread, const struct weft_record *record);
/* Hand everything over, and count it. */
void weftp_bulk_flush(struct weftp_bulk *bulk, const struct weftp_pipeline *pipeline,
                      struct weftp_thread *thread);
/* In between two lines, tell every sink that wanted them of records that never came. The batch is empty. */
void weftp_bulk_lose(const struct weftp_pipeline *pipeline, const struct weftp_gap *gap);
/* Have that said now. */
void weftp_bulk_tell(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                     int64_t time_ns);
void weftp_bulk_deinit(struct weftp_bulk *bulk);

#endif
