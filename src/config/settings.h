/*
 * Settings: what the service asked for, read from defaults < program < JSON file < environment,
 * checked by the one validator. The only place that calls getenv.
 *
 * Its job: text to values, and clear complaints. Not its job: opening anything but the JSON file
 * (wire.c does).
 *
 * Threads: one at a time (the caller holds weft's configuration lock). Signals: unsafe. Allocates:
 * yes; every allocation may fail. May include: base, port, public headers.
 *
 * A bad value is as if it were not set: what the next lower source says holds, at last the default.
 * Levels and static fields are merged logger by logger and key by key, all other settings are
 * replaced as a whole. An empty value is one that is not set.
 */
#ifndef WEFTP_CONFIG_SETTINGS_H
#define WEFTP_CONFIG_SETTINGS_H

#include "../port/file_mark.h"

#include <weft/options.h>
#include <weft/request.h>
#include <weft/sys/sink.h>

#define WEFTP_LINE_BYTES_LEAST  1024U /* what WEFT_LINE_BYTES_MAX and line_bytes_max= accept */
#define WEFTP_LINE_BYTES_MOST   (1U << 26)
#define WEFTP_STATIC_FIELDS_MAX 64 /* keys up to 128 bytes, values up to 4 KiB */
#define WEFTP_LEVEL_RULES_MAX   1024
#define WEFTP_COMPLAINTS_MAX    32                /* a load; one more says how many were left out */
#define WEFTP_COMPLAINT_SIZE    2048              /* bytes of a complaint's text, NUL included */
#define WEFTP_CONFIG_FILE_MAX   ((size_t)1 << 20) /* bytes */

enum weftp_source {
    WEFTP_SOURCE_DEFAULT,
    WEFTP_SOURCE_PROGRAM,
    WEFTP_SOURCE_FILE,
    WEFTP_SOURCE_ENVIRONMENT
};

/*
 * Where a value came from. `name` is static text: the variable, the member of weft_options or the
 * key in the file; NULL: the file itself.
 */
struct weftp_origin {
    const char *name;
    enum weftp_source source;
    unsigned line, column; /* in the file, from 1; columns count characters. 0: not in the file */
};

struct weftp_level_rule {
    char *logger; /* "" is the root */
    int level;
    struct weftp_origin origin;
};

/* Whether lines have numbers. */
enum weftp_numbering { WEFTP_NUMBERING_UNSET, WEFTP_NUMBERING_OFF, WEFTP_NUMBERING_ON };

/* One sink of WEFT_SINKS, split and decoded. */
struct weftp_sink_setting {
    char *url;    /* as written, secrets masked, control characters made visible: for messages */
    char *scheme; /* "file", lower case */
    struct weft_options_kv *options; /* all others, ends with a key of NULL; the path is "path" */
    int level;                       /* 0: not set */
    char *format;                    /* NULL: the default */
    uint32_t line_bytes_max;         /* 0: not set */
    enum weftp_numbering numbering;  /* seq= */
};

/* One line of what is in force: `variable = value  (source)`. */
struct weftp_explain_row {
    const char *variable; /* static */
    char *value;          /* secrets masked, control characters made visible; NULL: not set */
    char *source;         /* "default", "program", "config /etc/orders.json:3:12", "environment" */
};

/* WEFT_CAPTURE: bits. */
enum weftp_capture_streams { WEFTP_CAPTURE_STDOUT = 1, WEFTP_CAPTURE_STDERR = 2 };

/* WEFT_OVERFLOW. Nothing is set: wait for ever. */
struct weftp_overflow_setting {
    bool drop;         /* at once */
    uint32_t block_ms; /* wait so long at most; UINT32_MAX: for ever */
    int keep_level;    /* drop what is below it already when a quarter is left; 0: no level */
};

