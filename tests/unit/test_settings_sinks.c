/* WEFT_SINKS: URLs to settings of sinks. */
#include "support/settings_harness.h"

/* One sink as "scheme path=p key=value ... [level=..] [format=..] [max=..] [seq=..]". */
static const char *sink_of(const struct weftp_sink_setting *sink)
{
    static char text[4096];
    int size = snprintf(text, sizeof text, "%s", sink->scheme);
    for (const struct weft_options_kv *option = sink->options; option->key; option++)
        size +=
            snprintf(text + size, sizeof text - (size_t)size, " %s=%s", option->key, option->value);
    if (sink->level)
        size += snprintf(text + size, sizeof text - (size_t)size, " [level=%d]", sink->level);
    if (sink->format)
        size += snprintf(text + size, sizeof text - (size_t)size, " [format=%s]", sink->format);
    if (sink->line_bytes_max)
        size +=
            snprintf(text + size, sizeof text - (size_t)size, " [max=%u]", sink->line_bytes_max);
    if (sink->numbering)
        (void)snprintf(text + size, sizeof text - (size_t)size, " [seq=%s]",
                       sink->numbering == WEFTP_NUMBERING_ON ? "on" : "off");
    return text;
}

static void test_good_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *sink;
    } rows[] = {
        {"stdout:", "stdout"},
        {"stdout", "stdout"},
        {"STDERR:", "stderr"},
        {"stderr?level=warn", "stderr [level=13]"},
        {"file:/var/log/a.log", "file path=/var/log/a.log"},
        {"file:///var/log/a.log", "file path=/var/log/a.log"},
        {"file://localhost/var/log/a.log", "file path=/var/log/a.log"},
        {"file:a.log", "file path=a.log"},
        {"file:./a/../b", "file path=./a/../b"},
        {"file:/a%20b%2fc%3F", "file path=/a b/c?"},
        {"file:/a+b", "file path=/a+b"},
        {"file:/caf\xc3\xa9", "file path=/caf\xc3\xa9"},
        {"file:/%ff", "file path=/\xff"},
        {"file:/a:b@c#d", "file path=/a:b@c#d"},
        {"file:/"
         "path?max_bytes=10MiB&keep=5&compress=gzip&level=warn&format=logback&line_bytes_max=64k",
         "file path=/path max_bytes=10MiB keep=5 compress=gzip [level=13] [format=logback] "
         "[max=65536]"},
        {"file:/a?k=b=c", "file path=/a k=b=c"},
        {"file:/a?&&k=%26&", "file path=/a k=&"},
        {"file:/a?k%3D=1", "file path=/a k==1"},
        {"file:/a?k=", "file path=/a k="},
        {"memory:?bytes=1m", "memory bytes=1m"},
        {"memory:?LEVEL=OFF", "memory [level=127]"},
        {"memory:?format=ECS", "memory [format=ecs]"},
        {"memory:?seq=on", "memory [seq=on]"},
        {"memory:?SEQ=Off&bytes=1m", "memory bytes=1m [seq=off]"},
        {"callback:", "callback"},
        {"callback:name", "callback path=name"},
        {"callback://name", "callback path=name"},
        {"file:", "file"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_SINKS", rows[i].url);
        assert_told_nothing();
        assert_int_equal(s->sink_count, 1);
        assert_string_equal(sink_of(&s->sinks[0]), rows[i].sink);
        weftp_settings_free(s);
    }
}

#define KINDS   "accepted: stdout stderr file memory callback; ignored"
#define PERCENT "that two hex digits should follow (%25 is the sign itself, %00 is not accepted)"

