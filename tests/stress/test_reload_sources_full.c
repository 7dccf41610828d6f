/*
 * A million records of four threads, while levels, formats and sinks change by weft_reload, by signal and by the watch,
 * and every few times the new configuration is a bad one: each record is in exactly one file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/await.h"
#include "support/child.h"

#include <pthread.h>
#include <weft/weft.h>

#define THREADS 4
#define RECORDS 250000U /* of each: a million in all, under the thread sanitizer, too */
#define FILES   3

static char *folder, path[128];
static unsigned running = THREADS;

static void *log_records(void *arg)
{
    const uint64_t worker = (uint64_t)(uintptr_t)arg;
    weft_logger *log = weft_logger_get("stress.sources");
    for (uint64_t seq = 0; seq < RECORDS; seq++) {
        weft_error(log, "seq", weft_uint("worker", worker), weft_uint("seq", seq));
        weft_debug(log, "at times");
    }
    __atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static void write_config(unsigned turn)
{
    static const char *const formats[] = {"ecs", "logstash", "logback"};
    static const char *const levels[] = {"info", "stress=debug", "stress.sources=error,warn"};
    static const char *const bad[] = {"{\"level\": ", "", "[]", "{\"sinks\": \"stderr:\"} x"};
    char text[512];
    snprintf(text, sizeof text,
             "{\"sinks\": [\"file:%s/%u.log?level=error&format=%s\", \"memory:?dump=none\"], "
             "\"level\": \"%s\"}",
             folder, turn % FILES, formats[turn / FILES % 3], levels[turn / 2 % 3]);
    replace_file(path, turn % 5 == 4 ? bad[turn / 5 % 4] : text);
}

static uint64_t errors(void)
{
    weft_stats stats;
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    return stats.config_errors;
}

/* Three ways to ask; the watch asks by itself, in between. */
static void change_all_the_time(void)
{
    unsigned turn = 0;
    do {
        write_config(++turn);
        if (turn % 3 == 0) EXPECT(weft_reload() == (turn % 5 == 4 ? WEFT_EINVAL : WEFT_OK));
        if (turn % 3 == 1) kill(getpid(), SIGUSR1);
        if (turn % 3 == 2) usleep(20000);
        if (turn % 16 == 0) usleep(250000); /* time enough for the watch */
        usleep(2000);
    } while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) > 0 || errors() == 0 || turn < 20);
}

static void log_while_it_changes(void *arg)
{
    pthread_t threads[THREADS];
    (void)arg;
    EXPECT(weft_init(NULL) == WEFT_OK);
    for (uintptr_t i = 0; i < THREADS; i++)
        EXPECT(pthread_create(&threads[i], NULL, log_records, (void *)i) == 0);
    change_all_the_time();
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    weft_stats stats;
    EXPECT(weft_shutdown(10000) == WEFT_OK);
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    EXPECT(stats.dropped == 0 && stats.accepted >= (uint64_t)THREADS * RECORDS);
}

static unsigned number_after(const char *line, const char *key)
{
    const char *at = strstr(line, key);
    if (!at) fail_msg("no %s in %.200s", key, line);
    at += strlen(key);
    return (unsigned)strtoul(*at == '"' ? at + 1 : at, NULL, 10);
}

static void count_file(const char *name, uint8_t *seen)
{
    FILE *file = fopen(name, "r");
    char line[2048];
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        assert_true(line[0] == '{' && strstr(line, "}\n"));
        const unsigned worker = number_after(line, "\"worker\":");
        const unsigned seq = number_after(line, "\"seq\":");
        assert_true(worker < THREADS && seq < RECORDS);
        seen[worker * RECORDS + seq]++;
    }
    fclose(file);
}

static void each_record_is_in_exactly_one_file(void **state)
{
    char config[160];
    (void)state;
    folder = test_folder();
    snprintf(path, sizeof path, "%s/weft.json", folder);
    snprintf(config, sizeof config, "WEFT_CONFIG=%s", path);
    const char *const env[] = {config, "WEFT_CONFIG_WATCH=100ms", "WEFT_RELOAD_SIGNAL=USR1", NULL};
    write_config(0);
    struct child child = run_child(log_while_it_changes, NULL, env);
    if (child.status != 0) fail_msg("status %x: %.4000s", (unsigned)child.status, child.err);
    assert_int_equal(each_line(child.err, NULL, NULL), 0);
    assert_non_null(strstr(child.err, "the configuration in force stays"));
    assert_non_null(strstr(child.err, "\"reason\":\"signal USR1\""));
    assert_non_null(strstr(child.err, "\"reason\":\"the file has changed\""));
    uint8_t *seen = calloc(THREADS, RECORDS);
    assert_non_null(seen);
    for (int i = 0; i < FILES; i++) {
        char name[160];
        snprintf(name, sizeof name, "%s/%d.log", folder, i);
        count_file(name, seen);
    }
    size_t wrong = 0;
    for (size_t i = 0; i < (size_t)THREADS * RECORDS; i++) wrong += seen[i] != 1;
    assert_int_equal(wrong, 0);
    free(seen);
    child_free(&child);
    test_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_record_is_in_exactly_one_file)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
