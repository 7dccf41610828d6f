/*
 * Inside of the settings: the one table that describes them, and the state of one load. Only
 * settings*.c include it.
 *
 * How a value travels: a source (settings_env.c, settings_file.c, settings.c for the program's)
 * hands text to weftp_load_text, which splits it and calls the row's `item`; `item` checks, stores,
 * and says what is wrong. A row that is replaced as a whole collects its items aside until
 * `commit`.
 *
 * Memory: a failed allocation sets load->status, once and for all; functions that allocate answer
 * NULL or return, and the whole load fails. Nobody has to hand a status up.
 */
#ifndef WEFTP_CONFIG_SETTINGS_LOAD_H
#define WEFTP_CONFIG_SETTINGS_LOAD_H

#include "settings.h"
#include "settings_text.h"

#define WEFTP_VALUE_MAX        ((size_t)1 << 16) /* bytes of a setting's text */
#define WEFTP_SERVICE_NAME_MAX 1024              /* bytes of WEFT_SERVICE and its kin */
#define WEFTP_FIELD_KEY_MAX    128
#define WEFTP_FIELD_VALUE_MAX  4096
#define WEFTP_NAMES_MAX        64 /* propagators, keys to propagate */
#define WEFTP_SINK_URL_MAX     4096
#define WEFTP_SINK_OPTIONS_MAX 32
#define WEFTP_LOGGER_NAME_MAX  255

/* In the order in which the environment is read: what beats stands after what is beaten. */
enum weftp_setting_id {
    WEFTP_SETTING_LEVEL,
    WEFTP_SETTING_FORMAT,
    WEFTP_SETTING_SINKS,
    WEFTP_SETTING_OTEL_ATTRIBUTES,
    WEFTP_SETTING_OTEL_SERVICE,
    WEFTP_SETTING_SERVICE,
    WEFTP_SETTING_VERSION,
    WEFTP_SETTING_ENV,
    WEFTP_SETTING_NODE,
    WEFTP_SETTING_FIELDS,
    WEFTP_SETTING_OTEL_PROPAGATORS,
    WEFTP_SETTING_PROPAGATORS,
    WEFTP_SETTING_PROPAGATE_KEYS,
    WEFTP_SETTING_TRUST,
    WEFTP_SETTING_TRACE_NAMES,
    WEFTP_SETTING_GOOGLE_PROJECT,
    WEFTP_SETTING_GCP_PROJECT,
    WEFTP_SETTING_LINE_BYTES_MAX,
    WEFTP_SETTING_CONFIG,
    WEFTP_SETTING_EXPLAIN,
    WEFTP_SETTING_RELOAD_SIGNAL,
    WEFTP_SETTING_CONFIG_WATCH,
    WEFTP_SETTING_SIGTERM,
    WEFTP_SETTING_CAPTURE,
    WEFTP_SETTING_ASYNC,
    WEFTP_SETTING_QUEUE_BYTES,
    WEFTP_SETTING_OVERFLOW,
    WEFTP_SETTING_QUEUE_DIR,
    WEFTP_SETTING_CRASH,
    WEFTP_SETTING_NO_COLOR,
    WEFTP_SETTING_TERM,
    WEFTP_SETTING_LATER_FIRST, /* from here on: known names without an effect in this version */
    WEFTP_SETTING_REDACT = WEFTP_SETTING_LATER_FIRST,
    WEFTP_SETTING_SAMPLE,
    WEFTP_SETTING_RATE,
    WEFTP_SETTING_COUNT
};

enum weftp_setting_flag {
    WEFTP_SETTING_IN_SETUID = 1,   /* read from the environment in a setuid program, too */
    WEFTP_SETTING_SECRET_URL = 2,  /* may hold secrets: shown by weftp_text_url ... */
    WEFTP_SETTING_SECRET_PAIR = 4, /* ... or by weftp_text_pair */
    WEFTP_SETTING_PAIRS = 8,       /* an object in the file is a list of keys and values */
    WEFTP_SETTING_NOT_IN_FILE = 16,
    WEFTP_SETTING_HIDDEN = 32 /* explained in the row of another setting */
};

/* The type of the member of weft_options. */
enum weftp_member {
    WEFTP_MEMBER_NONE,
    WEFTP_MEMBER_TEXT,
    WEFTP_MEMBER_BOOL,
    WEFTP_MEMBER_U32,
    WEFTP_MEMBER_SIZE
};

