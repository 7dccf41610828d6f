/*
 * Settings: precedence, every variable, what bad values get. Sinks, the file and the explanation
 * have tests of their own.
 */
#include "support/settings_harness.h"

/* The tests' stand-in for libc's: as in a setuid program, where it denies everything. */
static bool setuid_program;
char *secure_getenv(const char *name)
{
    return setuid_program ? NULL : getenv(name);
}

static void test_defaults(void **state)
{
    (void)state;
    clearenv();
    struct weftp_settings *s = load_program(NULL);
    assert_told_nothing();
    assert_string_equal(levels_of(s), "9");
    assert_null(s->format);
    assert_int_equal(s->sink_count, 1);
    assert_string_equal(s->sinks[0].scheme, "stdout");
    assert_string_equal(s->sinks[0].url, "stdout:");
    assert_null(s->sinks[0].options[0].key);
    assert_int_equal(s->line_bytes_max, 0);
    assert_null(s->service);
    assert_null(s->service_version);
    assert_null(s->service_env);
    assert_null(s->service_node);
    assert_int_equal(s->field_count, 0);
    assert_string_equal(names_of(s->propagators, s->propagator_count),
                        "tracecontext,baggage,xrequestid");
    assert_int_equal(s->propagate_key_count, 0);
    assert_int_equal(s->trust, WEFT_TRUST_CONTINUE);
    assert_false(s->explain);
    assert_false(s->no_colour);
    assert_null(s->config);
    assert_int_equal(s->complaint_count, 0);
    weftp_settings_free(s);
    weftp_settings_free(NULL);
}

/* ---- precedence: every setting from every source ---- */

static const char *shown_format(const struct weftp_settings *s)
{
    return s->format;
}
static const char *shown_sinks(const struct weftp_settings *s)
{
    return s->sinks[0].scheme;
}
static const char *shown_service(const struct weftp_settings *s)
{
    return s->service;
}
static const char *shown_version(const struct weftp_settings *s)
{
    return s->service_version;
}
static const char *shown_env(const struct weftp_settings *s)
{
    return s->service_env;
}
static const char *shown_node(const struct weftp_settings *s)
{
    return s->service_node;
}
static const char *shown_fields(const struct weftp_settings *s)
{
    return fields_of(s);
}
static const char *shown_levels(const struct weftp_settings *s)
{
    return levels_of(s);
}
static const char *shown_propagators(const struct weftp_settings *s)
{
    return names_of(s->propagators, s->propagator_count);
}
static const char *shown_keys(const struct weftp_settings *s)
{
    return names_of(s->propagate_keys, s->propagate_key_count);
}
static const char *shown_trust(const struct weftp_settings *s)
{
    static const char *const names[] = {"", "continue", "restart", "restart_external"};
    return names[s->trust];
}

static const char *shown_trace_names(const struct weftp_settings *s)
{
    return s->trace_names;
}
static const char *shown_project(const struct weftp_settings *s)
{
    return s->gcp_project;
}

static const struct precedence {
    const char *variable, *key;
    size_t member;
    const char *(*shown)(const struct weftp_settings *settings);
    const char *program, *file,
        *environment; /* values, in the order in which they beat each other */
} precedences[] = {
    {"WEFT_FORMAT", "format", offsetof(weft_options, format), shown_format, "ecs", "logback",
     "pretty"},
    {"WEFT_SINKS", "sinks", offsetof(weft_options, sinks), shown_sinks, "stderr", "file", "memory"},
    {"WEFT_SERVICE", "service", offsetof(weft_options, service), shown_service, "p", "f", "e"},
    {"WEFT_SERVICE_VERSION", "service_version", offsetof(weft_options, service_version),
     shown_version, "1", "2", "3"},
    {"WEFT_SERVICE_ENV", "service_env", offsetof(weft_options, service_env), shown_env, "p", "f",
     "e"},
    {"WEFT_SERVICE_NODE", "service_node", offsetof(weft_options, service_node), shown_node, "p",
     "f", "e"},
    {"WEFT_FIELDS", "fields", offsetof(weft_options, fields), shown_fields, "a=1", "a=2", "a=3"},
    {"WEFT_LEVEL", "level", offsetof(weft_options, level), shown_levels, "1", "2", "3"},
    {"WEFT_PROPAGATORS", "propagators", offsetof(weft_options, propagators), shown_propagators,
     "baggage", "xrequestid", "tracecontext"},
    {"WEFT_PROPAGATE_KEYS", "propagate_keys", offsetof(weft_options, propagate_keys), shown_keys,
     "a", "b", "c"},
    {"WEFT_TRUST", "trust", offsetof(weft_options, trust), shown_trust, "restart",
     "restart_external", "continue"},
    {"WEFT_TRACE_NAMES", "trace_names", offsetof(weft_options, trace_names), shown_trace_names,
     "ecs", "otel", "gcp"},
    {"WEFT_GCP_PROJECT", "gcp_project", offsetof(weft_options, gcp_project), shown_project, "p-1",
     "f-1", "e-1"},
};

