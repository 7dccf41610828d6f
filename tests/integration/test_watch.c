/*
 * WEFT_CONFIG_WATCH: the file is changed in all the ways in which people and Kubernetes change files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/await.h"
#define OWN_FILE "weft.json"
#include "support/own_folder.h"

#include <sys/stat.h>
#include <weft/weft.h>

static bool is_debug(void)
{
    return weft_log_enabled(weft_logger_get("a"), WEFT_LEVEL_DEBUG);
}

/* Run a child that watches path every 100 ms. */
static struct child run(void (*fn)(void *), const char *first)
{
    char config[160];
    if (first) replace_file(path, first);
    snprintf(config, sizeof config, "WEFT_CONFIG=%s", path);
    const char *const env[] = {config, "WEFT_CONFIG_WATCH=100ms", NULL};
    struct child child = run_child(fn, NULL, env);
    if (child.status != 0) fail_msg("status %x: %s", (unsigned)child.status, child.err);
    assert_int_equal(each_line(child.err, NULL, NULL), 0);
    return child;
}

static size_t occurrences(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text++;
    }
    return count;
}

static void change(void *arg)
{
    (void)arg;
    weft_info(NULL, "start");
    EXPECT(!is_debug());
    replace_file(path, "{\"level\": \"debug\"}");
    AWAIT(is_debug());
    /* In its place, too: the same inode. */
    FILE *file = fopen(path, "w");
    EXPECT(file && fputs("{\"level\": \"info\"}", file) >= 0 && fclose(file) == 0);
    AWAIT(!is_debug());
}

static void a_change_is_put_in_force_and_said(void **state)
{
    (void)state;
    struct child child = run(change, "{\"level\": \"info\"}");
    assert_int_equal(occurrences(child.err, "configuration reloaded"), 2);
    assert_int_equal(occurrences(child.err, "the file has changed"), 2);
    child_free(&child);
}

/* ..data -> ..1, weft.json -> ..data/weft.json; then ..data is exchanged by one rename. */
static void exchange(void *arg)
{
    char name[160], target[160];
    (void)arg;
    weft_info(NULL, "start");
    EXPECT(!is_debug());
    snprintf(name, sizeof name, "%s/..2", folder);
    EXPECT(mkdir(name, 0755) == 0);
    snprintf(name, sizeof name, "%s/..2/weft.json", folder);
    replace_file(name, "{\"level\": \"debug\"}");
    snprintf(name, sizeof name, "%s/..data_tmp", folder);
    snprintf(target, sizeof target, "%s/..data", folder);
    EXPECT(symlink("..2", name) == 0 && rename(name, target) == 0);
    AWAIT(is_debug());
}

static void an_exchanged_config_map_is_seen(void **state)
{
    (void)state;
    char name[160];
    unlink(path);
    snprintf(name, sizeof name, "%s/..1", folder);
    assert_int_equal(mkdir(name, 0755), 0);
    snprintf(name, sizeof name, "%s/..1/weft.json", folder);
    replace_file(name, "{\"level\": \"info\"}");
    snprintf(name, sizeof name, "%s/..data", folder);
    assert_int_equal(symlink("..1", name), 0);
    assert_int_equal(symlink("..data/weft.json", path), 0);
    struct child child = run(exchange, NULL);
    child_free(&child);
    unlink(path);
}

static uint64_t errors(void)
{
    weft_stats stats;
    EXPECT(weft_stats_get(&stats, sizeof stats) == WEFT_OK);
    return stats.config_errors;
}

static void break_it(void *arg)
{
    (void)arg;
    weft_info(NULL, "start");
    EXPECT(is_debug());
    replace_file(path, "{\"level\": \"info\"");
    AWAIT(errors() == 1);
    EXPECT(is_debug());
    EXPECT(weft_reload() == WEFT_EINVAL);
    EXPECT(is_debug());
    unlink(path);
    AWAIT(errors() == 3); /* said once it has been gone for two seconds */
    EXPECT(is_debug());
    weft_info(NULL, "still here");
    replace_file(path, "{\"level\": \"info\"}");
    AWAIT(!is_debug());
    EXPECT(errors() == 3);
}

static void a_bad_file_leaves_the_old_configuration_running(void **state)
{
    (void)state;
    struct child child = run(break_it, "{\"level\": \"debug\"}");
    assert_int_equal(occurrences(child.err, "parse error: premature EOF; the configuration in "
                                            "force stays"),
                     2);
    assert_int_equal(occurrences(child.err, "cannot be opened: No such file or directory; the "
                                            "configuration in force stays"),
                     1);
    assert_int_equal(occurrences(child.err, "configuration not reloaded"), 2);
    assert_int_equal(occurrences(child.err, "configuration reloaded"), 1);
    assert_int_equal(count_lines(child.out), 2);
    child_free(&child);
}

static void write_slowly(void *arg)
{
    (void)arg;
    weft_info(NULL, "start");
    for (int i = 0; i < 8; i++) {
        FILE *file = fopen(path, "w");
        EXPECT(file != NULL);
        for (int j = 0; j <= i; j++) fputs("{\"level\": \"debug\"", file);
        EXPECT(fclose(file) == 0);
        usleep(40000);
    }
    replace_file(path, "{\"level\": \"debug\"}");
    AWAIT(is_debug());
}

static void a_file_that_is_being_written_is_left_alone(void **state)
{
    (void)state;
    struct child child = run(write_slowly, "{\"level\": \"info\"}");
    assert_int_equal(occurrences(child.err, "parse error"), 0);
    child_free(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_put_in_force_and_said),
        cmocka_unit_test(an_exchanged_config_map_is_seen),
        cmocka_unit_test(a_bad_file_leaves_the_old_configuration_running),
        cmocka_unit_test(a_file_that_is_being_written_is_left_alone),
    };
    return cmocka_run_group_tests(tests, own_folder_make, own_folder_remove);
}
