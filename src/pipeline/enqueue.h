/*
 * The caller's side of the queue: a record into this thread's ring.
 *
 * Its job: pack it there, and say what became of it if it does not fit. Not its job: the ring.
 * Threads: any, inside of a call. May include: record, queue, base, port.
 */
#ifndef WEFTP_PIPELINE_ENQUEUE_H
#define WEFTP_PIPELINE_ENQUEUE_H

#include "worker.h"

struct weftp_pipeline;

/*
 * Push a record that some sink of a pipeline with a worker wants, or write it at once where it
 * cannot be queued; its field_count is as weftp_pipeline_submit says. What the policy lets go is
 * counted. A first one takes a seat for the thread: it allocates and maps memory.
 */
void weftp_enqueue(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                   struct weft_record *record);

/* Before a record of a thread with a seat that goes to the sinks at once: what it has pushed comes first. */
void weftp_enqueue_settle(struct weftp_thread *thread);

#endif
