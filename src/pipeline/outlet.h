/*
 * One sink as the pipeline sees it: its instance, its lock, its counts, its gap ledger.
 *
 * Its job: hand lines to the sink one at a time, count what became of them, and say in the stream what is missing once
 * it takes lines again. Not its job: encoding (line.h), who wants which level (pipeline.h).
 *
 *   create, ref, unref, settle | the thread that configures
 *   deliver, lose, flush       | any; each takes the lock
 *
 * Each record that a sink was to get takes the next number, also one that is lost, and so does a gap record that is
 * written: where numbers are missing, the record behind them tells of exactly so many.
 *
 * A sink may keep lines for a while (sys/sink.h: pending_ms): they count as written, and the ticker calls it back. What
 * it still has when it is closed is lost; settle moves it over to `dropped`.
 *
 * May include: base, port, the sink type.
 */
#ifndef WEFTP_PIPELINE_OUTLET_H
#define WEFTP_PIPELINE_OUTLET_H

#include "gap.h"
#include "line.h"
#include "numbers.h"
#include "thread.h"
#include "ticker.h"
#include "word.h"
#include <weft/options.h>
#include <weft/sys/sink.h>

#define WEFTP_REPORT_INTERVAL_MS 10000 /* at most one status record about a sink in this time */

struct weftp_outlet {
    struct weftp_lock lock;
    const struct weft_sink_type *type;
    void *self;
    char *url; /* as written, secrets masked: two outlets with the same URL are the same */
    unsigned refs;
    bool console;
    bool guarded;                  /* its write() sees to cancellation */
    struct weftp_numbers *numbers; /* seq=on; owned. NULL: lines are written as they come */
    /* From here on under the lock. */
    uint64_t seq;                                         /* the last number that was taken */
    uint64_t accepted, written, dropped, failures, bytes; /* written as atomics */
    int last_errno;                                       /* the same */
    bool failing;
    struct weftp_gap gap;
    int64_t report_at_ms; /* when the next status record may be written */
    uint64_t reported;    /* dropped records that status records have told of */
    bool ticking;         /* the ticker will call, or calls just now */
    struct weftp_tick tick;
    struct weft_sink_error trouble; /* outside of a delivery; the next one tells. err 0: none */
    uint64_t settled;               /* lines that it keeps and that count as dropped */
};

/* Lines for one sink. */
struct weftp_lines {
    struct weft_line *lines;
    size_t count;
    bool *lost; /* one for each line */
};

/* What a delivery leaves to be said on stderr, once the lock is released. */
struct weftp_failure {
    bool due;
    uint64_t lost;
    struct weft_sink_error error;
};

/* Make an outlet over an opened instance, which it then owns. NULL: out of memory (the instance stays the caller's). */
struct weftp_outlet *weftp_outlet_create(const struct weft_sink_type *type, void *self,
                                         const char *url);
/* Have its lines numbered; before it is used. `apart`: see numbers.h. False: out of memory. */
bool weftp_outlet_number(struct weftp_outlet *outlet, bool apart);
void weftp_outlet_ref(struct weftp_outlet *outlet);
/* Give a reference back; with the last one the sink is flushed and closed. NULL does nothing. */
void weftp_outlet_unref(struct weftp_outlet *outlet);

/*
 * Hand over one line, a gap record in front of it where one is owed. False: it is lost, and *failure may be due.
 * Deferred cancellation is not acted upon inside.
 */
bool weftp_outlet_deliver(struct weftp_outlet *outlet, struct weftp_thread *thread,
                          struct weft_line *line, const struct weftp_encoding *encoding,
                          struct weftp_failure *failure);
/*
 * The same for many lines, in order: lost[i] is set for each that is lost, and left alone otherwise.
 * The others are tried when one fails. Lines that stand without gaps go out in as few writes as the
 * sink can. Returns how many are lost.
 */
size_t weftp_outlet_deliver_many(struct weftp_outlet *outlet, struct weftp_thread *thread,
                                 const struct weftp_lines *lines,
                                 const struct weftp_encoding *encoding,
                                 struct weftp_failure *failure);
/* Count a line that never came to be. */
void weftp_outlet_lose(struct weftp_outlet *outlet, int level, int64_t time_ns, int err);
/* Count many of which nothing is left but their number; the next line is preceded by the record that says so. */
void weftp_outlet_lose_many(struct weftp_outlet *outlet, const struct weftp_gap *gap);
/* Say what is missing now, if something is, without waiting for a line. */
void weftp_outlet_tell(struct weftp_outlet *outlet, struct weftp_thread *thread, int64_t time_ns,
                       const struct weftp_encoding *encoding);
/* Flush by the deadline; WEFT_EIO also when the sink's last line was lost. */
weft_status weftp_outlet_flush(struct weftp_outlet *outlet, int64_t deadline_ms);
/* Its counts; does not wait for a sink that does not answer: `held` is 0 then. */
void weftp_outlet_stats(struct weftp_outlet *outlet, weft_sink_stats *stats);
/* Whether its sink may keep lines back, so that something is to be done before the process dies of a signal. */
bool weftp_outlet_keeps(const struct weftp_outlet *outlet);
/* The sink looks again at what its lines go to, before the next one. */
void weftp_outlet_reopen(struct weftp_outlet *outlet);
/*
 * Before it is closed: count as dropped what its sink could not get rid of, if nobody else refers to it. It takes no
 * more lines. Returns how many those are.
 */
uint64_t weftp_outlet_settle(struct weftp_outlet *outlet);
/* In a forked child: a new lock, no counts. */
void weftp_outlet_forked(struct weftp_outlet *outlet);

#endif
