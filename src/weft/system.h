/*
 * The one process-wide logging system: started lazily, reconfigured as a whole, shut down once.
 *
 * Its job: the life of it all - state, configuration lock, the published pipeline, fork, exit. Not its job: any record
 * (emit.c), any setting (config).
 *
 *   start, configure, shutdown | any thread, not from inside a call of weft; they lock
 *   state, pipeline            | any thread, also in a signal handler
 *
 * Locks, in the order in which they are taken: the system's, the loggers', the threads', one sink's.
 * May include: everything; nothing includes it but src/weft.
 */
#ifndef WEFTP_WEFT_SYSTEM_H
#define WEFTP_WEFT_SYSTEM_H

#include "../config/settings.h"
#include "../config/wire.h"
#include "../logger/logger.h"
#include "../pipeline/worker.h"

#include <locale.h>

enum weftp_state { WEFTP_STATE_NEW, WEFTP_STATE_RUNNING, WEFTP_STATE_SHUT };

#define WEFTP_EXIT_TIMEOUT_MS 2000 /* the longest that exit() waits for other threads' calls */
#define WEFTP_RETIRE_TIMEOUT_MS                                                                    \
    5000 /* the longest that a reload waits before it leaves the old pipeline for later */

struct weftp_system {
    struct weftp_lock lock; /* the configuration's: start, init, reload, shutdown, test capture */
    int state;              /* enum weftp_state; atomic */
    struct weftp_pipeline *pipeline; /* atomic; NULL before the start and after the end */
    struct weftp_pipeline *real;     /* while a test captures: what goes on afterwards */
    struct weftp_pipeline *retired;  /* replaced, while some thread was still inside of it */
    struct weftp_settings *settings;
    struct weftp_catalog catalog; /* built-in kinds and registered ones */
    weft_options program;         /* deep copies */
    locale_t locale;              /* of printf-style messages: C, with UTF-8 where there is one */
    /* The sinks' counts at the end, when they are closed. */
    weft_sink_stats last_sinks[WEFT_SINKS_MAX];
    size_t last_sink_count;
    /* Counts of what never reached a thread's own. Atomic. */
    uint64_t dropped_reentrant, dropped_shutdown, dropped_start, config_errors;
    bool queue_over;             /* what is in the queue now is lost: the end did not wait for it */
    uint64_t recovered;          /* records of processes that died */
    struct weftp_worker worker;  /* the queue's; used once it is open */
    struct weftp_store *store;   /* where its rings live; NULL: in memory of the process's own */
    char *queue_dir, *crash_dir; /* that are in force; owned; NULL: none */
    unsigned attention;          /* enum weftp_attention; atomic */
};

/* What the next log call does first, on whichever thread; bits. */
enum weftp_attention { WEFTP_ATTENTION_FORKED = 1, WEFTP_ATTENTION_CAPTURE = 2 };

extern struct weftp_system weftp_system;

struct weftp_complaints;

static inline int weftp_system_state(void)
{
    return __atomic_load_n(&weftp_system.state, __ATOMIC_ACQUIRE);
}
static inline struct weftp_pipeline *weftp_system_pipeline(void)
{
    return __atomic_load_n(&weftp_system.pipeline, __ATOMIC_ACQUIRE);
}

static inline unsigned weftp_system_attention(void)
{
    return __atomic_load_n(&weftp_system.attention, __ATOMIC_RELAXED);
}

/*
 * Take the configuration's lock, and let it go. Who holds it may be writing to a sink that does not
 * answer: what has to end waits until a deadline; false: it is not taken. A log call on a thread that holds it (the program's
 * malloc logs, or a signal handler does) must not start weft: holds says so. Signal-safe is holds
 * alone.
 */
void weftp_system_lock(void);
bool weftp_system_lock_until(int64_t deadline_ms);
void weftp_system_unlock(void);
bool weftp_system_holds(void);
/* In a forked child: nobody holds it. */
void weftp_system_lock_anew(void);

/* Write a status record by the pipeline in force, if there is one. The lock is held. */
void weftp_system_say(const struct weftp_word *word);

/* Start if nobody has: WEFT_OK when it runs; WEFT_ESTATE after shutdown; WEFT_ENOMEM: try again. */
weft_status weftp_system_start(void);
/* Read all sources and put them in force, at the start or later. `program` NULL: as it was given before. */
weft_status weftp_system_configure(const weft_options *program);
/*
 * The same with the options that were given before, at the wish of the program (`why` NULL) or of somebody else, who is
 * told on stderr that it was done. WEFT_EINVAL: the file is of no use, that was said, and nothing has changed.
 */
weft_status weftp_system_reload(const char *why);
/* Do what a log call does first when there is something: restart what a fork has ended, bring prints into order. */
void weftp_system_attend(void);
/* What other code printed: one line, or a piece of one. */
struct weftp_print {
    weft_logger *logger;
    int level;
    const char *text;
    size_t size;
    bool partial;      /* its line goes on in the next one */
    int64_t thread_id; /* of the thread that reads prints: who printed is not known */
};
/* emit.c: make a record of it, without a context. */
void weftp_emit_print(const struct weftp_print *print);

/* Put a pipeline in the place of the one in force, and return that one once nobody is inside of it any more. The lock is held. */
void weftp_system_publish(struct weftp_pipeline *next, bool destroy_previous);
/* Put the levels of the settings in force again. The lock is held. */
weft_status weftp_system_levels(void);
weft_status weftp_system_shutdown(uint32_t timeout_ms);

/* queue.c: the queue's life. The lock is held, but for the fork's. */
/* Open it, or give it other options, and have the pipeline, which is not in force yet, use it or not. */
struct weftp_complaints;
void weftp_system_queue_apply(const struct weftp_settings *settings,
                              struct weftp_pipeline *pipeline, struct weftp_complaints *complaints);
/* The settings are in force: end what they do not ask for. */
void weftp_system_queue_settle(const struct weftp_settings *settings);
/* Before another pipeline takes over: what was logged goes where it would have gone. */
void weftp_system_queue_drain(const struct weftp_pipeline *pipeline, int64_t deadline_ms);
/*
 * Nothing is logged any more: get rid of what is there, and end the worker. False: it did not get so
 * far, and may stand in a sink; what is left counts as dropped.
 */
bool weftp_system_queue_end(int64_t deadline_ms);
/* Afterwards, with no call under way: what came in at the last moment. The thread is inside a call. */
void weftp_system_queue_finish(const struct weftp_pipeline *pipeline, struct weftp_thread *thread);
void weftp_system_queue_free(void);
void weftp_system_queue_fork_prepare(int64_t deadline_ms);
void weftp_system_queue_fork_parent(void);
void weftp_system_queue_fork_child(void);

/* propagation.c: put the settings' propagators in force; free them all. The lock is held. */
weft_status weftp_system_propagation(const struct weftp_settings *settings);
void weftp_system_propagation_free(void);

/* fork.c: install the handlers of pthread_atfork, once. Before the lock is taken: a fork then waits for a start. */
void weftp_fork_hook(void);

#endif
