#include "thread.h"

#include "process.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>

#define STACK_BYTES ((size_t)256 << 10)

struct start {
    const char *name;
    bool background;
    void *(*run)(void *);
    void *arg;
};

static void *begin(void *arg)
{
    const struct start start = *(struct start *)arg;
    free(arg);
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    pthread_setname_np(pthread_self(), start.name);
    /* On Linux the priority is the thread's own. */
    if (start.background) (void)setpriority(PRIO_PROCESS, (id_t)weftp_thread_id(), 19);
    return start.run(start.arg);
}

static void block_signals(sigset_t *old)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT};
    sigset_t all;
    sigfillset(&all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) sigdelset(&all, faults[i]);
    pthread_sigmask(SIG_SETMASK, &all, old);
}

int weftp_thread_start(pthread_t *thread, const char *name, bool background, void *(*run)(void *),
                       void *arg)
{
    sigset_t old;
    pthread_attr_t attributes;
    struct start *start = malloc(sizeof *start);
    if (!start) return ENOMEM;
    *start = (struct start){name, background, run, arg};
    int err = pthread_attr_init(&attributes);
    if (err == 0) {
        (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
        block_signals(&old);
        err = pthread_create(thread, &attributes, begin, start);
        pthread_sigmask(SIG_SETMASK, &old, NULL);
        pthread_attr_destroy(&attributes);
    }
    if (err != 0) free(start);
    return err;
}
