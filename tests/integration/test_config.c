/*
 * Settings at work: every bad value is named once on stderr, the default holds, each sink has its own level and format.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/child.h"

#include <weft/weft.h>

static void log_three(void *arg)
{
    (void)arg;
    weft_logger *log = weft_logger_get("orders.db");
    weft_debug(log, "a debug");
    weft_info(log, "an info", weft_int("n", 1));
    weft_error(log, "an error");
}

static struct child run(const char *const *env)
{
    struct child child = run_child(log_three, NULL, env);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    return child;
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text += strlen(part);
    }
    return count;
}

static void every_bad_value_is_named_once(void **state)
{
    (void)state;
    const char *const env[] = {
        "WEFT_LEVEL=verbose",
        "WEFT_FORMAT=xml",
        "WEFT_TRUST=maybe",
        "WEFT_LEVLE=debug",
        "WEFT_SINKS=stdout:?timeout=soon&foo=1&mdc_types=x bogus: stdout:?level=loud",
        NULL};
    static const char *const named[] = {"\\\"verbose\\\"",   "\\\"xml\\\"",     "\\\"maybe\\\"",
                                        "WEFT_LEVLE",        "\\\"timeout\\\"", "\\\"foo\\\"",
                                        "\\\"mdc_types\\\"", "\\\"bogus\\\"",   "\\\"loud\\\""};
    struct child child = run(env);
    assert_int_equal(each_line(child.err, NULL, NULL), 0);
    for (size_t i = 0; i < sizeof named / sizeof named[0]; i++)
        if (occurrences(child.err, named[i]) != 1) fail_msg("%s in %s", named[i], child.err);
    assert_int_equal(count_lines(child.err), sizeof named / sizeof named[0]);
    assert_int_equal(each_line(child.out, NULL, NULL), 0);
    assert_non_null(strstr(child.out, "an info"));
    assert_null(strstr(child.out, "a debug"));
    child_free(&child);
}

static void each_sink_has_its_level_and_format(void **state)
{
    (void)state;
    char *folder = test_folder(), sinks[200], path[100];
    snprintf(path, sizeof path, "%s/a.log", folder);
    snprintf(sinks, sizeof sinks,
             "WEFT_SINKS=stdout:?format=logback stderr:?level=error file:%s?format=logstash", path);
    const char *const env[] = {sinks, "WEFT_LEVEL=warn,orders=debug", NULL};
    struct child child = run(env);
    char *text = read_file(path);
    assert_int_equal(count_lines(child.out), 3);
    assert_int_equal(occurrences(child.out, "\"context\":\"default\""), 3);
    assert_int_equal(count_lines(child.err), 1);
    assert_int_equal(occurrences(child.err, "\"ecs.version\""), 1);
    assert_int_equal(count_lines(text), 3);
    assert_int_equal(occurrences(text, "\"@version\":\"1\""), 3);
    assert_int_equal(each_line(child.out, NULL, NULL) + each_line(child.err, NULL, NULL) +
                         each_line(text, NULL, NULL),
                     0);
    free(text);
    child_free(&child);
    test_folder_remove(folder);
}

static const char *no_header(void *carrier, const char *name, size_t index, size_t *size)
{
    (void)carrier;
    (void)name;
    (void)index;
    (void)size;
    return NULL;
}

static void log_with_trace(void *arg)
{
    (void)arg;
    const weft_getter none = {sizeof none, no_header, NULL};
    assert_int_equal(weft_extract(&none, NULL), WEFT_OK);
    weft_info(weft_logger_get("orders"), "an info");
}

static void each_sink_has_its_trace_names(void **state)
{
    (void)state;
    char *folder = test_folder(), sinks[300], path[100];
    snprintf(path, sizeof path, "%s/a.log", folder);
    snprintf(sinks, sizeof sinks,
             "WEFT_SINKS=stdout: file:%s?format=logback&trace=own stderr:?trace=otle", path);
    const char *const env[] = {sinks, "WEFT_TRACE_NAMES=gcp", "GOOGLE_CLOUD_PROJECT=other",
                               "WEFT_GCP_PROJECT=shop-1", NULL};
    struct child child = run_child(log_with_trace, NULL, env);
    char *text = read_file(path);
    assert_int_equal(child.status, 0);
    assert_non_null(
        strstr(child.out, "\"logging.googleapis.com/trace\":\"projects/shop-1/traces/"));
    assert_non_null(strstr(child.out, "\"logging.googleapis.com/trace_sampled\":false"));
    assert_non_null(strstr(text, "\"mdc\":{\"traceId\":\""));
    assert_null(strstr(text, "googleapis"));
    /* A bad one is named, with what is accepted; what all sinks have holds. */
    assert_non_null(strstr(child.err, "option \\\"trace\\\" has a bad value; accepted: own|ecs|"));
    assert_non_null(strstr(child.err, "\"logging.googleapis.com/trace\":\""));
    free(text);
    child_free(&child);
    test_folder_remove(folder);
}

