#include "signal_wake.h"

#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#define NUMBERS         65
#define HANDLER_WAIT_MS 100

static _Atomic uint64_t noted;
static atomic_int wake_fd = -1;
static atomic_int wake_pid; /* a child between fork and its first look must not wake its parent */
static atomic_int inside;   /* handlers that may be writing to wake_fd */
static atomic_bool ending;
/* What was there before; written only while our handler is not in place. */
static struct sigaction before[NUMBERS];

static bool is_attended(void)
{
    return atomic_load(&wake_fd) >= 0 && atomic_load(&wake_pid) == (int)getpid();
}

static void note(int number)
{
    const uint64_t one = 1;
    atomic_fetch_or(&noted, UINT64_C(1) << (number % 64));
    atomic_fetch_add(&inside, 1);
    const int fd = is_attended() ? atomic_load(&wake_fd) : -1;
    if (fd >= 0 && write(fd, &one, sizeof one) < 0) errno = 0; /* full: it is awake already */
    atomic_fetch_sub(&inside, 1);
}

static void on_ask(int number, siginfo_t *info, void *context)
{
    const int err = errno;
    const struct sigaction *theirs = &before[number];
    note(number);
    if (theirs->sa_flags & SA_SIGINFO)
        theirs->sa_sigaction(number, info, context);
    else if (theirs->sa_handler != SIG_DFL && theirs->sa_handler != SIG_IGN)
        theirs->sa_handler(number);
    errno = err;
}

static void set_default(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    (void)sigaction(number, &action, NULL);
}

static void on_end(int number, siginfo_t *info, void *context)
{
    const int err = errno;
    (void)info;
    (void)context;
    if (is_attended() && !atomic_exchange(&ending, true)) {
        note(number);
    } else {
        set_default(number);
        if (getpid() == 1) _exit(128 + number);
        (void)raise(number); /* it is blocked until this handler returns */
    }
    errno = err;
}

void weftp_signals_attend(int event_fd)
{
    struct weftp_wait wait;
    atomic_store(&ending, false);
    atomic_store(&wake_pid, (int)getpid());
    atomic_store(&wake_fd, event_fd);
    /* Whoever still writes to the one before: it may be closed when this returns, and its number used for anything. */
    weftp_wait_start(&wait, HANDLER_WAIT_MS);
    while (event_fd < 0 && atomic_load(&inside) > 0 && weftp_wait_pause(&wait)) continue;
}

void weftp_signals_forked(void)
{
    atomic_store(&wake_fd, -1);
    atomic_store(&inside, 0); /* they were other threads' */
}

static bool is_ours(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO &&
           (action->sa_sigaction == on_ask || action->sa_sigaction == on_end);
}

static bool has_handler(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO ||
           (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

bool weftp_signal_claim(int number, enum weftp_signal_use use)
{
    static bool claimed[NUMBERS]; /* whoever took one from us may call us: do not call him */
    struct sigaction now, ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    if (number <= 0 || number >= NUMBERS || sigaction(number, NULL, &now) != 0) return false;
    if (is_ours(&now)) return true;
    const bool spare = claimed[number] ? has_handler(&now) : false;
    const bool taken = now.sa_flags & SA_SIGINFO || now.sa_handler != SIG_DFL;
    if (spare || (use == WEFTP_SIGNAL_END && taken)) return false;
    before[number] = now;
    ours.sa_sigaction = use == WEFTP_SIGNAL_ASK ? on_ask : on_end;
    ours.sa_mask = now.sa_mask;
    /* Whether the program's calls are interrupted is the program's choice, where it made one. */
    if (has_handler(&now) && !(now.sa_flags & SA_RESTART)) ours.sa_flags &= ~SA_RESTART;
    claimed[number] = sigaction(number, &ours, NULL) == 0;
    return claimed[number];
}

void weftp_signal_release(int number)
{
    struct sigaction now;
    if (number <= 0 || number >= NUMBERS || sigaction(number, NULL, &now) != 0) return;
    if (is_ours(&now)) (void)sigaction(number, &before[number], NULL);
}

uint64_t weftp_signals_take(void)
{
    return atomic_exchange(&noted, 0);
}

_Noreturn void weftp_signal_die(int number)
{
    sigset_t only;
    set_default(number);
    sigemptyset(&only);
    sigaddset(&only, number);
    (void)pthread_sigmask(SIG_UNBLOCK, &only, NULL);
    if (getpid() != 1) (void)kill(getpid(), number); /* the kernel may or may not spare PID 1 */
    _exit(128 + number);
}
