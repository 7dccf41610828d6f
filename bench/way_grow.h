/* Calls of weft that grow: with more fields, more context, longer messages. */
#ifndef BENCH_WAY_GROW_H
#define BENCH_WAY_GROW_H

#include "bench.h"

#include <weft/logger.h>

#define WAY_GROW_MDC_MAX           32
#define WAY_GROW_MESSAGE_BYTES_MAX 65536

/* False for what cannot be: fields are 0 or a power of two up to 64. */
bool way_grow_open(const struct bench_job *job);
bool way_grow_thread_open(const struct bench_job *job);
void way_grow_run(weft_logger *log, uint64_t records);

#endif
