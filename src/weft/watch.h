/*
 * The thread "weft-watch": reloads on a signal or when the configuration file has changed, and
 * flushes before a signal ends the process.
 *
 * Its job: waiting, and deciding when. Not its job: what a reload does (system.c), handlers
 * (port/signal_wake.c). The thread is started when a setting asks for it, and ends with
 * weft_shutdown; without WEFT_CONFIG_WATCH it sleeps until a signal comes.
 *
 *   function   | called by
 *   -----------|-----------------------------------------------
 *   apply      | the holder of the system's lock
 *   stop       | the thread that shuts down, without the lock
 *   fork_child | the child, in its only thread
 *
 * May include: as system.h.
 */
#ifndef WEFTP_WEFT_WATCH_H
#define WEFTP_WEFT_WATCH_H

#include "../config/settings.h"

#define WEFTP_WATCH_QUIET_MS   100 /* a file that changed is read when it was the same for so long */
#define WEFTP_WATCH_MISSING_MS 2000 /* one that is gone may come back for so long */
#define WEFTP_WATCH_BUSY_MS    5000 /* one that changes all the time is read after so long anyway */

/*
 * Do as the settings ask from now on. `keeps`: something would be lost if a signal ended the
 * process. Returns 0, or an errno: there is no thread, and signals are left alone.
 */
int weftp_watch_apply(const struct weftp_settings *settings, bool keeps);
/* End the thread and wait for it, unless it is the caller. Signals that end are at their default again. */
void weftp_watch_stop(int64_t deadline_ms);
/* There is no thread in the child. True: the next apply has to start one. */
bool weftp_watch_fork_child(void);

#endif
