/*
 * weft's own threads: named, with every asynchronous signal blocked, so that the application's
 * handlers run on the application's threads.
 *
 * Threads: any. Signals: unsafe. Level 0.
 */
#ifndef WEFTP_PORT_THREAD_H
#define WEFTP_PORT_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/*
 * Start a joinable thread. All signals but those that a fault raises are blocked in it from its
 * first instruction; cancellation is disabled.
 *
 * @param name        At most 15 bytes, "weft-…".
 * @param background  It gets the lowest priority.
 * @return  0 or the error number of pthread_create.
 */
int weftp_thread_start(pthread_t *thread, const char *name, bool background, void *(*run)(void *),
                       void *arg);

#endif
