/*
 * `memory:`: the last lines, kept in memory until somebody wants them.
 *
 * Options: bytes= (1MiB; of the ring), dump=stderr|none (stderr: a FATAL line writes the ring to
 * stderr and empties it). The oldest lines make room for new ones, which is no loss; a line that is
 * larger than the ring is one.
 * Threads: as the sink contract says; dump: beside nothing else of this instance.
 * May include: kit, port.
 */
#ifndef WEFTP_SINKS_MEMORY_H
#define WEFTP_SINKS_MEMORY_H

#include <weft/sys/sink.h>

extern const struct weft_sink_type_more weftp_sink_memory;

/*
 * Write what the ring holds to a descriptor, the oldest line first, waiting at most a second for
 * one that does not block. The ring stays as it is.
 * @retval WEFT_EINVAL  self is NULL, or fd negative.
 * @retval WEFT_EIO     Not all could be written.
 */
weft_status weftp_memory_dump(void *self, int fd);

#endif