static void test_bad_urls(void **state)
{
    (void)state;
    static const struct {
        const char *url, *complaint;
    } rows[] = {
        {"stdotu:", "\"stdotu\" is no kind of sink; did you mean stdout? " KINDS},
        {"flie:/a", "\"flie\" is no kind of sink; did you mean file? " KINDS},
        {"https://x", "\"https\" is no kind of sink; " KINDS},
        {"tcp://u:p@h?token=1", "\"tcp\" is no kind of sink; " KINDS},
        {":x", "\"\" is no kind of sink; " KINDS},
        {"/var/log/a", "\"/var/log/a\" has no scheme; for a file write file:PATH; ignored"},
        {"./a", "\"./a\" has no scheme; for a file write file:PATH; ignored"},
        {"file://host/a",
         "\"file://host/a\" names a host; write file:/PATH, or file:PATH without // for a "
         "relative path; ignored"},
        {"file://a.log",
         "\"file://a.log\" names a host; write file:/PATH, or file:PATH without // for a "
         "relative path; ignored"},
        {"file:/a%2", "\"file:/a%2\" has a % in its path " PERCENT "; ignored"},
        {"file:/a%00b", "\"file:/a%00b\" has a % in its path " PERCENT "; ignored"},
        {"file:/%zz?api_key=s3cret&x=1",
         "\"file:/%zz?api_key=***&x=1\" has a % in its path " PERCENT "; ignored"},
    };
    char complaint[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_SINKS", rows[i].url);
        assert_int_equal(told.count, 2);
        (void)snprintf(complaint, sizeof complaint, "WEFT_SINKS (environment): %s",
                       rows[i].complaint);
        assert_told(0, complaint);
        assert_told(1, "WEFT_SINKS (environment): nothing in it is accepted; using stdout:");
        assert_int_equal(s->sink_count, 1);
        assert_string_equal(s->sinks[0].url, "stdout:");
        weftp_settings_free(s);
    }
}

static void test_bad_options_leave_the_sink(void **state)
{
    (void)state;
    static const struct {
        const char *url, *complaint, *sink;
    } rows[] = {
        {"file:a?level=loud&keep=1",
         "\"loud\" is no level; accepted: trace debug info warn error fatal off or 1..127; the "
         "sink's option is "
         "ignored",
         "file path=a keep=1"},
        {"file:a?format=ecss&keep=1",
         "\"ecss\" is no format; did you mean ecs? accepted: ecs logstash logback pretty; the "
         "sink's option is ignored",
         "file path=a keep=1"},
        {"file:a?seq=maybe&keep=1",
         "\"maybe\" is no value of seq; accepted: off on; the sink's option is ignored",
         "file path=a keep=1"},
        {"file:a?keep=1&seq=of",
         "\"of\" is no value of seq; did you mean off? accepted: off on; the sink's option is "
         "ignored",
         "file path=a keep=1"},
        {"file:a?seq=on&seq=off",
         "\"file:a?seq=on&seq=off\": option \"seq=off\" is given twice; the first holds; "
         "the option is ignored",
         "file path=a [seq=on]"},
        {"file:a?line_bytes_max=1&keep=1",
         "\"1\" is no line_bytes_max; accepted: 1KiB to 64MiB; the sink's option is ignored",
         "file path=a keep=1"},
        {"file:a?keep=1&keep=2",
         "\"file:a?keep=1&keep=2\": option \"keep=2\" is given twice; the first holds; the option "
         "is ignored",
         "file path=a keep=1"},
        {"file:a?level=warn&level=info",
         "\"file:a?level=warn&level=info\": option \"level=info\" is given twice; the first holds; "
         "the option is ignored",
         "file path=a [level=13]"},
        {"file:a?path=b",
         "\"file:a?path=b\": option \"path=b\" is no option: the path stands before the ?; the "
         "option is ignored",
         "file path=a"},
        {"file:a?gzip", "\"file:a?gzip\": option \"gzip\" has no value; the option is ignored",
         "file path=a"},
        {"file:a?=1", "\"file:a?=1\": option \"=1\" has no key; the option is ignored",
         "file path=a"},
        {"file:a?k=%1",
         "\"file:a?k=%1\": option \"k=%1\" has a % " PERCENT "; the option is ignored",
         "file path=a"},
        {"file:a?my_token=%1",
         "\"file:a?my_token=***\": option \"my_token=***\" has a % " PERCENT
         "; the option is ignored",
         "file path=a"},
    };
    char complaint[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_SINKS", rows[i].url);
        (void)snprintf(complaint, sizeof complaint, "WEFT_SINKS (environment): %s",
                       rows[i].complaint);
        assert_told_only(complaint);
        assert_int_equal(s->sink_count, 1);
        assert_string_equal(sink_of(&s->sinks[0]), rows[i].sink);
        weftp_settings_free(s);
    }
}

