/*
 * Compression of rotated files in the background, all but the `delay` newest.
 *
 * Its job: one thread per sink at the lowest priority, started when there is something to do; when
 * to look, and when again. Not its job: names (rotated.h), replacing a file (compress_one.h).
 *
 *   function        | called by
 *   ----------------|------------------------------------------
 *   kick, error     | one thread at a time
 *   destroy         | the same; no kick after it
 *   forked          | the child, in its only thread
 *
 * A file that somebody still writes (shared flock), or that another process works on, is tried
 * again for some three seconds, during which the thread is not busy, and then once a minute for as
 * long as one is left and the process lives: a rotation or a start look at once. A forked child in
 * whose parent something was left looks for itself when error() is asked for the first time; what
 * the parent does meanwhile is passed over.
 * May include: compress_one, port.
 */
#ifndef WEFTP_SINKS_KIT_COMPRESS_H
#define WEFTP_SINKS_KIT_COMPRESS_H

#include "rotate.h"

struct weftp_compressor;

/* Make one; NULL: no memory. The rotation outlives it. No thread is started. */
struct weftp_compressor *weftp_compressor_create(const struct weftp_rotation *rotation);
/* Whether something is waiting to be compressed, or to be cleaned up after a crash. */
bool weftp_compressor_needed(const struct weftp_rotation *rotation);
/* Look for work, in the background. Returns 0 or the errno of starting the thread. */
int weftp_compressor_kick(struct weftp_compressor *compressor);
/*
 * The errno of the last failure, which is forgotten by this; 0: none. To be asked about once a
 * second: in a forked child it takes up what the parent left.
 */
int weftp_compressor_error(struct weftp_compressor *compressor);
/* Wait until there is nothing more to do now, at most timeout_ms. False: there is. */
bool weftp_compressor_wait(struct weftp_compressor *compressor, uint32_t timeout_ms);
void weftp_compressor_forked(struct weftp_compressor *compressor);
/*
 * Give it timeout_ms to finish, then stop it (what is half done is undone) and free it. NULL does
 * nothing.
 */
void weftp_compressor_destroy(struct weftp_compressor *compressor, uint32_t timeout_ms);

#endif
