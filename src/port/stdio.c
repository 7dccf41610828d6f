#include "stdio.h"

#include "io.h"
#include "process.h"
#include "wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_BYTES     (256 << 10) /* a print waits when so much is on its way; the kernel may refuse */
#define HOLDER_WAIT_MS 200
#define RESCUE_WAIT_MS 2000
#define PRIVATE_FD_MIN 3
#define CHUNK_BYTES    4096 /* what a pipe that poll() calls writable takes without blocking */

struct number {
    atomic_int saved; /* a duplicate of what it was; -1: none */
    atomic_bool captured;
    int read_fd;
    dev_t dev;
    ino_t ino; /* of the pipe */
    struct weftp_stdio_rest *rest;
};

static struct number numbers[] = {{.saved = -1}, {.saved = -1}}; /* of 1 and of 2 */
static atomic_bool rescued;

int weftp_stdio_real(int number)
{
    if (number != STDOUT_FILENO && number != STDERR_FILENO) return number;
    const struct number *one = &numbers[number - 1];
    return atomic_load(&one->captured) ? atomic_load(&one->saved) : number;
}

/* ---- crashes ---- */

static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define CRASHES (sizeof crashes / sizeof *crashes)

static void set_default(int signal_number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    (void)sigaction(signal_number, &action, NULL);
}

static void on_crash(int signal_number, siginfo_t *info, void *context)
{
    static _Atomic int64_t first;
    const int err = errno;
    int64_t nobody = 0;
    (void)context;
    if (atomic_compare_exchange_strong(&first, &nobody, weftp_thread_id()))
        weftp_stdio_rescue();
    else if (nobody != weftp_thread_id())
        weftp_sleep_ns(INT64_C(1000000) *
                       (HOLDER_WAIT_MS + RESCUE_WAIT_MS)); /* the other one dies for both */
    set_default(signal_number);
    /* What a fault raised comes again by itself, from where it happened; what somebody sent does not. */
    if (info->si_code <= 0) (void)raise(signal_number);
    errno = err;
}

static bool is_ours(const struct sigaction *action)
{
    return action->sa_flags & SA_SIGINFO && action->sa_sigaction == on_crash;
}

static void claim_crashes(void)
{
    struct sigaction now, ours = {.sa_flags = SA_SIGINFO | SA_ONSTACK};
    ours.sa_sigaction = on_crash;
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < CRASHES; i++) {
        if (sigaction(crashes[i], NULL, &now) != 0 || now.sa_flags & SA_SIGINFO) continue;
        if (now.sa_handler == SIG_DFL) (void)sigaction(crashes[i], &ours, NULL);
    }
}

static void release_crashes(void)
{
    struct sigaction now;
    for (size_t i = 0; i < CRASHES; i++)
        if (sigaction(crashes[i], NULL, &now) == 0 && is_ours(&now)) set_default(crashes[i]);
}

/* ---- exchanging numbers ---- */

/*
 * stdout is no terminal any more, yet its lines are wanted one by one. With a buffer that is new to it: where it has
 * one already, glibc notes the change but goes on filling it. A stream that is in use is not waited for, and one
 * without a buffer stays without.
 */
static void print_by_lines(void)
{
    static char buffer[BUFSIZ];
    if (ftrylockfile(stdout) != 0) return;
    if (__fbufsize(stdout) != 1) {
        (void)fflush(stdout);
        (void)setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
    }
    funlockfile(stdout);
}

static void flush_prints(int number)
{
    FILE *stream = number == STDOUT_FILENO ? stdout : stderr;
    struct weftp_wait wait;
    weftp_wait_start(&wait, HOLDER_WAIT_MS);
    while (ftrylockfile(stream) != 0)
        if (!weftp_wait_pause(&wait)) return;
    (void)fflush(stream);
    funlockfile(stream);
}

static int make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0) return errno;
    for (int i = 0; i < 2; i++) ends[i] = weftp_io_private(ends[i]);
    if (ends[0] >= 0 && ends[1] >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) {
        (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES);
        return 0;
    }
    const int err = errno;
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0) close(ends[i]);
    return err;
}

/* Keep what the number is, in the place where an earlier capture kept it. */
static int save(struct number *one, int number)
{
    const int kept = atomic_load(&one->saved);
    const int fd =
        kept >= 0 ? dup3(number, kept, O_CLOEXEC) : fcntl(number, F_DUPFD_CLOEXEC, PRIVATE_FD_MIN);
    if (fd < 0) return errno;
    atomic_store(&one->saved, fd);
    return 0;
}

