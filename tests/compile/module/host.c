/* Links weft, and shares it and the context of its thread with the plug-in, also after that was unloaded. */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <weft/weft.h>

static int run_module(int round)
{
    void *module = dlopen(MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (!module) return fprintf(stderr, "%s\n", dlerror());
    int (*work)(int) = NULL;
    *(void **)&work = dlsym(module, "module_work");
    const int failed = work ? work(round) : 1;
    if (dlclose(module) != 0) return 1;
    if (dlopen(MODULE_PATH, RTLD_NOW | RTLD_NOLOAD)) return fprintf(stderr, "still loaded\n");
    return failed;
}

static void *thread_main(void *log)
{
    if (run_module(9)) return log;
    weft_info(log, "thread after module");
    return NULL;
}

int main(void)
{
    weft_logger *log = weft_logger_get("host");
    weft_mdc_put("request_id", "r-42");
    weft_info(log, "before");
    for (int round = 0; round < 3; round++) {
        if (run_module(round)) return 1;
        const char *left = weft_mdc_get("from_module");
        if (!left || strcmp(left, "stays") != 0) return 2;
        weft_info(log, "after", weft_int("round", round));
    }
    pthread_t thread;
    void *failed = NULL;
    if (weft_pthread_create(&thread, NULL, thread_main, log) != 0) return 3;
    pthread_join(thread, &failed);
    if (failed) return 4;
    /* What goes through every logger and call site must not touch the module's memory. */
    weft_logger_set_level(NULL, WEFT_LEVEL_WARN);
    weft_info(log, "off");
    weft_logger_set_level(NULL, WEFT_LEVEL_INFO);
    if (weft_reload() != WEFT_OK) return 5;
    weft_stats stats;
    if (weft_stats_get(&stats, sizeof stats) != WEFT_OK) return 6;
    weft_info(log, "last");
    return weft_shutdown(2000) == WEFT_OK ? 0 : 7;
}
