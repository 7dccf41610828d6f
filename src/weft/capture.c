#include "capture.h"

#include "../port/errno_text.h"
#include "../port/stdio.h"
#include "../port/thread.h"
#include "prints.h"
#include "system.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define STREAMS        2
#define LAST_PRINTS_MS 100 /* at the end, for processes that keep the pipe open */
/* Bytes that one turn makes records of, when others go on printing. */
#define TURN_MAX  ((size_t)1 << 20)
#define OTHERS_MS 5 /* longer than the steps of weftp_lock_until */

static char buffers[STREAMS][WEFTP_PRINTS_BUFFER_MAX];
static struct {
    struct weftp_lock lock; /* of the streams; what changes `on` has the system's as well */
    struct weftp_prints streams[STREAMS];
    bool running, taken;
    pthread_t thread;
    int event_fd;
    int stop, ended; /* atomic */
    int wanted; /* atomic: calls that wait for the lock, which the thread then leaves to them */
} capture = {.lock = WEFTP_LOCK_INIT,
             .streams = {{.name = "stdout", .number = STDOUT_FILENO, .level = WEFT_LEVEL_INFO},
                         {.name = "stderr", .number = STDERR_FILENO, .level = WEFT_LEVEL_WARN}},
             .event_fd = -1};

static void set_holder(int64_t thread_id)
{
    for (size_t i = 0; i < STREAMS; i++)
        __atomic_store_n(&capture.streams[i].rest.holder, thread_id, __ATOMIC_SEQ_CST);
}

static bool is_wanted(void)
{
    return __atomic_load_n(&capture.wanted, __ATOMIC_RELAXED) > 0;
}

static bool lock_soon(int64_t deadline_ms)
{
    __atomic_fetch_add(&capture.wanted, 1, __ATOMIC_RELAXED);
    const bool taken = weftp_lock_until(&capture.lock, deadline_ms);
    __atomic_fetch_sub(&capture.wanted, 1, __ATOMIC_RELAXED);
    return taken;
}

static bool lock_streams(int64_t deadline_ms)
{
    if (!lock_soon(deadline_ms)) return false;
    set_holder(weftp_thread_id());
    return true;
}

static void unlock_streams(void)
{
    set_holder(0);
    weftp_unlock(&capture.lock);
}

static void read_one(struct weftp_prints *stream, size_t budget)
{
    while (weftp_prints_read(stream, &budget)) continue;
}

/* ---- the thread ---- */

static void wake_up(void)
{
    const uint64_t one = 1;
    if (write(capture.event_fd, &one, sizeof one) < 0) return; /* full: it is awake */
}

/* Lines that have waited long enough; how long the next one may wait, -1: for ever. */
static int take_silent(void)
{
    const int64_t now_ms = weftp_monotonic_ms();
    int64_t wait_ms = -1;
    for (size_t i = 0; i < STREAMS; i++) {
        struct weftp_prints *stream = &capture.streams[i];
        if (stream->silent_ms == 0) continue;
        const int64_t left = stream->silent_ms + WEFTP_CAPTURE_SILENCE_MS - now_ms;
        if (left <= 0)
            weftp_prints_take_rest(stream);
        else if (wait_ms < 0 || left < wait_ms)
            wait_ms = left;
    }
    return (int)wait_ms;
}

static void await_prints(int timeout_ms)
{
    struct pollfd polled[STREAMS + 1] = {{.fd = capture.event_fd, .events = POLLIN}};
    uint64_t count;
    for (size_t i = 0; i < STREAMS; i++) {
        const struct weftp_prints *stream = &capture.streams[i];
        polled[i + 1] = (struct pollfd){.fd = weftp_prints_fd(stream), .events = POLLIN};
    }
    if (poll(polled, STREAMS + 1, timeout_ms) > 0 && polled[0].revents &&
        read(capture.event_fd, &count, sizeof count) < 0)
        return; /* somebody was faster */
}

static void read_turn(void)
{
    for (size_t i = 0; i < STREAMS; i++) {
        size_t budget = TURN_MAX;
        while (!is_wanted() && weftp_prints_read(&capture.streams[i], &budget)) continue;
    }
}

/* A mutex knows no turns: whoever locks it again at once keeps all others out, who look in steps of milliseconds. */
static void let_others(void)
{
    const int64_t until_ms = weftp_monotonic_ms() + OTHERS_MS;
    while (is_wanted() && weftp_monotonic_ms() < until_ms) weftp_nap_us(50);
}

