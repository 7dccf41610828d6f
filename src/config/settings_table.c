#include "nearest.h"
#include "settings_load.h"

#include <string.h>

#define MEMBER(kind, name) .member = WEFTP_MEMBER_##kind, .member_at = offsetof(weft_options, name)

#define SERVICE_ROW(variable_, alias_, key_, key_alias_, unset_)                                   \
    {                                                                                              \
        .variable = variable_, .alias = alias_, .key = #key_, .key_alias = key_alias_,             \
        .unset = unset_, .accepted = "text of up to 1,024 bytes", MEMBER(TEXT, key_),              \
        .item = weftp_service_item, .show = weftp_value_show                                       \
    }

#define WEFTP_GCP_PROJECT_ACCEPTED "up to 128 of a-z 0-9 - . :"

/* Not built yet: known, so that nobody is told that the name is misspelt, and without an effect. */
#define LATER_ROW(variable_, key_, ...)                                                            \
    {                                                                                              \
        .variable = variable_, .key = key_, .accepted = "off", .flags = WEFTP_SETTING_HIDDEN,      \
        .item = weftp_later_item, __VA_ARGS__                                                      \
    }

const struct weftp_setting weftp_settings_table[] = {
    [WEFTP_SETTING_LEVEL] = {.variable = "WEFT_LEVEL",
                             .key = "level",
                             .key_alias = "levels",
                             .fallback = "info",
                             .accepted = "trace debug info warn error fatal off or 1..127",
                             .separators = ",",
                             .flags = WEFTP_SETTING_IN_SETUID | WEFTP_SETTING_PAIRS,
                             MEMBER(TEXT, level),
                             .item = weftp_level_item,
                             .show = weftp_level_show},
    [WEFTP_SETTING_FORMAT] = {.variable = "WEFT_FORMAT",
                              .key = "format",
                              .unset = "ecs, or pretty on a terminal",
                              MEMBER(TEXT, format),
                              .item = weftp_format_item,
                              .show = weftp_value_show},
    [WEFTP_SETTING_SINKS] = {.variable = "WEFT_SINKS",
                             .key = "sinks",
                             .fallback = "stdout:",
                             .accepted = "URLs separated by white space",
                             .separators = " \t\n\v\f\r",
                             .flags = WEFTP_SETTING_SECRET_URL,
                             MEMBER(TEXT, sinks),
                             .item = weftp_sink_item,
                             .commit = weftp_sink_commit,
                             .show = weftp_sink_show},
    [WEFTP_SETTING_OTEL_ATTRIBUTES] = {.variable = "OTEL_RESOURCE_ATTRIBUTES",
                                       .accepted = "key=value,...",
                                       .separators = ",",
                                       .flags = WEFTP_SETTING_SECRET_PAIR | WEFTP_SETTING_HIDDEN,
                                       .item = weftp_otel_attribute_item},
    [WEFTP_SETTING_OTEL_SERVICE] = {.variable = "OTEL_SERVICE_NAME",
                                    .accepted = "text of up to 1,024 bytes",
                                    .flags = WEFTP_SETTING_HIDDEN,
                                    .item = weftp_service_item},
    [WEFTP_SETTING_SERVICE] =
        SERVICE_ROW("WEFT_SERVICE", "WEFT_SERVICE_NAME", service, "service_name", NULL),
    [WEFTP_SETTING_VERSION] =
        SERVICE_ROW("WEFT_SERVICE_VERSION", "WEFT_VERSION", service_version, "version", NULL),
    [WEFTP_SETTING_ENV] = SERVICE_ROW("WEFT_SERVICE_ENV", "WEFT_ENV", service_env, "env", NULL),
    [WEFTP_SETTING_NODE] =
        SERVICE_ROW("WEFT_SERVICE_NODE", "WEFT_NODE", service_node, "node", "the host name"),
    [WEFTP_SETTING_FIELDS] = {.variable = "WEFT_FIELDS",
                              .key = "fields",
                              .accepted = "key=value,...",
                              .separators = ",",
                              .flags = WEFTP_SETTING_SECRET_PAIR | WEFTP_SETTING_PAIRS,
                              MEMBER(TEXT, fields),
                              .item = weftp_field_item,
                              .show = weftp_field_show},
    [WEFTP_SETTING_OTEL_PROPAGATORS] = {.variable = "OTEL_PROPAGATORS",
                                        .separators = ",",
                                        .flags = WEFTP_SETTING_HIDDEN,
                                        .item = weftp_propagator_item,
                                        .commit = weftp_propagator_commit},
    [WEFTP_SETTING_PROPAGATORS] = {.variable = "WEFT_PROPAGATORS",
                                   .key = "propagators",
                                   .fallback = "tracecontext,baggage,xrequestid",
                                   .separators = ",",
                                   MEMBER(TEXT, propagators),
                                   .item = weftp_propagator_item,
                                   .commit = weftp_propagator_commit,
                                   .show = weftp_names_show},
    [WEFTP_SETTING_PROPAGATE_KEYS] = {.variable = "WEFT_PROPAGATE_KEYS",
                                      .key = "propagate_keys",
                                      .accepted =
                                          "names of letters, digits, - _ . (tokens, RFC 9110)",
                                      .separators = ",",
                                      MEMBER(TEXT, propagate_keys),
                                      .item = weftp_propagate_key_item,
                                      .commit = weftp_propagate_key_commit,
                                      .show = weftp_names_show},
    [WEFTP_SETTING_TRUST] = {.variable = "WEFT_TRUST",
                             .key = "trust",
                             .fallback = "continue",
                             .accepted = "continue restart restart_external",
                             MEMBER(TEXT, trust),
                             .item = weftp_trust_item,
                             .show = weftp_value_show},
    [WEFTP_SETTING_TRACE_NAMES] = {.variable = "WEFT_TRACE_NAMES",
                                   .key = "trace_names",
                                   .fallback = "own",
                                   .accepted = "own ecs spring otel datadog gcp",
                                   MEMBER(TEXT, trace_names),
                                   .item = weftp_trace_names_item,
                                   .show = weftp_value_show},
    [WEFTP_SETTING_GOOGLE_PROJECT] = {.variable = "GOOGLE_CLOUD_PROJECT",
                                      .accepted = WEFTP_GCP_PROJECT_ACCEPTED,
                                      .flags = WEFTP_SETTING_HIDDEN,
                                      .item = weftp_gcp_project_item},
    [WEFTP_SETTING_GCP_PROJECT] = {.variable = "WEFT_GCP_PROJECT",
                                   .key = "gcp_project",
                                   .accepted = WEFTP_GCP_PROJECT_ACCEPTED,
                                   MEMBER(TEXT, gcp_project),
                                   .item = weftp_gcp_project_item,
                                   .show = weftp_value_show},
    [WEFTP_SETTING_LINE_BYTES_MAX] = {.variable = "WEFT_LINE_BYTES_MAX",
                                      .key = "line_bytes_max",
                                      .unset = "16000 on stdout and stderr, 1MiB elsewhere",
                                      .accepted = "1KiB to 64MiB",
                                      MEMBER(U32, line_bytes_max),
                                      .item = weftp_line_bytes_item,
                                      .show = weftp_value_show},
    [WEFTP_SETTING_CONFIG] = {.variable = "WEFT_CONFIG",
                              .key = "config",
                              .accepted = "the path of a JSON file",
                              .flags = WEFTP_SETTING_NOT_IN_FILE,
                              MEMBER(TEXT, config),
                              .item = weftp_config_item,
                              .show = weftp_value_show},
    [WEFTP_SETTING_EXPLAIN] = {.variable = "WEFT_EXPLAIN",
                               .key = "explain",
                               .fallback = "off",
                               .accepted = "on off true false yes no 1 0",
                               MEMBER(BOOL, explain),
                               .item = weftp_explain_item,
                               .show = weftp_value_show},
    [WEFTP_SETTING_RELOAD_SIGNAL] =
        {.variable = "WEFT_RELOAD_SIGNAL",
         .key = "reload_signal",
         .fallback = "off",
         .accepted =
             "off HUP USR1 USR2 WINCH URG CONT ALRM IO PWR VTALRM PROF XCPU, with or without SIG, "
             "and the numbers of these and of real-time signals",
         MEMBER(TEXT, reload_signal),
         .item = weftp_reload_signal_item,
         .show = weftp_life_show},
    [WEFTP_SETTING_CONFIG_WATCH] = {.variable = "WEFT_CONFIG_WATCH",
                                    .key = "config_watch",
                                    .fallback = "off",
                                    .accepted = "off, or an interval of 100ms to 1d",
                                    MEMBER(TEXT, config_watch),
                                    .item = weftp_config_watch_item,
                                    .show = weftp_life_show},
    [WEFTP_SETTING_SIGTERM] = {.variable = "WEFT_SIGTERM",
                               .key = "sigterm",
                               .fallback = "flush",
                               .accepted = "flush off",
                               MEMBER(TEXT, sigterm),
                               .item = weftp_sigterm_item,
                               .show = weftp_life_show},
    [WEFTP_SETTING_CAPTURE] = {.variable = "WEFT_CAPTURE",
                               .key = "capture",
                               .fallback = "off",
                               .accepted = "off stdout stderr, separated by commas",
                               .separators = ",",
                               MEMBER(TEXT, capture),
                               .item = weftp_capture_item,
                               .commit = weftp_capture_commit,
                               .show = weftp_life_show},
    [WEFTP_SETTING_ASYNC] = {.variable = "WEFT_ASYNC",
                             .key = "async",
                             .fallback = "off",
                             .accepted = "on off true false yes no 1 0",
                             MEMBER(BOOL, async),
                             .item = weftp_async_item,
                             .show = weftp_queue_show},
    [WEFTP_SETTING_QUEUE_BYTES] = {.variable = "WEFT_QUEUE_BYTES",
                                   .key = "queue_bytes",
                                   .fallback = "256KiB",
                                   .accepted = "64KiB to 1GiB, for each thread",
                                   MEMBER(SIZE, queue_bytes),
                                   .item = weftp_queue_bytes_item,
                                   .show = weftp_queue_show},
    [WEFTP_SETTING_OVERFLOW] = {.variable = "WEFT_OVERFLOW",
                                .key = "overflow",
                                .fallback = "block",
                                .accepted = "block block:DURATION drop drop_below:LEVEL",
                                MEMBER(TEXT, overflow),
                                .item = weftp_overflow_item,
                                .show = weftp_queue_show},
    [WEFTP_SETTING_QUEUE_DIR] = {.variable = "WEFT_QUEUE_DIR",
                                 .key = "queue_dir",
                                 .fallback = "off",
                                 .accepted = "off, or the path of a folder of mode 0700",
                                 MEMBER(TEXT, queue_dir),
                                 .item = weftp_queue_dir_item,
                                 .show = weftp_queue_show},
    [WEFTP_SETTING_CRASH] = {.variable = "WEFT_CRASH",
                             .key = "crash",
                             .fallback = "off",
                             .accepted = "on off, or the absolute path of a folder of mode 0700",
                             MEMBER(TEXT, crash),
                             .item = weftp_crash_item,
                             .show = weftp_queue_show},
    [WEFTP_SETTING_NO_COLOR] = {.variable = "NO_COLOR",
                                .accepted = "anything",
                                .item = weftp_no_color_item,
                                .show = weftp_value_show},
    [WEFTP_SETTING_TERM] = {.variable = "TERM",
                            .accepted = "dumb",
                            .flags = WEFTP_SETTING_HIDDEN,
                            .item = weftp_term_item},
    [WEFTP_SETTING_REDACT] = LATER_ROW("WEFT_REDACT", "redact", .key_alias = NULL),
    [WEFTP_SETTING_SAMPLE] = LATER_ROW("WEFT_SAMPLE", "sample", .key_alias = NULL),
    [WEFTP_SETTING_RATE] = LATER_ROW("WEFT_RATE", "rate", .key_alias = NULL),
};
_Static_assert(sizeof weftp_settings_table / sizeof *weftp_settings_table == WEFTP_SETTING_COUNT,
               "a row for each id");

