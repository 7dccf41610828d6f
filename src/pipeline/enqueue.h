/*
 * The caller's side of the queue: a record into this thread's ring.
 *
 * Its job: pack it there, and say what became of it if it does not fit. Not its job: the ring.
 * Threads: any, inside of a call. May include: record, queue, base, port.
 */
#ifndef WEFTP_PIPELINE_ENQUEUE_H
#define WEFTP_PIPELINE_ENQUEUE_H

#include "worker.h"

enum weftp_enqueued {
    WEFTP_ENQUEUED,     /* it is in the ring */
    WEFTP_ENQUEUE_LOST, /* the policy let it go; that is counted */
    WEFTP_ENQUEUE_NOT /* it is to be handed over by the caller itself, now: nothing of this thread is before it */
};

/* Push a record that some sink wants. A first one takes a seat for the thread: it allocates and maps memory. */
enum weftp_enqueued weftp_enqueue(struct weftp_worker *worker, struct weftp_thread *thread,
                                  const struct weft_record *record);

/*
 * Before a record of a print: the worker may be running the very code that prints, which waits for
 * whoever reads the prints. So wait for room only as long as the worker gets on. False: it does not;
 * the record is to be handed over by the caller itself, past those that wait.
 */
bool weftp_enqueue_gets_on(struct weftp_worker *worker, struct weftp_thread *thread);
/* Before a record of a thread with a seat that goes to the sinks at once: what it has pushed comes first. */
void weftp_enqueue_settle(struct weftp_thread *thread);

#endif
