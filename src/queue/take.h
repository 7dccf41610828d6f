/*
 * The consumer's side of the queue: rounds over all rings, merged by time.
 *
 * Its job: which entry is next, giving back, sleeping when there is nothing. Not its job: what is
 * done with an entry.
 * Threads: one consumer at a time; queue.h has the table. May include: queue.
 */
#ifndef WEFTP_QUEUE_TAKE_H
#define WEFTP_QUEUE_TAKE_H

#include "queue.h"

/* Begin with zeros. */
struct weftp_take {
    struct weftp_queue *queue;
    size_t seat_count, heap_count;
    unsigned generation; /* of the queue's list */
    bool listed;         /* the list was read, and need not be read again */
    bool answering;      /* there is a question that the rounds lead to an answer of */
    uint32_t asked;      /* which */
    int64_t until_ns;    /* younger entries are left for the next round */
    uint64_t bytes;      /* taken in this round */
    uint64_t since_wait; /* bytes taken */
    int64_t nap_ns;
    struct weftp_seat *seats[WEFTP_QUEUE_SEATS_MAX]; /* all */
    struct weftp_seat
        *heap[WEFTP_QUEUE_SEATS_MAX]; /* those with an entry of this round, the oldest first */
};

/*
 * Begin a round: what is published by now. `now_ns`: the time by the clock that entries have theirs
 * from. False: there is nothing to take, and nobody asks.
 */
bool weftp_take_begin(struct weftp_take *take, struct weftp_queue *queue, int64_t now_ns);
/*
 * Take the oldest entry, and in *out whose it is; NULL: the round is over. The entry stays where it is
 * until it is given back.
 */
const struct weftp_ring_entry *weftp_take_next(struct weftp_take *take, struct weftp_seat **out);
/* Give back all that was taken, and wake who waits for room. */
void weftp_take_release(struct weftp_take *take);
/* End a round, all of which was given back: answer a question, if all from before it was taken. */
void weftp_take_end(struct weftp_take *take, struct weftp_queue *queue);
/*
 * Losses that nobody was told of, as this GAP entry says; NULL: of a ring that is empty, as it is
 * now. False: none.
 */
bool weftp_take_losses(struct weftp_seat *seat, const struct weftp_ring_entry *gap,
                       struct weftp_ring_losses *losses);
/*
 * Wait until there is something to take or to tell, a question, or a wake: first in naps, from which
 * no single record wakes the consumer, longer and longer while little comes; then without a timer.
 */
void weftp_take_wait(struct weftp_take *take, struct weftp_queue *queue);
/* The last part of that alone. May return for no reason. */
void weftp_take_sleep(struct weftp_take *take, struct weftp_queue *queue);

#endif
