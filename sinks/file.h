/*
 * `file:PATH`: lines appended to a file, one write(2) for each call or each batch, rotated by size,
 * age and period.
 *
 * Options: kit/appender_options.c; what they mean: docs/sinks.md.
 * Threads: as the sink contract says.
 * May include: kit, port.
 *
 * A rotation, a reopening, a sync or a compression that failed costs no line: write answers
 * WEFT_EIO with all lines taken, once. A file that cannot be opened fails every line, and is tried
 * again once a second, by the lines' time.
 */
#ifndef WEFTP_SINKS_FILE_H
#define WEFTP_SINKS_FILE_H

#include <weft/sys/sink.h>

extern const struct weft_sink_type_more weftp_sink_file;

#endif
