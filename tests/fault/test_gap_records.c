/*
 * A sink that fails and comes back: what is lost is counted, told once on stderr, and said in the stream after the gap;
 * another sink does not notice. The sink is a plug-in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/child.h"

#include <weft/sys/sink.h>
#include <weft/weft.h>

static bool broken;
static char kept[1 << 20];
static size_t kept_size;

static weft_status flaky_open(void **self, const struct weft_options_kv *options)
{
    static int instance;
    (void)options;
    *self = &instance;
    return WEFT_OK;
}

static weft_status flaky_write(void *self, const struct weft_line *lines, size_t count,
                               size_t *written)
{
    (void)self;
    *written = 0;
    if (broken) return WEFT_EIO;
    for (; *written < count; ++*written) {
        memcpy(kept + kept_size, lines[*written].data, lines[*written].size);
        kept_size += lines[*written].size;
    }
    return WEFT_OK;
}

static void flaky_close(void *self)
{
    (void)self;
}

static const struct weft_sink_type flaky = {sizeof flaky, "flaky", flaky_open,
                                            flaky_write,  NULL,    flaky_close};

static const weft_sink_stats *sink(const weft_stats *stats, const char *name)
{
    for (size_t i = 0; i < stats->sink_count; i++)
        if (strcmp(stats->sinks[i].name, name) == 0) return &stats->sinks[i];
    abort();
}

static void fail_and_recover(void *arg)
{
    (void)arg;
    EXPECT(weft_sink_register(&flaky) == WEFT_OK);
    EXPECT(weft_sink_register(&flaky) == WEFT_EINVAL);
    weft_info(NULL, "before");
    SETTLE();
    broken = true;
    for (int i = 0; i < 30; i++) weft_info(NULL, "lost secret", weft_int("i", i));
    for (int i = 0; i < 12; i++) weft_error(NULL, "lost secret", weft_int("i", i));
    EXPECT(weft_flush(100) == WEFT_EIO);
    broken = false;
    weft_info(NULL, "after");
    EXPECT(weft_flush(100) == WEFT_OK);
    weft_stats stats;
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == 44 && stats.written == 2 && stats.dropped == 42 &&
           stats.dropped_sink == 42);
    const weft_sink_stats *bad = sink(&stats, "flaky:"), *good = sink(&stats, "stdout:");
    EXPECT(bad->accepted == 44 && bad->written == 2 && bad->dropped == 42 && bad->failures == 42);
    EXPECT(good->accepted == 44 && good->written == 44 && good->dropped == 0);
    EXPECT(fwrite(kept, 1, kept_size, stderr) == kept_size);
}

struct found {
    const char *messages[8];
    size_t count, reports;
    char *lost, *info, *error;
};

static void note(void *arg, yajl_val line)
{
    struct found *found = arg;
    const char *message = member_text(line, "message");
    if (strcmp(message, "a sink failed; records are lost") == 0) {
        found->reports++;
        assert_string_equal(member2_text(line, "labels", "sink"), "flaky:");
        assert_string_equal(member_text(line, "log.logger"), "weft");
        return;
    }
    if (found->count < 8) found->messages[found->count++] = strdup(message);
    if (strcmp(message, "records lost") != 0) return;
    found->lost = strdup(member2_text(line, "numeric_labels", "lost"));
    const char *path[] = {"custom", "lost_by_level", NULL};
    const yajl_val levels = yajl_tree_get(line, path, yajl_t_object);
    found->info = strdup(member_text(levels, "info"));
    found->error = strdup(member_text(levels, "error"));
    assert_non_null(member2_text(line, "labels", "first_lost"));
    assert_non_null(member2_text(line, "labels", "last_lost"));
}

static void a_gap_is_said_in_the_stream(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_SINKS=flaky: stdout:", NULL};
    struct child child = run_child(fail_and_recover, NULL, env);
    static struct found found;
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    assert_int_equal(count_lines(child.out), 44);
    assert_int_equal(each_line(child.err, note, &found), 0);
    assert_null(strstr(child.err, "lost secret"));
    assert_int_equal(found.count, 3);
    assert_string_equal(found.messages[0], "before");
    assert_string_equal(found.messages[1], "records lost");
    assert_string_equal(found.messages[2], "after");
    assert_string_equal(found.lost, "42");
    assert_string_equal(found.info, "30");
    assert_string_equal(found.error, "12");
    /* One status record at the first loss, one at the end with the rest. */
    assert_int_equal(found.reports, 2);
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_gap_is_said_in_the_stream)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
