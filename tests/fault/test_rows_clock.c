/*
 * Row 32 of the fault table: the wall clock jumps by years in both directions while a process logs,
 * by libfaketime. Times stay valid, records stay in their order, and a file neither rotates for
 * ever nor is never looked after again.
 */
#include "support/rows.h"

#define LIBRARY "/usr/\\$LIB/faketime/libfaketime.so.1" /* the loader knows what $LIB is */
#define JUMPS   6
#define RECORDS 20 /* after each jump */

/* The library reads the time from a file again at each call, without a cache. */
static const char *const times[JUMPS] = {
    "@2026-06-30 23:59:57", /* a leap second might come */
    "@2040-01-01 00:00:00", /* forward, over 2038 */
    "@1999-12-31 23:59:58", /* back, by decades */
    "@2026-10-25 00:59:58", /* where summer time ends */
    "@2026-10-25 00:00:00", /* back by an hour */
    "@1969-12-31 23:59:50", /* before the epoch */
};

static void set_time(const char *folder, const char *text)
{
    char name[160], fresh[160];
    snprintf(name, sizeof name, "%s/time", folder);
    snprintf(fresh, sizeof fresh, "%s/time.new", folder);
    FILE *file = fopen(fresh, "w");
    EXPECT(file != NULL);
    fprintf(file, "%s\n", text);
    fclose(file);
    EXPECT(rename(fresh, name) == 0);
}

/* The program under the library: argv[2] is the folder. */
static int log_through_jumps(const char *folder)
{
    for (unsigned i = 0; i < JUMPS; i++) {
        set_time(folder, times[i]);
        for (unsigned n = 0; n < RECORDS; n++) row_log(0, i * RECORDS + n);
    }
    EXPECT(row_stats().dropped == 0);
    return weft_shutdown(5000) == WEFT_OK ? 0 : 1;
}

static bool is_rfc3339(const char *text)
{
    static const char shape[] = "dddd-dd-ddTdd:dd:dd.ddddddZ";
    if (strlen(text) != sizeof shape - 1) return false;
    for (size_t i = 0; shape[i]; i++)
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != shape[i]) return false;
    return strncmp(text + 5, "13", 2) < 0 && strncmp(text + 8, "32", 2) < 0 &&
           strncmp(text + 11, "24", 2) < 0 && strncmp(text + 14, "60", 2) < 0 &&
           strncmp(text + 17, "60", 2) < 0;
}

struct seen {
    struct row_seqs seqs;
    uint64_t years[JUMPS];
    bool bad_time;
};

static void look_at_line(void *arg, yajl_val line)
{
    struct seen *seen = arg;
    row_count_line(&seen->seqs, line);
    const char *time = member_text(line, "@timestamp");
    if (!time || !is_rfc3339(time)) seen->bad_time = true;
    for (int i = 0; time && i < JUMPS; i++) seen->years[i] += strncmp(time, times[i] + 1, 4) == 0;
}

static void run_under_library(struct row *row)
{
    set_time(row->folder, times[0]);
    const int code =
        row_shell("env -i LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s/time "
                  "FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 TZ=UTC "
                  "'%s' %s through-jumps %s 2>%s/err",
                  LIBRARY, row->folder, row->sinks, row_self(), row->folder, row->folder);
    if (code != 0) fail_msg("exit code %d", code);
}

static bool is_possible(void)
{
    return !ROWS_SANITIZED && row_has_tool("faketime");
}

static void row_32_the_clock_jumps(void **state)
{
    (void)state;
    if (!is_possible()) row_skip("no libfaketime, or a sanitizer that it disagrees with");
    struct row row = row_begin("");
    struct seen seen = {.bad_time = false};
    run_under_library(&row);
    char *text = row_text(row.path);
    assert_int_equal(each_line(text, look_at_line, &seen), 0);
    free(text);
    assert_int_equal(seen.seqs.next[0], JUMPS * RECORDS);
    assert_false(seen.seqs.gap);
    assert_false(seen.bad_time);
    for (int i = 0; i < JUMPS; i++) assert_true(seen.years[i] > RECORDS / 2); /* it did jump */
    row_end(&row);
}

static void row_32_rotation_goes_on(void **state)
{
    (void)state;
    if (!is_possible()) row_skip("no libfaketime, or a sanitizer that it disagrees with");
    struct row row = row_begin("?max_bytes=4000&keep=100&compress=gzip");
    struct row_seqs seqs = {.lines = 0};
    run_under_library(&row);
    const unsigned rotated = row_read_set(&seqs, row.path);
    assert_int_equal(seqs.next[0], JUMPS * RECORDS);
    assert_false(seqs.gap);
    assert_in_range(rotated, 5, 12); /* as many as the bytes ask for */
    row_end(&row);
}

/*
 * A file that is taken away while the clock stands in the past is made again within a second of the
 * steady clock.
 */
static void row_32_a_file_is_looked_after(void **state)
{
    (void)state;
    if (!is_possible()) row_skip("no libfaketime, or a sanitizer that it disagrees with");
    struct row row = row_begin("");
    struct row_seqs seqs = {.lines = 0};
    set_time(row.folder, times[1]);
    const int code = row_shell("env -i LD_PRELOAD=%s FAKETIME_TIMESTAMP_FILE=%s/time "
                               "FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 TZ=UTC "
                               "'%s' %s taken-away %s",
                               LIBRARY, row.folder, row.sinks, row_self(), row.folder);
    assert_int_equal(code, 0);
    row_read(&seqs, row.path);
    assert_true(seqs.lines > 0);
    row_end(&row);
}

/* argv[2] is the folder. */
static int log_until_it_is_back(const char *folder)
{
    char path[160];
    uint64_t seq = 0;
    snprintf(path, sizeof path, "%s/app.log", folder);
    row_log(0, seq++);
    set_time(folder, times[2]);
    row_log(0, seq++);
    if (unlink(path) != 0) return 2;
    for (int i = 0; i < 3000 && access(path, F_OK) != 0; i++) {
        row_log(0, seq++);
        usleep(1000);
    }
    row_log(0, 0);
    return access(path, F_OK) == 0 ? 0 : 3;
}

int main(int argc, char **argv)
{
    if (argc > 2 && strcmp(argv[1], "through-jumps") == 0) return log_through_jumps(argv[2]);
    if (argc > 2 && strcmp(argv[1], "taken-away") == 0) return log_until_it_is_back(argv[2]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_32_the_clock_jumps),
        cmocka_unit_test(row_32_rotation_goes_on),
        cmocka_unit_test(row_32_a_file_is_looked_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
