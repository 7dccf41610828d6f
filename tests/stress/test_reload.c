/*
 * Configuration changes while threads log: nothing is lost, doubled or freed too early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/child.h"

#include <pthread.h>
#include <weft/sys/sink.h>
#include <weft/weft.h>

#define THREADS 4
#define RECORDS 20000

static uint64_t next_seq[THREADS];
static bool out_of_order;

static weft_status count_line(void *arg, const struct weft_line *line)
{
    (void)arg;
    char *copy = strndup(line->data, line->size);
    char error[64];
    yajl_val tree = copy ? yajl_tree_parse(copy, error, sizeof error) : NULL;
    if (!tree) abort();
    if (strcmp(member_text(tree, "message"), "seq") == 0) {
        const uint64_t thread = strtoull(member2_text(tree, "numeric_labels", "thread"), NULL, 10);
        const uint64_t seq = strtoull(member2_text(tree, "numeric_labels", "seq"), NULL, 10);
        if (seq != next_seq[thread]++) out_of_order = true;
    }
    yajl_tree_free(tree);
    free(copy);
    return WEFT_OK;
}

static void *log_records(void *arg)
{
    const uint64_t thread = (uint64_t)(uintptr_t)arg;
    weft_logger *log = weft_logger_get("stress.reload");
    for (uint64_t seq = 0; seq < RECORDS; seq++)
        weft_error(log, "seq", weft_uint("thread", thread), weft_uint("seq", seq));
    return NULL;
}

static void reload_under_load(void *arg)
{
    const char *const other = arg;
    pthread_t threads[THREADS];
    char sinks[2][256];
    snprintf(sinks[0], sizeof sinks[0], "callback:");
    snprintf(sinks[1], sizeof sinks[1], "callback: file:%s?level=error", other);
    weft_sink_callback_set(NULL, count_line, NULL);
    weft_options options = weft_options_default();
    options.sinks = sinks[0];
    if (weft_init(&options) != WEFT_OK) abort();
    for (uintptr_t i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, log_records, (void *)i) != 0) abort();
    for (int i = 0; i < 100; i++) {
        options.sinks = sinks[i & 1];
        options.level = i & 2 ? "warn,stress=error" : "debug";
        if (weft_init(&options) != WEFT_OK || weft_reload() != WEFT_OK) abort();
    }
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    weft_stats stats;
    weft_stats_get(&stats, sizeof stats);
    if (stats.accepted != (uint64_t)THREADS * RECORDS || stats.written != stats.accepted) _exit(97);
    for (int i = 0; i < THREADS; i++)
        if (next_seq[i] != RECORDS) _exit(96);
    if (out_of_order) _exit(95);
}

static void reloads_lose_nothing(void **state)
{
    (void)state;
    char *folder = test_folder(), path[160];
    snprintf(path, sizeof path, "%s/other.log", folder);
    struct child child = run_child(reload_under_load, path, NULL);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    char *text = read_file(path);
    assert_int_equal(each_line(text, NULL, NULL), 0);
    free(text);
    child_free(&child);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(reloads_lose_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