struct weftp_load;
struct weftp_setting;

/* One value, or one part of a list. Borrowed for the call. */
struct weftp_item {
    const struct weftp_setting *setting;
    struct weftp_origin origin;
    struct weftp_span text;
    struct weftp_span key; /* of an object's member; text NULL: it is part of `text` */
};

/* One row of the table. */
struct weftp_setting {
    const char *variable,
        *alias; /* of the environment; alias: NULL or another name for it, which it beats */
    const char *key,
        *key_alias; /* in the file, and of the member of weft_options; NULL: only a variable */
    const char *fallback;   /* the default, as text for `item`; NULL: none */
    const char *unset;      /* said where nothing is set: what then happens; NULL: nothing does */
    const char *accepted;   /* static text for people; NULL where the list is in weftp_known */
    const char *separators; /* of a list; NULL: one value */
    unsigned flags;
    enum weftp_member member; /* of weft_options ... */
    size_t member_at;         /* ... and its offset */
    void (*item)(struct weftp_load *load, const struct weftp_item *item);
    void (*commit)(struct weftp_load *load,
                   const struct weftp_item *item); /* NULL: item has stored it */
    void (*show)(const struct weftp_settings *settings, enum weftp_setting_id id,
                 struct weftp_text *text); /* appends nothing: not set */
};

/* One load under way. */
struct weftp_load {
    struct weftp_settings *settings; /* being built */
    const struct weftp_known *known;
    weftp_complain complain;
    void *arg;
    weft_status status;
    bool strict; /* a file that is of no use fails the load */
    struct weftp_origin
        origins[WEFTP_SETTING_COUNT]; /* of each setting that is replaced as a whole */
    struct weftp_origin field_origins[WEFTP_STATIC_FIELDS_MAX];
    struct weftp_level_rule *file_levels; /* the file's rules, as they stand there now */
    size_t file_level_count;
    struct weftp_sink_setting *sinks; /* collected, not yet committed: WEFT_SINKS_MAX places */
    size_t sink_count;
    char **names; /* likewise: WEFTP_NAMES_MAX places */
    size_t name_count;
    bool names_none;     /* "none" was among them */
    unsigned capture;    /* collected streams of WEFT_CAPTURE */
    bool capture_off;    /* "off" was among them */
    bool otel_env_final; /* deployment.environment.name was there; it beats its earlier name */
};

/* The table: WEFTP_SETTING_COUNT rows, in the order of their ids. */
extern const struct weftp_setting weftp_settings_table[];
/*
 * The row of a variable or its alias, *name set to the static text; NULL: there is none. Likewise
 * for a key of the file.
 */
const struct weftp_setting *weftp_setting_by_variable(struct weftp_span text, const char **name);
const struct weftp_setting *weftp_setting_by_key(struct weftp_span text, const char **name);
/* The nearest name of the table, aliases included; NULL: none. */
const char *weftp_setting_nearest_variable(struct weftp_span text);
const char *weftp_setting_nearest_key(struct weftp_span text);
static inline enum weftp_setting_id weftp_setting_id(const struct weftp_setting *setting)
{
    return (enum weftp_setting_id)(setting - weftp_settings_table);
}

/*
 * settings_load.c: check text (size, UTF-8), split it, hand it to the row. Empty text is passed
 * over.
 */
void weftp_load_text(struct weftp_load *load, const struct weftp_item *item);
/* One part, as it is (neither trimmed nor split), after the same checks. */
void weftp_load_part(struct weftp_load *load, const struct weftp_item *item);
/* After the last part of a list. */
void weftp_load_commit(struct weftp_load *load, const struct weftp_item *item);
/* Remember where a setting that is replaced as a whole came from. */
void weftp_load_origin(struct weftp_load *load, enum weftp_setting_id id,
                       const struct weftp_origin *origin);
/*
 * Say what is wrong: "NAME (source): " and the text. Counted; only the first WEFTP_COMPLAINTS_MAX
 * are told.
 */
void weftp_say(struct weftp_load *load, const struct weftp_origin *origin, const char *format, ...)
    WEFT_PRINTF_(3, 4);
