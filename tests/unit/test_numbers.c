/*
 * The numbers of one sink's lines: which a line gets, and what a lost one does to that. The sink is scripted; lines are
 * given to the outlet by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/encode/registry.h"
#include "src/pipeline/outlet.h"
#include "support/emulated.h"
#include "support/fail_alloc.h"
#include "support/forks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a sink that takes what it is told to ---- */

struct script {
    size_t take;      /* lines that are taken before one fails; SIZE_MAX: all */
    unsigned writes;  /* calls */
    char kept[65536]; /* what it took */
    size_t size;
};

static weft_status script_open(void **self, const struct weft_options_kv *options)
{
    (void)options;
    *self = NULL;
    return WEFT_EINVAL;
}

static weft_status script_write(void *self, const struct weft_line *lines, size_t count,
                                size_t *written)
{
    struct script *script = self;
    script->writes++;
    for (*written = 0; *written < count; ++*written) {
        const struct weft_line *line = &lines[*written];
        if (script->take == 0) return WEFT_EIO;
        if (script->take != SIZE_MAX) script->take--;
        if (script->size + line->size >= sizeof script->kept) return WEFT_ENOMEM;
        memcpy(script->kept + script->size, line->data, line->size);
        script->size += line->size;
        script->kept[script->size] = '\0';
    }
    return WEFT_OK;
}

static void script_close(void *self)
{
    (void)self;
}

static const struct weft_sink_type script_type = {sizeof script_type, "script", script_open,
                                                  script_write,       NULL,     script_close};

/* ---- an outlet over it ---- */

struct bench {
    struct script script;
    struct weftp_outlet *outlet;
    struct weftp_encoding encoding;
    struct weftp_thread *thread;
};

static void bench_begin(struct bench *bench, bool apart)
{
    const struct weft_encoder_options options = {
        .struct_size = sizeof options, .host = "h", .numbered = true};
    memset(bench, 0, sizeof *bench);
    bench->script.take = SIZE_MAX;
    const struct weft_encoder_type *type = weftp_encoder_builtin("logstash");
    bench->encoding = (struct weftp_encoding){type, NULL, WEFTP_BUDGET_DEFAULT, type->number};
    assert_int_equal(type->open(&bench->encoding.self, &options), WEFT_OK);
    bench->outlet = weftp_outlet_create(&script_type, &bench->script, "script:");
    assert_non_null(bench->outlet);
    assert_true(weftp_outlet_number(bench->outlet, apart));
    bench->thread = weftp_thread_reserve();
    assert_non_null(bench->thread);
}

static void bench_end(struct bench *bench)
{
    weftp_outlet_unref(bench->outlet);
    bench->encoding.type->close(bench->encoding.self);
    weftp_thread_discard(bench->thread);
}

static bool put(struct bench *bench, const char *text)
{
    struct weftp_failure failure = {0};
    struct weft_line line = {.data = text, .size = strlen(text), .level = WEFT_LEVEL_INFO};
    return weftp_outlet_deliver(bench->outlet, bench->thread, &line, &bench->encoding, &failure);
}

/* What the sink has taken, in short: "1 2 (3 lost) 6 7"; then it is forgotten. */
static const char *taken(struct bench *bench)
{
    static char text[4096];
    size_t size = 0;
    text[0] = '\0';
    for (char *line = bench->script.kept; *line; line = strchr(line, '\n') + 1) {
        const char *seq = strstr(line, "\"seq\":"), *lost = strstr(line, "\"lost\":");
        const char *id = strstr(line, "\"boot_id\":\"");
        assert_true(seq && id && strncmp(id + 11, bench->outlet->numbers->boot_id, 32) == 0);
        if (lost && lost < strchr(line, '\n'))
            size += (size_t)snprintf(text + size, sizeof text - size, "(%ld lost) ",
                                     strtol(lost + 7, NULL, 10));
        size +=
            (size_t)snprintf(text + size, sizeof text - size, "%ld ", strtol(seq + 6, NULL, 10));
    }
    if (size > 0) text[size - 1] = '\0';
    bench->script.size = 0;
    bench->script.kept[0] = '\0';
    return text;
}

/* ---- which number ---- */

