/*
 * One queue, one consumer that notes the times of what it takes, and a way to push.
 */
#ifndef WEFT_TESTS_UNIT_QUEUE_FIXTURE_H
#define WEFT_TESTS_UNIT_QUEUE_FIXTURE_H

#include "support/consumer.h"

#define INFO 9

static struct weftp_queue *queue;
static struct consumer *consumer;
static int64_t came[256];
static size_t came_count;

static inline void note(struct consumer *self, struct weftp_seat *seat,
                        const struct weftp_ring_entry *entry)
{
    (void)self;
    (void)seat;
    came[came_count++] = entry->time_ns;
}

static inline void begin(struct weftp_queue_options options)
{
    queue = queue_create(options);
    consumer = consumer_create(queue);
    consumer->each = note;
    came_count = 0;
}

static inline void end(void)
{
    free(consumer);
    queue_destroy(queue);
}

static inline void push_at(struct weftp_seat *seat, int64_t time_ns)
{
    size_t room;
    void *at = weftp_queue_room(queue, seat, INFO, 40, &room);
    assert_non_null(at);
    memset(at, 'x', 40);
    weftp_queue_commit(queue, seat, 40, time_ns);
}

static inline bool answered(void)
{
    return queue->answered == queue->asked;
}

#endif
