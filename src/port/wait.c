#include "wait.h"

#include <limits.h>
#include <time.h>

#define PAUSE_MIN_NS 50000
#define PAUSE_MAX_NS 2000000

int64_t weftp_monotonic_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

void weftp_wait_start(struct weftp_wait *wait, uint32_t timeout_ms)
{
    wait->deadline_ns = weftp_monotonic_ns() + (int64_t)timeout_ms * 1000000;
    wait->pause_ns = PAUSE_MIN_NS;
}

bool weftp_wait_pause(struct weftp_wait *wait)
{
    const int64_t left = wait->deadline_ns - weftp_monotonic_ns();
    if (left <= 0) return false;
    weftp_sleep_ns(left < wait->pause_ns ? left : wait->pause_ns);
    if (wait->pause_ns < PAUSE_MAX_NS) wait->pause_ns *= 2;
    return true;
}

int weftp_wait_left_ms(const struct weftp_wait *wait)
{
    const int64_t left = wait->deadline_ns - weftp_monotonic_ns();
    if (left <= 0) return 0;
    const int64_t ms = (left + 999999) / 1000000;
    return ms > INT_MAX ? INT_MAX : (int)ms;
}

void weftp_sleep_ns(int64_t ns)
{
    const struct timespec time = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    nanosleep(&time, NULL);
}
