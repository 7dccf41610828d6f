/* Knows nothing of weft: the plug-in brings it in, is unloaded, and comes again. exit() must still find weft's code. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static void *run_module(void *arg)
{
    const int *round = arg;
    void *module = dlopen(MODULE_PATH, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        fprintf(stderr, "%s\n", dlerror());
        return arg;
    }
    int (*work)(int) = NULL;
    *(void **)&work = dlsym(module, "module_work");
    const int failed = work ? work(*round) : 1;
    return dlclose(module) != 0 || failed ? arg : NULL;
}

int main(void)
{
    for (int round = 0; round < 4; round++) {
        pthread_t thread;
        void *failed = NULL;
        /* In threads that end after the module is gone: thread-exit handlers must be there as well. */
        if (pthread_create(&thread, NULL, run_module, &round) != 0) return 1;
        pthread_join(thread, &failed);
        if (failed) return 2;
    }
    int last = 4;
    return run_module(&last) ? 3 : 0;
}
