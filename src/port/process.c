#include "process.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TASK_EXITING 0x4 /* PF_EXITING, since Linux 2.6 */

int64_t weftp_process_id(void)
{
    return getpid();
}

int64_t weftp_thread_id(void)
{
    return syscall(SYS_gettid);
}

size_t weftp_thread_name(char name[WEFTP_THREAD_NAME_MAX])
{
    if (prctl(PR_GET_NAME, name) != 0) name[0] = '\0';
    name[WEFTP_THREAD_NAME_MAX - 1] = '\0';
    if (weftp_thread_id() == weftp_process_id() &&
        strncmp(name, program_invocation_short_name, WEFTP_THREAD_NAME_MAX - 1) == 0)
        memcpy(name, "main", sizeof "main");
    return strlen(name);
}

size_t weftp_host_name(char *name, size_t capacity)
{
    if (gethostname(name, capacity) != 0 || !memchr(name, '\0', capacity) || !name[0]) {
        static const char unknown[] = "localhost";
        const size_t size = sizeof unknown <= capacity ? sizeof unknown : capacity;
        memcpy(name, unknown, size);
        name[size - 1] = '\0';
    }
    return strlen(name);
}

/*
 * proc_pid_stat(5): "TID (NAME) STATE PPID PGRP SESSION TTY TPGID FLAGS ...". The kernel marks a task
 * before it tells pthread_join(3) that it ended, and removes it some time later.
 */
static bool is_leaving(const char *stat, size_t size)
{
    const char *at = memrchr(stat, ')', size);
    for (unsigned spaces = 0; at && spaces < 7; spaces++) at = strchr(at + 1, ' ');
    return at && (strtoul(at, NULL, 10) & TASK_EXITING) != 0;
}

/* Whether the task of this name in /proc/self/task runs code of the process. */
static bool is_running(int tasks, const char *task)
{
    char path[64], stat[256];
    if (snprintf(path, sizeof path, "%.32s/stat", task) < 0) return true;
    const int fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return errno != ENOENT;
    const ssize_t size = read(fd, stat, sizeof stat - 1);
    const bool gone = size < 0 && errno == ESRCH;
    close(fd);
    if (size > 0) stat[size] = '\0';
    return !gone && (size <= 0 || !is_leaving(stat, (size_t)size));
}

bool weftp_thread_alone(void)
{
    DIR *tasks = opendir("/proc/self/task");
    const int64_t own = weftp_thread_id();
    bool alone = tasks != NULL;
    const struct dirent *entry;
    while (alone && (entry = readdir(tasks)) != NULL)
        alone = entry->d_name[0] == '.' || strtoll(entry->d_name, NULL, 10) == own ||
                !is_running(dirfd(tasks), entry->d_name);
    if (tasks) closedir(tasks);
    return alone;
}

bool weftp_barrier_register(void)
{
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

void weftp_barrier_all(void)
{
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
}
