/*
 * Keys that are literals are in the folder of rings once, as templates: what is recovered has its
 * keys, wherever and whenever it was logged, and where there is no room for a template the records
 * carry them.
 */
#include "support/small_disk.h"

#include "support/dead_rows.h"

#include "support/await.h"
#include "support/dead_session.h"
#include "support/emulated.h"
#include "support/literal_keys.h"
#include "support/standing_sink.h"

#include <dlfcn.h>
#include <sys/resource.h>

#define PLACES 300 /* their templates take more than a page */

/* ---- calls of a process that dies ---- */

static void log_first(int i)
{
    weft_info(NULL, "first", weft_str("text", "a\"b"), weft_int("n", -i),
              weft_uint("big", UINT64_MAX), weft_double("amount", 12.5), weft_bool("gift", true));
}

/* The same keys in another order and with other types, and a text of a size of its own. */
static void log_second(int i)
{
    weft_warn(NULL, "second", weft_double("n", i + 0.5), weft_strn("text", "cdefgh", 5),
              weft_int("wide", INT64_MIN));
}

static void log_keyed(int i)
{
    char key[16];
    snprintf(key, sizeof key, "key_%d", i);
    weft_info(NULL, "keyed", weft_int("n", i), weft_int(key, i));
}

static void log_places(void *arg)
{
    (void)arg;
    weft_sink_callback_set(NULL, stand, NULL);
    for (int i = 0; i < 6; i++) {
        log_first(i);
        if (i == 1) AWAIT(__atomic_load_n(&batches, __ATOMIC_SEQ_CST));
        if (i > 2) log_second(i); /* its template is learnt when records are in the ring */
        if (i % 2 == 0) log_keyed(i);
    }
    raise(SIGKILL);
}

static void log_from(const char *path)
{
    void (*plugin_log)(void);
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    EXPECT(plugin != NULL);
    *(void **)&plugin_log = dlsym(plugin, "plugin_log");
    EXPECT(plugin_log != NULL);
    plugin_log();
    EXPECT(dlclose(plugin) == 0);
}

static void log_from_plugins(void *arg)
{
    (void)arg;
    weft_sink_callback_set(NULL, stand, NULL);
    for (int i = 0; i < 2; i++) {
        log_from(PLUGIN_ONE);
        log_from(PLUGIN_TWO);
    }
    AWAIT(__atomic_load_n(&batches, __ATOMIC_SEQ_CST));
    raise(SIGKILL);
}

/* Returns what the next start has written; the process died in `log`. */
static char *die_and_start(struct queue_row *row, void (*log)(void *))
{
    const size_t end = strlen(row->row.sinks);
    snprintf(row->row.sinks + end, sizeof row->row.sinks - end, " callback:");
    struct child child = run_child(log, NULL, row->row.env);
    if (child.status != SIGKILL) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    child_free(&child);
    row->row.sinks[end] = '\0';
    /* Keys stand in the file once, and not with the records. */
    if (has_templates())
        assert_int_equal(row_shell("grep -q text '%s'/*.sites && ! grep -q text '%s'/*.ring",
                                   row->dir, row->dir),
                         0);
    unlink(row->row.path);
    row_run(&row->row, queue_log_fresh, NULL);
    queue_expect_empty(row->dir);
    return row_text(row->row.path);
}

static void expect_times(const char *text, unsigned times, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void expect_times(const char *text, unsigned times, const char *format, ...)
{
    char what[300];
    unsigned found = 0;
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++) found++;
    if (found != times) fail_msg("%u times %s in\n%s", found, what, text);
}

static void several_places(void **state)
{
    struct queue_row row;
    (void)state;
    if (under_emulator()) row_skip("a child with threads of a forked process");
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    char *text = die_and_start(&row, log_places);
    for (int i = 0; i < 6; i++) {
        expect_times(
            text, 1,
            "\"message\":\"first\",\"ecs.version\":\"1.2.0\",\"process.thread.name\":"
            "\"main\",\"log.logger\":\"ROOT\",\"labels\":{\"text\":\"a\\\"b\",\"gift\":true,"
            "\"recovered\":true},\"numeric_labels\":{\"n\":%d,\"big\":"
            "18446744073709551615,\"amount\":12.5}}\n",
            -i);
        expect_times(text, i > 2,
                     "\"labels\":{\"text\":\"cdefg\",\"recovered\":true},\"numeric_labels\":{\"n\":"
                     "%d.5,\"wide\":-9223372036854775808}}\n",
                     i);
        expect_times(text, i % 2 == 0, "\"numeric_labels\":{\"n\":%d,\"key_%d\":%d}}\n", i, i, i);
    }
    expect_times(text, 1, "\"records\":12,\"repeated_max\":12,\"lost\":0,\"damaged_bytes\":0");
    free(text);
    row_end(&row.row);
}

/* Their images are gone before the process is. */
static void places_of_plugins(void **state)
{
    struct queue_row row;
    (void)state;
    if (under_emulator()) row_skip("a child with threads of a forked process");
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    char *text = die_and_start(&row, log_from_plugins);
    for (int i = 0; i < 3; i++) {
        expect_times(
            text, 2,
            "\"one_text\":\"one\",\"recovered\":true},\"numeric_labels\":{\"one_number\":%d}", i);
        expect_times(
            text, 2,
            "\"two_text\":\"two\",\"recovered\":true},\"numeric_labels\":{\"two_number\":%d}", i);
    }
    free(text);
    row_end(&row.row);
}