static void check_precedence(const struct precedence *p)
{
    weft_options options = WEFT_OPTIONS_INIT;
    char json[128];
    memcpy((char *)&options + p->member, &p->program, sizeof p->program);
    clearenv();
    struct weftp_settings *s = load_program(&options);
    assert_string_equal(p->shown(s), p->program);
    weftp_settings_free(s);

    const int size = snprintf(json, sizeof json, "{\"%s\": \"%s\"}", p->key, p->file);
    write_file(json, (size_t)size);
    options.config = "x.json";
    s = load_program(&options);
    assert_string_equal(p->shown(s), p->file);
    weftp_settings_free(s);

    setenv(p->variable, p->environment, 1);
    s = load_program(&options);
    assert_told_nothing();
    assert_string_equal(p->shown(s), p->environment);
    weftp_settings_free(s);

    /* Empty is not set. */
    setenv(p->variable, "", 1);
    s = load_program(&options);
    assert_told_nothing();
    assert_string_equal(p->shown(s), p->file);
    weftp_settings_free(s);
}

static void test_precedence(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof precedences / sizeof *precedences; i++)
        check_precedence(&precedences[i]);
}

static void test_precedence_of_numbers_and_switches(void **state)
{
    (void)state;
    weft_options options = WEFT_OPTIONS_INIT;
    options.line_bytes_max = 2048;
    clearenv();
    struct weftp_settings *s = load_program(&options);
    assert_int_equal(s->line_bytes_max, 2048);
    weftp_settings_free(s);
    setenv("WEFT_LINE_BYTES_MAX", "64k", 1);
    setenv("WEFT_EXPLAIN", "Yes", 1);
    s = load_program(&options);
    assert_told_nothing();
    assert_int_equal(s->line_bytes_max, 65536);
    assert_true(s->explain);
    weftp_settings_free(s);
}

static void test_options_of_another_version(void **state)
{
    (void)state;
    struct {
        weft_options options;
        char more[64];
    } newer;
    memset(&newer, 0xAA, sizeof newer);
    newer.options = weft_options_default();
    newer.options.struct_size = sizeof newer;
    newer.options.service = "s";
    newer.options.trust = "restart";
    clearenv();
    struct weftp_settings *s = load_program(&newer.options);
    assert_told_nothing();
    assert_string_equal(s->service, "s");
    assert_int_equal(s->trust, WEFT_TRUST_RESTART);
    weftp_settings_free(s);

    newer.options.struct_size = offsetof(weft_options, trust); /* older: ends before trust */
    s = load_program(&newer.options);
    assert_string_equal(s->service, "s");
    assert_int_equal(s->trust, WEFT_TRUST_CONTINUE);
    weftp_settings_free(s);
}

/* ---- levels ---- */

