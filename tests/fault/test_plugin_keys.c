/*
 * Plug-ins that are unloaded make room for others: a call at the same address with keys at the same
 * addresses, which have other bytes. What is remembered of the one is not believed of the other.
 */
#include "support/rows.h"

#include <dlfcn.h>

#define ROUNDS 6

static void log_from(const char *path)
{
    void (*plugin_log)(void);
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!plugin) fprintf(stderr, "%s\n", dlerror());
    EXPECT(plugin != NULL);
    *(void **)&plugin_log = dlsym(plugin, "plugin_log");
    EXPECT(plugin_log != NULL);
    plugin_log();
    EXPECT(dlclose(plugin) == 0);
    EXPECT(dlopen(path, RTLD_NOW | RTLD_NOLOAD) == NULL); /* it is gone */
}

/* The second one comes to lie where the first one was, but for loaders that move what they load. */
static void use_plugins(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        log_from(PLUGIN_ONE);
        log_from(PLUGIN_TWO);
    }
    EXPECT(row_stats().written == 2 * 3 * ROUNDS);
}

static void count_keys(void *arg, yajl_val line)
{
    unsigned *counts = arg;
    const char *one = member2_text(line, "labels", "one_text");
    const char *two = member2_text(line, "labels", "two_text");
    counts[0] += one && !two && strcmp(one, "one") == 0;
    counts[1] += two && !one && strcmp(two, "two") == 0;
}

static void assert_keys(const char *async)
{
    unsigned counts[2] = {0};
    struct row row = row_begin("");
    row.env[1] = async;
    row_run(&row, use_plugins, NULL);
    char *text = row_text(row.path);
    assert_int_equal(each_line(text, count_keys, counts), 0);
    assert_int_equal(counts[0], 3 * ROUNDS);
    assert_int_equal(counts[1], 3 * ROUNDS);
    free(text);
    row_end(&row);
}

static void keys_of_the_plugin_that_is_there(void **state)
{
    (void)state;
    assert_keys("WEFT_ASYNC=off");
}

static void keys_of_plugins_that_are_gone(void **state)
{
    (void)state;
    assert_keys("WEFT_ASYNC=on");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keys_of_the_plugin_that_is_there),
                                       cmocka_unit_test(keys_of_plugins_that_are_gone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
