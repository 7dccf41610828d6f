/*
 * seq=on from the outside: whoever reads the file can tell that it holds all, or what it lacks. Threads, forks, reloads,
 * sinks that fail, sinks that keep lines; run once more with the queue.
 */
#include "support/numbers.h"

#include "support/await.h"
#include "support/emulated.h"

#include <pthread.h>
#include <sys/resource.h>
#include <weft/sys/encoder.h>

#define WRITERS 4
#define EACH    400

static void run_with(const struct row *row, const char *sinks, void (*fn)(void *), void *arg)
{
    char text[1024];
    snprintf(text, sizeof text, "WEFT_SINKS=%s", sinks);
    const char *const env[] = {text, NULL};
    struct child child = run_child(fn, arg ? arg : (void *)(uintptr_t)row, env);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
}

static void *write_some(void *writer)
{
    row_log_many((unsigned)(uintptr_t)writer, EACH);
    return NULL;
}

static void write_by_threads(void *arg)
{
    pthread_t threads[WRITERS];
    (void)arg;
    for (uintptr_t i = 0; i < WRITERS; i++)
        EXPECT(pthread_create(&threads[i], NULL, write_some, (void *)i) == 0);
    for (size_t i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
}

/* ---- threads and sinks ---- */

static void log_for_all(void *arg)
{
    write_by_threads(arg);
    weft_error(NULL, "an error");
}

/* Two formats, three places, one sink with a level of its own and one without numbers. */
static void each_sink_counts_by_itself(void **state)
{
    struct row row = row_begin("");
    char sinks[768], path[160];
    static const char *const names[] = {"a", "kept", "errors", "zipped.gz", "bare"};
    static const uint64_t lines[] = {WRITERS * EACH + 1, WRITERS * EACH + 1, 1, WRITERS * EACH + 1,
                                     0};
    (void)state;
    /* The one without numbers has room for as long a line as the others have beside their numbers. */
    snprintf(sinks, sizeof sinks,
             "file:%s/bare?seq=off&line_bytes_max=1048448 file:%s/a?seq=on "
             "file:%s/kept?seq=on&buffer_bytes=16k file:%s/errors?seq=on&level=error "
             "gzip:%s/zipped.gz?seq=on",
             row.folder, row.folder, row.folder, row.folder, row.folder);
    run_with(&row, sinks, log_for_all, NULL);
    char id[33] = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct number_reader reader = {.count = 0};
        struct row_seqs seqs = {.lines = 0};
        snprintf(path, sizeof path, "%s/%s", row.folder, names[i]);
        number_read(&reader, path);
        row_read(&seqs, path);
        assert_false(reader.hole || seqs.gap);
        assert_int_equal(reader.without, lines[i] ? 0 : WRITERS * EACH + 1);
        assert_int_equal(reader.count, lines[i] > 0);
        if (!lines[i]) continue;
        assert_int_equal(reader.streams[0].last, lines[i]);
        if (i > 0) assert_string_equal(id, reader.streams[0].id);
        memcpy(id, reader.streams[0].id, sizeof id);
    }
    row_end(&row);
}

static void log_long_lines(void *arg)
{
    static char text[4000];
    (void)arg;
    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < 20; i++) weft_info(NULL, "long", weft_str("text", text));
}

static void numbers_are_within_the_budget(void **state)
{
    struct row row = row_begin("");
    struct number_reader reader = {.count = 0};
    char sinks[256];
    (void)state;
    snprintf(sinks, sizeof sinks, "file:%s?seq=on&line_bytes_max=1k", row.path);
    run_with(&row, sinks, log_long_lines, NULL);
    number_read(&reader, row.path);
    assert_true(!reader.hole && reader.count == 1 && reader.streams[0].last == 20);
    char *text = row_text(row.path);
    const size_t line = strcspn(text, "\n") + 1;
    assert_true(line > 900 && line <= 1024);
    free(text);
    row_end(&row);
}

/* ---- sinks that fail ---- */

static FILE *flaky_file;
static unsigned flaky_calls;
static bool flaky_whole;

static weft_status flaky_open(void **self, const struct weft_options_kv *options)
{
    static int instance;
    (void)options;
    *self = &instance;
    return WEFT_OK;
}

/* Takes none of the lines, or some, or all of them. */
static weft_status flaky_write(void *self, const struct weft_line *lines, size_t count,
                               size_t *written)
{
    const size_t takes = flaky_whole ? count : flaky_calls++ * 7 % 5 * count / 4;
    (void)self;
    for (*written = 0; *written < takes && *written < count; ++*written)
        EXPECT(fwrite(lines[*written].data, lines[*written].size, 1, flaky_file) == 1);
    EXPECT(fflush(flaky_file) == 0);
    return *written == count ? WEFT_OK : WEFT_EIO;
}

static void flaky_close(void *self)
{
    (void)self;
}

static const struct weft_sink_type flaky = {sizeof flaky, "flaky", flaky_open,
                                            flaky_write,  NULL,    flaky_close};

