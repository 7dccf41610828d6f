/*
 * Compress one open file into another as gzip (RFC 1952).
 *
 * Threads: any. Allocates: yes (zlib, and 128 KiB).
 * May include: port, zlib.
 */
#ifndef WEFTP_SINKS_KIT_GZIP_H
#define WEFTP_SINKS_KIT_GZIP_H

#include <stdatomic.h>

/*
 * Read `from` from its start to its end and write the compressed bytes to `to`. Returns 0, an
 * errno, or ECANCELED when *stop became true on the way.
 */
int weftp_gzip_copy(int from, int to, const atomic_bool *stop);

#endif
