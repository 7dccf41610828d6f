#include "signal_crash.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OTHERS_WAIT_MS 2000
#define STACK_SIZE     ((size_t)24 << 10) /* beside what the kernel puts there */

static const int numbers[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
#define COUNT (sizeof numbers / sizeof *numbers)

/* What was there before; written only while our handler is not in place. */
static struct sigaction before[COUNT];
static void (*_Atomic save_now)(void);
static atomic_int owner; /* process id */
static atomic_int saver; /* thread id; 0: nobody saves */
static sigjmp_buf past;  /* the saver's: behind what it saves */

/* ---- the handler ---- */

static void set_before(int number)
{
    for (size_t i = 0; i < COUNT; i++)
        if (numbers[i] == number) (void)sigaction(number, &before[i], NULL);
}

/* Whether returning to where it came from raises it again. */
static bool is_fault(int number, const siginfo_t *info)
{
#ifdef BUS_MCEERR_AO
    if (number == SIGBUS && info->si_code == BUS_MCEERR_AO) return false;
#endif
    return number != SIGABRT && info->si_code > 0;
}

/* It is blocked until the handler returns, and what was in force before the handler is again. */
static void send_again(int number, siginfo_t *info)
{
    sigset_t only;
    sigemptyset(&only);
    sigaddset(&only, number);
    (void)pthread_sigmask(SIG_BLOCK, &only, NULL);
    if (syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), number, info) != 0)
        (void)raise(number);
}

static void wait_for_saver(void)
{
    for (int left_ms = OTHERS_WAIT_MS; left_ms > 0 && atomic_load(&saver) != 0; left_ms--)
        (void)poll(NULL, 0, 1);
}

static void save_once(void)
{
    const int self = (int)syscall(SYS_gettid);
    void (*save)(void) = atomic_load(&save_now);
    int nobody = 0;
    if (!save || atomic_load(&owner) != (int)getpid()) return;
    if (atomic_compare_exchange_strong(&saver, &nobody, self)) {
        if (sigsetjmp(past, 1) == 0) save();
        atomic_store(&saver, 0);
    } else if (nobody == self) {
        siglongjmp(past, 1); /* `save` itself has crashed: go on with the crash that it was about */
    } else {
        wait_for_saver();
    }
}

static void on_crash(int number, siginfo_t *info, void *context)
{
    const int err = errno;
    int cancel_state;
    (void)context;
    /* Some calls below are points of cancellation. In a signal handler: POSIX.1-2024 allows it. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
    save_once();
    set_before(number);
    if (!is_fault(number, info)) send_again(number, info);
    (void)pthread_setcancelstate(cancel_state, NULL);
    errno = err;
}

/* ---- claiming ---- */

static bool is_ours(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == on_crash;
}

/* Those that come from outside wait; a crash inside of the handler does not. */
static void claim(size_t index)
{
    struct sigaction now, ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (sigaction(numbers[index], NULL, &now) != 0 || is_ours(&now)) return;
    before[index] = now;
    ours.sa_sigaction = on_crash;
    sigfillset(&ours.sa_mask);
    for (size_t i = 0; i < COUNT; i++) sigdelset(&ours.sa_mask, numbers[i]);
    (void)sigaction(numbers[index], &ours, NULL);
}

void weftp_crash_signals_claim(void (*save)(void))
{
    atomic_store(&owner, (int)getpid());
    atomic_store(&save_now, save);
    for (size_t i = 0; i < COUNT; i++) claim(i);
}

void weftp_crash_signals_release(void)
{
    struct sigaction now;
    atomic_store(&save_now, NULL);
    for (size_t i = 0; i < COUNT; i++)
        if (sigaction(numbers[i], NULL, &now) == 0 && is_ours(&now))
            (void)sigaction(numbers[i], &before[i], NULL);
}

void weftp_crash_signals_forked(void)
{
    atomic_store(&saver, 0);
    atomic_store(&owner, (int)getpid());
}

/* ---- stacks ---- */

static _Thread_local char *stack; /* a page that is not to be touched, and behind it the stack */

static size_t page_size(void)
{
    const long size = sysconf(_SC_PAGESIZE);
    return size > 0 ? (size_t)size : 4096;
}

/* Processors with large registers need more than the constant says. */
static size_t stack_size(void)
{
    long least = MINSIGSTKSZ;
#ifdef _SC_MINSIGSTKSZ
    const long now = sysconf(_SC_MINSIGSTKSZ);
    if (now > least) least = now;
#endif
    const size_t page = page_size();
    return ((size_t)least + STACK_SIZE + page - 1) / page * page;
}

void weftp_crash_stack_begin(void)
{
    stack_t now, ours = {.ss_size = stack_size()};
    const size_t guard = page_size();
    if (stack || sigaltstack(NULL, &now) != 0 || !(now.ss_flags & SS_DISABLE)) return;
    char *mapped = mmap(NULL, guard + ours.ss_size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) return;
    ours.ss_sp = mapped + guard;
    if (mprotect(mapped, guard, PROT_NONE) == 0 && sigaltstack(&ours, NULL) == 0)
        stack = mapped;
    else
        (void)munmap(mapped, guard + ours.ss_size);
}

void weftp_crash_stack_end(void)
{
    stack_t now;
    const stack_t none = {.ss_flags = SS_DISABLE};
    const size_t guard = page_size();
    if (!stack || sigaltstack(NULL, &now) != 0 || now.ss_flags & SS_ONSTACK) return;
    if (now.ss_sp == stack + guard) (void)sigaltstack(&none, NULL);
    (void)munmap(stack, guard + stack_size());
    stack = NULL;
}