static void explain_tells_where_settings_come_from(void **state)
{
    (void)state;
    char *folder = test_folder(), config[160], path[100];
    snprintf(path, sizeof path, "%s/weft.json", folder);
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs("{\"service\": \"from-file\",\n \"format\": 7}\n", file);
    fclose(file);
    snprintf(config, sizeof config, "WEFT_CONFIG=%s", path);
    const char *const env[] = {config, "WEFT_EXPLAIN=1", "WEFT_LEVEL=error", NULL};
    struct child child = run(env);
    assert_non_null(strstr(child.err, "WEFT_LEVEL = error  (environment)"));
    assert_non_null(strstr(child.err, "WEFT_SERVICE = from-file  (config "));
    assert_non_null(strstr(child.err, "weft.json:2:12"));
    assert_int_equal(occurrences(child.out, "\"service.name\":\"from-file\""), 1);
    child_free(&child);
    test_folder_remove(folder);
}

static void reload_three_times(void *arg)
{
    (void)arg;
    weft_info(NULL, "one");
    for (int i = 0; i < 3; i++)
        if (weft_reload() != WEFT_OK) _exit(97);
    weft_stats stats;
    if (weft_stats_get(&stats, sizeof stats) != WEFT_OK || stats.config_errors != 2) _exit(96);
    weft_shutdown(1000);
    if (weft_stats_get(&stats, sizeof stats) != WEFT_OK) _exit(95);
    if (stats.sink_count != 1 || stats.sinks[0].written != 1) _exit(94);
}

static void a_reload_says_nothing_again(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_LEVEL=bogus", "WEFT_SINKS=stdout:?lvel=warn", NULL};
    struct child child = run_child(reload_three_times, NULL, env);
    assert_int_equal(child.status, 0);
    assert_int_equal(count_lines(child.err), 2);
    assert_int_equal(occurrences(child.err, "did you mean level?"), 1);
    child_free(&child);
}

static void the_defaults_of_later_settings_are_no_news(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_SIGTERM=flush", "WEFT_OVERFLOW=block", "WEFT_ASYNC=off", NULL};
    struct child child = run(env);
    assert_string_equal(child.err, "");
    child_free(&child);
}

static void dev_stdout_is_the_console(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_SINKS=file:/dev/stdout file:/proc/self/fd/2?level=error",
                               NULL};
    struct child child = run(env);
    assert_int_equal(count_lines(child.out), 2);
    assert_int_equal(count_lines(child.err), 1);
    child_free(&child);
}

static void fatal_dumps_memory(void *arg)
{
    (void)arg;
    weft_info(NULL, "kept");
    weft_fatal(NULL, "the end is near");
    weft_info(NULL, "kept, too");
    if (weft_memory_dump(1) != WEFT_OK) _exit(97);
}

static void memory_is_dumped_at_fatal_and_on_demand(void **state)
{
    (void)state;
    const char *const env[] = {"WEFT_SINKS=memory:", NULL};
    struct child child = run_child(fatal_dumps_memory, NULL, env);
    assert_int_equal(child.status, 0);
    assert_int_equal(count_lines(child.err), 2);
    assert_int_equal(count_lines(child.out), 1);
    assert_non_null(strstr(child.out, "kept, too"));
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bad_value_is_named_once),
        cmocka_unit_test(each_sink_has_its_level_and_format),
        cmocka_unit_test(each_sink_has_its_trace_names),
        cmocka_unit_test(explain_tells_where_settings_come_from),
        cmocka_unit_test(a_reload_says_nothing_again),
        cmocka_unit_test(the_defaults_of_later_settings_are_no_news),
        cmocka_unit_test(dev_stdout_is_the_console),
        cmocka_unit_test(memory_is_dumped_at_fatal_and_on_demand),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
