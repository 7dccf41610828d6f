/*
 * A reader of numbered lines (seq=on, format ecs): tells whether a file holds all that was written into it, as
 * docs/reliability.md says that a reader can.
 */
#ifndef TEST_SUPPORT_NUMBERS_H
#define TEST_SUPPORT_NUMBERS_H

#include "support/rows.h"

#define NUMBER_STREAMS_MAX 64

/* The lines of one boot id. */
struct number_stream {
    char id[33];
    uint64_t last, lines, gaps, lost; /* lost: as gap records say */
};

struct number_reader {
    struct number_stream streams[NUMBER_STREAMS_MAX];
    size_t count;
    uint64_t without; /* lines that have no number */
    bool hole; /* numbers are missing, or out of order, and no record tells of just so many */
};

static inline struct number_stream *number_stream_of(struct number_reader *reader, const char *id)
{
    for (size_t i = 0; i < reader->count; i++)
        if (strcmp(reader->streams[i].id, id) == 0) return &reader->streams[i];
    if (strlen(id) != 32 || strspn(id, "0123456789abcdef") != 32) fail_msg("\"%s\" is no id", id);
    if (reader->count == NUMBER_STREAMS_MAX) fail_msg("too many ids");
    struct number_stream *stream = &reader->streams[reader->count++];
    memcpy(stream->id, id, 33);
    return stream;
}

static inline void number_read_line(void *arg, yajl_val line)
{
    struct number_reader *reader = arg;
    const char *id = member_text(line, "process.entity_id");
    const char *seq = member_text(line, "event.sequence");
    const char *message = member_text(line, "message");
    uint64_t missing = 0;
    if (!id || !seq) {
        reader->without++;
        return;
    }
    struct number_stream *stream = number_stream_of(reader, id);
    const uint64_t number = strtoull(seq, NULL, 10);
    if (strcmp(message, "records lost") == 0) {
        missing = row_number(line, "lost");
        stream->gaps++;
        stream->lost += missing;
    }
    if (number != stream->last + missing + 1) {
        fprintf(stderr, "%llu behind %llu, told of %llu: %s\n", (unsigned long long)number,
                (unsigned long long)stream->last, (unsigned long long)missing, message);
        reader->hole = true;
    }
    stream->last = number;
    stream->lines++;
}

static inline void number_read(struct number_reader *reader, const char *path)
{
    char *text = row_text(path);
    assert_int_equal(each_line(text, number_read_line, reader), 0);
    free(text);
}

#endif
