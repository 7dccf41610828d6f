/*
 * The queue from the outside: what a flush means, what may be changed when a call has returned, and
 * that lines are the same as without it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/queue_rows.h"

#include <ctype.h>
#include <weft/test.h>

/* ---- flush ---- */

#define FLUSHERS 4
#define FLUSHED  2000

static pthread_barrier_t logged, looked;

static void *log_and_stay(void *arg)
{
    row_log_many((unsigned)(uintptr_t)arg, FLUSHED);
    pthread_barrier_wait(&logged);
    pthread_barrier_wait(&looked);
    return NULL;
}

static size_t lines_of(const char *path)
{
    char *text = read_file(path);
    const size_t lines = count_lines(text);
    free(text);
    return lines;
}

/* What all threads logged before is in the file, whose size is the operating system's word. */
static void flush_beside_threads(void *arg)
{
    const struct row *row = arg;
    pthread_t threads[FLUSHERS];
    pthread_barrier_init(&logged, NULL, FLUSHERS + 1);
    pthread_barrier_init(&looked, NULL, FLUSHERS + 1);
    for (uintptr_t i = 0; i < FLUSHERS; i++)
        EXPECT(pthread_create(&threads[i], NULL, log_and_stay, (void *)i) == 0);
    pthread_barrier_wait(&logged);
    EXPECT(weft_flush(20000) == WEFT_OK);
    EXPECT(lines_of(row->path) == FLUSHERS * FLUSHED);
    pthread_barrier_wait(&looked);
    for (size_t i = 0; i < FLUSHERS; i++) pthread_join(threads[i], NULL);
    weft_fatal(NULL, "dying");
    EXPECT(lines_of(row->path) == FLUSHERS * FLUSHED + 1);
    _exit(0);
}

static void a_flush_means_with_the_operating_system(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    QUEUE_RUN(&row, flush_beside_threads, &row);
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    row_end(&row);
}

static void flush_buffers(void *arg)
{
    const struct row *row = arg;
    row_log_many(0, 10);
    EXPECT(weft_flush(20000) == WEFT_OK);
    EXPECT(lines_of(row->path) == 10);
    weft_fatal(NULL, "dying");
    EXPECT(lines_of(row->path) == 11);
}

static void a_flush_goes_on_to_what_sinks_keep(void **state)
{
    struct row row = row_begin("?buffer_bytes=64k");
    (void)state;
    QUEUE_RUN(&row, flush_buffers, &row);
    row_end(&row);
}

/* ---- what arguments point to ---- */

#define CHANGED 2000

static void change_at_once(void *arg)
{
    char text[64];
    (void)arg;
    for (unsigned i = 0; i < CHANGED; i++) {
        char *copy = NULL, key[16];
        snprintf(text, sizeof text, "value %u", i);
        snprintf(key, sizeof key, "key%u", i % 10);
        EXPECT((copy = strdup(text)) != NULL);
        weft_field *fields = malloc(2 * sizeof *fields);
        EXPECT(fields != NULL);
        fields[0] = weft_str(key, copy);
        fields[1] = weft_obj("user", weft_str("name", copy));
        weft_logger *bound = weft_logger_with(weft_logger_get("l"), weft_str("bound", copy));
        weft_mdc_put("request", copy);
        weft_log_fields(bound, WEFT_LEVEL_INFO, copy, fields, 2);
        memset(copy, 'X', strlen(copy));
        memset(key, 'Y', strlen(key));
        weft_mdc_put("request", copy);
        weft_logger_release(bound);
        free(copy);
        memset(fields, 0xff, 2 * sizeof *fields);
        free(fields);
    }
}

static void check_unchanged(void *arg, yajl_val line)
{
    unsigned *next = arg;
    char value[32], key[16];
    snprintf(value, sizeof value, "value %u", *next);
    snprintf(key, sizeof key, "key%u", *next % 10);
    assert_string_equal(member_text(line, "message"), value);
    assert_string_equal(member2_text(line, "labels", key), value);
    assert_string_equal(member2_text(line, "labels", "bound"), value);
    assert_string_equal(member2_text(line, "labels", "request"), value);
    ++*next;
}