static void test_several(void **state)
{
    (void)state;
    struct weftp_settings *s =
        load_variable("WEFT_SINKS", "  stdout:?level=error\n\tfile:a  nonsense:x file:b?keep=2 ");
    assert_told_only("WEFT_SINKS (environment): \"nonsense\" is no kind of sink; " KINDS);
    assert_int_equal(s->sink_count, 3);
    assert_string_equal(sink_of(&s->sinks[0]), "stdout [level=17]");
    assert_string_equal(sink_of(&s->sinks[1]), "file path=a");
    assert_string_equal(sink_of(&s->sinks[2]), "file path=b keep=2");
    weftp_settings_free(s);
}

static void test_twins(void **state)
{
    (void)state;
    struct weftp_settings *s = load_variable(
        "WEFT_SINKS",
        "file:/a?x=1&y=2 file:///a?y=2&x=1 file:/a?x=1 file:/a?x=1&y=3 stdout: stdout:");
    assert_int_equal(told.count, 2);
    assert_told(
        0, "WEFT_SINKS (environment): \"file:///a?y=2&x=1\" is given twice; the second is ignored");
    assert_told(1, "WEFT_SINKS (environment): \"stdout:\" is given twice; the second is ignored");
    assert_int_equal(s->sink_count, 4);
    weftp_settings_free(s);

    /* The secrets are compared, not their masks. */
    s = load_variable("WEFT_SINKS",
                      "file:/a?token=1 file:/a?token=2 file:/a?level=1 file:/a?level=2 "
                      "file:/a?format=ecs file:/a?line_bytes_max=1k file:/a?seq=on");
    assert_told_nothing();
    assert_int_equal(s->sink_count, 7);
    assert_true(weftp_sink_setting_equal(&s->sinks[0], &s->sinks[0]));
    assert_false(weftp_sink_setting_equal(&s->sinks[0], &s->sinks[1]));
    weftp_settings_free(s);
}

static void test_limits(void **state)
{
    (void)state;
    char text[8192];
    size_t size = 0;
    for (int i = 0; i < 18; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "file:%d ", i);
    struct weftp_settings *s = load_variable("WEFT_SINKS", text);
    assert_int_equal(s->sink_count, WEFT_SINKS_MAX);
    assert_int_equal(told.count, 2);
    assert_told(0,
                "WEFT_SINKS (environment): \"file:16\" is one too many: at most 16 sinks; ignored");
    assert_told(1,
                "WEFT_SINKS (environment): \"file:17\" is one too many: at most 16 sinks; ignored");
    weftp_settings_free(s);

    size = (size_t)snprintf(text, sizeof text, "file:a?");
    for (int i = 0; i < 32; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "k%d=v&", i);
    s = load_variable("WEFT_SINKS", text); /* with the path: 33 */
    assert_int_equal(told.count, 1);
    assert_non_null(
        strstr(told.text[0],
               "option \"k31=v\" is one too many: a sink has at most 32; the option is ignored"));
    assert_int_equal(s->sink_count, 1);
    weftp_settings_free(s);

    memset(text, 'x', 4097);
    memcpy(text, "file:", 5);
    text[4097] = '\0';
    s = load_variable("WEFT_SINKS", text);
    assert_int_equal(told.count, 2);
    assert_non_null(strstr(told.text[0], "xx…\" is longer than 4,096 bytes; ignored"));
    weftp_settings_free(s);
    text[4096] = '\0';
    s = load_variable("WEFT_SINKS", text);
    assert_told_nothing();
    weftp_settings_free(s);
}