static void test_lost_lines_leave_their_numbers_out(void **state)
{
    struct bench bench;
    (void)state;
    bench_begin(&bench, false);
    assert_true(put(&bench, "{}\n") && put(&bench, "{}\n"));
    bench.script.take = 0;
    assert_false(put(&bench, "{}\n") || put(&bench, "{}\n") || put(&bench, "{}\n"));
    /* The gap record is taken, the line behind it is not. */
    bench.script.take = 1;
    assert_false(put(&bench, "{}\n"));
    bench.script.take = SIZE_MAX;
    assert_true(put(&bench, "{}\n"));
    assert_string_equal(taken(&bench), "1 2 (3 lost) 6 (1 lost) 8 9");
    bench_end(&bench);
}

static void test_records_that_never_became_lines_count(void **state)
{
    struct bench bench;
    const struct weftp_gap many = {.lost = 40, .by_level = {0, 0, 40}};
    (void)state;
    bench_begin(&bench, false);
    weftp_outlet_lose(bench.outlet, WEFT_LEVEL_INFO, 0, ENOMEM);
    assert_true(put(&bench, "{}\n"));
    weftp_outlet_lose_many(bench.outlet, &many);
    bench.script.take = 0;
    weftp_outlet_tell(bench.outlet, bench.thread, 0, &bench.encoding);
    weftp_outlet_tell(bench.outlet, bench.thread, 0, &bench.encoding);
    bench.script.take = SIZE_MAX;
    weftp_outlet_tell(bench.outlet, bench.thread, 0, &bench.encoding);
    weftp_outlet_tell(bench.outlet, bench.thread, 0, &bench.encoding);
    assert_true(put(&bench, "{}\n"));
    assert_string_equal(taken(&bench), "(1 lost) 2 3 (40 lost) 44 45");
    bench_end(&bench);
}

#define BATCH 7

/* Losses in the middle of a batch: what follows is numbered anew, and in the caller's lines nothing but seq changes. */
static void test_a_batch_with_losses(void **state)
{
    struct bench bench;
    struct weftp_failure failure = {0};
    struct weft_line lines[BATCH];
    bool lost[BATCH] = {false};
    static const char *const text = "{\"a\":1}\n";
    (void)state;
    bench_begin(&bench, false);
    for (size_t i = 0; i < BATCH; i++)
        lines[i] = (struct weft_line){.data = text, .size = 8, .level = WEFT_LEVEL_WARN};
    const struct weftp_lines batch = {lines, BATCH, lost};
    bench.script.take = 3;
    weftp_outlet_deliver_many(bench.outlet, bench.thread, &batch, &bench.encoding, &failure);
    for (size_t i = 0; i < BATCH; i++) {
        assert_int_equal(lost[i], i >= 3);
        assert_true(lines[i].data == text && lines[i].size == 8);
    }
    memset(lost, 0, sizeof lost);
    bench.script.take = SIZE_MAX;
    bench.script.writes = 0;
    weftp_outlet_deliver_many(bench.outlet, bench.thread, &batch, &bench.encoding, &failure);
    assert_int_equal(bench.script.writes, 2); /* the gap record, and all others together */
    assert_string_equal(taken(&bench), "1 2 3 (4 lost) 8 9 10 11 12 13 14 15");
    bench_end(&bench);
}

static void test_a_line_without_memory_for_its_number(void **state)
{
    struct bench bench;
    struct weftp_failure failure = {0};
    struct weft_line line = {.data = "{}\n", .size = 3, .level = WEFT_LEVEL_INFO};
    (void)state;
    if (!FAIL_ALLOC_WORKS) skip();
    bench_begin(&bench, false);
    fail_alloc_from_now(0, true);
    const bool written =
        weftp_outlet_deliver(bench.outlet, bench.thread, &line, &bench.encoding, &failure);
    assert_true(fail_alloc_stop());
    assert_false(written);
    assert_int_equal(failure.error.err, ENOMEM);
    assert_string_equal(failure.error.what, "number");
    assert_int_equal(bench.script.writes, 0);
    assert_true(put(&bench, "{}\n"));
    assert_string_equal(taken(&bench), "(1 lost) 2 3");
    bench_end(&bench);
}

/* Memory for one large line is given back with the next. */
static void test_memory_is_given_back(void **state)
{
    struct bench bench;
    const size_t size = 2 * WEFTP_NUMBERS_KEPT;
    char *large = malloc(size + 1);
    (void)state;
    assert_non_null(large);
    bench_begin(&bench, false);
    memset(large, ' ', size);
    memcpy(large + size - 3, "{}\n", 4);
    assert_false(put(&bench, large));
    const struct weft_out *text = &bench.outlet->numbers->text;
    assert_true((size_t)(text->end - text->data) > size);
    assert_true(put(&bench, "{}\n"));
    assert_true((size_t)(text->end - text->data) < WEFTP_NUMBERS_KEPT);
    free(large);
    bench_end(&bench);
}

