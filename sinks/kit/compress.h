/*
 * Compression of rotated files in the background: app.log.3 becomes app.log.3.gz.
 *
 * Its job: one thread per sink, started when there is something to do; crash-safe replacement. Not
 * its job: names and their order (rotate.h).
 *
 *   function        | called by
 *   ----------------|------------------------------------------
 *   kick, error     | one thread at a time
 *   destroy         | the same; no kick after it
 *   forked          | the child, in its only thread
 *
 * The .gz grows under the name .app.log.gz.tmp, which is locked while somebody works on it: so one
 * process at a time compresses, and one that is killed blocks nobody; what it left is overwritten
 * by the next. When it is whole it is synced, renamed, the directory synced, and only then is the
 * plain file removed. A plain file that somebody still writes (shared flock) is tried again for
 * some seconds, and otherwise left for the next time.
 * May include: rotate, port, zlib.
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
/* The errno of the last failure, which is forgotten by this; 0: none. */
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
