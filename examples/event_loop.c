/*
 * Many requests on one thread: an epoll loop in which each request is a small state machine that
 * waits for a timer (as it would for a socket) between its steps. A thread-local context alone
 * would mix them up; weft_mdc_swap puts a request's context in before each of its steps, and takes
 * it out after.
 *
 * A server that uses weft_request_begin does the same with weft_request_resume and
 * weft_request_park.
 *
 *     ./event_loop [REQUESTS]
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <weft/weft.h>

#define LOG          WEFT_LOGGER("event_loop")
#define REQUESTS_MAX 200

struct request {
    int timer;
    int number;
    int step;
    weft_context *context; /* owned while the request waits */
};

/* Wait for up to 5 ms, each request in a rhythm of its own. */
static int timer_arm(const struct request *request)
{
    const long ms = 1 + (request->number * 7 + request->step * 3) % 5;
    const struct itimerspec when = {.it_value = {0, ms * 1000000}};
    return timerfd_settime(request->timer, 0, &when, NULL);
}

/* One step, in the request's own context. Answers whether there is more to do. */
static bool request_step(struct request *request)
{
    char user[32];
    switch (request->step++) {
    case 0: weft_info(LOG, "request received", weft_int("number", request->number)); return true;
    case 1:
        snprintf(user, sizeof user, "user-%d", request->number);
        weft_mdc_put("user", user); /* kept for the steps to come, unseen by the other requests */
        weft_info(LOG, "user looked up", weft_int("number", request->number));
        return true;
    default: weft_info(LOG, "request answered", weft_int("number", request->number)); return false;
    }
}

static bool request_wake(struct request *request)
{
    weft_context *loop = weft_mdc_swap(request->context); /* the request's context in … */
    const bool more = request_step(request);
    request->context = weft_mdc_swap(loop); /* … and out, with what the step has put */
    if (more && timer_arm(request) == 0) return true;
    weft_mdc_release(request->context);
    close(request->timer); /* leaves the epoll set, too */
    return false;
}

static bool request_begin(struct request *request, int number, int epoll)
{
    request->number = number;
    request->step = 0;
    request->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (request->timer < 0) return false;

    char id[32];
    snprintf(id, sizeof id, "req-%d", number);
    weft_context *loop = weft_mdc_swap(NULL); /* a request begins with an empty context */
    weft_mdc_put("request_id", id);
    request->context = weft_mdc_swap(loop);

    struct epoll_event event = {.events = EPOLLIN, .data.ptr = request};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, request->timer, &event) == 0 && timer_arm(request) == 0;
}

/* Wake whoever is due, until no request is left. */
static int loop_run(int epoll, int requests_open)
{
    struct epoll_event events[16];
    while (requests_open > 0) {
        const int ready = epoll_wait(epoll, events, 16, -1);
        if (ready < 0 && errno != EINTR) {
            weft_error(LOG, "epoll_wait failed", weft_errno("cause", errno));
            return EXIT_FAILURE;
        }
        for (int i = 0; i < ready; i++) {
            uint64_t expirations;
            struct request *request = events[i].data.ptr;
            const bool due = read(request->timer, &expirations, sizeof expirations) ==
                             (ssize_t)sizeof expirations;
            if (due && !request_wake(request)) requests_open--;
        }
    }
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct request requests[REQUESTS_MAX];
    const long count = argc > 1 ? strtol(argv[1], NULL, 10) : 5;
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    if (count < 1 || count > REQUESTS_MAX || epoll < 0) {
        fprintf(stderr, "usage: %s [REQUESTS], at most %d\n", argv[0], REQUESTS_MAX);
        return EXIT_FAILURE;
    }
    weft_mdc_put("loop", "main"); /* the loop's own context */
    for (int i = 0; i < count; i++) {
        if (request_begin(&requests[i], i + 1, epoll)) continue;
        weft_fatal(LOG, "cannot begin a request", weft_errno("cause", errno));
        return EXIT_FAILURE;
    }
    weft_info(LOG, "loop begins", weft_int("requests", count));
    const int status = loop_run(epoll, (int)count);
    weft_info(LOG, "loop ends");
    close(epoll);
    return status;
}
