/*
 * For users' unit tests: catch what the code under test logs, parsed, under a clock, pid, host and thread name that the
 * test sets. While a capture is open, records of all threads go to it and to no sink.
 */
#ifndef WEFT_TEST_H
#define WEFT_TEST_H

#include "level.h"
#include "status.h"

typedef struct weft_test_options {
    size_t struct_size;
    const char *format;   /* NULL: "ecs" */
    const char *level;    /* as WEFT_LEVEL; NULL: "trace" */
    int64_t time_ns;      /* of every record, since 1970; INT64_MIN: the real clock */
    int64_t time_step_ns; /* added after each record */
    int64_t pid;          /* 0: the real one */
    const char *host, *thread, *service; /* NULL: the real ones; no service */
} weft_test_options;
#define WEFT_TEST_OPTIONS_INIT                                                                     \
    {                                                                                              \
        sizeof(weft_test_options), NULL, NULL, INT64_MIN, 0, 0, NULL, NULL, NULL                   \
    }

typedef struct weft_test_capture_state weft_capture;

WEFT_EXTERN_C_BEGIN
/**
 * Begin to capture. Owned: weft_test_release. One at a time.
 *
 * The levels are those of the options alone, the settings' do not count, nor do static fields.
 * @param options  NULL: WEFT_TEST_OPTIONS_INIT. All that it points to is copied.
 * @return NULL when out of memory, a format or level is unknown, a capture is open already, or after
 *         weft_shutdown. The functions below take NULL: nothing was captured.
 *
 * Threads: any, when no other thread logs. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_capture *weft_test_capture(const weft_test_options *options);
/**
 * End the capture, free it, and give the sinks back. NULL does nothing.
 *
 * Threads: any, when nobody uses the capture any more. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_test_release(weft_capture *capture);
/**
 * Forget what was captured so far.
 *
 * Threads: any, while nobody looks at a record. Signals: unsafe. Since: 0.1.
 */
WEFT_API void weft_test_reset(weft_capture *capture);
/**
 * Return how many records were captured.
 *
 * Threads: any, also while others log. Signals: unsafe. Since: 0.1.
 */
WEFT_API size_t weft_test_count(weft_capture *capture);

/*
 * A record by its index, the oldest is 0. What is returned is borrowed until weft_test_reset or
 * weft_test_release. Look when no other thread logs: the list may move as it grows.
 */
/**
 * Return a record's line without its newline; NULL past the last one.
 *
 * Threads: any, one at a time. Signals: unsafe. Since: 0.1.
 */
WEFT_API const char *weft_test_line(weft_capture *capture, size_t index);
/**
 * Return a record's level; WEFT_LEVEL_OFF past the last one.
 *
 * Threads: any, one at a time. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_level weft_test_level(weft_capture *capture, size_t index);
/**
 * Return the name of a record's logger, "" for the root; NULL past the last one.
 *
 * Threads: any, one at a time. Signals: unsafe. Since: 0.1.
 */
WEFT_API const char *weft_test_logger(weft_capture *capture, size_t index);
/**
 * Return a record's message; NULL past the last one, and for formats whose lines are no JSON.
 *
 * Threads: any, one at a time. Signals: unsafe. Since: 0.1.
 */
WEFT_API const char *weft_test_message(weft_capture *capture, size_t index);
/**
 * Return a value of the parsed line as text (numbers as they stand in the line, true, false, null);
 * NULL when it is not there, is an object or array, or the line is no JSON.
 *
 * @param path  Member names separated by '/', array positions as numbers: "labels/order_id",
 *              "log.level", "tags/0". NULL finds nothing.
 *
 * Threads: any, one at a time. Signals: unsafe. Since: 0.1.
 */
WEFT_API const char *weft_test_value(weft_capture *capture, size_t index, const char *path);
/**
 * Return the index of the first record at or after `from` with this message; SIZE_MAX when there is
 * none.
 *
 * Threads: any, one at a time. Signals: unsafe. Since: 0.1.
 */
WEFT_API size_t weft_test_find(weft_capture *capture, size_t from, const char *message);
WEFT_EXTERN_C_END

#endif