/* ---- whose number ---- */

#define THREADS 4

static void *ask_id(void *id)
{
    weftp_boot_id(id);
    return NULL;
}

static void test_one_id_for_all_of_a_process(void **state)
{
    pthread_t threads[THREADS];
    char ids[THREADS][WEFTP_BOOT_ID_SIZE + 1];
    (void)state;
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, ask_id, ids[i]), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_int_equal(strspn(ids[0], "0123456789abcdef"), WEFTP_BOOT_ID_SIZE);
    for (size_t i = 1; i < THREADS; i++) assert_string_equal(ids[0], ids[i]);
}

static void test_numbers_apart_have_an_id_of_their_own(void **state)
{
    struct bench together[2], apart;
    (void)state;
    bench_begin(&together[0], false);
    bench_begin(&together[1], false);
    bench_begin(&apart, true);
    const char *id = together[0].outlet->numbers->boot_id;
    assert_string_equal(id, together[1].outlet->numbers->boot_id);
    assert_string_not_equal(id, apart.outlet->numbers->boot_id);
    assert_true(put(&apart, "{}\n"));
    assert_string_equal(taken(&apart), "1");
    bench_end(&together[0]);
    bench_end(&together[1]);
    bench_end(&apart);
}

/* A child, with a line that its parent has lost and not told of, writes two lines, and tells its id. */
static void in_a_child(struct bench *bench, int fd)
{
    char id[WEFTP_BOOT_ID_SIZE + 1];
    bench->script.take = SIZE_MAX;
    const bool good = put(bench, "{}\n") && put(bench, "{}\n") &&
                      strcmp(taken(bench), "1 2") == 0 && weftp_boot_id(id) != 0 &&
                      strcmp(id, bench->outlet->numbers->boot_id) == 0;
    _exit(good && write(fd, id, sizeof id) == (ssize_t)sizeof id ? 0 : 1);
}

#define CHILDREN 3

static void children_begin_anew(pid_t (*make)(void))
{
    struct bench bench;
    char ids[CHILDREN + 1][WEFTP_BOOT_ID_SIZE + 1];
    int fds[2], status = -1;
    bench_begin(&bench, false);
    memcpy(ids[CHILDREN], bench.outlet->numbers->boot_id, sizeof ids[0]);
    assert_int_equal(pipe(fds), 0);
    assert_true(put(&bench, "{}\n"));
    bench.script.take = 0;
    assert_false(put(&bench, "{}\n"));
    assert_string_equal(taken(&bench), "1");
    for (size_t i = 0; i < CHILDREN; i++) {
        const pid_t pid = make();
        assert_true(pid >= 0);
        if (pid == 0) in_a_child(&bench, fds[1]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_int_equal(read(fds[0], ids[i], sizeof ids[i]), sizeof ids[i]);
        for (size_t j = 0; j < i; j++) assert_string_not_equal(ids[i], ids[j]);
        assert_string_not_equal(ids[i], ids[CHILDREN]);
    }
    bench.script.take = SIZE_MAX;
    assert_true(put(&bench, "{}\n"));
    assert_string_equal(taken(&bench), "(1 lost) 3 4");
    close(fds[0]);
    close(fds[1]);
    bench_end(&bench);
}

static void test_forked_children_begin_anew(void **state)
{
    (void)state;
    children_begin_anew(by_fork);
}

static void test_children_that_nobody_told_of_begin_anew(void **state)
{
    (void)state;
    if (under_emulator()) skip();
    children_begin_anew(by_system_call);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_lines_leave_their_numbers_out),
        cmocka_unit_test(test_records_that_never_became_lines_count),
        cmocka_unit_test(test_a_batch_with_losses),
        cmocka_unit_test(test_a_line_without_memory_for_its_number),
        cmocka_unit_test(test_memory_is_given_back),
        cmocka_unit_test(test_one_id_for_all_of_a_process),
        cmocka_unit_test(test_numbers_apart_have_an_id_of_their_own),
        cmocka_unit_test(test_forked_children_begin_anew),
        cmocka_unit_test(test_children_that_nobody_told_of_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