static void test_levels(void **state)
{
    (void)state;
    static const struct {
        const char *text, *levels;
    } rows[] = {
        {"debug", "5"},
        {"  WARN  ", "13"},
        {"1", "1"},
        {"127", "127"},
        {"off", "127"},
        {"Off,a=TRACE", "127,a=1"},
        {"info,orders.db=debug,http=warn", "9,orders.db=5,http=13"},
        {" error , orders.db = 12 ,, http=fatal,", "17,orders.db=12,http=21"},
        {"a=info,a=debug", "9,a=5"},
        {"trace,warn", "13"},
        {"a=b=error", "9,a=b=17"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_LEVEL", rows[i].text);
        assert_told_nothing();
        assert_string_equal(levels_of(s), rows[i].levels);
        weftp_settings_free(s);
    }
}

#define LEVELS_ACCEPTED "accepted: trace debug info warn error fatal off or 1..127; "

static void test_bad_levels(void **state)
{
    (void)state;
    static const struct {
        const char *text, *complaint;
    } rows[] = {
        {"verbose", "\"verbose\" is no level; " LEVELS_ACCEPTED "using info"},
        {"0", "\"0\" is no level; " LEVELS_ACCEPTED "using info"},
        {"128", "\"128\" is no level; " LEVELS_ACCEPTED "using info"},
        {"-1", "\"-1\" is no level; " LEVELS_ACCEPTED "using info"},
        {"inherit", "\"inherit\" is no level; " LEVELS_ACCEPTED "using info"},
        {"orders.db=loud", "orders.db: \"loud\" is no level; " LEVELS_ACCEPTED "ignored"},
        {"orders.db=", "orders.db: \"\" is no level; " LEVELS_ACCEPTED "ignored"},
        {"=debug", "\"=debug\": no logger is named; write the root's level alone; ignored"},
    };
    char complaint[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_LEVEL", rows[i].text);
        (void)snprintf(complaint, sizeof complaint, "WEFT_LEVEL (environment): %s",
                       rows[i].complaint);
        assert_told_only(complaint);
        assert_string_equal(levels_of(s), "9");
        weftp_settings_free(s);
    }
}

static void test_a_bad_level_leaves_the_good_ones(void **state)
{
    (void)state;
    struct weftp_settings *s = load_variable("WEFT_LEVEL", "warn,a=debug,b=loud,c=error");
    assert_told_only("WEFT_LEVEL (environment): b: \"loud\" is no level; " LEVELS_ACCEPTED
                     "ignored");
    assert_string_equal(levels_of(s), "13,a=5,c=17");
    weftp_settings_free(s);
}

static void test_levels_are_merged(void **state)
{
    (void)state;
    weft_options options = WEFT_OPTIONS_INIT;
    options.level = "error,a=error,b=error,c=error";
    options.config = "x.json";
    clearenv();
    write_file("{\"level\":\"warn,a=warn,b=warn\"}", 30);
    setenv("WEFT_LEVEL", "a=debug", 1);
    struct weftp_settings *s = load_program(&options);
    assert_told_nothing();
    assert_string_equal(levels_of(s), "13,a=5,b=13,c=17");
    assert_int_equal(s->levels[0].origin.source, WEFTP_SOURCE_FILE);
    assert_int_equal(s->levels[1].origin.source, WEFTP_SOURCE_ENVIRONMENT);
    assert_int_equal(s->levels[3].origin.source, WEFTP_SOURCE_PROGRAM);
    weftp_settings_free(s);
}

static void test_limits_of_levels(void **state)
{
    (void)state;
    char *text = calloc(1, 40000);
    assert_non_null(text);
    size_t size = 0;
    for (int i = 0; i < 1100; i++)
        size += (size_t)snprintf(text + size, 40000 - size, "logger.%d=debug,", i);
    struct weftp_settings *s = load_variable("WEFT_LEVEL", text);
    assert_int_equal(s->level_count, WEFTP_LEVEL_RULES_MAX);
    assert_int_equal(told.count, WEFTP_COMPLAINTS_MAX + 1);
    assert_told(0,
                "WEFT_LEVEL (environment): \"logger.1023=debug\": at most 1,024 loggers can have a "
                "level here; ignored");
    assert_told(WEFTP_COMPLAINTS_MAX, "configuration: 45 more complaints are not shown");
    assert_int_equal(s->complaint_count, 77);
    weftp_settings_free(s);

    memset(text, 'x', 256);
    memcpy(text + 256, "=debug", 7);
    s = load_variable("WEFT_LEVEL", text);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.text[0], "xx…\": a logger's name has at most 255 bytes; ignored"));
    weftp_settings_free(s);
    free(text);
}

/* ---- levels at a reload ---- */

static struct weftp_settings *reload_file(struct weftp_settings *previous, const char *json)
{
    write_file(json, strlen(json));
    struct weftp_settings *s = load_again(previous, NULL);
    weftp_settings_free(previous);
    return s;
}

static void test_a_level_changed_in_the_file_beats_the_environment(void **state)
{
    (void)state;
    clearenv();
    setenv("WEFT_CONFIG", "x.json", 1);
    setenv("WEFT_LEVEL", "warn,a=warn", 1);
    struct weftp_settings *s = reload_file(NULL, "{\"level\":\"info,a=info,b=info\"}");
    assert_string_equal(levels_of(s), "13,a=13,b=9");
    s = reload_file(s, "{\"level\":\"info,a=info,b=info\"}");
    assert_string_equal(levels_of(s), "13,a=13,b=9");
    s = reload_file(s, "{\"level\":\"debug,a=info,b=info\"}"); /* the root's is changed */
    assert_string_equal(levels_of(s), "5,a=13,b=9");
    assert_int_equal(s->levels[0].origin.source, WEFTP_SOURCE_FILE);
    s = reload_file(
        s, "{\"level\":\"debug,a=info,b=info\"}"); /* since the start, not since the last load */
    assert_string_equal(levels_of(s), "5,a=13,b=9");
    s = reload_file(
        s, "{\"level\":\"info,a=trace,c=error\"}"); /* back as it was; changed; gone; new */
    assert_string_equal(levels_of(s), "13,a=1,c=17");
    s = reload_file(s, "{}");
    assert_string_equal(levels_of(s), "13,a=13");
    s = reload_file(s, "no JSON");
    assert_string_equal(levels_of(s), "13,a=13");
    weftp_settings_free(s);
}

