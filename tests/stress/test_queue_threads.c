/*
 * The queue between busy threads: nothing lost, nothing out of order, no sleep that nobody ends,
 * every record taken or counted as lost under each policy, and threads that come and go.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "src/port/wait.h"
#include "support/await.h"
#include "support/consumer.h"
#include "support/memory.h"
#include "support/tsan.h"
#include "support/wakes.h"

#define INFO          9
#define WARN          13
#define PRODUCERS_MAX 8
#define RECORDS       (UNDER_TSAN ? 6000u : 40000u) /* of one test, by all producers */
#define SIZE_MAX_USED 1500

/* What a record says; bytes of which each tells its place follow. */
struct said {
    uint32_t producer, number;
    uint64_t begun; /* ticket that was drawn before its time was read */
    uint32_t size;
};

struct producer {
    pthread_t thread;
    struct weftp_queue *queue;
    uint32_t index, count;
    unsigned seed;
    int level;
    uint64_t *ended; /* tickets that were drawn when the calls were over */
    uint32_t accepted, lost;
};

/* In the order in which they were taken. */
struct seen {
    uint64_t begun;
    uint32_t producer, number;
};

struct log {
    struct seen *seen;
    uint32_t count, next[PRODUCERS_MAX];
    uint32_t wrong;
};

static uint64_t ticket; /* atomic */

static unsigned char byte_at(const struct said *said, size_t i)
{
    return (unsigned char)(said->producer * 101 + said->number * 7 + i);
}

static bool produce(struct producer *producer, struct weftp_seat *seat, uint32_t number)
{
    struct said said = {producer->index, number, 0, 0};
    size_t room;
    said.size = (uint32_t)(sizeof said + (size_t)rand_r(&producer->seed) % SIZE_MAX_USED);
    said.begun = __atomic_fetch_add(&ticket, 1, __ATOMIC_SEQ_CST);
    const int64_t now_ns = weftp_realtime_ns();
    unsigned char *at = weftp_queue_room(producer->queue, seat, producer->level, said.size, &room);
    if (!at) {
        weftp_queue_lose(producer->queue, seat, producer->level, now_ns);
        return false;
    }
    memcpy(at, &said, sizeof said);
    for (size_t i = sizeof said; i < said.size; i++) at[i] = byte_at(&said, i);
    weftp_queue_commit(producer->queue, seat, said.size, now_ns);
    return true;
}

static void *run_producer(void *arg)
{
    struct producer *producer = arg;
    struct weftp_seat *seat = weftp_queue_sit(producer->queue);
    if (!seat) return NULL;
    for (uint32_t i = 0; i < producer->count; i++) {
        if (produce(producer, seat, i))
            producer->accepted++;
        else
            producer->lost++;
        if (producer->ended) producer->ended[i] = __atomic_fetch_add(&ticket, 1, __ATOMIC_SEQ_CST);
    }
    weftp_queue_leave(producer->queue, seat);
    return producer;
}

/* Note it, and that its thread's records come in order, whole. */
static void check(struct consumer *consumer, struct weftp_seat *seat,
                  const struct weftp_ring_entry *entry)
{
    struct log *log = consumer->arg;
    struct said said;
    (void)seat;
    memcpy(&said, entry + 1, sizeof said);
    const unsigned char *at = (const unsigned char *)(entry + 1);
    bool right = said.producer < PRODUCERS_MAX && said.number >= log->next[said.producer];
    for (size_t i = sizeof said; right && i < said.size; i++) right = at[i] == byte_at(&said, i);
    if (!right) {
        log->wrong++;
        return;
    }
    log->next[said.producer] = said.number + 1;
    log->seen[log->count++] = (struct seen){said.begun, said.producer, said.number};
}

/* One run of some producers against a consumer. */
struct run {
    struct weftp_queue *queue;
    struct consumer *consumer;
    struct producer producers[PRODUCERS_MAX];
    struct log log;
    uint32_t count;
    uint64_t accepted, lost;
};

static void run_begin(struct run *run, struct weftp_queue_options options, uint32_t count)
{
    memset(run, 0, sizeof *run);
    run->count = count;
    run->queue = queue_create(options);
    run->consumer = consumer_create(run->queue);
    run->consumer->arg = &run->log;
    run->consumer->each = check;
    run->log.seen = malloc(RECORDS * sizeof *run->log.seen);
    assert_non_null(run->log.seen);
    for (uint32_t i = 0; i < count; i++) {
        run->producers[i] = (struct producer){.queue = run->queue,
                                              .index = i,
                                              .count = RECORDS / count,
                                              .seed = i + 1,
                                              .level = i % 2 ? WARN : INFO};
        run->producers[i].ended = malloc(RECORDS / count * sizeof(uint64_t));
        assert_non_null(run->producers[i].ended);
    }
}