static void arguments_may_be_changed_when_the_call_has_returned(void **state)
{
    unsigned next = 0;
    struct row row = row_begin("");
    (void)state;
    QUEUE_RUN(&row, change_at_once, NULL);
    char *text = read_file(row.path);
    assert_int_equal(each_line(text, check_unchanged, &next), 0);
    assert_int_equal(next, CHANGED);
    free(text);
    row_end(&row);
}

/* ---- the same lines ---- */

static void log_all_kinds(void *arg)
{
    static char large[60001];
    weft_logger *log = weft_logger_get("orders.api");
    weft_logger *bound = weft_logger_with(log, weft_str("peer", "db"), weft_int("shard", 3));
    (void)arg;
    memset(large, 'l', sizeof large - 1);
    weft_mdc_put("request_id", "r-1");
    weft_mdc_put_field(weft_obj("user", weft_str("name", "kim"), weft_int("id", 7)));
    for (int level = WEFT_LEVEL_TRACE; level <= WEFT_LEVEL_ERROR; level += 4)
        weft_log_fields(bound, (weft_level)level, "a level", NULL, 0);
    weft_info(bound, "values", weft_double("d", 0.1), weft_double("nan", 0.0 / 0.0),
              weft_uint("max", UINT64_MAX), weft_int("min", INT64_MIN), weft_bool("b", true),
              weft_str("escapes", "\"\\\n\t\x01\x7f\xff\xed\x95\x9c"), weft_str("null", NULL),
              weft_json("raw", "{\"a\":[1,2,{\"b\":null}]}"), weft_json("bad", "{\"a\":"),
              weft_obj("o", weft_arr("a", weft_int(NULL, 1), weft_str(NULL, "x"))),
              weft_bytes("bytes", "\0\1\2", 3), weft_errno("err", ENOENT));
    weft_warnf(log, "formatted %d %s", 7, "text");
    weft_warn(log, "twice", weft_str("k", "one"), weft_str("k", "two"),
              weft_str("message", "taken"), weft_str("request_id", "mine"));
    weft_error(NULL, "", weft_str("large", large));
    weft_error(NULL, large);
    weft_mdc_clear();
    weft_error(bound, "no context");
    weft_logger_release(bound);
}

/* Times of the day are left out; all else stays. */
static void hide_times(char *text)
{
    char *to = text;
    for (const char *at = text; *at; *to++ = *at++)
        if (isdigit((unsigned char)at[0]) && isdigit((unsigned char)at[1]) && at[2] == ':')
            at += strspn(at, "0123456789:.");
    *to = '\0';
}

#define FORMATS 4
static const char *const formats[FORMATS] = {"ecs", "logstash&level=warn", "logback", "pretty"};

static void lines_are_those_without_the_queue(void **state)
{
    char *texts[2][FORMATS];
    (void)state;
    for (int queue = 0; queue < 2; queue++) {
        struct row row = row_begin("");
        size_t size = (size_t)snprintf(row.sinks, sizeof row.sinks, "WEFT_SINKS=");
        for (size_t i = 0; i < FORMATS; i++)
            size += (size_t)snprintf(row.sinks + size, sizeof row.sinks - size,
                                     "file:%s/%zu?format=%s ", row.folder, i, formats[i]);
        assert_true(size < sizeof row.sinks);
        row.env[1] = queue ? "WEFT_ASYNC=on" : "WEFT_ASYNC=off";
        row.env[2] = "WEFT_LEVEL=trace";
        row_run(&row, log_all_kinds, NULL);
        for (size_t i = 0; i < FORMATS; i++) {
            snprintf(row.path, sizeof row.path, "%s/%zu", row.folder, i);
            hide_times(texts[queue][i] = read_file(row.path));
        }
        row_end(&row);
    }
    for (size_t i = 0; i < FORMATS; i++) {
        assert_true(count_lines(texts[0][i]) >= 5);
        assert_string_equal(texts[0][i], texts[1][i]);
        free(texts[0][i]);
        free(texts[1][i]);
    }
}

/* ---- records larger than a ring's share ---- */

#define LARGE_ROUNDS 12