static void test_a_file_that_comes_later_is_a_change(void **state)
{
    (void)state;
    clearenv();
    (void)unlink("x.json");
    setenv("WEFT_CONFIG", "x.json", 1);
    setenv("WEFT_LEVEL", "warn", 1);
    struct weftp_settings *s = load_program(NULL);
    assert_told_only(
        "WEFT_CONFIG (environment): \"x.json\" cannot be opened: No such file or directory; "
        "going on without the file");
    assert_string_equal(levels_of(s), "13");
    s = reload_file(s, "{\"level\":\"debug\"}");
    assert_string_equal(levels_of(s), "5");
    weftp_settings_free(s);
}

/* ---- service, OpenTelemetry's names, fields ---- */

static void test_aliases(void **state)
{
    (void)state;
    clearenv();
    setenv("WEFT_SERVICE_NAME", "orders", 1);
    setenv("WEFT_VERSION", "1", 1);
    setenv("WEFT_ENV", "test", 1);
    setenv("WEFT_NODE", "n1", 1);
    struct weftp_settings *s = load_program(NULL);
    assert_told_nothing();
    assert_string_equal(s->service, "orders");
    assert_string_equal(s->service_version, "1");
    assert_string_equal(s->service_env, "test");
    assert_string_equal(s->service_node, "n1");
    weftp_settings_free(s);
    setenv("WEFT_SERVICE_ENV", "prod", 1);
    s = load_program(NULL);
    assert_string_equal(s->service_env, "prod");
    weftp_settings_free(s);
}

static void test_otel_names(void **state)
{
    (void)state;
    struct weftp_settings *s = load_variable(
        "OTEL_RESOURCE_ATTRIBUTES", "service.name=a%20b,service.version=1,service.instance.id=i,"
                                    "deployment.environment.name=prod,deployment.environment=old, "
                                    "cloud.region = eu%2Cwest ,empty=");
    assert_told_nothing();
    assert_string_equal(s->service, "a b");
    assert_string_equal(s->service_version, "1");
    assert_string_equal(s->service_node, "i");
    assert_string_equal(s->service_env, "prod");
    assert_string_equal(fields_of(s), "cloud.region=eu,west,empty=");
    weftp_settings_free(s);

    setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=old,service.name=,service.name=x",
           1);
    setenv("OTEL_SERVICE_NAME", "y", 1);
    s = load_program(NULL);
    assert_string_equal(s->service_env, "old");
    assert_string_equal(s->service, "y");
    weftp_settings_free(s);

    setenv("WEFT_SERVICE", "z", 1);
    setenv("WEFT_ENV", "e", 1);
    setenv("WEFT_FIELDS", "k=weft", 1);
    setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=old,k=otel,l=otel", 1);
    s = load_program(NULL);
    assert_string_equal(s->service, "z");
    assert_string_equal(s->service_env, "e");
    assert_string_equal(fields_of(s), "k=weft,l=otel");
    weftp_settings_free(s);
}

static void test_otel_beats_file_and_program(void **state)
{
    (void)state;
    weft_options options = WEFT_OPTIONS_INIT;
    options.service = "program";
    clearenv();
    setenv("OTEL_SERVICE_NAME", "otel", 1);
    struct weftp_settings *s = load_program(&options);
    assert_string_equal(s->service, "otel");
    weftp_settings_free(s);
}

#define BAD_PERCENT                                                                                \
    "has a % that two hex digits should follow (%25 is the sign itself, %00 is not accepted); "    \
    "ignored"

