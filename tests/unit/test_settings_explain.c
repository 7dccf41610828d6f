/*
 * What is in force and which source set it; and the documentation, which names every variable of
 * the table.
 */
#include "support/settings_harness.h"

#include <fcntl.h>

#include "src/config/settings_load.h"

/* What weftp_settings_explain prints. */
static const char *explained(const struct weftp_settings *settings)
{
    static char text[65536];
    const int fd = open("x.txt", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    weftp_settings_explain(settings, fd);
    const ssize_t size = pread(fd, text, sizeof text - 1, 0);
    assert_true(size >= 0);
    text[size] = '\0';
    assert_int_equal(close(fd), 0);
    assert_int_equal(unlink("x.txt"), 0);
    return text;
}

static void test_defaults(void **state)
{
    (void)state;
    clearenv();
    struct weftp_settings *s = load_program(NULL);
    assert_string_equal(
        explained(s),
        "WEFT_LEVEL = info  (default)\n"
        "WEFT_FORMAT = ecs, or pretty on a terminal  (default)\n"
        "WEFT_SINKS = stdout:  (default)\n"
        "WEFT_SERVICE is not set  (default)\n"
        "WEFT_SERVICE_VERSION is not set  (default)\n"
        "WEFT_SERVICE_ENV is not set  (default)\n"
        "WEFT_SERVICE_NODE = the host name  (default)\n"
        "WEFT_FIELDS is not set  (default)\n"
        "WEFT_PROPAGATORS = tracecontext,baggage,xrequestid  (default)\n"
        "WEFT_PROPAGATE_KEYS is not set  (default)\n"
        "WEFT_TRUST = continue  (default)\n"
        "WEFT_TRACE_NAMES = own  (default)\n"
        "WEFT_GCP_PROJECT is not set  (default)\n"
        "WEFT_LINE_BYTES_MAX = 16000 on stdout and stderr, 1MiB elsewhere  (default)\n"
        "WEFT_CONFIG is not set  (default)\n"
        "WEFT_EXPLAIN = off  (default)\n"
        "WEFT_RELOAD_SIGNAL = off  (default)\n"
        "WEFT_CONFIG_WATCH = off  (default)\n"
        "WEFT_SIGTERM = flush  (default)\n"
        "WEFT_CAPTURE = off  (default)\n"
        "WEFT_ASYNC = off  (default)\n"
        "WEFT_QUEUE_BYTES = 262144  (default)\n"
        "WEFT_OVERFLOW = block  (default)\n"
        "WEFT_QUEUE_DIR = off  (default)\n"
        "WEFT_CRASH = off  (default)\n"
        "NO_COLOR is not set  (default)\n");
    weftp_settings_free(s);
}

static void test_every_source(void **state)
{
    (void)state;
    weft_options options = WEFT_OPTIONS_INIT;
    static const char json[] =
        "{\"levels\": {\"http\": \"warn\"},\n \"format\": \"ecs\", \"fields\": {\"a\": \"1\"},\n"
        " \"line_bytes_max\": \"64k\"}";
    options.service = "orders";
    options.config = "x.json";
    clearenv();
    write_file(json, sizeof json - 1);
    setenv("WEFT_LEVEL", "info,orders.db=10", 1);
    setenv("WEFT_SINKS", "stdout: file:/v?token=hunter2&x=1", 1);
    setenv("WEFT_VERSION", "1\x1b[31m", 1);
    setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod,b=2,my.secret=hunter2", 1);
    setenv("WEFT_PROPAGATE_KEYS", "user,tenant", 1);
    setenv("OTEL_PROPAGATORS", "none", 1);
    setenv("WEFT_EXPLAIN", "1", 1);
    setenv("TERM", "dumb", 1);
    struct weftp_settings *s = load_program(&options);
    assert_told_nothing();
    assert_true(s->explain);
    assert_string_equal(explained(s),
                        "WEFT_LEVEL = info  (environment)\n"
                        "WEFT_LEVEL = http=warn  (config x.json:1:21)\n"
                        "WEFT_LEVEL = orders.db=10  (environment)\n"
                        "WEFT_FORMAT = ecs  (config x.json:2:12)\n"
                        "WEFT_SINKS = stdout: file:/v?token=***&x=1  (environment)\n"
                        "WEFT_SERVICE = orders  (program)\n"
                        "WEFT_SERVICE_VERSION = 1\\x1B[31m  (environment, WEFT_VERSION)\n"
                        "WEFT_SERVICE_ENV = prod  (environment, OTEL_RESOURCE_ATTRIBUTES)\n"
                        "WEFT_SERVICE_NODE = the host name  (default)\n"
                        "WEFT_FIELDS = a=1  (config x.json:2:35)\n"
                        "WEFT_FIELDS = b=2  (environment, OTEL_RESOURCE_ATTRIBUTES)\n"
                        "WEFT_FIELDS = my.secret=***  (environment, OTEL_RESOURCE_ATTRIBUTES)\n"
                        "WEFT_PROPAGATORS = none  (environment, OTEL_PROPAGATORS)\n"
                        "WEFT_PROPAGATE_KEYS = user,tenant  (environment)\n"
                        "WEFT_TRUST = continue  (default)\n"
                        "WEFT_TRACE_NAMES = own  (default)\n"
                        "WEFT_GCP_PROJECT is not set  (default)\n"
                        "WEFT_LINE_BYTES_MAX = 65536  (config x.json:3:20)\n"
                        "WEFT_CONFIG = x.json  (program)\n"
                        "WEFT_EXPLAIN = on  (environment)\n"
                        "WEFT_RELOAD_SIGNAL = off  (default)\n"
                        "WEFT_CONFIG_WATCH = off  (default)\n"
                        "WEFT_SIGTERM = flush  (default)\n"
                        "WEFT_CAPTURE = off  (default)\n"
                        "WEFT_ASYNC = off  (default)\n"
                        "WEFT_QUEUE_BYTES = 262144  (default)\n"
                        "WEFT_OVERFLOW = block  (default)\n"
                        "WEFT_QUEUE_DIR = off  (default)\n"
                        "WEFT_CRASH = off  (default)\n"
                        "NO_COLOR = on  (environment, TERM)\n");
    weftp_settings_free(s);
}

static void test_one_row_for_one_source(void **state)
{
    (void)state;
    struct weftp_settings *s = load_variable("WEFT_LEVEL", "info,orders.db=debug");
    assert_non_null(strstr(explained(s), "WEFT_LEVEL = info,orders.db=debug  (environment)\n"));
    weftp_settings_free(s);
}

static void test_long_values_are_whole(void **state)
{
    (void)state;
    char text[32768];
    size_t size = 0;
    for (int i = 0; i < 20; i++) /* more than one write of the printer */
        size +=
            (size_t)snprintf(text + size, sizeof text - size, "%sk%d=%01000d", i ? "," : "", i, i);
    struct weftp_settings *s = load_variable("WEFT_FIELDS", text);
    assert_told_nothing();
    const char *line = strstr(explained(s), "WEFT_FIELDS = ");
    assert_non_null(line);
    assert_memory_equal(line + strlen("WEFT_FIELDS = "), text, size);
    weftp_settings_free(s);
}

static void test_a_broken_descriptor_does_no_harm(void **state)
{
    (void)state;
    int ends[2];
    clearenv();
    struct weftp_settings *s = load_program(NULL);
    weftp_settings_explain(s, -1);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(close(ends[0]), 0);
    weftp_settings_explain(s, ends[1]); /* SIGPIPE would end the program */
    assert_int_equal(close(ends[1]), 0);
    weftp_settings_free(s);
}

/* ---- the table ---- */

static void test_the_table_is_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        const struct weftp_setting *row = &weftp_settings_table[i];
        const char *name = NULL;
        assert_non_null(row->variable);
        assert_non_null(row->item);
        assert_int_equal(weftp_setting_id(row), i);
        assert_ptr_equal(
            weftp_setting_by_variable(weftp_span(row->variable, strlen(row->variable)), &name),
            row);
        assert_ptr_equal(name, row->variable);
        if (row->key)
            assert_ptr_equal(weftp_setting_by_key(weftp_span(row->key, strlen(row->key)), &name),
                             row);
        /* What is explained can be shown; what is collected is committed. */
        assert_true(!!row->show == !(row->flags & WEFTP_SETTING_HIDDEN));
        /* A key in the file is the variable in lower case, without its prefix. */
        if (row->key)
            assert_true(
                weftp_same_word(row->key, strlen(row->key), row->variable + strlen("WEFT_")));
    }
}