int weftp_stdio_capture(int number, struct weftp_stdio_rest *rest, int *read_fd)
{
    struct number *one = &numbers[number - 1];
    struct stat info;
    int ends[2];
    int err = save(one, number);
    if (!err) err = make_pipe(ends);
    if (err) return err;
    (void)fstat(ends[0], &info);
    one->dev = info.st_dev;
    one->ino = info.st_ino;
    one->rest = rest;
    one->read_fd = *read_fd = ends[0];
    claim_crashes();
    atomic_store(&one->captured, true);
    err = dup2(ends[1], number) < 0 ? errno : 0;
    close(ends[1]);
    if (err) {
        atomic_store(&one->captured, false);
        close(ends[0]);
        return err;
    }
    if (number == STDOUT_FILENO) print_by_lines();
    return 0;
}

static bool is_still_pipe(const struct number *one, int number)
{
    struct stat info;
    return fstat(number, &info) == 0 && info.st_dev == one->dev && info.st_ino == one->ino;
}

static void put_back(struct number *one, int number)
{
    if (is_still_pipe(one, number)) (void)dup2(atomic_load(&one->saved), number);
    atomic_store(&one->captured, false);
}

void weftp_stdio_restore(int number)
{
    struct number *one = &numbers[number - 1];
    if (!atomic_load(&one->captured)) return;
    flush_prints(number);
    put_back(one, number);
    if (!atomic_load(&numbers[0].captured) && !atomic_load(&numbers[1].captured)) release_crashes();
}

void weftp_stdio_lost(int number)
{
    atomic_store(&numbers[number - 1].captured, false);
}

void weftp_stdio_forget(void)
{
    for (size_t i = 0; i < 2; i++) {
        if (atomic_load(&numbers[i].captured)) continue;
        const int saved = atomic_exchange(&numbers[i].saved, -1);
        if (saved >= 0) close(saved);
    }
}

void weftp_stdio_forked(int number)
{
    struct number *one = &numbers[number - 1];
    if (!atomic_load(&one->captured)) return;
    put_back(one, number);
    close(one->read_fd);
}

/* ---- rescue ---- */

static void copy_out(int fd, const char *data, size_t size, struct weftp_wait *wait)
{
    while (size > 0) {
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        const int left_ms = weftp_wait_left_ms(wait);
        if (poll(&ready, 1, left_ms) < 0 && errno == EINTR) continue;
        if (!(ready.revents & POLLOUT)) return;
        const size_t part = size < CHUNK_BYTES ? size : CHUNK_BYTES;
        const ssize_t n = weftp_io_write_masked(fd, data, part, SIGPIPE);
        if (n < 0 && errno != EINTR && errno != EAGAIN) return;
        if (n <= 0) continue;
        data += n;
        size -= (size_t)n;
    }
}

/* The one who is at it finishes his line, if he can. */
static void await_holder(const struct weftp_stdio_rest *rest)
{
    struct weftp_wait wait;
    weftp_wait_start(&wait, HOLDER_WAIT_MS);
    for (;;) {
        const int64_t holder = __atomic_load_n(&rest->holder, __ATOMIC_ACQUIRE);
        if (holder == 0 || holder == weftp_thread_id() || !weftp_wait_pause(&wait)) return;
    }
}

static void rescue_one(struct number *one, int number, struct weftp_wait *wait)
{
    char chunk[CHUNK_BYTES];
    const int fd = atomic_load(&one->saved);
    await_holder(one->rest);
    put_back(one, number);
    const size_t begin = __atomic_load_n(&one->rest->begin, __ATOMIC_ACQUIRE);
    const size_t end = __atomic_load_n(&one->rest->end, __ATOMIC_ACQUIRE);
    if (begin < end) copy_out(fd, one->rest->data + begin, end - begin, wait);
    while (weftp_wait_left_ms(wait) > 0) { /* another process may go on for ever */
        const ssize_t n = read(one->read_fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        copy_out(fd, chunk, (size_t)n, wait);
    }
}

void weftp_stdio_rescue(void)
{
    struct weftp_wait wait;
    if (atomic_exchange(&rescued, true)) return;
    weftp_wait_start(&wait, RESCUE_WAIT_MS);
    for (int number = STDOUT_FILENO; number <= STDERR_FILENO; number++) {
        struct number *one = &numbers[number - 1];
        if (atomic_load(&one->captured)) rescue_one(one, number, &wait);
    }
}

bool weftp_stdio_is_rescued(void)
{
    return atomic_load_explicit(&rescued, memory_order_acquire);
}
