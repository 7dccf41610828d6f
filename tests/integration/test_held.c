/*
 * A sink that keeps lines back: weft calls it when it asked for that, and what it cannot get rid of before it is closed
 * moves from `written` to `dropped`, and is said.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/child.h"
#include "support/tsan.h"

#include <stdatomic.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

/* One instance is enough here. */
static atomic_int kept, gone, ticks, reopened;
static atomic_bool full, tick_logs;
static uint32_t interval_ms = 5;

static weft_status keeper_open(void **self, const struct weft_options_kv *options)
{
    (void)options;
    *self = &kept;
    return WEFT_OK;
}

static weft_status keeper_write(void *self, const struct weft_line *lines, size_t count,
                                size_t *written)
{
    (void)self;
    (void)lines;
    kept += (int)count;
    *written = count;
    return WEFT_OK;
}

static weft_status get_rid(void)
{
    if (full && kept > 0) return WEFT_EIO;
    gone += kept;
    kept = 0;
    return WEFT_OK;
}

static weft_status keeper_flush(void *self, uint32_t timeout_ms)
{
    (void)self;
    (void)timeout_ms;
    return get_rid();
}

static void keeper_close(void *self)
{
    (void)self;
    kept = 0;
}

static void keeper_explain(void *self, struct weft_sink_error *error)
{
    (void)self;
    *error = (struct weft_sink_error){.err = ENOSPC, .what = "flush"};
}

static void keeper_forked(void *self)
{
    (void)self;
    kept = gone = 0;
}

static uint32_t keeper_pending_ms(void *self)
{
    (void)self;
    return kept > 0 ? interval_ms : 0;
}

static weft_status keeper_tick(void *self)
{
    (void)self;
    if (tick_logs) weft_info(NULL, "from inside");
    ticks++;
    return get_rid();
}

static uint64_t keeper_held(void *self)
{
    (void)self;
    return (uint64_t)kept;
}

static void keeper_reopen(void *self)
{
    (void)self;
    reopened++;
}

static const struct weft_sink_type_more keeper = {
    .type = {.struct_size = sizeof keeper,
             .name = "keeper",
             .open = keeper_open,
             .write = keeper_write,
             .flush = keeper_flush,
             .close = keeper_close},
    .explain = keeper_explain,
    .forked = keeper_forked,
    .reopen = keeper_reopen,
    .pending_ms = keeper_pending_ms,
    .tick = keeper_tick,
    .held = keeper_held,
};

static const char *const env[] = {"WEFT_SINKS=keeper:", NULL};

static void begin(void)
{
    EXPECT(weft_sink_register(&keeper.type) == WEFT_OK);
}

static weft_stats sums(void)
{
    weft_stats stats;
    SETTLE();
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.accepted == stats.written + stats.dropped);
    EXPECT(stats.sinks[0].accepted == stats.sinks[0].written + stats.sinks[0].dropped);
    return stats;
}

static void wait_until_gone(int count)
{
    for (int left = 5000; gone < count; left--) {
        const struct timespec pause = {0, 2000000};
        EXPECT(left > 0);
        nanosleep(&pause, NULL);
    }
}

static void expect_end(struct child *child, int status)
{
    if (child->status != status) fail_msg("status %d: %s", child->status, child->err);
}

static void tick_child(void *arg)
{
    (void)arg;
    begin();
    for (int i = 1; i <= 3; i++) {
        weft_info(NULL, "line");
        wait_until_gone(i);
    }
    EXPECT(ticks >= 3);
    const weft_stats stats = sums();
    EXPECT(stats.written == 3 && stats.sinks[0].held == 0);
}

static void called_when_it_asked(void **state)
{
    (void)state;
    struct child child = run_child(tick_child, NULL, env);
    expect_end(&child, 0);
    assert_string_equal(child.err, "");
    child_free(&child);
}

static void reentrant_child(void *arg)
{
    (void)arg;
    begin();
    tick_logs = true;
    weft_info(NULL, "line");
    wait_until_gone(1);
    tick_logs = false;
    const weft_stats stats = sums();
    EXPECT(stats.dropped_reentrant == (uint64_t)ticks);
}

static void tick_may_not_log(void **state)
{
    (void)state;
    struct child child = run_child(reentrant_child, NULL, env);
    expect_end(&child, 0);
    child_free(&child);
}

