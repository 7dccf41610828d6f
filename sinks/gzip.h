/*
 * `gzip:PATH`: lines in batches, each of which is appended as one whole gzip member, rotated by
 * size, age and period.
 *
 * Options: those of file: but compress, compress_delay and preallocate; compress_level= is 1 to 9,
 * buffer_bytes= (256KiB) 4KiB to 64MiB.
 * Threads: as the sink contract says.
 * May include: kit, zlib.
 *
 * The file is a valid gzip file at each moment between two writes, also when the process is killed;
 * what it had taken since the last flush is lost then. Any number of processes may share it.
 */
#ifndef WEFTP_SINKS_GZIP_H
#define WEFTP_SINKS_GZIP_H

#include <weft/sys/sink.h>

extern const struct weft_sink_type_more weftp_sink_gzip;

#endif
