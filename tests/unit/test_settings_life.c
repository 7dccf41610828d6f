/*
 * WEFT_RELOAD_SIGNAL, WEFT_CONFIG_WATCH, WEFT_SIGTERM, WEFT_CAPTURE, and a reload over a file that
 * is of no use.
 */
#include "support/settings_harness.h"

#include <signal.h>

static void assert_value(const struct weftp_settings *s, const char *variable, const char *value)
{
    for (size_t i = 0; i < s->row_count; i++) {
        if (strcmp(s->rows[i].variable, variable) != 0) continue;
        assert_string_equal(s->rows[i].value, value);
        return;
    }
    fail_msg("no row of %s", variable);
}

static void test_defaults(void **state)
{
    (void)state;
    clearenv();
    struct weftp_settings *s = load_program(NULL);
    assert_int_equal(s->reload_signal, 0);
    assert_int_equal(s->config_watch_ms, 0);
    assert_true(s->sigterm_flush);
    assert_int_equal(s->capture, 0);
    assert_value(s, "WEFT_SIGTERM", "flush");
    assert_value(s, "WEFT_CAPTURE", "off");
    weftp_settings_free(s);
}

static void test_signals_by_name_and_number(void **state)
{
    (void)state;
    char real_time[12];
    (void)snprintf(real_time, sizeof real_time, "%d", SIGRTMIN + 1);
    const struct {
        const char *value;
        int number;
        const char *shown;
    } rows[] = {{"HUP", SIGHUP, "HUP"},
                {"sigusr1", SIGUSR1, "USR1"},
                {"SIGWINCH", SIGWINCH, "WINCH"},
                {"12", SIGUSR2, "USR2"},
                {real_time, SIGRTMIN + 1, real_time},
                {"off", 0, "off"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_RELOAD_SIGNAL", rows[i].value);
        assert_told_nothing();
        assert_int_equal(s->reload_signal, rows[i].number);
        assert_value(s, "WEFT_RELOAD_SIGNAL", rows[i].shown);
        weftp_settings_free(s);
    }
}

static void test_bad_values(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *value, *reason, *holds;
    } rows[] = {
        {"WEFT_RELOAD_SIGNAL", "KILL", "is no signal that can ask for a reload", "using off"},
        {"WEFT_RELOAD_SIGNAL", "9", "is no signal that can ask for a reload", "using off"},
        {"WEFT_RELOAD_SIGNAL", "SIGSTOP", "is no signal that can ask for a reload", "using off"},
        {"WEFT_RELOAD_SIGNAL", "SEGV", "is no signal that can ask for a reload", "using off"},
        {"WEFT_RELOAD_SIGNAL", "TERM", "is no signal that can ask for a reload", "using off"},
        {"WEFT_RELOAD_SIGNAL", "SIG", "is no signal that can ask for a reload", "using off"},
        {"WEFT_RELOAD_SIGNAL", "32", "is no signal that can ask for a reload", "using off"},
        {"WEFT_RELOAD_SIGNAL", "HU", "is no signal that can ask for a reload", "using off"},
        {"WEFT_CONFIG_WATCH", "99ms", "is no interval to look at a file in", "using off"},
        {"WEFT_CONFIG_WATCH", "25h", "is no interval to look at a file in", "using off"},
        {"WEFT_CONFIG_WATCH", "10", "is no interval to look at a file in", "using off"},
        {"WEFT_SIGTERM", "drain", "is neither flush nor off", "using flush"},
        {"WEFT_CAPTURE", "stdin", "is no stream to capture", "ignored"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable(rows[i].variable, rows[i].value);
        assert_int_equal(told.count, 1);
        assert_non_null(strstr(told.text[0], rows[i].variable));
        assert_non_null(strstr(told.text[0], rows[i].reason));
        assert_non_null(strstr(told.text[0], "accepted: "));
        assert_non_null(strstr(told.text[0], rows[i].holds));
        assert_int_equal(s->reload_signal, 0);
        assert_int_equal(s->config_watch_ms, 0);
        weftp_settings_free(s);
    }
}

static void test_intervals(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        uint32_t ms;
        const char *shown;
    } rows[] = {{"10s", 10000, "10s"},
                {"100ms", 100, "100ms"},
                {"1d", 86400000, "86400s"},
                {"0", 0, "off"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_CONFIG_WATCH", rows[i].value);
        assert_told_nothing();
        assert_int_equal(s->config_watch_ms, rows[i].ms);
        assert_value(s, "WEFT_CONFIG_WATCH", rows[i].shown);
        weftp_settings_free(s);
    }
}

static void test_streams(void **state)
{
    (void)state;
    struct weftp_settings *s = load_variable("WEFT_CAPTURE", " STDERR , stdout");
    assert_told_nothing();
    assert_int_equal(s->capture, WEFTP_CAPTURE_STDOUT | WEFTP_CAPTURE_STDERR);
    assert_value(s, "WEFT_CAPTURE", "stdout,stderr");
    weftp_settings_free(s);
    s = load_json(
        "{\"capture\": [\"stderr\", \"x\"], \"sigterm\": \"off\", \"config_watch\": \"1s\","
        " \"reload_signal\": 10}");
    assert_int_equal(told.count, 1);
    assert_int_equal(s->capture, WEFTP_CAPTURE_STDERR);
    assert_int_equal(s->reload_signal, SIGUSR1);
    assert_int_equal(s->config_watch_ms, 1000);
    assert_false(s->sigterm_flush);
    weftp_settings_free(s);
    setenv("WEFT_CAPTURE", "off", 1);
    s = load_program(NULL);
    assert_int_equal(s->capture, 0);
    weftp_settings_free(s);
    setenv("WEFT_CAPTURE", "nothing good", 1);
    s = load_program(NULL);
    assert_int_equal(s->capture, WEFTP_CAPTURE_STDERR);
    weftp_settings_free(s);
}

static void test_the_program_sets_them(void **state)
{
    (void)state;
    weft_options options = WEFT_OPTIONS_INIT;
    options.reload_signal = "HUP";
    options.config_watch = "5s";
    options.sigterm = "off";
    options.capture = "stdout";
    clearenv();
    struct weftp_settings *s = load_program(&options);
    assert_told_nothing();
    assert_int_equal(s->reload_signal, SIGHUP);
    assert_int_equal(s->config_watch_ms, 5000);
    assert_false(s->sigterm_flush);
    assert_int_equal(s->capture, WEFTP_CAPTURE_STDOUT);
    weftp_settings_free(s);
}

static weft_status refresh(struct weftp_settings **s)
{
    told.count = 0;
    return weftp_settings_refresh(s, NULL, NULL, &harness_known, harness_complain, &told);
}

static void test_a_refresh_insists_on_the_file(void **state)
{
    (void)state;
    struct weftp_settings *s = NULL;
    clearenv();
    setenv("WEFT_CONFIG", "x.json", 1);
    write_file("{\"level\": \"warn\"", strlen("{\"level\": \"warn\""));
    assert_int_equal(refresh(&s), WEFT_EINVAL);
    assert_null(s);
    assert_told_only(
        "config x.json:1:17: parse error: premature EOF; the configuration in force stays");
    assert_int_equal(unlink("x.json"), 0);
    assert_int_equal(refresh(&s), WEFT_EINVAL);
    assert_told_only("WEFT_CONFIG (environment): \"x.json\" cannot be opened: No such file or "
                     "directory; the configuration in force stays");
    write_file("{\"level\": \"wran\"}", strlen("{\"level\": \"wran\"}"));
    assert_int_equal(refresh(&s), WEFT_OK); /* one bad value is not a bad file */
    assert_int_equal(told.count, 1);
    assert_true(weftp_file_mark_exists(&s->config_mark));
    weftp_settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_signals_by_name_and_number),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_intervals),
        cmocka_unit_test(test_streams),
        cmocka_unit_test(test_the_program_sets_them),
        cmocka_unit_test(test_a_refresh_insists_on_the_file),
    };
    return cmocka_run_group_tests(tests, harness_setup, harness_teardown);
}