static void log_into_a_flaky_sink(void *arg)
{
    const struct row *row = arg;
    flaky_file = fopen(row->path, "w");
    EXPECT(flaky_file != NULL && weft_sink_register(&flaky) == WEFT_OK);
    write_by_threads(NULL);
    SETTLE();
    flaky_whole = true;
    weft_info(NULL, "after");
    EXPECT(weft_flush(20000) == WEFT_OK);
    const weft_stats stats = row_stats();
    EXPECT(stats.accepted == WRITERS * EACH + 1 && stats.dropped_sink > 0);
    fprintf(stderr, "%llu\n", (unsigned long long)stats.dropped_sink);
}

static void what_a_sink_lost_is_what_numbers_leave_out(void **state)
{
    struct row row = row_begin("");
    struct number_reader reader = {.count = 0};
    (void)state;
    run_with(&row, "flaky:?seq=on", log_into_a_flaky_sink, NULL);
    number_read(&reader, row.path);
    assert_false(reader.hole);
    assert_int_equal(reader.count, 1);
    const struct number_stream *stream = &reader.streams[0];
    assert_true(stream->lost > 0 && stream->gaps > 1);
    assert_int_equal(stream->last, WRITERS * EACH + 1 + stream->gaps);
    assert_int_equal(stream->last, stream->lines + stream->lost);
    row_end(&row);
}

