/*
 * Rows 60, 63 and 64 of the fault table: one processor that background work shares with busy
 * threads, ways out of the middle of a log statement, and rounding modes, traps and locales that a
 * program has set.
 */
#include "support/rows.h"

#include <fenv.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>

/* ---- 60 ---- */

static void *log_busily(void *arg)
{
    row_log_many((unsigned)(uintptr_t)arg, ROWS_SANITIZED ? 3000 : 10000);
    return NULL;
}

static void on_one_processor(void *arg)
{
    (void)arg;
    pthread_t threads[3];
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    if (sched_setaffinity(0, sizeof one, &one) != 0) _exit(77);
    for (uintptr_t i = 0; i < 3; i++)
        if (pthread_create(&threads[i], NULL, log_busily, (void *)i) != 0) abort();
    for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
    EXPECT(row_stats().dropped == 0);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    EXPECT(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec < 60); /* nobody spins */
}

/*
 * The thread that compresses has the lowest priority, and neither holds the others up nor is
 * starved for ever.
 */
static void row_60_one_processor_for_all(void **state)
{
    (void)state;
    struct row row = row_begin("?max_bytes=200000&keep=100&compress=gzip");
    struct row_seqs seqs = {.lines = 0};
    row.env[0] = row.sinks;
    struct child child = run_child(on_one_processor, NULL, row.env);
    if (WIFEXITED(child.status) && WEXITSTATUS(child.status) == 77)
        fprintf(stderr, "SKIPPED: processor 0 is not ours\n");
    else if (child.status != 0)
        fail_msg("status %x: %s", (unsigned)child.status, child.err);
    row_read_set(&seqs, row.path);
    assert_false(seqs.gap);
    assert_int_equal(seqs.next[0], seqs.next[1]);
    child_free(&child);
    row_end(&row);
}

/* ---- 63 ---- */

static jmp_buf away;

static const char *jump_away(void)
{
    longjmp(away, 1);
}

static const char *end_thread(void)
{
    pthread_exit(NULL);
}

static void *end_in_an_argument(void *arg)
{
    weft_mdc_put("thread", "ends");
    weft_info(NULL, "never", weft_str("value", end_thread()));
    return arg;
}

/*
 * Arguments are evaluated before weft is called: nothing is held, whatever way is taken out of
 * them.
 */
static void leave_arguments(void *arg)
{
    pthread_t thread;
    for (volatile int i = 0; i < 100; i++)
        if (setjmp(away) == 0) weft_info(NULL, "never", weft_str("value", jump_away()));
    for (int i = 0; i < 20; i++) {
        if (pthread_create(&thread, NULL, end_in_an_argument, arg) != 0) abort();
        pthread_join(thread, NULL);
    }
    row_log_many(0, 10);
    EXPECT(weft_reload() == WEFT_OK); /* waits for calls under way: there is none */
    const weft_stats stats = row_stats();
    EXPECT(stats.accepted == 10 && stats.written == 10);
}

static void row_63_out_of_an_argument(void **state)
{
    (void)state;
    struct row row = row_begin("");
    row_run(&row, leave_arguments, NULL);
    row_end(&row);
}

static void jump_over_scopes(void *arg)
{
    (void)arg;
    weft_mdc_put("outer", "1");
    const weft_mdc_token token = weft_mdc_push(weft_str("scope", "outer"));
    if (setjmp(away) == 0) {
        weft_mdc_push(weft_str("scope", "inner"));
        weft_mdc_push(weft_str("more", "inner"));
        longjmp(away, 1);
    }
    weft_mdc_pop(token);
    weft_info(NULL, "after");
    EXPECT(row_stats().mdc_leaked == 1); /* a pop that closed more than its own */
}

static void count_scopes(void *arg, yajl_val line)
{
    *(bool *)arg = member2_text(line, "labels", "outer") &&
                   !member2_text(line, "labels", "scope") && !member2_text(line, "labels", "more");
}

static void row_63_longjmp_over_scopes(void **state)
{
    (void)state;
    bool good = false;
    struct row row = row_begin("");
    row_run(&row, jump_over_scopes, NULL);
    char *text = row_text(row.path);
    assert_int_equal(each_line(text, count_scopes, &good), 0);
    assert_true(good);
    free(text);
    row_end(&row);
}

/* ---- 64 ---- */

static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

static void log_numbers(void *arg)
{
    (void)arg;
    setlocale(LC_ALL, "de_DE.UTF-8");
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        EXPECT(fesetround(modes[i]) == 0);
        errno = E2BIG;
        weft_info(NULL, "number", weft_double("a", 0.1), weft_double("b", 1e23),
                  weft_double("c", 5e-324), weft_double("d", 1.7976931348623157e308),
                  weft_double("e", -1234.5), weft_duration_ns("f", 1500001));
        EXPECT(errno == E2BIG);
        EXPECT(fegetround() == modes[i]);
    }
    fesetround(FE_TONEAREST);
    const double nan = (double)NAN; /* a constant: nothing is divided while errors trap */
    feclearexcept(FE_ALL_EXCEPT);
    EXPECT(feenableexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW) != -1);
    weft_info(NULL, "number", weft_double("a", 0.1), weft_double("b", 1e23),
              weft_double("c", 5e-324), weft_double("d", 1.7976931348623157e308),
              weft_double("e", -1234.5), weft_duration_ns("f", 1500001));
    weft_info(NULL, "none", weft_double("nan", nan));
    EXPECT(row_stats().written == 6);
}

static void check_number(void *arg, yajl_val line)
{
    static const char *const expected[] = {"0.1",     "1e23",    "5e-324", "1.7976931348623157e308",
                                           "-1234.5", "1.500001"};
    char key[2] = "a";
    if (strcmp(member_text(line, "message"), "number") != 0) return;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++, key[0]++) {
        const char *text = member2_text(line, "numeric_labels", key);
        assert_non_null(text);
        /* The digits are one thing, how they are written another: 1e+23, 1.0e23. */
        assert_true(strtod(text, NULL) == strtod(expected[i], NULL));
        assert_null(strchr(text, ','));
        assert_true(strlen(text) <= strlen(expected[i]) + 3);
    }
    ++*(int *)arg;
}

static void row_64_rounding_traps_and_locale(void **state)
{
    (void)state;
    int checked = 0;
    struct row row = row_begin("");
    row_run(&row, log_numbers, NULL);
    char *text = row_text(row.path);
    assert_int_equal(each_line(text, check_number, &checked), 0);
    assert_int_equal(checked, 5);
    free(text);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_60_one_processor_for_all),
        cmocka_unit_test(row_63_out_of_an_argument),
        cmocka_unit_test(row_63_longjmp_over_scopes),
        cmocka_unit_test(row_64_rounding_traps_and_locale),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
