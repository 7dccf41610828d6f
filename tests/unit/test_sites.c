#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "src/record/sites.h"

static weft_site site_of(const char *file, const char *func, uint32_t line)
{
    return (weft_site){file, func, line, 9, 0, 0, 0};
}

static void test_copies(void **state)
{
    (void)state;
    char file[] = "plug.c", func[] = "work";
    weft_site site = site_of(file, func, 7);
    const uint32_t id = weftp_site_register(&site);
    assert_int_not_equal(id, 0);
    assert_int_equal(site.id, id);
    assert_int_equal(weftp_site_register(&site), id);
    memset(file, 'x', sizeof file - 1);
    memset(func, 'x', sizeof func - 1);
    const weft_site *known = weftp_site_at(id);
    assert_ptr_not_equal(known, &site);
    assert_string_equal(known->file, "plug.c");
    assert_string_equal(known->func, "work");
    assert_int_equal(known->line, 7);
    assert_int_equal(known->level, 9);
    assert_int_equal(known->id, id);
    assert_ptr_equal(weftp_site_at(id), known);
}

static void test_unknown(void **state)
{
    (void)state;
    assert_null(weftp_site_at(0));
    assert_null(weftp_site_at(weftp_sites_count() + 1));
    assert_null(weftp_site_at(UINT32_MAX));
    assert_int_equal(weftp_site_register(NULL), 0);
}

/* A plug-in that comes again has its sites anew, without a number. */
static void test_again(void **state)
{
    (void)state;
    weft_site first = site_of("again.c", "f", 1), second = first, line = first, func = first,
              file = first, level = first, flags = first;
    const uint32_t id = weftp_site_register(&first), count = weftp_sites_count();
    assert_int_equal(weftp_site_register(&second), id);
    assert_int_equal(second.id, id);
    assert_int_equal(weftp_sites_count(), count);
    line.line = 2;
    func.func = "ff";
    file.file = "again.cc";
    level.level = 13;
    flags.flags = 1;
    weft_site *const others[] = {&line, &func, &file, &level, &flags};
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(weftp_site_register(others[i]), count + 1 + i);
    assert_string_equal(weftp_site_at(func.id)->func, "ff");
}

static void test_odd_texts(void **state)
{
    (void)state;
    char longer[6000];
    memset(longer, 'l', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    weft_site none = site_of(NULL, NULL, 3), large = site_of(longer, longer, 3), twin = large;
    const weft_site *known = weftp_site_at(weftp_site_register(&none));
    assert_string_equal(known->file, "");
    assert_string_equal(known->func, "");
    known = weftp_site_at(weftp_site_register(&large));
    assert_int_equal(strlen(known->file), WEFTP_SITE_TEXT_SIZE_MAX);
    assert_int_equal(weftp_site_register(&twin), large.id);
}

struct seen {
    uint32_t count, last, twice;
    bool given; /* a number that was given before it was told */
    const weft_site *watched;
};

static void see(void *arg, const weft_site *site)
{
    struct seen *seen = arg;
    seen->count++;
    if (site->id != seen->last + 1) seen->twice++;
    seen->last = site->id;
    if (seen->watched && seen->watched->id) seen->given = true;
}

static void test_watch(void **state)
{
    (void)state;
    weft_site site = site_of("watched.c", "f", 1), later = site_of("watched.c", "f", 2);
    struct seen seen = {.watched = &site}, others[WEFTP_SITES_WATCHERS_MAX] = {{0}};
    const uint32_t before = weftp_sites_count();
    assert_true(weftp_sites_watch(see, &seen));
    assert_int_equal(seen.count, before);
    weftp_site_register(&site);
    assert_int_equal(seen.count, before + 1);
    assert_int_equal(seen.last, site.id);
    assert_false(seen.given);
    for (size_t i = 1; i < WEFTP_SITES_WATCHERS_MAX; i++)
        assert_true(weftp_sites_watch(see, &others[i]));
    assert_false(weftp_sites_watch(see, &others[0]));
    assert_int_equal(others[0].count, 0);
    for (size_t i = 1; i < WEFTP_SITES_WATCHERS_MAX; i++) weftp_sites_unwatch(see, &others[i]);
    weftp_sites_unwatch(see, &seen);
    weftp_site_register(&later);
    assert_int_equal(seen.count, before + 1);
    assert_int_equal(seen.twice, 0);
}

/* ---- threads ---- */

#define THREADS 4
#define SITES   600 /* of all threads together, and more than a chunk has */

static weft_site shared[SITES];

static void *register_all(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < SITES; i++) {
        const uint32_t id = weftp_site_register(&shared[i]);
        const weft_site *known = weftp_site_at(id);
        if (!known || known->id != id || known->line != shared[i].line) return &shared[i];
    }
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    const uint32_t before = weftp_sites_count();
    for (uint32_t i = 0; i < SITES; i++) shared[i] = site_of("threads.c", "f", 1000 + i);
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, register_all, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *wrong = NULL;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_int_equal(weftp_sites_count(), before + SITES);
}

static void test_fork(void **state)
{
    (void)state;
    weft_site known = site_of("fork.c", "f", 1), fresh = site_of("fork.c", "f", 2);
    const uint32_t id = weftp_site_register(&known);
    weftp_sites_fork_prepare();
    const pid_t child = fork();
    if (child == 0) {
        weftp_sites_fork_child();
        _exit(weftp_site_at(id)->line == 1 && weftp_site_register(&fresh) == id + 1 ? 0 : 1);
    }
    weftp_sites_fork_parent();
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(weftp_site_register(&fresh), id + 1);
}

/* The last test: it fills the table. */
static void test_full(void **state)
{
    (void)state;
    char func[32];
    uint32_t line = 0;
    while (weftp_sites_count() < WEFTP_SITES_MAX) {
        snprintf(func, sizeof func, "f%u", (unsigned)++line);
        weft_site site = site_of("full.c", func, line);
        assert_int_not_equal(weftp_site_register(&site), 0);
    }
    weft_site late = site_of("late.c", "f", 1), twin = site_of("full.c", "f1", 1);
    assert_int_equal(weftp_sites_refused(), 0);
    assert_int_equal(weftp_site_register(&late), 0);
    assert_int_equal(weftp_sites_refused(), 1);
    assert_int_not_equal(weftp_site_register(&twin), 0); /* known ones are found still */
    assert_int_equal(weftp_site_at(WEFTP_SITES_MAX)->id, WEFTP_SITES_MAX);
    assert_null(weftp_site_at(WEFTP_SITES_MAX + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies), cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_again),  cmocka_unit_test(test_odd_texts),
        cmocka_unit_test(test_watch),  cmocka_unit_test(test_threads),
        cmocka_unit_test(test_fork),   cmocka_unit_test(test_full)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
