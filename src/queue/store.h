/*
 * Rings in files: what this process has not written yet outlives it, whatever ends it.
 *
 * Its job: a session of this process in a directory: its lock, its ring files, the texts of its call
 * sites. Not its job: the rings (ring.h); what a dead process left (salvage.h).
 *
 *   function         | by
 *   -----------------|-----------------------------------------------------------------------
 *   open, close      | the thread that configures; nobody uses the store's queue at close
 *   type's functions | the queue, under its lock
 *   spare            | the thread that configures
 *   fork_child       | the child, in its only thread, once the table of sites is its own
 *
 * A ring's blocks are allocated before it is mapped, so that a full disk is found out then and there
 * and never by SIGBUS; the queue then goes on with memory of its own, and counts. Locks: the queue's
 * is held when the sites' is taken. May include: record, base, port.
 */
#ifndef WEFTP_QUEUE_STORE_H
#define WEFTP_QUEUE_STORE_H

#include "queue.h"

struct weftp_store;

/*
 * Begin a session of this process in a directory (session.h: which one will do). It is made if only
 * the last part of its path is missing.
 *
 * @retval WEFT_EINVAL  It will not do; `why` says the reason in a few words: "is not owned by this
 *                      user".
 * @retval WEFT_EIO     No files or locks are to be had there; `why` says the reason.
 * @retval WEFT_ENOMEM  `why` says so.
 */
weft_status weftp_store_open(struct weftp_store **out, const char *dir, char *why, size_t why_size);
/* For weftp_queue_store_set; lives as long as the store. */
const struct weftp_queue_store *weftp_store_type(struct weftp_store *store);
/*
 * End the session. Without `keep`, all its files are removed, mapped or not: nothing is in them any
 * more. `keep`: they are for the next start. NULL does nothing.
 */
void weftp_store_close(struct weftp_store *store, bool keep);
/* A ring file without room for anything, for who writes rings into it at the end; -1: none. */
int weftp_store_spare(struct weftp_store *store);
/* The files are the parent's: forget them. The next ring begins a session of the child's own. */
void weftp_store_fork_child(struct weftp_store *store);

#endif
