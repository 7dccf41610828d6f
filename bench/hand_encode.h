/* A hand-written encoder of weft's line for R10, R0 and ESC, and for nothing else. */
#ifndef BENCH_HAND_ENCODE_H
#define BENCH_HAND_ENCODE_H

#include "bench.h"

#include <time.h>

/* The longest line, and the room that the encoder needs beyond it. */
#define HAND_LINE_BYTES_MAX 4096

/* The text of the second that was written last; begin with second = -1. One a thread. */
struct hand_clock {
    time_t second;
    char text[80];
};

/* Encode the i-th record into HAND_LINE_BYTES_MAX bytes at `line`; returns its size. */
size_t hand_encode(enum bench_kind kind, char *line, uint64_t i, struct timespec now,
                   struct hand_clock *cache);

#endif