/* ---- templates that cannot be written ---- */

static weft_site places[PLACES];

static void make_places(void)
{
    for (uint32_t i = 0; i < PLACES; i++)
        places[i] = (weft_site){.file = "places.c", .func = "place", .line = i + 1};
}

static void push_places(struct dead *dead, struct weftp_seat *seat)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        const weft_field fields[] = {weft_uint("writer", 0), weft_uint("seq", i)};
        EXPECT(dead_push_from(dead, seat, 1000 + i, &places[i], fields));
    }
}

static void fill_disk(void)
{
    static const char zeros[65536];
    size_t size = sizeof zeros;
    const int fd = open(in_scratch("filler"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    EXPECT(fd >= 0);
    for (; size > 0; size /= 2)
        while (write(fd, zeros, size) > 0) continue;
    close(fd);
}

enum want { NO_ROOM, NO_SIZE, NO_DESCRIPTORS };

static void run_out(enum want want)
{
    const struct rlimit size = {8192, 8192}, descriptors = {0, 0};
    if (want == NO_ROOM) fill_disk();
    if (want == NO_SIZE) EXPECT(setrlimit(RLIMIT_FSIZE, &size) == 0);
    if (want == NO_DESCRIPTORS) EXPECT(setrlimit(RLIMIT_NOFILE, &descriptors) == 0);
}

static void run_full(const char *path, void *arg)
{
    struct dead dead;
    const enum want want = *(const enum want *)arg;
    make_places();
    dead_begin(&dead, path);
    dead.queue.options.ring_bytes = (size_t)256 << 10;
    struct weftp_seat *seat = weftp_queue_sit(&dead.queue);
    EXPECT(seat && seat->store);
    EXPECT(dead_push(&dead, seat, 999, 0)); /* there is room for this one */
    run_out(want);
    push_places(&dead, seat);
    if (!has_templates()) return;
    EXPECT(places[PLACES - 1].state == WEFTP_TEMPLATE_NONE);
    EXPECT(weftp_templates_count() == PLACES + 1); /* tried, all of them */
}

static void expect_all(const char *dir, enum want want)
{
    struct queue_row row;
    struct queue_tally tally = {.lines = 0};
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    snprintf(row.setting, sizeof row.setting, "WEFT_QUEUE_DIR=%s", dir ? dir : row.dir);
    assert_int_equal(dead_run(run_full, dir ? dir : row.dir, &want), 0);
    if (dir) assert_int_equal(unlink(in_scratch("filler")), 0);
    row_run(&row.row, queue_log_fresh, NULL);
    assert_int_equal(queue_read(&tally, row.row.path), 0);
    assert_int_equal(tally.damaged, 0);
    assert_int_equal(tally.marked, PLACES + 1);
    assert_int_equal(tally.next[0], PLACES);
    assert_false(tally.hole);
    queue_expect_empty(dir ? dir : row.dir);
    row_end(&row.row);
}

static void full_disk(void **state)
{
    (void)state;
    if (!mounted) skip();
    expect_all(in_scratch("queue"), NO_ROOM);
}

static void limits(void **state)
{
    (void)state;
    expect_all(NULL, NO_SIZE);
    expect_all(NULL, NO_DESCRIPTORS);
}

/* ---- templates that were there before ---- */

static void learn_places(void)
{
    make_places();
    for (uint32_t i = 0; i < PLACES; i++) {
        const weft_field fields[] = {weft_uint("writer", 0), weft_uint("seq", i)};
        EXPECT(weftp_site_register(&places[i]) != 0);
        weftp_template_learn(&places[i], fields, 2);
    }
}

static void run_late(const char *path, void *arg)
{
    struct dead dead;
    (void)arg;
    learn_places();
    dead_begin(&dead, path);
    dead.queue.options.ring_bytes = (size_t)256 << 10;
    push_places(&dead, weftp_queue_sit(&dead.queue));
}

static void learnt_before(void **state)
{
    struct queue_row row;
    struct queue_tally tally = {.lines = 0};
    (void)state;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    assert_int_equal(dead_run(run_late, row.dir, NULL), 0);
    row_run(&row.row, queue_log_fresh, NULL);
    assert_int_equal(queue_read(&tally, row.row.path), 0);
    assert_int_equal(tally.marked, PLACES);
    assert_int_equal(tally.next[0], PLACES);
    assert_int_equal(tally.damaged, 0);
    row_end(&row.row);
}

/* Records that name them may be in rings by now: without all of them there is no session. */
static void run_too_late(const char *path, void *arg)
{
    struct weftp_store *store = NULL;
    char why[128] = "";
    (void)arg;
    learn_places();
    run_out(NO_SIZE);
    EXPECT(weftp_store_open(&store, path, why, sizeof why) == WEFT_EIO);
    EXPECT(strstr(why, "File too large"));
    EXPECT(rmdir(path) == 0);
}

static void no_room_for_those_before(void **state)
{
    struct queue_row row;
    (void)state;
    if (!has_templates()) return;
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    assert_int_equal(dead_run(run_too_late, row.dir, NULL), 0);
    row_end(&row.row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(several_places), cmocka_unit_test(places_of_plugins),
        cmocka_unit_test(full_disk),      cmocka_unit_test(limits),
        cmocka_unit_test(learnt_before),  cmocka_unit_test(no_room_for_those_before),
    };
    return cmocka_run_group_tests(tests, mount_small, unmount_small);
}
