#include "watch.h"

#include "../port/signal_names.h"
#include "../port/signal_wake.h"
#include "../port/thread.h"
#include "system.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOCK_WAIT_MS 20

static struct {
    /* Under the system's lock. */
    bool running;
    bool ends; /* SIGTERM and SIGINT are taken */
    pthread_t thread;
    int event_fd;
    /* Atomic; written under the lock, but for ended. */
    int signal_number;
    unsigned generation; /* of the settings: a reload by somebody else has read the file, too */
    int stop, ended;
} watch = {.event_fd = -1};

/* What one look at the file goes by; the thread's own. */
struct look {
    char path[PATH_MAX];
    uint32_t interval_ms; /* 0: do not look */
    unsigned generation;
    struct weftp_file_mark seen, changed; /* as it was read; as it was found when it differed */
    bool differs;
    int64_t next_ms, quiet_at_ms, busy_at_ms;
};

/* ---- the file ---- */

static bool is_stale(const struct look *look)
{
    return look->generation != __atomic_load_n(&watch.generation, __ATOMIC_ACQUIRE);
}

/* Learn what is asked for now. The lock is not waited for long: SIGTERM is heard beside a reload that stands. */
static void refresh_look(struct look *look)
{
    if (!is_stale(look) || !weftp_system_lock_until(weftp_monotonic_ms() + LOCK_WAIT_MS)) return;
    const struct weftp_settings *settings = weftp_system.settings;
    if (settings) {
        const char *path = settings->config ? settings->config : "";
        const size_t size = strlen(path);
        look->generation = watch.generation;
        look->interval_ms = size > 0 && size < sizeof look->path ? settings->config_watch_ms : 0;
        if (look->interval_ms) memcpy(look->path, path, size + 1);
        look->seen = settings->config_mark;
        look->differs = false;
        look->next_ms = weftp_monotonic_ms() + look->interval_ms;
    }
    weftp_system_unlock();
}

/* Whether what has changed is to be read now. */
static bool is_settled(struct look *look, int64_t now_ms)
{
    struct weftp_file_mark mark;
    weftp_file_mark_look(&mark, look->path);
    if (weftp_file_mark_same(&mark, &look->seen)) {
        look->differs = false;
        return false;
    }
    if (look->differs && weftp_file_mark_same(&mark, &look->changed))
        return now_ms >= look->quiet_at_ms;
    if (!look->differs) look->busy_at_ms = now_ms + WEFTP_WATCH_BUSY_MS;
    look->differs = true;
    look->changed = mark;
    look->quiet_at_ms =
        now_ms + (weftp_file_mark_exists(&mark) ? WEFTP_WATCH_QUIET_MS : WEFTP_WATCH_MISSING_MS);
    return now_ms >= look->busy_at_ms;
}

static void look_at_file(struct look *look)
{
    const int64_t now_ms = weftp_monotonic_ms();
    if (look->interval_ms == 0 || now_ms < look->next_ms) return;
    if (is_settled(look, now_ms)) {
        look->seen = look->changed;
        look->differs = false;
        weftp_system_reload("the file has changed");
    }
    const uint32_t quiet_ms =
        look->interval_ms < WEFTP_WATCH_QUIET_MS ? look->interval_ms : WEFTP_WATCH_QUIET_MS;
    look->next_ms = now_ms + (look->differs ? quiet_ms : look->interval_ms);
}

static int wait_ms(const struct look *look)
{
    if (is_stale(look)) return LOCK_WAIT_MS;
    if (look->interval_ms == 0) return -1;
    const int64_t left = look->next_ms - weftp_monotonic_ms();
    return left > 0 ? (int)left : 0;
}

/* ---- signals ---- */

static void obey(uint64_t signals)
{
    static const int ends[] = {SIGTERM, SIGINT};
    char room[12], why[24];
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (!(signals >> ends[i] & 1)) continue;
        weftp_system_shutdown(WEFTP_EXIT_TIMEOUT_MS);
        weftp_signal_die(ends[i]);
    }
    const int number = __atomic_load_n(&watch.signal_number, __ATOMIC_RELAXED);
    if (number == 0 || !(signals >> (number % 64) & 1)) return;
    (void)snprintf(why, sizeof why, "signal %s", weftp_signal_name(number, room));
    weftp_system_reload(why);
}