static void *run(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < STREAMS; i++)
        __atomic_store_n(&capture.streams[i].thread_id, weftp_thread_id(), __ATOMIC_RELAXED);
    while (!__atomic_load_n(&capture.stop, __ATOMIC_ACQUIRE) && !weftp_stdio_is_rescued()) {
        let_others();
        weftp_lock(&capture.lock);
        set_holder(weftp_thread_id());
        read_turn();
        const int timeout_ms = take_silent();
        unlock_streams();
        await_prints(timeout_ms);
    }
    __atomic_store_n(&capture.ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

static int start_thread(void)
{
    if (capture.running) return 0;
    capture.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (capture.event_fd < 0) return errno;
    capture.stop = capture.ended = 0;
    const int err = weftp_thread_start(&capture.thread, "weft-capture", false, run, NULL);
    if (!err) capture.running = true;
    if (!err) return 0;
    close(capture.event_fd);
    capture.event_fd = -1;
    return err;
}

/* False: it did not end in time, and is left to itself. */
static bool stop_thread(int64_t deadline_ms)
{
    if (!capture.running) return true;
    capture.running = false;
    __atomic_store_n(&capture.stop, 1, __ATOMIC_RELEASE);
    wake_up();
    while (!__atomic_load_n(&capture.ended, __ATOMIC_ACQUIRE) && weftp_monotonic_ms() < deadline_ms)
        weftp_nap_us(100);
    if (!__atomic_load_n(&capture.ended, __ATOMIC_ACQUIRE)) {
        (void)pthread_detach(capture.thread);
        return false;
    }
    (void)pthread_join(capture.thread, NULL);
    close(capture.event_fd);
    capture.event_fd = -1;
    return true;
}

/* ---- starting and stopping; under the system's lock ---- */

static int start_stream(struct weftp_prints *stream)
{
    int fd = -1;
    stream->logger = weft_logger_get(stream->name);
    stream->rest = (struct weftp_stdio_rest){.data = buffers[stream - capture.streams]};
    const int err = weftp_stdio_capture(stream->number, &stream->rest, &fd);
    if (err) return err;
    weftp_prints_set_fd(stream, fd);
    stream->silent_ms = 0;
    weftp_prints_set_on(stream, true);
    return 0;
}

/*
 * Whether more comes, until last_ms: from a thread that is just writing to the pipe, or another process that has it.
 * What is there already is read until deadline_ms.
 */
static bool await_more(const struct weftp_prints *stream, int64_t last_ms, int64_t deadline_ms)
{
    struct pollfd polled = {.fd = weftp_prints_fd(stream), .events = POLLIN};
    const int64_t now_ms = weftp_monotonic_ms();
    if (polled.fd < 0 || now_ms >= deadline_ms) return false;
    return poll(&polled, 1, now_ms < last_ms ? (int)(last_ms - now_ms) : 0) > 0;
}

/*
 * The number is what it was; what was printed before becomes records. The lock is held, and there is no thread. Up to
 * the end of the pipe, so that no writer is left who would get SIGPIPE, unless another process keeps it open; one that
 * never stops printing is left at the deadline.
 */
static void stop_stream(struct weftp_prints *stream, int64_t deadline_ms)
{
    const int64_t last_ms = weftp_monotonic_ms() + LAST_PRINTS_MS;
    size_t budget = weftp_prints_waiting(stream);
    do {
        read_one(stream, budget);
        budget = WEFTP_PRINTS_BUFFER_MAX;
    } while (await_more(stream, last_ms, deadline_ms));
    weftp_prints_take_rest(stream);
    const int fd = weftp_prints_fd(stream);
    weftp_prints_set_on(stream, false);
    weftp_prints_set_fd(stream, -1);
    if (fd >= 0) close(fd);
}

static void complain_of(const struct weftp_prints *stream, int err, weftp_complain complain,
                        void *arg)
{
    char text[160];
    (void)snprintf(text, sizeof text, "WEFT_CAPTURE: %s cannot be captured: %s", stream->name,
                   weftp_errno_text(err));
    complain(arg, text);
}

bool weftp_capture_is_on(void)
{
    return weftp_prints_on(&capture.streams[0]) || weftp_prints_on(&capture.streams[1]);
}

static unsigned now_on(void)
{
    return (weftp_prints_on(&capture.streams[0]) ? WEFTP_CAPTURE_STDOUT : 0U) |
           (weftp_prints_on(&capture.streams[1]) ? WEFTP_CAPTURE_STDERR : 0U);
}

static void set_attention(void)
{
    const unsigned bit = WEFTP_ATTENTION_CAPTURE;
    if (weftp_capture_is_on())
        __atomic_fetch_or(&weftp_system.attention, bit, __ATOMIC_RELAXED);
    else
        __atomic_fetch_and(&weftp_system.attention, ~bit, __ATOMIC_RELAXED);
}

void weftp_capture_apply(unsigned streams, weftp_complain complain, void *arg)
{
    if (streams == now_on()) return;
    weftp_capture_stop(weftp_deadline_ms(WEFTP_EXIT_TIMEOUT_MS));
    (void)lock_streams(INT64_MAX);
    for (size_t i = 0; i < STREAMS; i++) {
        const int err = streams >> i & 1 ? start_stream(&capture.streams[i]) : 0;
        if (err) complain_of(&capture.streams[i], err, complain, arg);
    }
    unlock_streams();
    const int err = weftp_capture_is_on() ? start_thread() : 0;
    set_attention();
    if (!err) return;
    complain_of(&capture.streams[0], err, complain, arg);
    weftp_capture_stop(weftp_deadline_ms(WEFTP_EXIT_TIMEOUT_MS));
}

void weftp_capture_stop(int64_t deadline_ms)
{
    if (!weftp_capture_is_on()) return;
    /* While somebody still reads: what stdio holds may be more than the pipe. */
    for (size_t i = 0; i < STREAMS; i++)
        if (weftp_prints_on(&capture.streams[i])) weftp_stdio_restore(capture.streams[i].number);
    if (!stop_thread(deadline_ms) || !lock_streams(deadline_ms)) {
        for (size_t i = 0; i < STREAMS; i++) weftp_prints_set_on(&capture.streams[i], false);
        set_attention();
        return; /* a sink does not answer: what is in the pipe is lost with what it holds */
    }
    for (size_t i = 0; i < STREAMS; i++)
        if (weftp_prints_on(&capture.streams[i])) stop_stream(&capture.streams[i], deadline_ms);
    unlock_streams();
    set_attention();
}

/* ---- log calls ---- */

/* Whether something was printed that is no record yet, or is just being made one. One system call. */
static bool is_behind(void)
{
    struct pollfd polled[STREAMS];
    for (size_t i = 0; i < STREAMS; i++) {
        const struct weftp_prints *stream = &capture.streams[i];
        polled[i] = (struct pollfd){.fd = weftp_prints_fd(stream), .events = POLLIN};
    }
    if (poll(polled, STREAMS, 0) > 0) return true;
    return __atomic_load_n(&capture.streams[0].rest.holder, __ATOMIC_SEQ_CST) != 0;
}

void weftp_capture_catch_up(void)
{
    if (!is_behind() || !lock_streams(weftp_monotonic_ms() + WEFTP_CAPTURE_ORDER_MS)) return;
    /* No more than was there: others may go on printing. */
    for (size_t i = 0; i < STREAMS; i++)
        read_one(&capture.streams[i], weftp_prints_waiting(&capture.streams[i]));
    const bool waits = capture.streams[0].silent_ms || capture.streams[1].silent_ms;
    if (waits && capture.running) wake_up(); /* it does not know that a line waits for its end */
    unlock_streams();
}

/* ---- fork ---- */

void weftp_capture_fork_prepare(int64_t deadline_ms)
{
    capture.taken = lock_soon(deadline_ms);
}

void weftp_capture_fork_parent(void)
{
    if (capture.taken) weftp_unlock(&capture.lock);
}

void weftp_capture_fork_child(void)
{
    weftp_lock_init(&capture.lock);
    capture.wanted = 0; /* they were other threads' */
    for (size_t i = 0; i < STREAMS; i++) {
        struct weftp_prints *stream = &capture.streams[i];
        if (stream->on) weftp_stdio_forked(stream->number);
        stream->on = false;
        stream->fd = -1;
        stream->rest.begin = stream->rest.end = 0;
        stream->rest.holder = 0;
    }
    if (capture.event_fd >= 0) close(capture.event_fd);
    capture.event_fd = -1;
    capture.running = false;
    set_attention();
}
