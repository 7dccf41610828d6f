/*
 * The hand-written encoder to a file in three forms: write(2) for each line, a buffer of 64 KiB for
 * each thread, and one buffer that all threads share under a lock.
 */
#include "hand_encode.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES 65536

struct buffer {
    size_t size;
    char bytes[BUFFER_BYTES];
};

static int file = -1;
static struct buffer shared;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static _Thread_local struct buffer own;
static _Thread_local struct hand_clock own_clock = {.second = -1};

static bool write_open(const struct bench_job *job)
{
    if (job->path) file = bench_file_open(job->path);
    return job->kind <= BENCH_ESC && (!job->path || file >= 0);
}

static size_t encode_now(enum bench_kind kind, char *line, uint64_t i)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return hand_encode(kind, line, i, now, &own_clock);
}

static void write_run(enum bench_kind kind, uint64_t records)
{
    char line[HAND_LINE_BYTES_MAX];
    for (uint64_t i = 0; i < records; i++) bench_file_write(file, line, encode_now(kind, line, i));
}

static void buffer_empty(struct buffer *buffer)
{
    if (buffer->size) bench_file_write(file, buffer->bytes, buffer->size);
    buffer->size = 0;
}

static bool batch_drain(void)
{
    buffer_empty(&own);
    return true;
}

static bool batch_open(const struct bench_job *job)
{
    bench_drain_set(batch_drain);
    return write_open(job);
}

static void batch_run(enum bench_kind kind, uint64_t records)
{
    struct buffer *const buffer = &own;
    for (uint64_t i = 0; i < records; i++) {
        if (buffer->size > BUFFER_BYTES - HAND_LINE_BYTES_MAX) buffer_empty(buffer);
        buffer->size += encode_now(kind, buffer->bytes + buffer->size, i);
    }
}

static bool mutex_drain(void)
{
    pthread_mutex_lock(&shared_lock);
    buffer_empty(&shared);
    pthread_mutex_unlock(&shared_lock);
    return true;
}

static bool mutex_open(const struct bench_job *job)
{
    bench_drain_set(mutex_drain);
    return write_open(job);
}

static void mutex_run(enum bench_kind kind, uint64_t records)
{
    char line[HAND_LINE_BYTES_MAX];
    for (uint64_t i = 0; i < records; i++) {
        const size_t size = encode_now(kind, line, i);
        pthread_mutex_lock(&shared_lock);
        if (shared.size + size > BUFFER_BYTES) buffer_empty(&shared);
        memcpy(shared.bytes + shared.size, line, size);
        shared.size += size;
        pthread_mutex_unlock(&shared_lock);
    }
}

static void encode_run(enum bench_kind kind, uint64_t records)
{
    char line[HAND_LINE_BYTES_MAX];
    for (uint64_t i = 0; i < records; i++) {
        const int64_t time_ns = BENCH_TIME_NS(i);
        const struct timespec time = {time_ns / 1000000000, time_ns % 1000000000};
        hand_encode(kind, line, i, time, &own_clock);
        bench_keep(line);
    }
}

static bool hand_close(void)
{
    return file < 0 || close(file) == 0;
}

static size_t hand_line(enum bench_kind kind, char *to, size_t size)
{
    return size >= HAND_LINE_BYTES_MAX ? encode_now(kind, to, 0) : 0;
}

const struct bench_way bench_way_hand_write = {
    "hand_write", "a writer that knows the line by heart, and write(2)",
    true,         write_open,
    NULL,         write_run,
    hand_close,   hand_line};
const struct bench_way bench_way_hand_batch = {
    "hand_batch", "the same into 64 KiB a thread", true, batch_open, NULL, batch_run, hand_close,
    hand_line};
const struct bench_way bench_way_hand_mutex = {
    "hand_mutex", "the same into 64 KiB that threads share under a lock",
    true,         mutex_open,
    NULL,         mutex_run,
    hand_close,   hand_line};
const struct bench_way bench_way_hand_encode = {"hand_encode", "the same without clock and file",
                                                false,         write_open,
                                                NULL,          encode_run,
                                                hand_close,    NULL};