/* Say that so many were left out, if any were. */
void weftp_say_rest(struct weftp_load *load);
/*
 * Say that the item's text is no `noun` of a list: the nearest name, what is accepted, and
 * `outcome`. A NULL list: the row's own `accepted` is named, and no neighbour.
 */
void weftp_say_unknown(struct weftp_load *load, const struct weftp_item *item, const char *noun,
                       const char *const *list, const char *outcome);
/* Append "environment", "program", "default", "config /etc/x.json:3:12". */
void weftp_origin_show(const struct weftp_settings *settings, const struct weftp_origin *origin,
                       struct weftp_text *text);
struct weftp_holds {
    char text[160];
};
/*
 * "using VALUE" or "ignored": what holds when a value of this setting is bad. Returns holds->text.
 */
const char *weftp_holds(const struct weftp_load *load, const struct weftp_setting *setting,
                        struct weftp_holds *holds);
/* Show an item's text, masked where the table says so. Returns shown->text. */
const char *weftp_show_item(const struct weftp_item *item, struct weftp_shown *shown);
/* Copy, NUL-terminated; NULL and load->status set when there is no memory. */
char *weftp_load_copy(struct weftp_load *load, const char *text, size_t size);
void *weftp_load_zeroed(struct weftp_load *load, size_t count, size_t size);

/* settings_env.c: WEFT_CONFIG alone; all other variables, and names that nobody knows. */
void weftp_load_environment_config(struct weftp_load *load);
void weftp_load_environment(struct weftp_load *load);
/* settings_file.c: read settings->config, when it is set. */
void weftp_load_file(struct weftp_load *load);
/* settings_explain.c: fill settings->rows. */
void weftp_load_rows(struct weftp_load *load);

/* settings_levels.c */
void weftp_level_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_level_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text);
/* Append "info" for the root, "orders.db=debug" for another. */
void weftp_level_rule_show(const struct weftp_level_rule *rule, struct weftp_text *text);
/* Read a level; 0: it is none. */
int weftp_level_value(struct weftp_span text);
/*
 * Once all sources are read: let what changed in the file since the first load win, and keep what
 * the next load needs.
 */
void weftp_levels_finish(struct weftp_load *load, const struct weftp_settings *previous);
void weftp_levels_free(struct weftp_level_rule *rules, size_t count);

/* settings_sinks.c */
void weftp_sink_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_sink_commit(struct weftp_load *load, const struct weftp_item *item);
void weftp_sink_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                     struct weftp_text *text);
void weftp_sinks_free(struct weftp_sink_setting *sinks, size_t count);

/* settings_fields.c */
void weftp_field_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_field_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text);
void weftp_field_show_one(const weft_field *field, struct weftp_text *text);
void weftp_otel_attribute_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_fields_free(weft_field *fields, size_t count);

/* settings_values.c: rows with one value */
void weftp_format_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_service_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_trust_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_trace_names_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_gcp_project_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_line_bytes_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_config_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_explain_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_no_color_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_term_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_later_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_value_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text);
/* Set WEFT_SERVICE or one of its kin from any source; `id` says which. */
void weftp_service_set(struct weftp_load *load, enum weftp_setting_id id,
                       const struct weftp_item *item);
/* A size that line_bytes_max accepts; false: it is none. */
bool weftp_line_bytes_value(struct weftp_span text, uint32_t *out);
/* The name of a list that is `word` in any case; NULL: none, or no list. */
const char *weftp_listed(struct weftp_span word, const char *const *list);

/* settings_life.c: what happens while the service runs */
void weftp_reload_signal_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_config_watch_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_sigterm_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_capture_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_capture_commit(struct weftp_load *load, const struct weftp_item *item);
void weftp_life_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                     struct weftp_text *text);

/* settings_queue.c */
void weftp_async_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_queue_bytes_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_overflow_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_queue_dir_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_crash_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_queue_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text);

/* settings_names.c: lists of names */
void weftp_propagator_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_propagator_commit(struct weftp_load *load, const struct weftp_item *item);
void weftp_propagate_key_item(struct weftp_load *load, const struct weftp_item *item);
void weftp_propagate_key_commit(struct weftp_load *load, const struct weftp_item *item);
void weftp_names_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text);
void weftp_names_free(char **names, size_t count);

#endif