static void limit_files(rlim_t bytes)
{
    const struct rlimit limit = {bytes, RLIM_INFINITY};
    EXPECT(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* Writes that fail in the middle of a line, which is cut off again; then the file may grow. */
static void log_past_a_limit(void *arg)
{
    (void)arg;
    limit_files(20011);
    row_log_many(0, 300);
    SETTLE();
    limit_files(RLIM_INFINITY);
    row_log_many(1, 300);
}

static void torn_lines_leave_their_numbers_out(void **state)
{
    static const char *const options[] = {"", "&buffer_bytes=4k"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct row row = row_begin("");
        struct number_reader reader = {.count = 0};
        char sinks[256];
        snprintf(sinks, sizeof sinks, "file:%s?seq=on%s", row.path, options[i]);
        run_with(&row, sinks, log_past_a_limit, NULL);
        number_read(&reader, row.path);
        assert_true(!reader.hole && reader.count == 1);
        assert_true(reader.streams[0].lost > 0);
        assert_int_equal(reader.streams[0].last, 600 + reader.streams[0].gaps);
        row_end(&row);
    }
}

/* ---- forks ---- */

#define FORKS 10

static void fork_beside_threads(void *arg)
{
    pthread_t thread;
    (void)arg;
    EXPECT(pthread_create(&thread, NULL, write_some, (void *)0) == 0);
    for (unsigned i = 0; i < FORKS; i++) {
        const pid_t pid = fork();
        EXPECT(pid >= 0);
        if (pid == 0) {
            row_log_many(i + 1, 20);
            exit(0);
        }
        EXPECT(test_wait(pid, 60) == 0);
    }
    pthread_join(thread, NULL);
}

/*
 * Not under sanitizers: in a child one misses the parent's threads and takes new locks for held
 * ones; the other's allocator may be locked for good.
 */
static void children_have_numbers_of_their_own(void **state)
{
    (void)state;
    if (ROWS_SANITIZED) row_skip("forked beside threads");
    struct row row = row_begin("");
    struct number_reader reader = {.count = 0};
    struct row_seqs seqs = {.lines = 0};
    char sinks[256];
    snprintf(sinks, sizeof sinks, "file:%s?seq=on", row.path);
    run_with(&row, sinks, fork_beside_threads, NULL);
    number_read(&reader, row.path);
    row_read(&seqs, row.path);
    assert_false(reader.hole || seqs.gap);
    assert_int_equal(reader.count, FORKS + 1);
    for (size_t i = 0; i < reader.count; i++)
        assert_true(reader.streams[i].last == EACH || reader.streams[i].last == 20);
    row_end(&row);
}

/* A child that no handler hears of logs synchronously, and counts for itself. */
static void fork_unheard(void *arg)
{
    (void)arg;
    row_log_many(0, 30);
    SETTLE();
    const pid_t pid = _Fork();
    EXPECT(pid >= 0);
    if (pid == 0) {
        row_log_many(1, 30);
        _exit(0);
    }
    EXPECT(test_wait(pid, 60) == 0);
    for (uint64_t i = 30; i < 60; i++) row_log(0, i);
}

static void children_that_nobody_told_of_too(void **state)
{
    struct row row = row_begin("");
    struct number_reader reader = {.count = 0};
    char sinks[256];
    (void)state;
    if (under_emulator() || ROWS_SANITIZED) row_skip("forked beside threads");
    snprintf(sinks, sizeof sinks, "file:%s?seq=on", row.path);
    run_with(&row, sinks, fork_unheard, NULL);
    number_read(&reader, row.path);
    assert_true(!reader.hole && reader.count == 2);
    assert_int_equal(reader.streams[0].last, 60);
    assert_int_equal(reader.streams[1].last, 30);
    row_end(&row);
}

/* ---- reloads ---- */

static void reload_all_the_time(void *arg)
{
    const struct row *row = arg;
    pthread_t thread;
    char sinks[256];
    EXPECT(pthread_create(&thread, NULL, write_some, (void *)0) == 0);
    for (int i = 0; i < 20; i++) EXPECT(weft_reload() == WEFT_OK);
    pthread_join(thread, NULL);
    EXPECT(weft_flush(20000) == WEFT_OK);
    snprintf(sinks, sizeof sinks, "file:%s?seq=on&level=info", row->path);
    setenv("WEFT_SINKS", sinks, 1);
    EXPECT(weft_reload() == WEFT_OK);
    row_log_many(1, 30);
}

static void a_reload_goes_on_or_begins_anew(void **state)
{
    struct row row = row_begin("");
    struct number_reader reader = {.count = 0};
    char sinks[256];
    (void)state;
    snprintf(sinks, sizeof sinks, "file:%s?seq=on", row.path);
    run_with(&row, sinks, reload_all_the_time, NULL);
    number_read(&reader, row.path);
    assert_true(!reader.hole && reader.count == 2);
    assert_int_equal(reader.streams[0].last, EACH);
    assert_int_equal(reader.streams[1].last, 30);
    row_end(&row);
}

/* ---- two sinks on one file, formats without numbers ---- */

static void log_a_little(void *arg)
{
    (void)arg;
    row_log_many(0, 30);
    weft_error(NULL, "an error");
}

static void two_sinks_on_one_file_are_told_apart(void **state)
{
    struct row row = row_begin("");
    struct number_reader reader = {.count = 0};
    char sinks[400];
    (void)state;
    snprintf(sinks, sizeof sinks, "file:%s?seq=on file:%s?seq=on&level=error", row.path, row.path);
    run_with(&row, sinks, log_a_little, NULL);
    number_read(&reader, row.path);
    assert_true(!reader.hole && reader.count == 2);
    assert_int_equal(reader.streams[0].last + reader.streams[1].last, 32);
    row_end(&row);
}

static weft_status plain_open(void **self, const struct weft_encoder_options *options)
{
    (void)options;
    *self = NULL;
    return WEFT_OK;
}

static void plain_encode(const void *self, const struct weft_record *record,
                         const struct weft_limits *limits, struct weft_out *out)
{
    (void)self;
    (void)limits;
    weft_out_write(out, record->message, record->message_size);
    weft_out_write(out, "\n", 1);
}

static void plain_close(void *self)
{
    (void)self;
}

static void plain_number(const void *self, const struct weft_line *line, const char *boot_id,
                         struct weft_out *out)
{
    char text[64];
    (void)self;
    const int size =
        snprintf(text, sizeof text, "%llu/%zu ", (unsigned long long)line->seq, strlen(boot_id));
    weft_out_write(out, text, (size_t)size);
    weft_out_write(out, line->data, line->size);
}

static const struct weft_encoder_type plain = {
    offsetof(struct weft_encoder_type, number),
    "plain",
    plain_open,
    plain_encode,
    plain_close,
    NULL,
    plain_number}; /* it says that it is of before there were numbers */
static const struct weft_encoder_type counted = {
    sizeof counted, "counted", plain_open, plain_encode, plain_close, NULL, plain_number};

static void log_in_own_formats(void *arg)
{
    (void)arg;
    EXPECT(weft_encoder_register(&plain) == WEFT_OK);
    EXPECT(weft_encoder_register(&counted) == WEFT_OK);
    weft_info(NULL, "one");
    weft_info(NULL, "two");
}

static void formats_of_the_program(void **state)
{
    static const char *const env[] = {
        "WEFT_SINKS=stdout:?seq=on&format=plain stdout:?seq=on&format=counted&lock=never", NULL};
    (void)state;
    struct child child = run_child(log_in_own_formats, NULL, env);
    assert_int_equal(child.status, 0);
    assert_non_null(strstr(child.err, "option \\\"seq\\\" is ignored: no place for numbers in the "
                                      "format plain"));
    assert_null(strstr(child.err, "format counted"));
    assert_int_equal(count_lines(child.out), 4);
    assert_non_null(strstr(child.out, "1/32 one\n"));
    assert_non_null(strstr(child.out, "2/32 two\n"));
    assert_non_null(strstr(child.out, "\ntwo\n"));
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_sink_counts_by_itself),
        cmocka_unit_test(numbers_are_within_the_budget),
        cmocka_unit_test(what_a_sink_lost_is_what_numbers_leave_out),
        cmocka_unit_test(torn_lines_leave_their_numbers_out),
        cmocka_unit_test(children_have_numbers_of_their_own),
        cmocka_unit_test(children_that_nobody_told_of_too),
        cmocka_unit_test(a_reload_goes_on_or_begins_anew),
        cmocka_unit_test(two_sinks_on_one_file_are_told_apart),
        cmocka_unit_test(formats_of_the_program),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
