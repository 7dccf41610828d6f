/*
 * WEFT_OVERFLOW before a sink that stalls: accepted = written + counted, whatever the policy is, and
 * the stream says in place what is missing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/queue_rows.h"

#define RING 65536 /* bytes; some hundred records */
#define MANY 5000  /* records: several rings full */

enum { INFO = 2, WARN = 3, ERROR = 4 }; /* places in by-level counts */

/* ---- block ---- */

static bool ended;

static void *log_many(void *arg)
{
    row_log_many((unsigned)(uintptr_t)arg, MANY);
    __atomic_store_n(&ended, true, __ATOMIC_SEQ_CST);
    return NULL;
}

/* Wait until nobody has got a record in for a tenth of a second. */
static void await_stillness(void)
{
    for (uint64_t before = UINT64_MAX; before != queue_stats().accepted; usleep(100000))
        before = queue_stats().accepted;
}

static void block(void *arg)
{
    pthread_t threads[2];
    gate_begin_shut(arg);
    for (uintptr_t i = 0; i < 2; i++)
        EXPECT(pthread_create(&threads[i], NULL, log_many, (void *)i) == 0);
    await_stillness();
    EXPECT(!ended && queue_stats().accepted < 2 * MANY);
    gate_set(false);
    for (size_t i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    const weft_stats stats = queue_sums();
    EXPECT(stats.accepted == 2 * MANY + 1 && stats.written == stats.accepted);
}

static void block_loses_nothing(void **state)
{
    struct row row = gate_row();
    struct row_seqs seqs = {.lines = 0};
    (void)state;
    QUEUE_RUN(&row, block, &row, "WEFT_QUEUE_BYTES=64k");
    row_read(&seqs, row.path);
    assert_true(!seqs.gap && seqs.lines == 2 * MANY && seqs.others == 1);
    row_end(&row);
}

/* ---- what is lost, and where that is said ---- */

struct stream {
    uint64_t next; /* number of the record that is expected */
    uint64_t lost, gaps, lines;
    uint64_t by_level[3]; /* INFO, WARN, ERROR of what gap records say */
    uint64_t worse;       /* lines of WARN and above */
    bool wrong;
};

static uint64_t level_number(yajl_val line, const char *level)
{
    const char *path[] = {"custom", "lost_by_level", level, NULL};
    const yajl_val value = yajl_tree_get(line, path, yajl_t_number);
    return value ? strtoull(YAJL_GET_NUMBER(value), NULL, 10) : 0;
}

/* Each gap stands where its records would have stood, and is as large as what is missing there. */
static void follow(void *arg, yajl_val line)
{
    struct stream *stream = arg;
    const char *message = member_text(line, "message");
    if (strcmp(message, "records lost") == 0) {
        static const char *const names[] = {"info", "warn", "error"};
        const uint64_t lost = row_number(line, "lost");
        uint64_t sum = 0;
        for (size_t i = 0; i < 3; i++) {
            const uint64_t count = level_number(line, names[i]);
            stream->by_level[i] += count;
            sum += count;
        }
        stream->wrong = stream->wrong || sum != lost;
        stream->lost += lost;
        stream->next += lost;
        stream->gaps++;
    } else if (strcmp(message, "seq") == 0) {
        stream->lines++;
        stream->worse += strcmp(member_text(line, "log.level"), "INFO") != 0;
        stream->wrong = stream->wrong || row_number(line, "seq") != stream->next++;
    }
}

static struct stream read_stream(const char *path)
{
    struct stream stream = {.next = 0};
    char *text = read_file(path);
    assert_int_equal(each_line(text, follow, &stream), 0);
    free(text);
    assert_false(stream.wrong);
    assert_true(stream.gaps > 0);
    return stream;
}

/* Every fourth is a warning, every eighth an error instead. */
static void log_mixed(uint64_t from, uint64_t to)
{
    for (uint64_t seq = from; seq < to; seq++) {
        const weft_level level = seq % 8 == 0   ? WEFT_LEVEL_ERROR
                                 : seq % 4 == 0 ? WEFT_LEVEL_WARN
                                                : WEFT_LEVEL_INFO;
        const weft_field fields[] = {weft_uint("seq", seq), weft_uint("writer", 0)};
        weft_log_fields(NULL, level, "seq", fields, 2);
    }
}

/* Twice: the gate shuts, more comes than fits, it opens, some more comes. */
static void lose_twice(void *arg)
{
    gate_begin_shut(arg);
    log_mixed(0, MANY);
    gate_set(false);
    EXPECT(weft_flush(20000) == WEFT_OK);
    log_mixed(MANY, MANY + 10);
    gate_set(true);
    log_mixed(MANY + 10, MANY + 20);
    gate_await();
    log_mixed(MANY + 20, 2 * MANY);
    gate_set(false);
    const weft_stats stats = queue_sums();
    EXPECT(stats.accepted == 2 * MANY + 1 && stats.dropped == stats.dropped_queue);
    EXPECT(stats.dropped_queue > MANY && stats.dropped_queue_by_level[INFO] > MANY / 2);
    EXPECT(stats.dropped_queue_by_level[WARN] > 0 && stats.dropped_queue_by_level[ERROR] > 0);
    EXPECT(stats.sinks[0].accepted == stats.sinks[0].written + stats.sinks[0].dropped);
    EXPECT(stats.sinks[0].dropped == stats.dropped_queue);
    dprintf(1, "%llu %llu\n", (unsigned long long)stats.dropped_queue,
            (unsigned long long)stats.dropped_queue_by_level[ERROR]);
}

static void check_losses(const char *policy)
{
    struct row row = gate_row();
    unsigned long long lost, errors;
    row.env[0] = row.sinks;
    row.env[1] = "WEFT_ASYNC=on";
    row.env[2] = "WEFT_QUEUE_BYTES=64k";
    row.env[3] = policy;
    struct child child = run_child(lose_twice, &row, row.env);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    assert_string_equal(child.err, ""); /* it is said in the stream */
    assert_int_equal(sscanf(child.out, "%llu %llu", &lost, &errors), 2);
    const struct stream stream = read_stream(row.path);
    assert_int_equal(stream.next, 2 * MANY);
    assert_int_equal(stream.lost, lost);
    assert_int_equal(stream.by_level[2], errors);
    assert_int_equal(stream.lines + stream.lost, 2 * MANY);
    child_free(&child);
    row_end(&row);
}

static void drop_counts_by_level_and_says_so_in_place(void **state)
{
    (void)state;
    check_losses("WEFT_OVERFLOW=drop");
}

static void block_for_a_while_then_drops(void **state)
{
    (void)state;
    check_losses("WEFT_OVERFLOW=block:0ms");
}

/* Nobody logs after it: it is said all the same. */
static void lose_and_stop(void *arg)
{
    gate_begin_shut(arg);
    log_mixed(0, MANY);
    gate_set(false);
    (void)queue_sums();
    const struct row *row = arg;
    AWAIT(strstr(read_file(row->path), "records lost"));
    _exit(0);
}

static void a_loss_is_said_though_nobody_logs_again(void **state)
{
    struct row row = gate_row();
    (void)state;
    QUEUE_RUN(&row, lose_and_stop, &row, "WEFT_QUEUE_BYTES=64k", "WEFT_OVERFLOW=drop");
    const struct stream stream = read_stream(row.path);
    assert_int_equal(stream.next, MANY);
    assert_int_equal(stream.gaps, 1);
    row_end(&row);
}

static void wait_50_ms(void *arg)
{
    gate_begin_shut(arg);
    uint64_t seq = 0;
    for (int waited = 0; waited < 3; seq++) {
        const int64_t before = monotonic_ms();
        log_mixed(seq, seq + 1);
        const int64_t took = monotonic_ms() - before;
        EXPECT(took < 5000);
        waited += took >= 45;
    }
    gate_set(false);
    const weft_stats stats = queue_sums();
    EXPECT(stats.accepted == seq + 1 && stats.dropped >= 1 && stats.dropped <= 3);
}

static void block_is_bounded(void **state)
{
    struct row row = gate_row();
    (void)state;
    QUEUE_RUN(&row, wait_50_ms, &row, "WEFT_QUEUE_BYTES=64k", "WEFT_OVERFLOW=block:50ms");
    (void)read_stream(row.path);
    row_end(&row);
}

/* ---- drop_below ---- */

static void *open_the_gate(void *arg)
{
    await_stillness();
    gate_set(false);
    return arg;
}

/* No warning and no error is lost: they have the last part of the ring, and wait when that is full. */
static void keep_the_worse(void *arg)
{
    pthread_t thread;
    gate_begin_shut(arg);
    EXPECT(pthread_create(&thread, NULL, open_the_gate, NULL) == 0);
    log_mixed(0, MANY);
    pthread_join(thread, NULL);
    const weft_stats stats = queue_sums();
    EXPECT(stats.dropped == stats.dropped_queue_by_level[INFO] && stats.dropped > MANY / 4);
    EXPECT(stats.accepted == MANY + 1);
}

static void errors_are_not_dropped_before_infos(void **state)
{
    struct row row = gate_row();
    (void)state;
    QUEUE_RUN(&row, keep_the_worse, &row, "WEFT_QUEUE_BYTES=64k", "WEFT_OVERFLOW=drop_below:warn");
    const struct stream stream = read_stream(row.path);
    assert_int_equal(stream.next, MANY);
    assert_int_equal(stream.worse, MANY / 4);
    assert_int_equal(stream.by_level[1] + stream.by_level[2], 0);
    row_end(&row);
}

/* ---- large records ---- */

static void drop_large(void *arg)
{
    static char large[100001];
    memset(large, 'l', sizeof large - 1);
    gate_begin_shut(arg);
    weft_info(NULL, "small");
    weft_info(NULL, large); /* would have to wait for the gate */
    gate_set(false);
    EXPECT(weft_flush(20000) == WEFT_OK);
    weft_info(NULL, large);
    const weft_stats stats = queue_sums();
    EXPECT(stats.queue_large == 2 && stats.dropped_queue == 1 && stats.written == 3);
}

static void a_large_record_does_not_wait_for_a_sink_that_stalls(void **state)
{
    struct row row = gate_row();
    (void)state;
    QUEUE_RUN(&row, drop_large, &row, "WEFT_QUEUE_BYTES=64k", "WEFT_OVERFLOW=drop");
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(block_loses_nothing),
        cmocka_unit_test(drop_counts_by_level_and_says_so_in_place),
        cmocka_unit_test(block_for_a_while_then_drops),
        cmocka_unit_test(a_loss_is_said_though_nobody_logs_again),
        cmocka_unit_test(block_is_bounded),
        cmocka_unit_test(errors_are_not_dropped_before_infos),
        cmocka_unit_test(a_large_record_does_not_wait_for_a_sink_that_stalls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