/* The line of the documentation's table that is about a variable. */
static const char *row_of(char *docs, const char *variable, char line[4096])
{
    char start[128];
    (void)snprintf(start, sizeof start, "\n| `%s`", variable);
    const char *at = strstr(docs, start);
    if (!at) fail_msg("docs/configuration.md has no row of %s", variable);
    (void)snprintf(line, 4096, "%.*s", (int)strcspn(at + 1, "\n"), at + 1);
    return line;
}

static void assert_row_has(const char *line, const char *text)
{
    char quoted[256];
    (void)snprintf(quoted, sizeof quoted, "`%s`", text);
    if (!strstr(line, quoted)) fail_msg("docs/configuration.md: no %s in: %s", quoted, line);
}

static void test_the_documentation_has_every_row(void **state)
{
    (void)state;
    static char docs[65536], line[4096];
    FILE *file = fopen(WEFT_TESTS_DIR "/../docs/configuration.md", "r");
    assert_non_null(file);
    const size_t size = fread(docs, 1, sizeof docs - 1, file);
    assert_int_equal(fclose(file), 0);
    docs[size] = '\0';
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        const struct weftp_setting *row = &weftp_settings_table[i];
        (void)row_of(docs, row->variable, line);
        if (row->key && !(row->flags & WEFTP_SETTING_NOT_IN_FILE)) assert_row_has(line, row->key);
        if (row->alias) assert_row_has(line, row->alias);
        if (row->key_alias) assert_row_has(line, row->key_alias);
        if (row->fallback) assert_row_has(line, row->fallback);
        if (i >= WEFTP_SETTING_LATER_FIRST)
            assert_non_null(strstr(line, "not supported by this version"));
        else if (row->accepted && !strstr(line, row->accepted))
            fail_msg("docs/configuration.md: \"%s\" is missing in: %s", row->accepted, line);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_source),
        cmocka_unit_test(test_one_row_for_one_source),
        cmocka_unit_test(test_long_values_are_whole),
        cmocka_unit_test(test_a_broken_descriptor_does_no_harm),
        cmocka_unit_test(test_the_table_is_whole),
        cmocka_unit_test(test_the_documentation_has_every_row),
    };
    return cmocka_run_group_tests(tests, harness_setup, harness_teardown);
}
