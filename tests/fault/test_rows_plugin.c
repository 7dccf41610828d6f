/*
 * Row 37 of the fault table: a plug-in that has logged is unloaded. Loggers, contexts, bound fields
 * and call sites that it made go on to be used; nothing points into memory that is gone.
 */
#include "support/rows.h"

#include <dlfcn.h>

#define ROUNDS 20

static weft_logger *load_log_unload(void)
{
    weft_logger *(*plugin_log)(void);
    void *plugin = dlopen(ROW_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (!plugin) fprintf(stderr, "%s\n", dlerror());
    EXPECT(plugin != NULL);
    *(void **)&plugin_log = dlsym(plugin, "plugin_log");
    EXPECT(plugin_log != NULL);
    weft_logger *bound = plugin_log();
    EXPECT(dlclose(plugin) == 0);
    EXPECT(dlopen(ROW_PLUGIN, RTLD_NOW | RTLD_NOLOAD) == NULL); /* it is gone */
    return bound;
}

static void use_plugin(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        weft_logger *bound = load_log_unload();
        weft_info(bound, "after", weft_int("round", i));
        weft_info(weft_logger_get("plugin.cached"), "after");
        weft_logger_set_level(weft_logger_get("plugin"), WEFT_LEVEL_DEBUG);
        weft_debug(weft_logger_get("plugin.of.tests"), "after");
        EXPECT(weft_reload() == WEFT_OK);
        weft_info(bound, "after a reload");
        weft_mdc_clear();
        weft_logger_release(bound);
    }
    EXPECT(row_stats().written == 7 * ROUNDS);
}

static void count_context(void *arg, yajl_val line)
{
    unsigned *counts = arg;
    counts[0] += member2_text(line, "labels", "plugin_context") != NULL;
    counts[1] += member2_text(line, "labels", "plugin_bound") != NULL;
    counts[2]++;
}

static void row_37_a_plugin_is_unloaded(void **state)
{
    (void)state;
    unsigned counts[3] = {0};
    struct row row = row_begin("");
    row_run(&row, use_plugin, NULL);
    char *text = row_text(row.path);
    assert_int_equal(each_line(text, count_context, counts), 0);
    assert_int_equal(counts[0], 4 * ROUNDS);
    assert_int_equal(counts[1], 2 * ROUNDS);
    assert_int_equal(counts[2], 7 * ROUNDS);
    free(text);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(row_37_a_plugin_is_unloaded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
