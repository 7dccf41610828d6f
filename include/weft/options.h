/*
 * Life: configure, flush, shut down, reload, count. Everything here is optional: the first use of weft reads WEFT_* from
 * the environment and starts it, and exit() flushes it.
 *
 * Defaults < weft_options < the JSON file (WEFT_CONFIG) < the environment. A bad value never stops the service: it is
 * named once on stderr with what is accepted, and the default holds.
 */
#ifndef WEFT_OPTIONS_H
#define WEFT_OPTIONS_H

#include "level.h"
#include "status.h"

/* The program's own settings, each as the variable of the same name takes it; NULL or 0: not set. Copied by weft_init. */
typedef struct weft_options {
    size_t struct_size; /* sizeof(weft_options) */
    const char *level, *format, *sinks, *service;
    bool async; /* the queue: encoding and I/O on a thread of weft's */
    size_t queue_bytes;
    uint32_t line_bytes_max; /* 0: 16,000 on stdout and stderr, 1 MiB elsewhere */
    const char *service_version, *service_env, *service_node, *fields;
    const char *propagators, *propagate_keys, *trust;
    const char *config; /* path of a JSON file */
    bool explain;       /* print what is in force, and which source set it, to stderr */
    const char *reload_signal, *config_watch, *sigterm, *capture;
    const char *overflow, *queue_dir, *crash;
    const char *trace_names, *gcp_project;
} weft_options;

#define WEFT_OPTIONS_INIT                                                                          \
    {                                                                                              \
        sizeof(weft_options), NULL, NULL, NULL, NULL, false, 0, 0, NULL, NULL, NULL, NULL, NULL,   \
            NULL, NULL, NULL, false, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL          \
    }
static inline weft_options weft_options_default(void)
{
    const weft_options options = WEFT_OPTIONS_INIT;
    return options;
}

#define WEFT_SINKS_MAX      16
#define WEFT_SINK_NAME_MAX_ 64

/* One sink's counts. accepted = written + dropped. */
typedef struct weft_sink_stats {
    char name[WEFT_SINK_NAME_MAX_]; /* the URL without its options, cut */
    uint64_t accepted, written, dropped;
    uint64_t failures; /* failed writes, opens, rotations */
    uint64_t bytes;    /* written */
    int32_t last_errno;
    uint32_t held; /* of written: lines that the sink keeps in its buffer just now */
} weft_sink_stats;

/*
 * Counts since start (in a forked child: since the fork, but for loggers_rejected, bound_rejected and
 * config_errors). accepted = written + dropped + queued, at any quiet moment.
 */
typedef struct weft_stats {
    size_t struct_size;
    uint64_t accepted; /* records whose level was on and that some sink wanted */
    uint64_t written;  /* by every sink that wanted them */
    uint64_t dropped;  /* all of these: */
    uint64_t
        dropped_reentrant; /* logged inside a sink, a callback, or a signal handler over a call of weft */
    uint64_t
        dropped_shutdown; /* logged after weft_shutdown, or in the queue when its time was over */
    uint64_t dropped_memory; /* no memory for the line */
    uint64_t dropped_sink;   /* at least one sink failed to take it */
    uint64_t truncated;      /* lines trimmed to their budget, or with cut keys */
    uint64_t renamed;        /* fields whose key was taken, empty or NULL */
    uint64_t mdc_rejected, mdc_leaked, mdc_bad_tokens;
    uint64_t loggers_rejected, bound_rejected;
    uint64_t headers_rejected; /* hostile or malformed propagation headers */
    uint64_t config_errors;
    uint64_t own_records; /* status and gap records that weft wrote about itself */
    uint64_t sink_count;
    weft_sink_stats sinks[WEFT_SINKS_MAX];
    /* The queue. */
    uint64_t dropped_queue; /* of dropped: there was no room, and WEFT_OVERFLOW said so */
    uint64_t dropped_queue_by_level[6]; /* TRACE, DEBUG, INFO, WARN, ERROR, FATAL */
    uint64_t queued;                    /* accepted, and not with the sinks yet */
    uint64_t queue_large;    /* records too large for a ring: written by their own thread */
    uint64_t queue_unstored; /* rings that WEFT_QUEUE_DIR had no room for */
    uint64_t recovered;      /* of processes that died: written by this one */
} weft_stats;

