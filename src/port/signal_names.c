#include "signal_names.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <strings.h>

static const struct {
    const char *name;
    int number;
} signals[] = {
    {"HUP", SIGHUP},   {"USR1", SIGUSR1}, {"USR2", SIGUSR2},     {"WINCH", SIGWINCH},
    {"URG", SIGURG},   {"CONT", SIGCONT}, {"ALRM", SIGALRM},     {"IO", SIGIO},
    {"POLL", SIGPOLL}, {"PWR", SIGPWR},   {"VTALRM", SIGVTALRM}, {"PROF", SIGPROF},
    {"XCPU", SIGXCPU},
};
#define COUNT (sizeof signals / sizeof *signals)

static bool is_real_time(int number)
{
    return number >= SIGRTMIN && number <= SIGRTMAX;
}

static int number_of_digits(const char *text, size_t size)
{
    int number = 0;
    if (size > 3) return 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] < '0' || text[i] > '9') return 0;
        number = number * 10 + (text[i] - '0');
    }
    for (size_t i = 0; i < COUNT; i++)
        if (signals[i].number == number) return number;
    return is_real_time(number) ? number : 0;
}

int weftp_signal_number(const char *text, size_t size)
{
    if (size > 3 && strncasecmp(text, "SIG", 3) == 0) {
        text += 3;
        size -= 3;
    }
    for (size_t i = 0; i < COUNT; i++)
        if (strncasecmp(signals[i].name, text, size) == 0 && signals[i].name[size] == '\0')
            return signals[i].number;
    return number_of_digits(text, size);
}

const char *weftp_signal_name(int number, char room[12])
{
    for (size_t i = 0; i < COUNT; i++)
        if (signals[i].number == number) return signals[i].name;
    (void)snprintf(room, 12, "%d", number);
    return room;
}