static void test_bad_fields(void **state)
{
    (void)state;
    static const struct {
        const char *text, *complaint;
    } rows[] = {
        {"good=1,bad", "\"bad\" is no key=value; ignored"},
        {"good=1,=x", "\"=x\" has no key; ignored"},
        {"good=1,a=50%", "\"a=50%\" " BAD_PERCENT},
        {"good=1,a=%zz", "\"a=%zz\" " BAD_PERCENT},
        {"good=1,a=x%00y", "\"a=x%00y\" " BAD_PERCENT},
        {"good=1,a=%ff", "\"a=%ff\" is not UTF-8 once its % escapes are decoded; ignored"},
        {"good=1,db_Password=%zz", "\"db_Password=***\" " BAD_PERCENT},
    };
    char complaint[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable("WEFT_FIELDS", rows[i].text);
        (void)snprintf(complaint, sizeof complaint, "WEFT_FIELDS (environment): %s",
                       rows[i].complaint);
        assert_told_only(complaint);
        assert_string_equal(fields_of(s), "good=1");
        weftp_settings_free(s);
    }
}

static void test_limits_of_fields(void **state)
{
    (void)state;
    char text[8192];
    size_t size = 0;
    for (int i = 0; i < 65; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "k%d=v,", i);
    struct weftp_settings *s = load_variable("WEFT_FIELDS", text);
    assert_told_only("WEFT_FIELDS (environment): \"k64\": at most 64 static fields; ignored");
    assert_int_equal(s->field_count, WEFTP_STATIC_FIELDS_MAX);
    weftp_settings_free(s);

    (void)snprintf(text, sizeof text, "a=%.*s,%0129d=1,ok=%04096d", 0, "", 1, 1);
    s = load_variable("WEFT_FIELDS", text);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.text[0], "has a key of more than 128 bytes; ignored"));
    assert_int_equal(s->field_count, 2);
    assert_int_equal(s->fields[1].size, 4096);
    weftp_settings_free(s);

    (void)snprintf(text, sizeof text, "long=%04097d", 1);
    s = load_variable("WEFT_FIELDS", text);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.text[0], "has a value of more than 4,096 bytes; ignored"));
    weftp_settings_free(s);
}

static void test_text_that_is_no_text(void **state)
{
    (void)state;
    char text[70000];
    struct weftp_settings *s = load_variable("WEFT_SERVICE", "ord\xff\xc0\xafx");
    assert_told_only(
        "WEFT_SERVICE (environment): \"ord\\xFF\\xC0\\xAFx\" is not UTF-8, or holds a NUL "
        "byte; ignored");
    assert_null(s->service);
    weftp_settings_free(s);

    s = load_variable("WEFT_TRUST", "a\x1b[31m\r\n\t\x7f\xc2\x9b\xe2\x80\xae");
    assert_told_only("WEFT_TRUST (environment): \"a\\x1B[31m\\r\\n\\t\\x7F\\u009B\\u202E\" is no "
                     "trust; accepted: "
                     "continue restart restart_external; using continue");
    weftp_settings_free(s);

    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    s = load_variable("WEFT_SERVICE", text);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.text[0], "xx…\" is longer than 65,536 bytes; ignored"));
    assert_true(strlen(told.text[0]) < 200);
    weftp_settings_free(s);

    text[1025] = '\0';
    s = load_variable("WEFT_SERVICE", text);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.text[0], "xx…\" is longer than 1,024 bytes; ignored"));
    weftp_settings_free(s);
    text[1024] = '\0';
    s = load_variable("WEFT_SERVICE", text);
    assert_told_nothing();
    assert_int_equal(strlen(s->service), 1024);
    weftp_settings_free(s);
}

/* ---- the others ---- */

