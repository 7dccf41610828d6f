/*
 * The table of call sites: each place in the source that logs has a number, and its text is kept
 * here, so that a record names its site by 4 bytes that stay true when the image that holds the
 * call is unloaded.
 *
 * Its job: number, copy, find again, tell those who keep the texts elsewhere. Not its job: where
 * they keep them.
 *
 *   weftp_site_register        | any thread; a load where the site is known; else locks, allocates
 *   weftp_site_at, _count      | any thread, lock-free; signal-safe
 *   weftp_sites_watch, unwatch | any thread; lock
 *   weftp_sites_fork_…         | the forking thread
 *
 * Signals: only those named are safe; a handler that may have interrupted a call of the library
 * must not register. May include: base, port, public value headers.
 */
#ifndef WEFTP_RECORD_SITES_H
#define WEFTP_RECORD_SITES_H

#include <weft/sys/encoder.h>

#define WEFTP_SITES_MAX          65536 /* in a process, ids are 1 to this */
#define WEFTP_SITE_TEXT_SIZE_MAX 4095  /* bytes of a file or function; more is cut */
#define WEFTP_SITES_WATCHERS_MAX 8

/* Behind weftp_site_register: a site that has no number yet. */
uint32_t weftp_site_register_new(weft_site *site);

/*
 * Return a site's number, unique in this process for as long as it lives. Sites of the same file,
 * function, line, level and flags have the same one: those of a plug-in that was loaded again.
 *
 * @param site  Writable: its id is set. NULL: 0.
 * @return  0: no memory, or WEFTP_SITES_MAX are known; counted. The site may be tried again.
 */
static inline uint32_t weftp_site_register(weft_site *site)
{
    if (!site) return 0;
    /* Whoever hands the number on has seen what stands in the table. */
    const uint32_t id = __atomic_load_n(&site->id, __ATOMIC_ACQUIRE);
    return __builtin_expect(id != 0, 1) ? id : weftp_site_register_new(site);
}

/*
 * Return the library's own copy of a site (file and func never NULL); NULL: no such id. Its address
 * and content stay as long as the process. Ids are those of this process, never of a file.
 */
const weft_site *weftp_site_at(uint32_t id);

/* How many are known: their ids are 1 to this. */
uint32_t weftp_sites_count(void);

/* How often a site got no number. */
uint64_t weftp_sites_refused(void);

/*
 * Tell of each known site, before this returns, and of each later one before its number is given to
 * anybody. `registered` is called under the table's lock: it must not log, and must not register or
 * watch.
 *
 * @return  False: WEFTP_SITES_WATCHERS_MAX watch already; nothing was called.
 */
bool weftp_sites_watch(void (*registered)(void *arg, const weft_site *site), void *arg);
/* End that: when this returns, `registered` is not called with `arg` any more. */
void weftp_sites_unwatch(void (*registered)(void *arg, const weft_site *site), void *arg);

/* Hold the table still, and let go of it: templates are made under its lock. */
void weftp_sites_hold(void);
void weftp_sites_let_go(void);

/* Hold the table still over a fork, and let go of it. The child keeps all numbers and watchers. */
void weftp_sites_fork_prepare(void);
void weftp_sites_fork_parent(void);
void weftp_sites_fork_child(void);

#endif
