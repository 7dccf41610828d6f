/*
 * Rows 38 and 41 of the fault table: a message of 100 MB and a record of a million fields where the
 * address space is limited, and values nested ten thousand deep on a small stack.
 */
#include "support/rows.h"

#include <limits.h>
#include <pthread.h>
#include <sys/resource.h>

#define MESSAGE_SIZE ((size_t)100 << 20)
#define FIELDS       ((size_t)1000000)
#define DEPTH        10000
#define STACK_SIZE   ((size_t)32 << 10)

/* Room for what the caller has itself, and twice the largest line. */
static void limit_memory(void)
{
    const struct rlimit limit = {(rlim_t)400 << 20, (rlim_t)400 << 20};
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void log_huge(void *arg)
{
    (void)arg;
    limit_memory();
    row_log(0, 0);
    char *message = malloc(MESSAGE_SIZE + 1);
    EXPECT(message != NULL);
    memset(message, 'm', MESSAGE_SIZE);
    message[MESSAGE_SIZE] = '\0';
    weft_info(NULL, message, weft_int("n", 1));
    weft_info(NULL, "huge field", weft_strn("text", message, MESSAGE_SIZE));
    weft_infof(NULL, "%s", message);
    EXPECT(weft_mdc_put("k", message) == WEFT_ELIMIT);
    weft_info(NULL, "huge raw", weft_json("raw", message), weft_bytes("b", message, MESSAGE_SIZE));
    memset(message, '[', MESSAGE_SIZE);
    weft_info(NULL, "huge and deep", weft_json("raw", message));
    free(message);
    row_log(0, 1);
    const weft_stats stats = row_stats();
    EXPECT(stats.accepted == 7);
    EXPECT(stats.truncated >= 5 || stats.dropped > 0);
}

static void log_wide(void *arg)
{
    (void)arg;
    limit_memory();
    weft_field *fields = calloc(FIELDS, sizeof *fields);
    EXPECT(fields != NULL);
    for (size_t i = 0; i < FIELDS; i++) fields[i] = weft_int("key", (int64_t)i);
    row_log(0, 0);
    weft_log_fields(NULL, WEFT_LEVEL_INFO, "wide", fields, FIELDS);
    weft_info(NULL, "wide inside", weft_objn("o", fields, FIELDS));
    free(fields);
    row_log(0, 1);
    const weft_stats stats = row_stats();
    EXPECT(stats.accepted == 4);
    EXPECT(stats.truncated >= 2 || stats.dropped > 0);
}

static void run_limited(void (*fn)(void *), uint64_t lines)
{
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    struct stat file;
    row_run(&row, fn, NULL);
    row_read(&seqs, row.path);
    assert_int_equal(seqs.next[0], 2);
    assert_int_equal(seqs.lines + seqs.others, lines);
    assert_int_equal(stat(row.path, &file), 0);
    assert_true((size_t)file.st_size <= lines << 20); /* each within the budget of a line */
    row_end(&row);
}

static void row_38_a_message_of_100_mb(void **state)
{
    (void)state;
    if (ROWS_SANITIZED) row_skip("a sanitizer needs address space without a limit");
    run_limited(log_huge, 7);
}

static void row_38_a_million_fields(void **state)
{
    (void)state;
    if (ROWS_SANITIZED) row_skip("a sanitizer needs address space without a limit");
    run_limited(log_wide, 4);
}

/* ---- 41 ---- */

static void nested_json(void)
{
    char *json = malloc(4 * DEPTH + 1);
    EXPECT(json != NULL);
    memset(json, '[', DEPTH);
    memset(json + DEPTH, ']', DEPTH);
    json[2 * DEPTH] = '\0';
    weft_info(NULL, "arrays", weft_json("raw", json));
    for (int i = 0; i < DEPTH; i++) memcpy(json + 4 * (size_t)i, "{\"\":", 4);
    json[4 * DEPTH] = '\0';
    weft_info(NULL, "never closed", weft_json("raw", json));
    free(json);
}

/* Each field holds the next; the last one holds the first when it is a cycle. */
static void nested_fields(bool cycle)
{
    weft_field *fields = calloc(DEPTH, sizeof *fields);
    EXPECT(fields != NULL);
    for (size_t i = 0; i + 1 < DEPTH; i++) fields[i] = weft_objn("o", &fields[i + 1], 1);
    fields[DEPTH - 1] = cycle ? weft_objn("o", fields, 1) : weft_int("i", 1);
    weft_log_fields(NULL, WEFT_LEVEL_INFO, "objects", fields, 1);
    for (size_t i = 0; i + 1 < DEPTH; i++) fields[i] = weft_arrn("a", &fields[i + 1], 1);
    fields[DEPTH - 1] = cycle ? weft_arrn("a", fields, 1) : weft_int("i", 1);
    weft_log_fields(NULL, WEFT_LEVEL_INFO, "arrays", fields, 1);
    weft_logger_release(weft_logger_with(NULL, fields[0]));
    weft_mdc_put_field(fields[0]);
    weft_info(NULL, "with it in the context");
    weft_mdc_clear();
    free(fields);
}

static void *log_nested(void *arg)
{
    nested_json();
    nested_fields(false);
    nested_fields(true);
    return arg;
}

static void on_a_small_stack(void *arg)
{
    pthread_attr_t small;
    pthread_t thread;
    pthread_attr_init(&small);
    EXPECT(pthread_attr_setstacksize(&small, STACK_SIZE) == 0);
    EXPECT(pthread_create(&thread, &small, log_nested, arg) == 0);
    pthread_join(thread, NULL);
    const weft_stats stats = row_stats();
    EXPECT(stats.written == 8);
    EXPECT(stats.truncated > 0);
}

static void row_41_ten_thousand_deep_on_a_small_stack(void **state)
{
    (void)state;
    if (ROWS_SANITIZED) row_skip("a sanitizer needs more stack");
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    row_run(&row, on_a_small_stack, NULL);
    row_read(&seqs, row.path);
    assert_int_equal(seqs.others, 8);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_38_a_message_of_100_mb),
        cmocka_unit_test(row_38_a_million_fields),
        cmocka_unit_test(row_41_ten_thousand_deep_on_a_small_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
