/*
 * `file:PATH`: lines appended to a file, one write(2) for each call, rotated by size.
 *
 * Options: max_bytes= (rotate before the file grows beyond; 0, the default: never), keep= (7;
 * rotated files that stay), compress=gzip|none (none), mode= (0640, less the umask; a given one
 * holds exactly), symlink=follow|refuse (refuse).
 * Threads: as the sink contract says.
 * May include: kit, port.
 *
 * A rotation, a reopening or a compression that failed costs no line: write answers WEFT_EIO with
 * all lines taken, once. A file that cannot be opened fails every line, and is tried again once a
 * second, by the lines' time.
 */
#ifndef WEFTP_SINKS_FILE_H
#define WEFTP_SINKS_FILE_H

#include <weft/sys/sink.h>

extern const struct weft_sink_type_more weftp_sink_file;

#endif
