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
    /* Whose turn it is: entries of this seat up to that time come before all others. NULL: open. */
    struct weftp_seat *turn;
    int64_t turn_ns;
    uint64_t bytes;      /* taken and not given back */
    uint64_t since_wait; /* bytes given back */
    int64_t nap_ns;
    struct weftp_seat *seats[WEFTP_QUEUE_SEATS_MAX]; /* all */
    /* Those with an entry of this round, the oldest first; but where one has its turn, it is first. */
    struct weftp_seat *heap[WEFTP_QUEUE_SEATS_MAX];
};

/*
 * Begin a round: what is published by now. `now_ns`: the time by the clock that entries have theirs
 * from. False: there is nothing to take, and nobody asks.
 */
bool weftp_take_begin(struct weftp_take *take, struct weftp_queue *queue, int64_t now_ns);
/* As weftp_take_next, when a turn is over or the queue is frozen. */
const struct weftp_ring_entry *weftp_take_next_turn(struct weftp_take *take,
                                                    struct weftp_seat **out);

/* Between these two: go on behind a seat's front entry. */
static inline const struct weftp_ring_entry *weftp_take_front(struct weftp_take *take,
                                                              struct weftp_seat *seat,
                                                              const struct weftp_ring_entry *entry)
{
    const uint32_t size = weftp_ring_entry_size(entry);
    seat->ring.taken += size;
    seat->taken += weftp_ring_entry_kind(entry) == WEFTP_RING_RECORD;
    take->bytes += size;
    return entry;
}

/*
 * Take the oldest entry, and in *out whose it is; NULL: the round is over. The entry stays where it is
 * until it is given back.
 */
static inline const struct weftp_ring_entry *weftp_take_next(struct weftp_take *take,
                                                             struct weftp_seat **out)
{
    struct weftp_seat *seat = take->turn;
    /* Frozen: a crash is being saved, and whatever is taken now might be written twice. */
    if (!seat || __atomic_load_n(&take->queue->frozen, __ATOMIC_RELAXED) != 0)
        return weftp_take_next_turn(take, out);
    const struct weftp_ring_entry *entry = weftp_ring_front_sc(&seat->ring);
    if (!entry || entry->time_ns > take->turn_ns) return weftp_take_next_turn(take, out);
    *out = seat;
    return weftp_take_front(take, seat, entry);
}
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
