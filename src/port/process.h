/*
 * What the operating system says of this process and thread.
 *
 * Threads: any. May include: libc only.
 */
#ifndef WEFTP_PORT_PROCESS_H
#define WEFTP_PORT_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The process id, asked of the kernel each time. Signal-safe. */
int64_t weftp_process_id(void);
/* The id of this thread. Signal-safe. */
int64_t weftp_thread_id(void);

#define WEFTP_THREAD_NAME_MAX 16 /* bytes, NUL included: the kernel's own limit */

/*
 * Copy this thread's name. The first thread, while it still has the name that the program gave it, is "main", as in
 * Java. Returns its size in bytes. One system call. Signal-safe.
 */
size_t weftp_thread_name(char name[WEFTP_THREAD_NAME_MAX]);

/* Copy the host's name, "localhost" when it has none. Returns its size. */
size_t weftp_host_name(char *name, size_t capacity);

/*
 * Whether no other thread of this process runs any more; one that was joined may be in the kernel
 * still. False when it cannot be told. Costs some system calls for each thread, up to the first.
 */
bool weftp_thread_alone(void);

/*
 * Ask the kernel for barriers on demand (membarrier(2), PRIVATE_EXPEDITED); false where it has none, and readers must
 * fence by themselves.
 */
bool weftp_barrier_register(void);
/* Make every thread of this process pass a full memory barrier. */
void weftp_barrier_all(void);

#endif