static void log_large(void *arg)
{
    static const size_t sizes[] = {10, 15000, 17000, 65536, 70000, 900000};
    static char large[1 << 20];
    uint64_t seq = 0;
    (void)arg;
    memset(large, 'l', sizeof large - 1);
    for (unsigned i = 0; i < LARGE_ROUNDS * 6; i++) {
        row_log(0, seq++);
        const size_t size = sizes[i % 6];
        large[size] = '\0';
        weft_info(NULL, "seq", weft_uint("writer", 0), weft_uint("seq", seq++),
                  weft_str("x", large));
        large[size] = 'l';
    }
    const weft_stats stats = queue_sums();
    EXPECT(stats.written == seq && stats.dropped == 0 && stats.truncated == 0);
    EXPECT(stats.queue_large >= 3 * LARGE_ROUNDS && stats.queue_large <= 4 * LARGE_ROUNDS);
}

static void large_records_are_whole_and_in_order(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    QUEUE_RUN(&row, log_large, NULL, "WEFT_QUEUE_BYTES=64k", "WEFT_LINE_BYTES_MAX=1MiB");
    row_read(&seqs, row.path);
    assert_false(seqs.gap);
    assert_int_equal(seqs.lines, LARGE_ROUNDS * 12);
    row_end(&row);
}

/* ---- a test's capture ---- */

static void capture_in_between(void *arg)
{
    (void)arg;
    row_log(0, 0);
    weft_capture *capture = weft_test_capture(NULL);
    EXPECT(capture != NULL);
    weft_warn(NULL, "captured", weft_int("n", 1));
    EXPECT(weft_test_count(capture) == 1 && weft_test_find(capture, 0, "captured") == 0);
    EXPECT(weft_reload() == WEFT_OK);
    weft_warn(NULL, "captured too");
    EXPECT(weft_test_count(capture) == 2);
    weft_test_release(capture);
    row_log(0, 1);
    const weft_stats stats = queue_sums();
    EXPECT(stats.sinks[0].written == 2 && stats.dropped == 0);
}

static void a_capture_is_synchronous_and_the_queue_goes_on(void **state)
{
    struct row_seqs seqs = {.lines = 0};
    struct row row = row_begin("");
    (void)state;
    QUEUE_RUN(&row, capture_in_between, NULL);
    row_read(&seqs, row.path);
    assert_true(!seqs.gap && seqs.lines == 2 && seqs.others == 0);
    row_end(&row);
}

/* ---- a sink that prints what is captured ---- */

#define PRINTED 3000 /* lines of 1 KiB: more than a pipe and a ring */

static weft_status print_much(void *arg, const struct weft_line *line)
{
    static char text[1024];
    (void)arg;
    (void)line;
    memset(text, 'c', sizeof text - 2);
    text[sizeof text - 2] = '\n';
    for (size_t i = 0; i < PRINTED; i++) fputs(text, stdout);
    fflush(stdout);
    return WEFT_OK;
}

static void log_to_printer(void *arg)
{
    const struct row *row = arg;
    weft_sink_callback_set(NULL, print_much, NULL);
    weft_info(NULL, "one");
    AWAIT(lines_of(row->path) == 1 + PRINTED);
}

static void a_sink_that_prints_does_not_wait_for_itself(void **state)
{
    struct row row = row_begin("");
    (void)state;
    snprintf(row.sinks, sizeof row.sinks, "WEFT_SINKS=callback: file:%s", row.path);
    QUEUE_RUN(&row, log_to_printer, &row, "WEFT_CAPTURE=stdout", "WEFT_QUEUE_BYTES=64k");
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flush_means_with_the_operating_system),
        cmocka_unit_test(a_flush_goes_on_to_what_sinks_keep),
        cmocka_unit_test(arguments_may_be_changed_when_the_call_has_returned),
        cmocka_unit_test(lines_are_those_without_the_queue),
        cmocka_unit_test(large_records_are_whole_and_in_order),
        cmocka_unit_test(a_capture_is_synchronous_and_the_queue_goes_on),
        cmocka_unit_test(a_sink_that_prints_does_not_wait_for_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
