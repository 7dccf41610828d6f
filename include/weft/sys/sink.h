/*
 * Own sinks: where finished lines go. One const object per kind, an instance behind `void *self`.
 *
 *   function | called by                         | at the same time as
 *   ---------|-----------------------------------|--------------------------------------------
 *   open     | the thread that configures        | nothing of this instance
 *   write    | any logging thread                | one thread at a time per instance
 *   flush    | any thread                        | one thread at a time, never beside write
 *   fork     | the child, in its only thread     | nothing
 *   close    | the thread that configures, exit  | nothing of this instance
 *
 * None may log (it would be dropped and counted) or throw.
 */
#ifndef WEFT_SYS_SINK_H
#define WEFT_SYS_SINK_H

#include "../level.h"
#include "../status.h"

/* An option of the sink's URL, decoded. The array ends with a key of NULL. The path of the URL has the key "path". */
struct weft_options_kv {
    const char *key, *value;
};

/* One finished record. Its size is frozen; reserved words are 0. */
struct weft_line {
    const char *data; /* ends with the newline of the format, if it has one */
    size_t size;      /* bytes */
    int64_t time_ns;  /* since 1970 */
    uint64_t seq;     /* of this sink: each record that it was to get counts, from 1 */
    const char *logger;
    size_t logger_size;
    weft_level level;
    uint32_t flags;
    uint64_t reserved[4];
};

struct weft_sink_type {
    size_t struct_size;
    const char *name; /* the scheme in WEFT_SINKS */
    /*
     * Make an instance. An unknown or bad option: go on with its default and return WEFT_EINVAL with *self set: the
     * instance is used. *self NULL: there is none. A file that cannot be opened now is no failure of open: write
     * reports it and tries again.
     */
    weft_status (*open)(void **self, const struct weft_options_kv *options);
    /*
     * Take lines, whole. Sets *written to how many were taken, also on failure; the other count - *written are lost.
     * Lines die on return. A line whose remainder is kept, to be finished before the next, counts as taken.
     */
    weft_status (*write)(void *self, const struct weft_line *lines, size_t count, size_t *written);
    weft_status (*flush)(
        void *self, uint32_t timeout_ms); /* NULL: write() has handed all to the operating system */
    void (*close)(void *self);            /* takes a half-opened self */
};

/* What the last failed open or write was about. */
struct weft_sink_error {
    int err;              /* an errno value, 0: none */
    const char *what;     /* static text: what was being done, "write", "rotate", "open" */
    const char *option;   /* open: the option that is bad; borrowed from the options */
    const char *accepted; /* open: static text, what it accepts */
};

/* A kind of sink that tells more: its type.struct_size is that of this struct. Each function may be NULL. */
struct weft_sink_type_more {
    struct weft_sink_type type;
    void (*explain)(void *self,
                    struct weft_sink_error *error); /* right after a failed open or write */
    void (*forked)(void *self);                     /* in a forked child */
    bool (*terminal)(void *self);                   /* true: lines are for a person's eyes */
    bool console; /* the line budget is that of stdout and stderr */
    /* weft_reload: what write() would look at once a second is looked at before the next line. Like write. */
    void (*reopen)(void *self);
    /*
     * For sinks that keep something back: in how many milliseconds they want tick() to be called; 0: nothing waits.
     * Asked after each write, flush and tick, so that an idle process is never woken.
     */
    uint32_t (*pending_ms)(void *self);
    /* Do what is due by time. On a thread of weft's; never beside write. What it returns is treated as flush's. */
    weft_status (*tick)(void *self);
    /* Lines that write() took and the operating system has not got: what is lost if the sink is closed now. */
    uint64_t (*held)(void *self);
    /* Whether this instance may keep lines back at all; NULL: where there is a `held`. */
    bool (*keeps)(void *self);
    /*
     * True: write() puts deferred cancellation off by itself before it does anything that threads are cancelled in.
     * False: that is done for it, at the cost of each line.
     */
    bool guarded;
};

WEFT_EXTERN_C_BEGIN
/**
 * Make a kind of sink known, before weft_init or the first log call, or before a reload that names it. The object must
 * live as long as the process.
 *
 * @retval WEFT_EINVAL  type, its name, open, write or close is NULL, struct_size is too small, or the name is taken
 *                      or has other characters than a-z, 0-9, '-' and '_'.
 * @retval WEFT_ELIMIT  32 kinds are known, the built-in ones included.
 *
 * Threads: any, not from inside of a call of weft. Signals: unsafe. Allocates: never. Since: 0.1.
 */
WEFT_API weft_status weft_sink_register(const struct weft_sink_type *type);

/** What a `callback:` sink calls; `data` is not NUL-terminated. One thread at a time. */
typedef weft_status (*weft_sink_callback)(void *arg, const struct weft_line *line);
/**
 * Set the function behind `callback:` (or `callback:NAME`); NULL takes it away. Lines without a function are dropped and counted.
 *
 * @param name  NULL or "": plain `callback:`. Up to 31 bytes, at most 16 names.
 * @retval WEFT_EINVAL  The name is too long.
 * @retval WEFT_ELIMIT  16 names are in use.
 * @retval WEFT_ESTATE  Called from inside of a callback.
 * Threads: any; returns when no call of the earlier function is under way. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_sink_callback_set(const char *name, weft_sink_callback callback,
                                            void *arg);
WEFT_EXTERN_C_END

#endif
