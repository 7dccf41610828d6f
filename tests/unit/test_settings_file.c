/*
 * The JSON file: its form, its keys, where complaints point to, and files that are not to be read.
 */
#include "support/settings_harness.h"

#include "src/config/settings_json.h"

static void test_every_key(void **state)
{
    (void)state;
    struct weftp_settings *s = load_json(
        "\xEF\xBB\xBF{\n"
        "  \"level\": \"warn,a=debug\",\n"
        "  \"levels\": {\"orders.db\": \"trace\", \"http\": 21, \"b\": null},\n"
        "  \"format\": \"logback\",\n"
        "  \"sinks\": [\"stderr:\", \"file:x\"],\n"
        "  \"service\": \"orders\", \"version\": 1.50, \"env\": \"prod\", "
        "\"service_node\": \"n\",\n"
        "  \"fields\": {\"team\": \"a,b=%41\", \"n\": 1e3, \"t\": true, \"\\u00e9\": \"\"},\n"
        "  \"propagators\": [\"baggage\", \"tracecontext\"],\n"
        "  \"propagate_keys\": [\"user\", \"tenant\"],\n"
        "  \"trust\": \"restart_external\",\n"
        "  \"line_bytes_max\": 65536,\n"
        "  \"explain\": true, \"async\": false, \"redact\": null\n"
        "}\n");
    assert_told_nothing();
    assert_string_equal(levels_of(s), "13,a=5,orders.db=1,http=21");
    assert_string_equal(s->format, "logback");
    assert_int_equal(s->sink_count, 2);
    assert_string_equal(s->service, "orders");
    assert_string_equal(s->service_version, "1.50");
    assert_string_equal(s->service_env, "prod");
    assert_string_equal(s->service_node, "n");
    assert_string_equal(fields_of(s), "team=a,b=%41,n=1e3,t=true,\xc3\xa9=");
    assert_string_equal(names_of(s->propagators, s->propagator_count), "baggage,tracecontext");
    assert_string_equal(names_of(s->propagate_keys, s->propagate_key_count), "user,tenant");
    assert_int_equal(s->trust, WEFT_TRUST_RESTART_EXTERNAL);
    assert_int_equal(s->line_bytes_max, 65536);
    assert_true(s->explain);
    assert_string_equal(s->config, "x.json");
    weftp_settings_free(s);
}

#define LEVELS "accepted: trace debug info warn error fatal off or 1..127; "

static void test_complaints_point_to_the_place(void **state)
{
    (void)state;
    static const struct {
        const char *json, *complaint;
    } rows[] = {
        {"{\n  \"service\": \"s\",\n  \"level\": \"verbose\"}",
         "level (config x.json:3:12): \"verbose\" is no level; " LEVELS "using info"},
        {"{\"levels\": {\"a\":\n \"loud\"}}",
         "levels (config x.json:2:2): a: \"loud\" is no level; " LEVELS "ignored"},
        {"{\"levels\": {\"\": \"loud\"}}",
         "levels (config x.json:1:17): \"loud\" is no level; " LEVELS "using info"},
        {"{\"levels\": {\"a\": {}}}",
         "levels (config x.json:1:18): the value of \"a\" has to be a string; ignored"},
        {"{\"levels\": {\"a\": 5, \"a\": 9}}",
         "levels (config x.json:1:21): the key \"a\" stands here a second time; "
         "the one of line 1, column 13 holds"},
        {"{\"\xc3\xa9\xc3\xa9\": \"\", \"fromat\": \"ecs\"}", NULL}, /* two complaints, see below */
        {"{\"fromat\": \"ecs\"}",
         "config x.json:1:2: \"fromat\" is no key of weft; did you mean \"format\"? ignored"},
        {"{\"Level\": \"warn\"}",
         "config x.json:1:2: \"Level\" is no key of weft; did you mean \"level\"? ignored"},
        {"{\"zzzzzzzzz\": 1}", "config x.json:1:2: \"zzzzzzzzz\" is no key of weft; there are: "
                               "level format sinks service service_version "
                               "service_env service_node fields propagators propagate_keys trust "
                               "trace_names gcp_project "
                               "line_bytes_max explain reload_signal config_watch sigterm "
                               "capture async queue_bytes overflow queue_dir crash; ignored"},
        {"{\"format\": \"ecs\",\r\n\t\"format\": \"logback\"}",
         "format (config x.json:2:2): the key \"format\" stands here a second time; the one of "
         "line 1, column 2 holds"},
        {"{\"format\": [\"ecs\"]}",
         "format (config x.json:1:12): this has to be a string, a number or a boolean; using "
         "ecs, or pretty on a terminal"},
        {"{\"sinks\": {\"a\": 1}}",
         "sinks (config x.json:1:11): this has to be a string or an array of strings; using "
         "stdout:"},
        {"{\"config\": \"y.json\"}",
         "config (config x.json:1:12): this cannot be set in the file itself; ignored"},
        {"{\"rate\": true}",
         "rate (config x.json:1:10): \"true\": not supported by this version; ignored"},
        {"{\"sample\": [1]}",
         "sample (config x.json:1:12): this has to be a string, a number or a boolean; ignored"},
        {"{\"fields\": {\"a\\u0000b\": 1}}", "fields (config x.json:1:25): the key \"a\\x00b\" is "
                                             "not UTF-8, or holds a NUL byte; ignored"},
        {"{\"service\": \"a\\u0000b\"}",
         "service (config x.json:1:13): \"a\\x00b\" is not UTF-8, or holds a NUL byte; ignored"},
        {"{\"fields\": {\"api_token\": \"x\\u0000\"}}",
         "fields (config x.json:1:26): \"***\" is not UTF-8, or holds a NUL byte; ignored"},
        {"{\"trust\": \"\\u001b\\n[31m\"}",
         "trust (config x.json:1:11): \"\\x1B\\n[31m\" is no trust; accepted: continue "
         "restart restart_external; using continue"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_json(rows[i].json);
        if (rows[i].complaint)
            assert_told_only(rows[i].complaint);
        else
            assert_int_equal(told.count, 2);
        weftp_settings_free(s);
    }
    /* Columns count characters: é is one. */
    struct weftp_settings *s = load_json("{\"service\": \"\xc3\xa9\xc3\xa9\", \"trust\": \"x\"}");
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.text[0], "trust (config x.json:1:28): "));
    weftp_settings_free(s);
}

