/*
 * What weft says about itself: a sink that fails, records that are lost.
 *
 * Its job: the record of it. Not its job: who says it, and where (outlet.h, pipeline.h).
 * Threads: the thread that says it. May include: base, port, public value headers.
 */
#ifndef WEFTP_PIPELINE_WORD_H
#define WEFTP_PIPELINE_WORD_H

#include "thread.h"

/* What weft has to say about itself. */
struct weftp_word {
    int level;
    int64_t time_ns;
    const char *message; /* static text */
    const weft_field *fields;
    size_t count;
};
/* The record of it: logger "weft", this thread, no context. */
void weftp_own_record(struct weft_record *record, const struct weftp_thread *thread,
                      const struct weftp_word *word);

#endif