/* Whether `text` is the given name, exactly; then *name is set to it. */
static bool is_named(struct weftp_span text, const char *candidate, const char **name)
{
    if (!candidate || strlen(candidate) != text.size ||
        memcmp(candidate, text.text, text.size) != 0)
        return false;
    *name = candidate;
    return true;
}

const struct weftp_setting *weftp_setting_by_variable(struct weftp_span text, const char **name)
{
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        const struct weftp_setting *row = &weftp_settings_table[i];
        if (is_named(text, row->variable, name) || is_named(text, row->alias, name)) return row;
    }
    return NULL;
}

const struct weftp_setting *weftp_setting_by_key(struct weftp_span text, const char **name)
{
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        const struct weftp_setting *row = &weftp_settings_table[i];
        if (is_named(text, row->key, name) || is_named(text, row->key_alias, name)) return row;
    }
    return NULL;
}

/* Keep the candidate when it is nearer to `text` than all before it. */
static void consider(struct weftp_span text, const char *candidate, const char **nearest,
                     unsigned *best)
{
    const unsigned distance = candidate ? weftp_near(text.text, text.size, candidate) : *best;
    if (distance >= *best) return;
    *best = distance;
    *nearest = candidate;
}

const char *weftp_setting_nearest_variable(struct weftp_span text)
{
    /* Without the prefix, which all have in common: it would make short names look alike. */
    static const char prefix[] = "WEFT_";
    const size_t skip = sizeof prefix - 1;
    const char *nearest = NULL;
    unsigned best = WEFTP_NEAREST_DISTANCE_MAX + 1;
    if (text.size < skip || memcmp(text.text, prefix, skip) != 0) return NULL;
    const struct weftp_span rest = weftp_span(text.text + skip, text.size - skip);
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        const struct weftp_setting *row = &weftp_settings_table[i];
        if (memcmp(row->variable, prefix, skip) != 0) continue;
        consider(rest, row->variable + skip, &nearest, &best);
        consider(rest, row->alias ? row->alias + skip : NULL, &nearest, &best);
    }
    return nearest ? nearest - skip : NULL;
}

const char *weftp_setting_nearest_key(struct weftp_span text)
{
    const char *nearest = NULL;
    unsigned best = WEFTP_NEAREST_DISTANCE_MAX + 1;
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        consider(text, weftp_settings_table[i].key, &nearest, &best);
        consider(text, weftp_settings_table[i].key_alias, &nearest, &best);
    }
    return nearest;
}