/* ---- the thread ---- */

static void *run(void *arg)
{
    struct look look = {.interval_ms = 0};
    uint64_t count;
    (void)arg;
    while (!__atomic_load_n(&watch.stop, __ATOMIC_ACQUIRE)) {
        refresh_look(&look);
        struct pollfd wake = {.fd = watch.event_fd, .events = POLLIN};
        if (poll(&wake, 1, wait_ms(&look)) > 0 && read(watch.event_fd, &count, sizeof count) < 0)
            continue;
        if (__atomic_load_n(&watch.stop, __ATOMIC_ACQUIRE)) break;
        obey(weftp_signals_take());
        look_at_file(&look);
    }
    __atomic_store_n(&watch.ended, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void wake_up(void)
{
    const uint64_t one = 1;
    if (write(watch.event_fd, &one, sizeof one) < 0) return; /* full: it is awake */
}

static int start(void)
{
    if (watch.running) return 0;
    watch.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (watch.event_fd < 0) return errno;
    watch.stop = watch.ended = 0;
    const int err = weftp_thread_start(&watch.thread, "weft-watch", false, run, NULL);
    if (err) {
        close(watch.event_fd);
        watch.event_fd = -1;
        return err;
    }
    watch.running = true;
    weftp_signals_attend(watch.event_fd);
    return 0;
}

static void take_ends(bool wanted)
{
    if (wanted) {
        (void)weftp_signal_claim(SIGTERM, WEFTP_SIGNAL_END);
        (void)weftp_signal_claim(SIGINT, WEFTP_SIGNAL_END);
    } else if (watch.ends) {
        weftp_signal_release(SIGTERM);
        weftp_signal_release(SIGINT);
    }
    watch.ends = wanted;
}

int weftp_watch_apply(const struct weftp_settings *settings, bool keeps)
{
    const bool ends = settings->sigterm_flush && keeps;
    const bool looks = settings->config_watch_ms && settings->config;
    const bool wanted = ends || looks || settings->reload_signal;
    const int err = wanted ? start() : 0;
    const int number = err ? 0 : settings->reload_signal;
    if (watch.signal_number && watch.signal_number != number)
        weftp_signal_release(watch.signal_number);
    __atomic_store_n(&watch.signal_number, number, __ATOMIC_RELAXED);
    if (number) (void)weftp_signal_claim(number, WEFTP_SIGNAL_ASK);
    take_ends(ends && !err);
    __atomic_fetch_add(&watch.generation, 1, __ATOMIC_RELEASE);
    if (watch.running) wake_up();
    return err;
}

void weftp_watch_stop(int64_t deadline_ms)
{
    if (!weftp_system_lock_until(deadline_ms)) return;
    const bool running = watch.running && !pthread_equal(watch.thread, pthread_self());
    if (running) {
        watch.running = false;
        take_ends(false);
        __atomic_store_n(&watch.stop, 1, __ATOMIC_RELEASE);
        wake_up();
    }
    weftp_system_unlock();
    if (!running) return;
    while (!__atomic_load_n(&watch.ended, __ATOMIC_ACQUIRE) && weftp_monotonic_ms() < deadline_ms)
        weftp_nap_us(200);
    if (!__atomic_load_n(&watch.ended, __ATOMIC_ACQUIRE)) {
        (void)pthread_detach(
            watch.thread); /* in a sink, or in a file system that does not answer */
        return;
    }
    (void)pthread_join(watch.thread, NULL);
    weftp_signals_attend(-1);
    close(watch.event_fd);
    watch.event_fd = -1;
}

bool weftp_watch_fork_child(void)
{
    const bool was_running = watch.running;
    weftp_signals_forked();
    if (watch.event_fd >= 0) close(watch.event_fd);
    watch.event_fd = -1;
    watch.running = false;
    return was_running;
}