static void test_bad_words(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *value, *complaint;
    } rows[] = {
        {"WEFT_FORMAT", "logsatsh",
         "\"logsatsh\" is no format; did you mean logstash? accepted: ecs logstash "
         "logback pretty; using ecs, or pretty on a terminal"},
        {"WEFT_FORMAT", "xml",
         "\"xml\" is no format; accepted: ecs logstash logback pretty; using ecs, or "
         "pretty on a terminal"},
        {"WEFT_TRUST", "resart",
         "\"resart\" is no trust; did you mean restart? accepted: continue restart "
         "restart_external; using continue"},
        {"WEFT_TRACE_NAMES", "dataog",
         "\"dataog\" is no set of trace names; did you mean datadog? accepted: own ecs spring otel "
         "datadog gcp; using own"},
        {"WEFT_GCP_PROJECT", "Shop 1",
         "\"Shop 1\" is no project of Google Cloud; accepted: up to 128 of a-z 0-9 - . :; ignored"},
        {"WEFT_LINE_BYTES_MAX", "1023",
         "\"1023\" is no size that a line can have; accepted: 1KiB to 64MiB; "
         "using 16000 on stdout and stderr, 1MiB elsewhere"},
        {"WEFT_LINE_BYTES_MAX", "65MiB",
         "\"65MiB\" is no size that a line can have; accepted: 1KiB to "
         "64MiB; using 16000 on stdout and stderr, 1MiB elsewhere"},
        {"WEFT_EXPLAIN", "maybe",
         "\"maybe\" is neither on nor off; accepted: on off true false yes no 1 0; "
         "using off"},
        {"WEFT_PROPAGATE_KEYS", "a b",
         "\"a b\" cannot be a key of baggage; accepted: names of letters, digits, "
         "- _ . (tokens, RFC 9110), up to 128 bytes; ignored"},
        {"WEFT_ASYNC", "perhaps",
         "\"perhaps\" is neither on nor off; accepted: on off true false yes no 1 0; using off"},
        {"WEFT_QUEUE_BYTES", "1k",
         "\"1k\" is no size that a thread's queue can have; accepted: 64KiB to 1GiB, for each "
         "thread; using 262144"},
        {"WEFT_OVERFLOW", "drop_below:loud",
         "\"drop_below:loud\" is nothing to do with a full queue; accepted: block block:DURATION "
         "drop drop_below:LEVEL; using block"},
        {"WEFT_OVERFLOW", "block:2h",
         "\"block:2h\" is nothing to do with a full queue; accepted: block block:DURATION "
         "drop drop_below:LEVEL; using block"},
        {"WEFT_CRASH", "dump",
         "\"dump\" is neither a switch nor an absolute path; accepted: on off, or the absolute "
         "path of a folder of mode 0700; using off"},
        {"WEFT_RATE", "10", "\"10\": not supported by this version; ignored"},
        {"WEFT_FROMAT", "ecs", "no variable of weft; did you mean WEFT_FORMAT? ignored"},
        {"WEFT_EVN", "x", "no variable of weft; did you mean WEFT_ENV? ignored"},
        {"WEFT_SERVICE_NOED", "x", "no variable of weft; did you mean WEFT_SERVICE_NODE? ignored"},
    };
    char complaint[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable(rows[i].variable, rows[i].value);
        (void)snprintf(complaint, sizeof complaint, "%s (environment): %s", rows[i].variable,
                       rows[i].complaint);
        assert_told_only(complaint);
        weftp_settings_free(s);
    }
}

static void test_an_unknown_variable_gets_the_list(void **state)
{
    (void)state;
    struct weftp_settings *s = load_variable("WEFT_QQQQQQQQ", "secret");
    assert_told_only(
        "WEFT_QQQQQQQQ (environment): no variable of weft; there are: WEFT_LEVEL WEFT_FORMAT "
        "WEFT_SINKS WEFT_SERVICE WEFT_SERVICE_VERSION WEFT_SERVICE_ENV WEFT_SERVICE_NODE "
        "WEFT_FIELDS WEFT_PROPAGATORS WEFT_PROPAGATE_KEYS WEFT_TRUST WEFT_TRACE_NAMES "
        "WEFT_GCP_PROJECT "
        "WEFT_LINE_BYTES_MAX "
        "WEFT_CONFIG WEFT_EXPLAIN WEFT_RELOAD_SIGNAL WEFT_CONFIG_WATCH WEFT_SIGTERM "
        "WEFT_CAPTURE WEFT_ASYNC WEFT_QUEUE_BYTES WEFT_OVERFLOW WEFT_QUEUE_DIR WEFT_CRASH; "
        "ignored");
    weftp_settings_free(s);
}

static void test_values_that_are_off_are_not_told(void **state)
{
    (void)state;
    static const char *const later[] = {"WEFT_REDACT",  "WEFT_RELOAD_SIGNAL", "WEFT_SIGTERM",
                                        "WEFT_CAPTURE", "WEFT_SAMPLE",        "WEFT_RATE",
                                        "WEFT_CRASH"};
    static const char *const off[] = {"off", "OFF", "no", "false", "0", "none", ""};
    for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
        for (size_t j = 0; j < sizeof off / sizeof *off; j++) {
            struct weftp_settings *s = load_variable(later[i], off[j]);
            assert_told_nothing();
            weftp_settings_free(s);
        }
        struct weftp_settings *s = load_variable(later[i], "1s");
        assert_int_equal(told.count, 1);
        weftp_settings_free(s);
    }
}