static void test_bad_parts_leave_the_rest(void **state)
{
    (void)state;
    struct weftp_settings *s =
        load_json("{\"fromat\": \"ecs\", \"format\": \"xml\", \"service\": \"orders\", "
                  "\"sinks\": [\"bad\", \"stderr:\"], \"trust\": \"restart\"}");
    assert_int_equal(told.count, 3);
    assert_string_equal(s->service, "orders");
    assert_string_equal(s->sinks[0].scheme, "stderr");
    assert_int_equal(s->trust, WEFT_TRUST_RESTART);
    weftp_settings_free(s);
}

static void test_no_json(void **state)
{
    (void)state;
    static const struct {
        const char *json, *complaint;
    } rows[] = {
        {"", "1:1: parse error: premature EOF"},
        {"\n\n  ", "3:3: parse error: premature EOF"},
        {"{\"service\": \"x\"", "1:16: parse error: premature EOF"},
        {"{\"service\": \"x", "1:15: parse error: premature EOF"},
        {"{\n \"service\": tru}", "2:13: lexical error: invalid string in json text"},
        {"{\"service\": \"x\",\n}", "2:1: parse error: invalid object key (must be a string)"},
        {"{\"service\" \"x\"}",
         "1:12: parse error: object key and value must be separated by a colon (':')"},
        {"{\"service\": \"x\",,}", "1:17: parse error: invalid object key (must be a string)"},
        {"{\"service\": \"x\n\"}", "1:13: lexical error: invalid character inside string"},
        {"{\"service\": \"x\"} {}", "1:18: parse error: trailing garbage"},
        {"// no comments\n{}",
         "1:1: lexical error: probable comment found in input text, comments are not enabled"},
        {"{\"a\": @}", "1:7: lexical error: invalid char in json text"},
        {"[]", "1:1: the file has to hold one JSON object"},
        {"\"service\"", "1:1: the file has to hold one JSON object"},
        {"12", "1:1: the file has to hold one JSON object"},
        {"{\"service\": \"\xc3\xa9\xff\"}", "1:15: not UTF-8"},
        {"{\"service\": \"\xed\xa0\x80\"}", "1:14: not UTF-8"},
        {"{\f}", "1:2: a control character"},
        {"{\"a\":[[[[[[[[1]]]]]]]]}", "1:13: too deep: at most 8 objects and arrays in each other"},
    };
    char complaint[256];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct weftp_settings *s = load_json(rows[i].json);
        (void)snprintf(complaint, sizeof complaint, "config x.json:%s; the whole file is ignored",
                       rows[i].complaint);
        assert_told_only(complaint);
        assert_null(s->service);
        assert_string_equal(levels_of(s), "9");
        weftp_settings_free(s);
    }
}

