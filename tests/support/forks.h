/*
 * Ways to make a child, for tests of what a child finds.
 */
#ifndef TEST_SUPPORT_FORKS_H
#define TEST_SUPPORT_FORKS_H

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline pid_t by_fork(void)
{
    return fork();
}

/* Without the C library's handlers. */
static inline pid_t by_system_call(void)
{
#ifdef __s390x__ /* takes the stack first */
    return (pid_t)syscall(SYS_clone, NULL, SIGCHLD, NULL, NULL, NULL);
#else
    return (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
#endif
}

#endif