static void test_the_queue(void **state)
{
    (void)state;
    weft_options options = WEFT_OPTIONS_INIT;
    options.async = true;
    options.queue_bytes = 1 << 20;
    options.overflow = "drop_below:warn";
    options.queue_dir = "/var/lib/a/queue";
    options.crash = "/var/lib/a/crash";
    clearenv();
    struct weftp_settings *s = load_program(&options);
    assert_told_nothing();
    assert_true(s->async);
    assert_int_equal(s->queue_bytes, 1 << 20);
    assert_false(s->overflow.drop);
    assert_int_equal(s->overflow.keep_level, WEFT_LEVEL_WARN);
    assert_string_equal(s->queue_dir, "/var/lib/a/queue");
    assert_string_equal(s->crash_dir, "/var/lib/a/crash");
    weftp_settings_free(s);
    s = load_variable("WEFT_OVERFLOW", "Block:50ms");
    assert_told_nothing();
    assert_false(s->overflow.drop);
    assert_int_equal(s->overflow.block_ms, 50);
    assert_false(s->async);
    assert_int_equal(s->queue_bytes, 256 << 10);
    assert_null(s->queue_dir);
    weftp_settings_free(s);
    s = load_variable("WEFT_OVERFLOW", "drop");
    assert_true(s->overflow.drop);
    assert_int_equal(s->overflow.keep_level, 0);
    weftp_settings_free(s);
    s = load_variable("WEFT_CRASH", "on");
    assert_told_nothing();
    assert_non_null(strstr(s->crash_dir, "/weft-crash-"));
    weftp_settings_free(s);
}

static void test_paths_of_the_queue(void **state)
{
    (void)state;
    static char path[4100];
    memset(path, 'a', sizeof path - 1);
    path[0] = '/';
    struct weftp_settings *s = load_variable("WEFT_QUEUE_DIR", path);
    assert_int_equal(told.count, 1);
    assert_null(s->queue_dir);
    weftp_settings_free(s);
    s = load_variable("WEFT_QUEUE_DIR", "none");
    assert_told_nothing();
    assert_null(s->queue_dir);
    weftp_settings_free(s);
}

static void test_propagators(void **state)
{
    (void)state;
    struct weftp_settings *s =
        load_variable("WEFT_PROPAGATORS", "Baggage, b3 ,baggage,tracecontext");
    assert_told_only(
        "WEFT_PROPAGATORS (environment): \"b3\" is no propagator; accepted: tracecontext baggage "
        "xrequestid verbatim; ignored");
    assert_string_equal(shown_propagators(s), "baggage,tracecontext");
    weftp_settings_free(s);

    s = load_variable("WEFT_PROPAGATORS", "b3");
    assert_int_equal(told.count, 2);
    assert_told(1, "WEFT_PROPAGATORS (environment): nothing in it is accepted; using "
                   "tracecontext,baggage,xrequestid");
    assert_string_equal(shown_propagators(s), "tracecontext,baggage,xrequestid");
    weftp_settings_free(s);

    s = load_variable("OTEL_PROPAGATORS", "baggage");
    assert_told_nothing();
    assert_string_equal(shown_propagators(s), "baggage");
    weftp_settings_free(s);
    setenv("WEFT_PROPAGATORS", "xrequestid", 1);
    s = load_program(NULL);
    assert_string_equal(shown_propagators(s), "xrequestid");
    weftp_settings_free(s);

    s = load_variable("OTEL_PROPAGATORS", "none");
    assert_told_nothing();
    assert_int_equal(s->propagator_count, 0);
    weftp_settings_free(s);
    s = load_variable("OTEL_PROPAGATORS", "none,baggage");
    assert_told_only(
        "OTEL_PROPAGATORS (environment): \"none\" stands beside other names; \"none\" is ignored");
    assert_string_equal(shown_propagators(s), "baggage");
    weftp_settings_free(s);
}