WEFT_EXTERN_C_BEGIN
/**
 * Configure weft; optional, at any time. A first call starts it, a later one reloads with these options.
 *
 * @param options  NULL: only the environment and the file.
 * @retval WEFT_OK      Configured. Bad values were named on stderr, and their defaults hold.
 * @retval WEFT_EINVAL  options->struct_size is 0.
 * @retval WEFT_ENOMEM  Out of memory; what was in force stays.
 * @retval WEFT_ESTATE  After weft_shutdown, or from inside a log call.
 *
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_init(const weft_options *options);

/**
 * Wait until every record accepted before this call has been handed to the operating system by its sinks.
 *
 * @param timeout_ms  Longest wait in milliseconds; 0 polls, UINT32_MAX waits for ever.
 * @retval WEFT_OK        Every sink reported success.
 * @retval WEFT_ETIMEOUT  Something is still under way; none is lost by this; call again.
 * @retval WEFT_EIO       The last line of a sink was lost, or something beside a line failed;
 *                        weft_stats_get() has the counts per sink.
 * @retval WEFT_ESTATE    Called from inside of a log call.
 * @retval WEFT_ENOMEM    This thread's first call, and memory is out.
 *
 * Before the start and after the end: WEFT_OK, there is nothing to wait for.
 * Threads: any, also while others log. Signals: unsafe (locks). Allocates: on a thread's first call.
 * Since: 0.1.
 */
WEFT_API weft_status weft_flush(uint32_t timeout_ms);

/**
 * Flush, close every sink and end weft's threads. Logging afterwards is harmless and counted (dropped_shutdown).
 *
 * Waits for calls of other threads that are under way, at most timeout_ms. Returns as weft_flush
 * does; WEFT_ETIMEOUT also where a weft_init or weft_reload does not come back: then nothing is
 * closed. A second call does nothing. exit() does the same by itself with 2,000 ms.
 *
 * Threads: any, also while others log. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_shutdown(uint32_t timeout_ms);

/**
 * Read file and environment again and put the result in force. Bad values in them: as at start. Sinks that stay look
 * for their files again, as after a rotation by another program.
 *
 * @retval WEFT_EINVAL  The file cannot be read or parsed: that is said on stderr, and what was in force stays.
 * @retval WEFT_ENOMEM  What was in force stays.
 * @retval WEFT_ESTATE  As weft_init.
 *
 * Threads: any, also while others log: nothing is lost or doubled. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_reload(void);

/**
 * Copy the counts; stats_size is sizeof *stats, so that the struct can grow.
 *
 * @retval WEFT_EINVAL  stats is NULL or stats_size too small for its first member.
 * @retval WEFT_ESTATE  Called from inside of a log call.
 *
 * Threads: any. Signals: unsafe. Allocates: never. Since: 0.1.
 */
WEFT_API weft_status weft_stats_get(weft_stats *stats, size_t stats_size);

/**
 * Write what the `memory:` sinks hold to a file descriptor, oldest line first.
 *
 * @retval WEFT_ENOTFOUND  No memory: sink is configured.
 * @retval WEFT_EIO        The descriptor did not take it all.
 * @retval WEFT_EINVAL     fd is negative.
 * @retval WEFT_ENOMEM     Out of memory.
 * @retval WEFT_ESTATE     Called from inside of a log call.
 *
 * The rings stay as they are. A descriptor that does not block is waited for, at most a second.
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_memory_dump(int fd);

/** Return weft's version, "MAJOR.MINOR.PATCH". Static. Threads: any. Signals: safe. Since: 0.1. */
WEFT_API const char *weft_version(void);
WEFT_EXTERN_C_END

#endif
