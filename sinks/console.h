/*
 * `stdout:` and `stderr:`, and what writes to a descriptor by its number: `file:/dev/stdout`,
 * `file:/dev/fd/5`.
 *
 * Options: timeout= (1s; longest wait for room and for the lock where the descriptor does not
 * block), lock=auto|always|never (auto and always: around every line on a pipe).
 * Threads: as the sink contract says.
 * May include: kit, port.
 */
#ifndef WEFTP_SINKS_CONSOLE_H
#define WEFTP_SINKS_CONSOLE_H

#include <weft/sys/sink.h>

extern const struct weft_sink_type_more weftp_sink_stdout;
extern const struct weft_sink_type_more weftp_sink_stderr;
/*
 * Over the descriptor that the option "path" names; chosen by weftp_sinks_find. Its name is "file".
 */
extern const struct weft_sink_type_more weftp_sink_descriptor;

/*
 * The number that a path like /dev/stdout, /dev/fd/N or /proc/self/fd/N stands for; -1 for all
 * others and NULL.
 */
int weftp_console_number(const char *path);

#endif