static void test_masks(void **state)
{
    (void)state;
    static const struct {
        const char *url, *shown;
    } rows[] = {
        {"file:a?password=p&x=1", "file:a?password=***&x=1"},
        {"file:a?x=1&client_SECRET=p", "file:a?x=1&client_SECRET=***"},
        {"file:a?auth_Token=a=b", "file:a?auth_Token=***"},
        {"file:a?tls_key=/k.pem", "file:a?tls_key=***"},
        {"file:a?%74oken=p", "file:a?%74oken=***"},
        {"memory://user:pw@host/a", "memory://***@host/a"},
        {"memory://user:p@w@host/a?k=v", "memory://***@host/a?k=v"},
        {"file:/x@y", "file:/x@y"},
        {"file:/a\x1b[2J", "file:/a\\x1B[2J"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_SINKS", rows[i].url);
        assert_int_equal(s->sink_count, 1);
        assert_string_equal(s->sinks[0].url, rows[i].shown);
        weftp_settings_free(s);
    }
}

/* Whatever is wrong with it, a secret is never in a complaint. */
static void test_no_secret_in_a_complaint(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "bad://u:hunter2@h/x?a=1",
        "file://u:hunter2@h/x",
        "file:a?token=hunter2&token=hunter2",
        "file:a%?secret=hunter2",
        "file:a?secret=hunter2%",
        "/x?password=hunter2",
        "file:a?key=hunter2 file:a?key=hunter2",
        "memory:?level=x&api_key=hunter2",
        "u:hunter2@h",
    };
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct weftp_settings *s = load_variable("WEFT_SINKS", urls[i]);
        assert_true(told.count > 0);
        for (size_t j = 0; j < told.count; j++) assert_null(strstr(told.text[j], "hunter2"));
        weftp_settings_free(s);
    }
}

static void test_sinks_in_the_file(void **state)
{
    (void)state;
    struct weftp_settings *s = load_json("{\"sinks\": [\"file:/a b?level=warn\", \"stdout:\"]}");
    assert_told_nothing();
    assert_int_equal(s->sink_count, 2);
    assert_string_equal(sink_of(&s->sinks[0]), "file path=/a b [level=13]");
    weftp_settings_free(s);

    s = load_json("{\"sinks\": \"stderr: stdout:\"}");
    assert_told_nothing();
    assert_int_equal(s->sink_count, 2);
    weftp_settings_free(s);

    s = load_json("{\"sinks\": [\n  \"stderr:\",\n  \"flie:x\", 1, {}]}");
    assert_int_equal(told.count, 3);
    assert_told(
        0, "sinks (config x.json:3:3): \"flie\" is no kind of sink; did you mean file? " KINDS);
    assert_told(1, "sinks (config x.json:3:13): \"1\" is no kind of sink; " KINDS);
    assert_told(2, "sinks (config x.json:3:16): an element has to be a string; ignored");
    assert_int_equal(s->sink_count, 1);
    weftp_settings_free(s);

    s = load_json("{\"sinks\": []}");
    assert_told_nothing();
    assert_string_equal(s->sinks[0].url, "stdout:");
    weftp_settings_free(s);

    /* A bad variable leaves the file's sinks. */
    write_file("{\"sinks\":\"stderr:\"}", 19);
    setenv("WEFT_SINKS", "nonsense:", 1);
    s = load_program(NULL);
    assert_told(1, "WEFT_SINKS (environment): nothing in it is accepted; using stderr:");
    assert_string_equal(s->sinks[0].url, "stderr:");
    weftp_settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_urls),
        cmocka_unit_test(test_bad_urls),
        cmocka_unit_test(test_bad_options_leave_the_sink),
        cmocka_unit_test(test_several),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_masks),
        cmocka_unit_test(test_no_secret_in_a_complaint),
        cmocka_unit_test(test_sinks_in_the_file),
    };
    return cmocka_run_group_tests(tests, harness_setup, harness_teardown);
}