static void test_too_many_values(void **state)
{
    (void)state;
    char *text = malloc(20000);
    assert_non_null(text);
    size_t size = (size_t)snprintf(text, 20000, "{\"sinks\":[1");
    while (size < 15000) size += (size_t)snprintf(text + size, 20000 - size, ",1");
    (void)snprintf(text + size, 20000 - size, "]}");
    struct weftp_settings *s = load_json(text);
    assert_int_equal(told.count, 1);
    assert_non_null(
        strstr(told.text[0], ": too many values: at most 4,096; the whole file is ignored"));
    weftp_settings_free(s);
    free(text);
}

/* ---- files ---- */

static void test_size(void **state)
{
    (void)state;
    char *text = malloc(WEFTP_CONFIG_FILE_MAX + 1);
    assert_non_null(text);
    memset(text, ' ', WEFTP_CONFIG_FILE_MAX + 1);
    memcpy(text, "{\"service\":\"orders\"}", 20);
    clearenv();
    setenv("WEFT_CONFIG", "x.json", 1);
    write_file(text, WEFTP_CONFIG_FILE_MAX);
    struct weftp_settings *s = load_program(NULL);
    assert_told_nothing();
    assert_string_equal(s->service, "orders");
    weftp_settings_free(s);
    write_file(text, WEFTP_CONFIG_FILE_MAX + 1);
    s = load_program(NULL);
    assert_told_only(
        "WEFT_CONFIG (environment): \"x.json\" is larger than 1 MiB; going on without the file");
    assert_null(s->service);
    weftp_settings_free(s);

    /* One string that fills the file, in escapes: what is copied most. */
    memset(text, '/', WEFTP_CONFIG_FILE_MAX);
    memcpy(text, "{\"service\":\"", 12);
    for (size_t i = 12; i < WEFTP_CONFIG_FILE_MAX - 4; i += 2) text[i] = '\\';
    memcpy(text + WEFTP_CONFIG_FILE_MAX - 4, "  \"}", 4);
    write_file(text, WEFTP_CONFIG_FILE_MAX);
    s = load_program(NULL);
    assert_int_equal(told.count, 1);
    assert_non_null(strstr(told.text[0], "service (config x.json:1:12): \"////"));
    assert_non_null(strstr(told.text[0], "is longer than 65,536 bytes; ignored"));
    weftp_settings_free(s);

    /* And one that never ends. */
    memset(text + 12, 'n', WEFTP_CONFIG_FILE_MAX - 12);
    write_file(text, WEFTP_CONFIG_FILE_MAX);
    s = load_program(NULL);
    assert_told_only(
        "config x.json:1:1048577: parse error: premature EOF; the whole file is ignored");
    weftp_settings_free(s);
    free(text);
}

static void check_refused(const char *path, const char *reason)
{
    char complaint[512];
    struct weftp_settings *s = load_variable("WEFT_CONFIG", path);
    (void)snprintf(complaint, sizeof complaint,
                   "WEFT_CONFIG (environment): \"%s\" %s; going on without the file", path, reason);
    assert_told_only(complaint);
    assert_null(s->service);
    weftp_settings_free(s);
}

static void test_files_that_are_not_read(void **state)
{
    (void)state;
    check_refused("none.json", "cannot be opened: No such file or directory");
    check_refused("/tmp", "is a directory");
    check_refused("/dev/null", "is not a regular file");
    assert_int_equal(mkfifo("fifo", 0600),
                     0); /* nobody writes: an open that waits would hang here */
    check_refused("fifo", "is a FIFO");
    assert_int_equal(unlink("fifo"), 0);

    write_file("{\"service\":\"x\"}", 15);
    assert_int_equal(chmod("x.json", 0666), 0);
    check_refused("x.json", "can be written by everybody");
    assert_int_equal(chmod("x.json", 0664), 0);
    struct weftp_settings *s = load_variable("WEFT_CONFIG", "x.json");
    assert_told_nothing();
    weftp_settings_free(s);

    weft_options options = WEFT_OPTIONS_INIT;
    options.config = "gone.json";
    clearenv();
    s = load_program(&options);
    assert_told_only("config (program): \"gone.json\" cannot be opened: No such file or directory; "
                     "going on without the "
                     "file");
    weftp_settings_free(s);
}

