/*
 * Settings: what the service asked for, read from defaults < program < JSON file < environment, checked by the one
 * validator. The only place that calls getenv.
 *
 * Its job: text to values, and clear complaints. Not its job: opening anything (wire.c does).
 * Threads: one at a time (the caller holds weft's configuration lock).
 */
#ifndef WEFTP_CONFIG_SETTINGS_H
#define WEFTP_CONFIG_SETTINGS_H

#include <weft/options.h>
#include <weft/request.h>
#include <weft/sys/sink.h>

struct weftp_level_rule {
    char *logger; /* "" is the root */
    int level;
};

/* One sink of WEFT_SINKS, split and decoded. */
struct weftp_sink_setting {
    char *url;        /* as written, secrets masked: for messages and for telling whether two are the same */
    char *scheme;     /* "file" */
    struct weft_options_kv *options; /* all other options, ends with a key of NULL; the path has the key "path" */
    int level;        /* 0: not set */
    char *format;     /* NULL: the default */
    uint32_t line_bytes_max; /* 0: not set */
};

struct weftp_settings {
    struct weftp_level_rule *levels; size_t level_count; /* the root is always among them */
    char *format;                    /* NULL: not set: ecs, or pretty on a terminal */
    struct weftp_sink_setting *sinks; size_t sink_count;
    uint32_t line_bytes_max;         /* 0: not set */
    char *service, *service_version, *service_env, *service_node; /* NULL: not set */
    weft_field *fields; size_t field_count; /* WEFT_FIELDS and OTEL_RESOURCE_ATTRIBUTES, as strings */
    char **propagators; size_t propagator_count;   /* names; never empty */
    char **propagate_keys; size_t propagate_key_count;
    enum weft_trust trust;           /* never DEFAULT */
    bool explain;
    struct weftp_explain_row { const char *variable; char *value; const char *source; } *rows; size_t row_count;
};

/* What exists, for "accepted: …" texts and for nearest names: NULL-terminated lists. */
struct weftp_known {
    const char *const *formats, *const *sinks, *const *propagators;
};

/* Told once for each bad value: one line of text that names it, the reason, and what is accepted. Never a secret. */
typedef void (*weftp_complain)(void *arg, const char *text);

/*
 * Read everything. Bad values are told to `complain` and replaced by their defaults. *out is owned: weftp_settings_free.
 * In a setuid program all of the environment but WEFT_LEVEL is ignored (secure_getenv).
 * @retval WEFT_ENOMEM  *out is unchanged.
 */
weft_status weftp_settings_load(struct weftp_settings **out, const weft_options *program, const struct weftp_known *known,
                                weftp_complain complain, void *arg);
void weftp_settings_free(struct weftp_settings *settings);

/* Print every effective setting and which source set it, one a line, secrets masked. */
void weftp_settings_explain(const struct weftp_settings *settings, int fd);

/* Parts of the validator that sinks and tests use, too. Each returns false and leaves *out alone when the text is bad. */
bool weftp_parse_bytes(const char *text, uint64_t *out);       /* 64k 10MiB 1g 500: 1024-based; "k" = "KiB" */
bool weftp_parse_duration_ms(const char *text, uint64_t *out); /* 500ms 10s 5m 1h 7d */
bool weftp_parse_bool(const char *text, bool *out);            /* on off true false yes no 1 0, any case */

#endif