static void lost_child(void *arg)
{
    (void)arg;
    begin();
    interval_ms = 600000;
    full = true;
    for (int i = 0; i < 7; i++) weft_info(NULL, "line");
    weft_stats stats = sums();
    EXPECT(stats.written == 7 && stats.sinks[0].held == 7);
    EXPECT(weft_flush(100) == WEFT_EIO);
    EXPECT(weft_shutdown(100) == WEFT_EIO);
    stats = sums();
    EXPECT(stats.written == 0 && stats.dropped_sink == 7 && stats.dropped == 7);
    EXPECT(stats.sinks[0].dropped == 7 && stats.sinks[0].last_errno == ENOSPC);
    EXPECT(stats.sinks[0].held == 0);
}

/* Records that two sinks still have, and a third has dropped before, are lost once. */
static void lost_twice_child(void *arg)
{
    (void)arg;
    for (int i = 0; i < 7; i++) weft_info(NULL, "line");
    EXPECT(weft_shutdown(100) == WEFT_EIO);
    const weft_stats stats = sums();
    EXPECT(stats.accepted == 7 && stats.written == 0 && stats.dropped == 7);
    EXPECT(stats.sinks[0].dropped == 7 && stats.sinks[1].dropped == 7);
}

static void what_two_cannot_get_rid_of_is_lost_once(void **state)
{
    static const char *const both[] = {
        "WEFT_SINKS=file:/dev/full?buffer_bytes=64k file:/dev/full?buffer_bytes=65k", NULL};
    static const char *const late[] = {"WEFT_SINKS=file:/dev/full?buffer_bytes=64k file:/dev/full",
                                       NULL};
    (void)state;
    struct child child = run_child(lost_twice_child, NULL, both);
    expect_end(&child, 0);
    child_free(&child);
    child = run_child(lost_twice_child, NULL, late);
    expect_end(&child, 0);
    child_free(&child);
}

static void what_it_cannot_get_rid_of_is_lost(void **state)
{
    (void)state;
    struct child child = run_child(lost_child, NULL, env);
    expect_end(&child, 0);
    assert_non_null(strstr(child.err, "a sink failed; records are lost"));
    assert_non_null(strstr(child.err, "\"lost\":7"));
    assert_non_null(strstr(child.err, "ENOSPC"));
    child_free(&child);
}

static void reload_child(void *arg)
{
    (void)arg;
    weft_options options = WEFT_OPTIONS_INIT;
    begin();
    interval_ms = 600000;
    weft_info(NULL, "line");
    EXPECT(weft_reload() == WEFT_OK);
    EXPECT(reopened == 1);
    weft_info(NULL, "line");
    full = true;
    options.sinks = "stderr:?level=fatal";
    unsetenv("WEFT_SINKS");
    EXPECT(weft_init(&options) == WEFT_OK);
    weft_stats stats;
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(gone == 1);
    EXPECT(stats.written == 1 && stats.dropped_sink == 1);
}

static void a_reload_reopens_or_closes(void **state)
{
    (void)state;
    struct child child = run_child(reload_child, NULL, env);
    expect_end(&child, 0);
    assert_non_null(strstr(child.err, "\"lost\":1"));
    child_free(&child);
}

static void fork_child(void *arg)
{
    (void)arg;
    begin();
    weft_info(NULL, "of the parent");
    fflush(NULL);
    const pid_t pid = fork();
    if (pid == 0) {
        weft_info(NULL, "of the child");
        wait_until_gone(1);
        EXPECT(gone == 1);
        exit(0);
    }
    int status = -1;
    EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
    wait_until_gone(1);
    EXPECT(gone == 1);
}

static void parent_and_child_keep_their_own(void **state)
{
    (void)state;
    if (UNDER_TSAN) skip();
    struct child child = run_child(fork_child, NULL, env);
    expect_end(&child, 0);
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(called_when_it_asked),
        cmocka_unit_test(tick_may_not_log),
        cmocka_unit_test(what_it_cannot_get_rid_of_is_lost),
        cmocka_unit_test(what_two_cannot_get_rid_of_is_lost_once),
        cmocka_unit_test(a_reload_reopens_or_closes),
        cmocka_unit_test(parent_and_child_keep_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
