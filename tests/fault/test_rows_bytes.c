/*
 * Rows 39 and 40 of the fault table: every byte, and the sequences that are known to do harm, in
 * every place where a program's or a stranger's text can stand: message, key, value, context,
 * logger, thread name, error, raw JSON. One record is one line; JSON is valid to two strict parsers
 * and gives the text back; text for people has nothing in it that a terminal obeys.
 */
#include "support/rows.h"

#include <pthread.h>
#include <sys/prctl.h>

static const char *const formats[] = {"ecs", "logstash", "logback"};
#define FORMATS (sizeof formats / sizeof formats[0])

/* What is more than one byte: ill-formed UTF-8, separators, controls, directions, injections. */
static const char *const harmful[] = {
    "\xc0\x80",                 /* an overlong NUL */
    "\xed\xa0\x80",             /* half of a surrogate pair */
    "\xed\xa0\xbd\xed\xb8\x80", /* both, as CESU-8 has them */
    "\xf4\x90\x80\x80",         /* past U+10FFFF */
    "\xf0\x9f\x98",             /* cut short */
    "\xef\xbf\xbf",             /* U+FFFF */
    "\xef\xbb\xbf",             /* a byte order mark */
    "\xc2\x85",                 /* NEL */
    "\xc2\x9b"
    "31m",                      /* CSI in one character */
    "\xe2\x80\xa8\xe2\x80\xa9", /* U+2028, U+2029 */
    "\xe2\x80\xae"
    "gnp.exe",                  /* right to left from here */
    "\xe2\x81\xa6\xe2\x81\xa9", /* isolates */
    "\x1b[2J\x1b]0;title\x07",  /* clear the screen, set the title */
    "\r\n{\"message\":\"forged\"}\n",
    "\",\"forged\":\"",
    "\\\",\\u0000",
    "%s%n%s%n",
    "${jndi:ldap://x}",
};
#define HARMFUL (sizeof harmful / sizeof harmful[0])
#define TEXTS   (255 + HARMFUL)

/* The nth text, "a?z" with the byte or the sequence in the middle. */
static void make_text(char text[64], size_t n)
{
    if (n < 255)
        snprintf(text, 64, "a%cz", (char)(n + 1));
    else
        snprintf(text, 64, "a%sz", harmful[n - 255]);
}

/* ---- in the child ---- */

static void *log_everywhere(void *arg)
{
    const size_t n = (size_t)(uintptr_t)arg;
    char text[64], raw[80];
    make_text(text, n);
    snprintf(raw, sizeof raw, "\"%s\"", text);
    prctl(PR_SET_NAME, text);
    weft_info(NULL, text, weft_uint("n", n), weft_str("value", text), weft_str(text, "key"),
              weft_bytes("bytes", text, strlen(text)), weft_json("raw", raw),
              weft_obj("inside", weft_str(text, text)), weft_error_info(text, text, text));
    weft_infof(NULL, "%s", text);
    weft_info(weft_logger_get(text), "logger");
    weft_mdc_put("context", text);
    weft_mdc_put(text, "key");
    weft_logger *bound = weft_logger_with(NULL, weft_str("bound", text), weft_str(text, "bound"));
    weft_info(bound, "context");
    weft_logger_release(bound);
    weft_mdc_clear();
    return NULL;
}
#define LINES_OF_ONE 4

static void log_all(void *arg)
{
    (void)arg;
    for (size_t n = 0; n < TEXTS; n++) {
        pthread_t thread; /* each reads its name anew */
        if (pthread_create(&thread, NULL, log_everywhere, (void *)(uintptr_t)n) != 0) abort();
        pthread_join(thread, NULL);
    }
    EXPECT(row_stats().written == LINES_OF_ONE * TEXTS);
}

/* ---- in the test ---- */

static struct row row;

static int log_everything(void **state)
{
    (void)state;
    static char sinks[1024];
    row = row_begin("?format=pretty");
    int size = snprintf(sinks, sizeof sinks, "%s", row.sinks);
    for (size_t i = 0; i < FORMATS; i++)
        size += snprintf(sinks + size, sizeof sinks - (size_t)size, " file:%s/%s?format=%s",
                         row.folder, formats[i], formats[i]);
    const char *const env[] = {sinks, "WEFT_LEVEL=trace", NULL};
    struct child child = run_child(log_all, NULL, env);
    if (child.status != 0) fprintf(stderr, "status %x: %s\n", (unsigned)child.status, child.err);
    const int failed = child.status != 0;
    child_free(&child);
    return failed;
}

static int remove_everything(void **state)
{
    (void)state;
    row_end(&row);
    return 0;
}

static void row_39_json_is_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < FORMATS; i++) {
        char path[192];
        snprintf(path, sizeof path, "%s/%s", row.folder, formats[i]);
        char *text = read_file(path);
        assert_int_equal(count_lines(text), LINES_OF_ONE * TEXTS);
        assert_int_equal(each_line(text, NULL, NULL), 0);
        free(text);
        if (row_has_tool("python3"))
            assert_int_equal(
                row_shell("python3 -B %s/property/strict.py %s >&2", WEFT_TESTS_DIR, path), 0);
    }
}

/* Every text of ASCII comes back as it was. */
static void check_round_trip(void *arg, yajl_val line)
{
    size_t *checked = arg;
    char text[64];
    const uint64_t n = row_number(line, "n");
    if (n == UINT64_MAX || n >= 127) return;
    make_text(text, n);
    assert_string_equal(member_text(line, "message"), text);
    assert_string_equal(member2_text(line, "labels", "value"), text);
    assert_string_equal(member_text(line, "process.thread.name"), text);
    ++*checked;
}

static void row_39_text_comes_back(void **state)
{
    (void)state;
    char path[192];
    size_t checked = 0;
    snprintf(path, sizeof path, "%s/ecs", row.folder);
    char *text = read_file(path);
    assert_int_equal(each_line(text, check_round_trip, &checked), 0);
    assert_int_equal(checked, 127);
    free(text);
}

/* No control but the newline at the end, no C1, no separator or direction, no forged line. */
static void row_40_nothing_that_a_terminal_obeys(void **state)
{
    (void)state;
    static const char *const obeyed[] = {"\xc2\x85",     "\xc2\x9b",     "\xe2\x80\xa8",
                                         "\xe2\x80\xa9", "\xe2\x80\xae", "\xe2\x81\xa6"};
    char *text = read_file(row.path);
    assert_true(count_lines(text) >= LINES_OF_ONE * TEXTS);
    for (const char *at = text; *at; at++)
        if ((*(const unsigned char *)at < 0x20 && *at != '\n') || *at == 0x7f)
            fail_msg("a raw %x at %.60s", (unsigned)*at, at > text + 30 ? at - 30 : text);
    for (size_t i = 0; i < sizeof obeyed / sizeof obeyed[0]; i++)
        assert_null(strstr(text, obeyed[i]));
    assert_null(strstr(text, "\n{\"message\":\"forged\"}"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_39_json_is_valid),
        cmocka_unit_test(row_39_text_comes_back),
        cmocka_unit_test(row_40_nothing_that_a_terminal_obeys),
    };
    return cmocka_run_group_tests(tests, log_everything, remove_everything);
}