struct weftp_settings {
    struct weftp_level_rule *levels;
    size_t level_count; /* the root is always among them; loggers are unique */
    char *format;       /* NULL: not set: ecs, or pretty on a terminal */
    struct weftp_sink_setting *sinks;
    size_t sink_count;       /* 1 to WEFT_SINKS_MAX, all different */
    uint32_t line_bytes_max; /* 0: not set */
    char *service, *service_version, *service_env, *service_node; /* NULL: not set */
    weft_field *fields;
    size_t field_count; /* WEFT_FIELDS and OTEL_RESOURCE_ATTRIBUTES, as strings; keys unique */
    char **propagators;
    size_t propagator_count; /* names; empty only when "none" was asked for */
    char **propagate_keys;
    size_t propagate_key_count;
    enum weft_trust trust;   /* never DEFAULT */
    const char *trace_names; /* static; never NULL: "own", "ecs" … */
    char *gcp_project;       /* NULL: not set */
    bool explain;
    int reload_signal;        /* its number; 0: none */
    uint32_t config_watch_ms; /* 0: never */
    bool sigterm_flush;
    bool async;
    uint32_t queue_bytes; /* of each thread */
    struct weftp_overflow_setting overflow;
    char *queue_dir, *crash_dir;        /* NULL: none */
    unsigned capture;                   /* enum weftp_capture_streams */
    bool no_colour;                     /* NO_COLOR or TERM=dumb: `pretty` writes no colours */
    char *config;                       /* path of the JSON file, NULL: none */
    struct weftp_file_mark config_mark; /* of the file that was read */
    unsigned complaint_count;           /* of this load, with those that were left out */
    struct weftp_level_rule *start_levels;
    size_t start_level_count; /* the file's rules at the first load */
    struct weftp_explain_row *rows;
    size_t row_count;
};

/*
 * What exists, for "accepted: …" texts and for nearest names: NULL-terminated lists. A NULL list:
 * anything goes.
 */
struct weftp_known {
    const char *const *formats, *const *sinks, *const *propagators;
};

/*
 * Told once for each bad value: one line of text, without a newline, that names it, the reason, and
 * what is accepted. Never a secret, never a raw control character, less than WEFTP_COMPLAINT_SIZE
 * bytes of valid UTF-8.
 */
typedef void (*weftp_complain)(void *arg, const char *text);

/*
 * Read everything. Bad values are told to `complain` (NULL: to nobody) and replaced by what a lower
 * source says. *out is owned: weftp_settings_free. `program` may be NULL, and may be of an older or
 * a newer weft (struct_size). In a setuid program all of the environment but WEFT_LEVEL is ignored
 * (secure_getenv).
 * @retval WEFT_ENOMEM  *out is unchanged.
 */
weft_status weftp_settings_load(struct weftp_settings **out, const weft_options *program,
                                const struct weftp_known *known, weftp_complain complain,
                                void *arg);
/*
 * The same for a reload: a level that stands in the file now, and stood there otherwise or not at
 * all at the first load, beats WEFT_LEVEL. `previous` is what was in force (only read; NULL: a
 * first load); it may be freed afterwards.
 */
weft_status weftp_settings_reload(struct weftp_settings **out,
                                  const struct weftp_settings *previous,
                                  const weft_options *program, const struct weftp_known *known,
                                  weftp_complain complain, void *arg);
/*
 * The same for weft_reload: a file that cannot be read or parsed is told, and fails the load.
 * @retval WEFT_EINVAL  That; *out is unchanged.
 */
weft_status weftp_settings_refresh(struct weftp_settings **out,
                                   const struct weftp_settings *previous,
                                   const weft_options *program, const struct weftp_known *known,
                                   weftp_complain complain, void *arg);
/* Free settings; NULL does nothing. */
void weftp_settings_free(struct weftp_settings *settings);

/*
 * Whether two sinks were asked for in the same way: scheme, options (secrets too), level, format,
 * line budget, numbers.
 */
bool weftp_sink_setting_equal(const struct weftp_sink_setting *a,
                              const struct weftp_sink_setting *b);

/*
 * Print every effective setting and which source set it, one a line, secrets masked. Allocates:
 * never. Errors of fd are ignored.
 */
void weftp_settings_explain(const struct weftp_settings *settings, int fd);

#endif
