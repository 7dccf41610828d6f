/*
 * A callback: sink whose worker stands behind its first batch, which is in the file and in the ring.
 */
#ifndef TEST_SUPPORT_STANDING_SINK_H
#define TEST_SUPPORT_STANDING_SINK_H

#include <unistd.h>
#include <weft/sys/sink.h>

static int batches; /* atomic: 1 when it stands */

static inline weft_status stand(void *arg, const struct weft_line *line)
{
    (void)arg;
    (void)line;
    __atomic_store_n(&batches, 1, __ATOMIC_SEQ_CST);
    for (;;) pause();
    return WEFT_OK;
}

#endif
