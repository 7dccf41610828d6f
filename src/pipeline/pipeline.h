/*
 * The pipeline: which sinks want a record, in which format, and what became of it. Immutable once built; a reload
 * publishes a new one and frees the old when every call that was under way has ended.
 *
 * Its job: one record to all sinks that want it. Not its job: opening sinks and encoders (config/wire.c), where records
 * come from (logger, weft).
 *
 *   submit  | any thread, inside weftp_thread_enter and _leave
 *   destroy | the thread that configures
 *
 * May include: record, base, port, the encoder and sink types.
 */
#ifndef WEFTP_PIPELINE_PIPELINE_H
#define WEFTP_PIPELINE_PIPELINE_H

#include "../record/pair.h"
#include "line.h"
#include "outlet.h"

/* One sink's place. Slots of one encoding stand together, so that a record is encoded once for them. */
struct weftp_slot {
    struct weftp_outlet *outlet;
    int level;
    unsigned encoding; /* index */
    unsigned setting;  /* index of the sink in the settings that it was wired from */
    uint32_t excludes; /* flags of records that this sink does not get */
};

/*
 * A flag of a record, beside those of weft/log.h: it was printed by other code. It does not go to code of the program,
 * which might print because of it.
 */
#define WEFTP_RECORD_PRINTED (UINT32_C(1) << 31)

/* What a test sets in the place of the real world: see weft/test.h. */
struct weftp_fake {
    int64_t time_ns, time_step_ns, pid;
    char *thread; /* NULL: the real one */
};

struct weftp_worker;

struct weftp_pipeline {
    struct weftp_slot slots[WEFT_SINKS_MAX];
    size_t slot_count;
    struct weftp_encoding encodings[WEFT_SINKS_MAX + 1];
    size_t encoding_count;
    struct weftp_slot status;      /* stderr, for weft's own words; its outlet may be NULL */
    struct weftp_pair_set *fields; /* the static fields that the encoders point to */
    struct weftp_fake *fake;       /* NULL but in tests */
    struct weftp_worker *worker;   /* takes records over; NULL: they go to the sinks at once */
    int floor;                     /* the lowest level that some sink wants */
};

/*
 * Give a record to every sink that wants it, by the queue or at once, and count it. Its field_count
 * is exact, or more: then an END stands before.
 */
void weftp_pipeline_submit(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                           struct weft_record *record);
/* The same at once, on the calling thread. */
void weftp_pipeline_write(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                          struct weft_record *record);
/* Write a status record to stderr (its time is set here). The thread is inside a call. */
void weftp_pipeline_say(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                        const struct weftp_word *word);
/* Say on stderr that a sink has failed, once no lock is held any more. */
void weftp_pipeline_say_failure(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                                const struct weftp_outlet *outlet,
                                const struct weftp_failure *failure);
/* Whether some sink takes records with these flags. */
bool weftp_pipeline_takes(const struct weftp_pipeline *pipeline, uint32_t flags);
/* Whether lines may be on their way when a call has returned: in the queue, or kept by a sink. */
bool weftp_pipeline_keeps(const struct weftp_pipeline *pipeline);
/* Every sink looks again at what its lines go to. */
void weftp_pipeline_reopen(const struct weftp_pipeline *pipeline);
/*
 * Before it is destroyed: flush what will be closed with it, and count and say what was lost and not told yet. The
 * thread is inside a call.
 */
weft_status weftp_pipeline_retire(const struct weftp_pipeline *pipeline,
                                  struct weftp_thread *thread, int64_t deadline_ms);
/* Flush every sink by the deadline; the first failure, but WEFT_EIO before WEFT_ETIMEOUT. */
weft_status weftp_pipeline_flush(const struct weftp_pipeline *pipeline, int64_t deadline_ms);
/* Free it, and close the sinks that nobody else refers to. NULL does nothing; takes a half-built one. */
void weftp_pipeline_destroy(struct weftp_pipeline *pipeline);

#endif
