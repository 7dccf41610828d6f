#include "process.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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

size_t weftp_thread_count(void)
{
    struct stat tasks;
    if (stat("/proc/self/task", &tasks) != 0 || tasks.st_nlink < 3) return 0;
    return (size_t)tasks.st_nlink - 2;
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