static void start_producers(struct run *run)
{
    for (uint32_t i = 0; i < run->count; i++)
        assert_int_equal(
            pthread_create(&run->producers[i].thread, NULL, run_producer, &run->producers[i]), 0);
}

static void join_producers(struct run *run)
{
    for (uint32_t i = 0; i < run->count; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(run->producers[i].thread, &result), 0);
        assert_non_null(result);
        run->accepted += run->producers[i].accepted;
        run->lost += run->producers[i].lost;
    }
}

/* Accepted is taken, lost is told, and nothing came twice, torn or out of its thread's order. */
static void run_end(struct run *run)
{
    struct weftp_queue_counts counts;
    consumer_stop(run->consumer);
    weftp_queue_counts(run->queue, &counts);
    assert_int_equal(run->log.wrong, 0);
    assert_int_equal(run->log.count, run->accepted);
    assert_int_equal(run->consumer->records, run->accepted);
    assert_int_equal(run->consumer->lost, run->lost);
    assert_int_equal(counts.lost_count, run->lost);
    assert_int_equal(counts.pending, 0);
    assert_int_equal(run->accepted + run->lost, RECORDS / run->count * run->count);
    for (uint32_t i = 0; i < run->count; i++) free(run->producers[i].ended);
    free(run->log.seen);
    free(run->consumer);
    queue_destroy(run->queue);
}

/* ---- order ---- */

/* No record comes after one whose call began when its own was over. */
static uint64_t count_reversals(const struct run *run)
{
    uint64_t latest_begun = 0, reversals = 0;
    for (uint32_t i = 0; i < run->log.count; i++) {
        const struct seen *seen = &run->log.seen[i];
        reversals += run->producers[seen->producer].ended[seen->number] < latest_begun;
        if (seen->begun > latest_begun) latest_begun = seen->begun;
    }
    return reversals;
}

/* Answers are asked for all the time: they change no order. */
static void *ask_often(void *arg)
{
    struct run *run = arg;
    for (int i = 0; i < 100; i++) {
        if (!weftp_queue_drain(run->queue, INT64_MAX)) return NULL;
        weftp_sleep_ns(100000);
    }
    return run;
}

static void test_order_of_threads(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= PRODUCERS_MAX; count *= 2) {
        struct run run;
        pthread_t asker;
        void *asked = NULL;
        run_begin(&run, QUEUE_BLOCKS, count);
        consumer_start(run.consumer);
        assert_int_equal(pthread_create(&asker, NULL, ask_often, &run), 0);
        start_producers(&run);
        join_producers(&run);
        assert_int_equal(pthread_join(asker, &asked), 0);
        assert_non_null(asked);
        assert_int_equal(run.lost, 0);
        assert_true(weftp_queue_drain(run.queue, INT64_MAX));
        assert_int_equal(run.log.count, run.accepted);
        assert_int_equal(count_reversals(&run), 0);
        run_end(&run);
    }
}

/* ---- policies, with a consumer that stalls now and then ---- */

static void run_with_stalls(struct weftp_queue_options options, uint64_t *lost)
{
    struct run run;
    run_begin(&run, options, 4);
    consumer_start(run.consumer);
    start_producers(&run);
    for (int i = 0; i < 15; i++) {
        __atomic_store_n(&run.consumer->stalled, i % 2 == 0, __ATOMIC_RELEASE);
        weftp_sleep_ns(2000000);
    }
    __atomic_store_n(&run.consumer->stalled, 0, __ATOMIC_RELEASE);
    join_producers(&run);
    *lost = run.lost;
    run_end(&run);
}

static void test_accepted_is_taken_or_counted(void **state)
{
    (void)state;
    struct weftp_queue_options options = QUEUE_BLOCKS;
    uint64_t lost;
    run_with_stalls(options, &lost);
    assert_int_equal(lost, 0);
    options.block_ns = 200000;
    run_with_stalls(options, &lost);
    run_with_stalls(QUEUE_DROPS, &lost);
    assert_true(lost > 0);
    options = QUEUE_DROPS;
    options.keep_level = WARN;
    run_with_stalls(options, &lost);
    assert_true(lost > 0);
}

static void test_closing_ends_every_wait(void **state)
{
    (void)state;
    struct run run;
    run_begin(&run, QUEUE_BLOCKS, 4);
    __atomic_store_n(&run.consumer->stalled, 1, __ATOMIC_RELEASE);
    consumer_start(run.consumer);
    start_producers(&run);
    AWAIT(__atomic_load_n(&run.consumer->stalling, __ATOMIC_ACQUIRE) == 1);
    weftp_sleep_ns(20000000); /* time to fill the rings, not needed */
    const int64_t before_ms = weftp_monotonic_ms();
    weftp_queue_closing(run.queue, true);
    join_producers(&run);
    assert_in_range(weftp_monotonic_ms() - before_ms, 0, 5000);
    assert_true(run.lost > 0);
    weftp_queue_closing(run.queue, false);
    __atomic_store_n(&run.consumer->stalled, 0, __ATOMIC_RELEASE);
    run_end(&run);
}