static void test_owner(void **state)
{
    (void)state;
    if (geteuid() != 0) skip();
    write_file("{\"service\":\"x\"}", 15);
    assert_int_equal(chown("x.json", 4711, 4711), 0);
    check_refused("x.json", "belongs neither to root nor to the user of this program");
    assert_int_equal(seteuid(4711), 0);
    struct weftp_settings *s = load_variable("WEFT_CONFIG", harness_folder);
    weftp_settings_free(s); /* a folder, and not even ours: named, no harm */
    assert_int_equal(told.count, 1);
    assert_int_equal(seteuid(0), 0);
    assert_int_equal(unlink("x.json"), 0);
}

static void test_a_symbolic_link_is_followed(void **state)
{
    (void)state;
    write_file("{\"service\":\"linked\"}", 20);
    assert_int_equal(symlink("x.json", "link.json"), 0);
    struct weftp_settings *s = load_variable("WEFT_CONFIG", "link.json");
    assert_int_equal(unlink("link.json"), 0);
    assert_told_nothing();
    assert_string_equal(s->service, "linked");
    weftp_settings_free(s);
}

/* ---- the parser alone ---- */

static void test_places(void **state)
{
    (void)state;
    static const char text[] = "{ \"a\" : [ 1 , \"x\\n\" ,\n true, null ,{\"k\":-1.5e3}] }";
    struct weftp_json *root = NULL;
    struct weftp_json_error error;
    assert_int_equal(weftp_json_parse(&root, text, sizeof text - 1, &error), WEFT_OK);
    assert_int_equal(root->at, 0);
    const struct weftp_json *array = root->first;
    assert_int_equal(array->key_at, 2);
    assert_int_equal(array->at, strchr(text, '[') - text);
    const char *const starts[] = {"1 ,", "\"x", "true", "null", "{\"k"};
    const struct weftp_json *element = array->first;
    for (size_t i = 0; i < 5; i++, element = element->next)
        assert_int_equal(element->at, strstr(text, starts[i]) - text);
    assert_null(element);
    assert_int_equal(array->last->first->at, strstr(text, "-1.5") - text);
    assert_int_equal(array->last->first->key_at, strstr(text, "\"k\"") - text);
    assert_int_equal(array->last->first->text.size, 6);
    assert_memory_equal(array->first->next->text.text, "x\n", 2);
    weftp_json_free(root);
    unsigned line = 0, column = 0;
    weftp_json_place(text, (size_t)(strstr(text, "null") - text), &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 8);
}

static size_t from_hex(const char *hex, char *bytes)
{
    size_t size = 0;
    for (unsigned value = 0; sscanf(hex + 2 * size, "%2x", &value) == 1; size++)
        bytes[size] = (char)value;
    return size;
}

/*
 * JSONTestSuite: what must be accepted is (unless too deep), what must be refused is, with a place
 * inside of the text.
 */
static void test_vectors(void **state)
{
    (void)state;
    FILE *file = fopen(WEFT_TESTS_DIR "/vectors/json_parsing.tsv", "r");
    char line[1024], name[128], hex[512], bytes[256], expect = 0;
    unsigned size = 0, taken = 0;
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%127s\t%c\t%u\t%511[0-9a-f]", name, &expect, &size, hex) != 4) continue;
        if (from_hex(hex, bytes) != size || !strchr("yni", expect))
            continue; /* longer than the table shows */
        struct weftp_json *root = NULL;
        struct weftp_json_error error = {SIZE_MAX, ""};
        const weft_status status = weftp_json_parse(&root, bytes, size, &error);
        if (expect == 'y' && status) print_message("refused: %s: %s\n", name, error.reason);
        if (expect == 'n' && !status) print_message("accepted: %s\n", name);
        assert_true(expect != 'y' || status == WEFT_OK);
        assert_true(expect != 'n' || status == WEFT_EINVAL);
        if (status) assert_true(error.at <= size && *error.reason);
        weftp_json_free(root);
        taken++;
    }
    assert_int_equal(fclose(file), 0);
    assert_true(taken > 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key),
        cmocka_unit_test(test_complaints_point_to_the_place),
        cmocka_unit_test(test_bad_parts_leave_the_rest),
        cmocka_unit_test(test_no_json),
        cmocka_unit_test(test_too_many_values),
        cmocka_unit_test(test_size),
        cmocka_unit_test(test_files_that_are_not_read),
        cmocka_unit_test(test_owner),
        cmocka_unit_test(test_a_symbolic_link_is_followed),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, harness_setup, harness_teardown);
}