static void test_propagators_with_arguments(void **state)
{
    (void)state;
    static const char refused[] =
        "these arguments are not accepted; accepted: verbatim:NAME+NAME... with up to 16 header "
        "names, none of Cookie, Authorization, Host, Proxy-* or of one connection (RFC 9110, "
        "7.6.1); no arguments elsewhere; ignored";
    static const struct {
        const char *value, *shown, *told;
    } rows[] = {
        {"verbatim:X-A", "verbatim:X-A", NULL},
        {"baggage,Verbatim:x-a, x-b,x-c,tracecontext", "baggage,verbatim:x-a+x-b+x-c,tracecontext",
         NULL},
        {"baggage,verbatim:cookie", "baggage", "verbatim:cookie"},
        {"baggage,verbatim", "baggage", "verbatim"},
        {"baggage:x,baggage", "baggage", "baggage:x"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char told_text[512];
        struct weftp_settings *s = load_variable("WEFT_PROPAGATORS", rows[i].value);
        assert_string_equal(shown_propagators(s), rows[i].shown);
        snprintf(told_text, sizeof told_text, "WEFT_PROPAGATORS (environment): \"%s\": %s",
                 rows[i].told ? rows[i].told : "", refused);
        if (rows[i].told)
            assert_told_only(told_text);
        else
            assert_told_nothing();
        weftp_settings_free(s);
    }
    struct weftp_settings *s = load_variable("WEFT_PROPAGATORS", "verbatim:x-a,authorization");
    assert_string_equal(shown_propagators(s), "verbatim:x-a");
    assert_told_only(
        "WEFT_PROPAGATORS (environment): \"authorization\" is no propagator; accepted: "
        "tracecontext baggage xrequestid verbatim; ignored");
    weftp_settings_free(s);
}

static void test_no_color(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *value;
        bool no_colour;
    } rows[] = {
        {"NO_COLOR", "1", true}, {"NO_COLOR", "0", true},           {"NO_COLOR", "", false},
        {"TERM", "dumb", true},  {"TERM", "xterm-256color", false}, {"TERM", "", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_variable(rows[i].variable, rows[i].value);
        assert_told_nothing();
        assert_int_equal(s->no_colour, rows[i].no_colour);
        weftp_settings_free(s);
    }
}

static void test_a_setuid_program_reads_only_the_level(void **state)
{
    (void)state;
    clearenv();
    write_file("{\"service\":\"evil\"}", 18);
    setenv("WEFT_LEVEL", "debug", 1);
    setenv("WEFT_SINKS", "file:/etc/passwd", 1);
    setenv("WEFT_CONFIG", "x.json", 1);
    setenv("OTEL_SERVICE_NAME", "evil", 1);
    setenv("WEFT_UNKNOWN", "x", 1);
    setenv("WEFT_"
           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
           "AAAAA"
           "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
           "x", 1);
    setenv("PATH", "/bin", 1);
    setenv("NO_COLOR", "1", 1);
    setuid_program = true;
    struct weftp_settings *s = load_program(NULL);
    setuid_program = false;
    assert_told_nothing();
    assert_string_equal(levels_of(s), "5");
    assert_string_equal(s->sinks[0].url, "stdout:");
    assert_null(s->service);
    assert_null(s->config);
    assert_false(s->no_colour);
    weftp_settings_free(s);
}

static void test_without_a_listener_or_lists(void **state)
{
    (void)state;
    struct weftp_settings *s = NULL;
    clearenv();
    setenv("WEFT_LEVEL", "nonsense", 1);
    setenv("WEFT_FORMAT", "anything", 1);
    setenv("WEFT_SINKS", "any:thing?format=other", 1);
    setenv("WEFT_PROPAGATORS", "whatever", 1);
    assert_int_equal(weftp_settings_load(&s, NULL, NULL, NULL, NULL), WEFT_OK);
    assert_int_equal(s->complaint_count, 1);
    assert_string_equal(s->format, "anything");
    assert_string_equal(s->sinks[0].scheme, "any");
    assert_string_equal(s->sinks[0].format, "other");
    weftp_settings_free(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_precedence_of_numbers_and_switches),
        cmocka_unit_test(test_options_of_another_version),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_bad_levels),
        cmocka_unit_test(test_a_bad_level_leaves_the_good_ones),
        cmocka_unit_test(test_levels_are_merged),
        cmocka_unit_test(test_limits_of_levels),
        cmocka_unit_test(test_a_level_changed_in_the_file_beats_the_environment),
        cmocka_unit_test(test_a_file_that_comes_later_is_a_change),
        cmocka_unit_test(test_aliases),
        cmocka_unit_test(test_otel_names),
        cmocka_unit_test(test_otel_beats_file_and_program),
        cmocka_unit_test(test_bad_fields),
        cmocka_unit_test(test_limits_of_fields),
        cmocka_unit_test(test_text_that_is_no_text),
        cmocka_unit_test(test_bad_words),
        cmocka_unit_test(test_an_unknown_variable_gets_the_list),
        cmocka_unit_test(test_values_that_are_off_are_not_told),
        cmocka_unit_test(test_the_queue),
        cmocka_unit_test(test_paths_of_the_queue),
        cmocka_unit_test(test_propagators),
        cmocka_unit_test(test_propagators_with_arguments),
        cmocka_unit_test(test_no_color),
        cmocka_unit_test(test_a_setuid_program_reads_only_the_level),
        cmocka_unit_test(test_without_a_listener_or_lists),
    };
    return cmocka_run_group_tests(tests, harness_setup, harness_teardown);
}