/* ---- sleep and wake ---- */

#define WAKES (UNDER_TSAN ? 2000u : 40000u)

static void test_no_wake_is_lost(void **state)
{
    (void)state;
    assert_int_equal(queue_wakes(true, WAKES), WAKES);
    assert_int_equal(queue_wakes(false, WAKES), WAKES); /* each record pays a fence */
}

/* The other sleep: producers wait for room again and again, in a ring that is always full. */
static void test_no_producer_is_left_waiting(void **state)
{
    (void)state;
    struct run run;
    run_begin(&run, QUEUE_BLOCKS, 2);
    consumer_start(run.consumer);
    start_producers(&run);
    join_producers(&run);
    run_end(&run);
}

/* ---- threads that come and go ---- */

static size_t count_descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir) return 0;
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static void *visit(void *arg)
{
    struct weftp_queue *queue = arg;
    struct weftp_seat *seat = weftp_queue_sit(queue);
    if (!seat) return NULL;
    for (int i = 0; i < 3; i++)
        if (!queue_push(queue, seat, INFO, "visitor", 7)) return NULL;
    weftp_queue_leave(queue, seat);
    return queue;
}

static void run_visitors(struct weftp_queue *queue, size_t count, size_t at_a_time)
{
    pthread_t threads[200];
    pthread_attr_t attr;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    for (size_t done = 0; done < count; done += at_a_time) {
        for (size_t i = 0; i < at_a_time; i++)
            assert_int_equal(pthread_create(&threads[i], &attr, visit, queue), 0);
        for (size_t i = 0; i < at_a_time; i++) {
            void *result = NULL;
            assert_int_equal(pthread_join(threads[i], &result), 0);
            assert_non_null(result);
        }
    }
    pthread_attr_destroy(&attr);
}

static bool is_small(struct weftp_queue *queue)
{
    struct weftp_queue_counts counts;
    weftp_queue_counts(queue, &counts);
    return counts.seats <= WEFTP_QUEUE_SPARE_MAX && counts.pending == 0;
}

static void test_threads_leave_nothing(void **state)
{
    (void)state;
    const size_t count = UNDER_TSAN ? 1000 : 10000;
    struct weftp_queue *queue = queue_create(QUEUE_BLOCKS);
    struct consumer *consumer = consumer_create(queue);
    consumer_start(consumer);
    run_visitors(queue, count / 10, 1);
    run_visitors(queue, 200, 200);
    AWAIT(is_small(queue));
    const long before_kib = resident_kib();
    const size_t descriptors = count_descriptors();
    run_visitors(queue, count, 1);
    run_visitors(queue, 1000, 200);
    AWAIT(is_small(queue));
    if (MEMORY_IS_TELLING) assert_in_range(resident_kib(), 0, before_kib + 1024);
    assert_int_equal(count_descriptors(), descriptors);
    consumer_stop(consumer);
    assert_int_equal(consumer->records, 3 * (count / 10 + 200 + count + 1000));
    free(consumer);
    queue_destroy(queue);
}

/* Whoever configures, counts and asks is in nobody's way. */
static void *meddle(void *arg)
{
    struct run *run = arg;
    for (unsigned i = 0; i < 300; i++) {
        struct weftp_queue_options options = QUEUE_BLOCKS;
        struct weftp_queue_counts counts;
        options.ring_bytes <<= i % 2;
        options.block_ns = INT64_MAX - i;
        weftp_queue_set(run->queue, &options);
        weftp_queue_counts(run->queue, &counts);
        if (!visit(run->queue) || counts.pending > RECORDS) return NULL;
    }
    return run;
}

static void test_meddlers(void **state)
{
    (void)state;
    struct run run;
    pthread_t thread;
    void *result = NULL;
    run_begin(&run, QUEUE_BLOCKS, 2);
    run.consumer->each = NULL;
    consumer_start(run.consumer);
    start_producers(&run);
    assert_int_equal(pthread_create(&thread, NULL, meddle, &run), 0);
    join_producers(&run);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_non_null(result);
    assert_true(weftp_queue_drain(run.queue, INT64_MAX));
    run.log.count = (uint32_t)run.accepted; /* nobody looked into them */
    run.consumer->records -= 900;           /* the visits' */
    run_end(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_of_threads),
        cmocka_unit_test(test_accepted_is_taken_or_counted),
        cmocka_unit_test(test_closing_ends_every_wait),
        cmocka_unit_test(test_no_wake_is_lost),
        cmocka_unit_test(test_no_producer_is_left_waiting),
        cmocka_unit_test(test_threads_leave_nothing),
        cmocka_unit_test(test_meddlers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
