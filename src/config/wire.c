#include "wire.h"

#include "../../sinks/callback.h"
#include "../../sinks/registry.h"
#include "../encode/registry.h"
#include "nearest.h"
#include "wire_options.h"

#include <stdio.h>
#include <stdlib.h>

#define HOST_NAME_MAX_   256
#define COMPLAINT_MAX    512 /* bytes */
#define OPTION_NAMES_MAX 16

/* What the parts of one wiring share. */
struct wiring {
    struct weftp_pipeline *pipeline;
    const struct weftp_settings *settings;
    const struct weftp_catalog *catalog;
    const struct weftp_wired *previous;
    weftp_complain complain;
    void *arg;
    char host[HOST_NAME_MAX_];
    /* Of each encoding that was made: what it was made from, to tell whether another sink can share it. */
    struct weft_options_kv *encoder_options[WEFT_SINKS_MAX + 1];
    bool terminal[WEFT_SINKS_MAX + 1];
};

/* What one sink wants its lines to be. */
struct wish {
    const struct weft_encoder_type *type;
    size_t budget;
    const struct weft_options_kv *options;
    bool terminal, numbered;
};

/* ---- complaints ---- */

/* Who asked for the sinks: "environment", "config /etc/x.json:3:12". */
static const char *source_of_sinks(const struct weftp_settings *settings)
{
    for (size_t i = 0; i < settings->row_count; i++)
        if (strcmp(settings->rows[i].variable, "WEFT_SINKS") == 0) return settings->rows[i].source;
    return "default";
}

static void complain(struct wiring *wiring, const char *url, const char *text, const char *detail)
{
    char complaint[WEFTP_COMPLAINT_SIZE];
    const int written =
        snprintf(complaint, sizeof complaint, "WEFT_SINKS (%.256s): \"%.512s\": %s%s",
                 source_of_sinks(wiring->settings), url, text, detail);
    if (written > 0) wiring->complain(wiring->arg, complaint);
}

/* What a sink says of the option that it refused. */
static struct weft_sink_error refused_option(const struct weft_sink_type *type, void *self)
{
    struct weft_sink_error error = {0};
    if (type->struct_size < sizeof(struct weft_sink_type_more)) return error;
    const struct weft_sink_type_more *more = (const struct weft_sink_type_more *)type;
    if (more->explain) more->explain(self, &error);
    return error;
}

/* The option that was meant: what every sink takes, or one of the names in "a, b, c". */
static const char *nearest_option(const char *option, const char *accepted, char *room)
{
    const char *names[OPTION_NAMES_MAX + 5] = {"level", "format", "line_bytes_max", "seq"};
    size_t count = 4;
    char *rest = room;
    snprintf(room, COMPLAINT_MAX, "%s", accepted);
    while (rest && count < OPTION_NAMES_MAX) {
        names[count++] = strsep(&rest, ",");
        if (rest) rest += strspn(rest, " ");
    }
    names[count] = NULL;
    return weftp_nearest(option, strlen(option), names);
}

/* An option that no sink of this kind has. `accepted`: the names of those that it has. */
static void complain_of_name(struct wiring *wiring, const char *url, const char *option,
                             const char *accepted)
{
    char room[COMPLAINT_MAX], complaint[COMPLAINT_MAX];
    const char *meant = nearest_option(option, accepted, room);
    const int written = snprintf(
        complaint, sizeof complaint, "option \"%.64s\" is unknown; %s%.32s%saccepted: %.300s",
        option, meant ? "did you mean " : "", meant ? meant : "", meant ? "? " : "", accepted);
    if (written > 0)
        complain(wiring, url, complaint, ", level, format, line_bytes_max, seq; ignored");
}

static void complain_of_option(struct wiring *wiring, const char *url, const char *option,
                               const char *accepted)
{
    char complaint[COMPLAINT_MAX];
    const int written =
        snprintf(complaint, sizeof complaint, "option \"%.64s\" has a bad value; accepted: %.400s",
                 option ? option : "?", accepted ? accepted : "see the sink");
    if (written > 0) complain(wiring, url, complaint, "; using the default");
}

/* Name every option that the encoder does not know, or whose value it does not take, and drop it. */
static void check_encoder_options(struct wiring *wiring, const char *url,
                                  const struct weft_encoder_type *type,
                                  struct weft_options_kv *options)
{
    for (size_t i = 0; options[i].key;) {
        const char *accepted = weftp_option_accepted(type, options[i].key);
        if (accepted && weftp_option_among(options[i].value, accepted)) {
            i++;
            continue;
        }
        complain_of_option(wiring, url, options[i].key,
                           accepted ? accepted : "by other formats, not by this one");
        weftp_options_drop(options, options[i].key);
    }
}

/* ---- encodings ---- */

static size_t budget_of(const struct wiring *wiring, uint32_t own, bool console)
{
    if (own) return own;
    if (wiring->settings->line_bytes_max) return wiring->settings->line_bytes_max;
    return console ? WEFTP_BUDGET_CONSOLE : WEFTP_BUDGET_DEFAULT;
}

static weft_status open_encoding(struct wiring *wiring, const struct wish *wish,
                                 struct weft_options_kv *options)
{
    const struct weftp_settings *settings = wiring->settings;
    struct weftp_pipeline *pipeline = wiring->pipeline;
    const struct weft_encoder_options encoder_options = {.struct_size = sizeof encoder_options,
                                                         .service = settings->service,
                                                         .service_version =
                                                             settings->service_version,
                                                         .service_env = settings->service_env,
                                                         .service_node = settings->service_node,
                                                         .host = wiring->host,
                                                         .fields = pipeline->fields->pairs,
                                                         .field_count = pipeline->fields->count,
                                                         .options = options,
                                                         .terminal = wish->terminal,
                                                         .numbered = wish->numbered,
                                                         .trace_project = settings->gcp_project};
    void *self = NULL;
    const weft_status status = wish->type->open(&self, &encoder_options);
    if (!self && status) return status == WEFT_EINVAL ? status : WEFT_ENOMEM;
    const size_t index = pipeline->encoding_count++;
    pipeline->encodings[index] = (struct weftp_encoding){
        wish->type, self, wish->budget, wish->numbered ? wish->type->number : NULL};
    wiring->encoder_options[index] = options;
    wiring->terminal[index] = wish->terminal;
    return WEFT_OK;
}

static bool encoding_serves(const struct wiring *wiring, size_t index, const struct wish *wish)
{
    const struct weftp_encoding *encoding = &wiring->pipeline->encodings[index];
    return encoding->type == wish->type && encoding->budget == wish->budget &&
           (encoding->number != NULL) == wish->numbered &&
           wiring->terminal[index] == wish->terminal &&
           weftp_options_same(wiring->encoder_options[index], wish->options);
}

/* Find or make the encoding that serves a wish. */
static weft_status encoding_for(struct wiring *wiring, const struct wish *wish, unsigned *index)
{
    for (unsigned i = 0; i < wiring->pipeline->encoding_count; i++) {
        if (!encoding_serves(wiring, i, wish)) continue;
        *index = i;
        return WEFT_OK;
    }
    struct weft_options_kv *options = weftp_options_pick(wiring->catalog, wish->options, true);
    if (!options) return WEFT_ENOMEM;
    *index = (unsigned)wiring->pipeline->encoding_count;
    const weft_status status = open_encoding(wiring, wish, options);
    if (status) free(options);
    return status;
}

/* ---- sinks ---- */

static bool is_terminal(const struct weftp_outlet *outlet)
{
    if (outlet->type->struct_size < sizeof(struct weft_sink_type_more)) return false;
    const struct weft_sink_type_more *more = (const struct weft_sink_type_more *)outlet->type;
    return more->terminal && more->terminal(outlet->self);
}

/* Whether a format has a place for numbers; it is said where it has none. */
static bool can_number(struct wiring *wiring, const char *url, const struct weft_encoder_type *type)
{
    if (type->struct_size > offsetof(struct weft_encoder_type, number) && type->number) return true;
    complain(wiring, url, "option \"seq\" is ignored: no place for numbers in the format ",
             type->name);
    return false;
}

/* Whether this sink's numbers must have an id of their own: they begin where others have begun already. */
static bool numbers_apart(const struct wiring *wiring, const struct weftp_sink_setting *setting)
{
    const char *path = weftp_options_path(setting->options);
    if (wiring->previous->pipeline) return true;
    for (size_t i = 0; i < wiring->pipeline->slot_count; i++) {
        const struct weftp_slot *slot = &wiring->pipeline->slots[i];
        const struct weftp_sink_setting *other = &wiring->settings->sinks[slot->setting];
        if (slot->outlet->numbers && strcmp(other->scheme, setting->scheme) == 0 &&
            strcmp(weftp_options_path(other->options), path) == 0)
            return true;
    }
    return false;
}

/* The sink that was asked for in the same way before, with a reference of its own; NULL: there was none. */
static struct weftp_outlet *reuse(const struct wiring *wiring,
                                  const struct weftp_sink_setting *setting)
{
    const struct weftp_wired *previous = wiring->previous;
    if (!previous->settings || !previous->pipeline) return NULL;
    for (size_t i = 0; i < previous->pipeline->slot_count; i++) {
        const struct weftp_slot *slot = &previous->pipeline->slots[i];
        if (slot->setting >= previous->settings->sink_count) continue;
        if (!weftp_sink_setting_equal(setting, &previous->settings->sinks[slot->setting])) continue;
        weftp_outlet_ref(slot->outlet);
        return slot->outlet;
    }
    return NULL;
}

static weft_status open_outlet(struct wiring *wiring, const struct weft_sink_type *type,
                               const char *url, const struct weft_options_kv *options,
                               struct weftp_outlet **out)
{
    void *self = NULL;
    struct weft_options_kv *own = weftp_options_pick(wiring->catalog, options, false);
    if (!own) return WEFT_ENOMEM;
    weft_status status = type->open(&self, own);
    /* One bad option is told at a time: it is taken away, so that the next one is told as well. */
    while (status == WEFT_EINVAL && self) {
        const struct weft_sink_error error = refused_option(type, self);
        if (error.option && error.accepted && error.what &&
            strcmp(error.what, "unknown option") == 0)
            complain_of_name(wiring, url, error.option, error.accepted);
        else
            complain_of_option(wiring, url, error.option, error.accepted);
        if (!error.option) break;
        weftp_options_drop(own, error.option);
        type->close(self);
        self = NULL;
        status = type->open(&self, own);
    }
    free(own);
    if (!self) {
        if (status == WEFT_ENOMEM) return status;
        complain(wiring, url, "cannot be opened: ", weft_status_text(status));
        return WEFT_OK; /* left out */
    }
    *out = weftp_outlet_create(type, self, url);
    if (*out) return WEFT_OK;
    type->close(self);
    return WEFT_ENOMEM;
}

/* Slots of one encoding stand together. */
static void insert_slot(struct weftp_pipeline *pipeline, struct weftp_slot slot)
{
    size_t at = pipeline->slot_count++;
    for (; at > 0 && pipeline->slots[at - 1].encoding > slot.encoding; at--)
        pipeline->slots[at] = pipeline->slots[at - 1];
    pipeline->slots[at] = slot;
    if (slot.level < pipeline->floor) pipeline->floor = slot.level;
}

static const char *format_of(const struct wiring *wiring, const char *own, bool terminal)
{
    if (own) return own;
    if (wiring->settings->format) return wiring->settings->format;
    return terminal ? "pretty" : "ecs";
}

static weft_status connect_outlet(struct wiring *wiring, const struct weftp_sink_setting *setting,
                                  struct weftp_outlet *outlet, unsigned *encoding)
{
    const bool terminal = is_terminal(outlet);
    struct weft_options_kv *options = weftp_options_pick(wiring->catalog, setting->options, true);
    if (!options) return WEFT_ENOMEM;
    const struct weft_encoder_type *type =
        weftp_catalog_encoder(wiring->catalog, format_of(wiring, setting->format, terminal));
    if (type) check_encoder_options(wiring, setting->url, type, options);
    if (wiring->settings->no_colour) weftp_options_default(options, "colour", "never");
    if (wiring->settings->trace_names)
        weftp_options_default(options, "trace", wiring->settings->trace_names);
    struct wish wish = {.type = type,
                        .budget = budget_of(wiring, setting->line_bytes_max, outlet->console),
                        .options = options,
                        .terminal = terminal};
    if (setting->numbering == WEFTP_NUMBERING_ON && type)
        wish.numbered = can_number(wiring, setting->url, type);
    if (wish.numbered) wish.budget -= WEFT_NUMBER_SIZE_MAX;
    const weft_status status = wish.type ? encoding_for(wiring, &wish, encoding) : WEFT_EINVAL;
    free(options);
    return status;
}

static bool is_builtin_sink(const struct weft_sink_type *type)
{
    for (size_t i = 0; weftp_sinks_builtin[i]; i++)
        if (weftp_sinks_builtin[i] == type) return true;
    return false;
}

static bool is_builtin_encoder(const struct weft_encoder_type *type)
{
    for (size_t i = 0; weftp_encoders_builtin[i]; i++)
        if (weftp_encoders_builtin[i] == type) return true;
    return false;
}

/* What must not go through code of the program. */
static uint32_t excluded(const struct wiring *wiring, const struct weftp_slot *slot)
{
    const struct weft_sink_type *type = slot->outlet->type;
    const bool own = is_builtin_sink(type) && type != &weftp_sink_callback.type &&
                     is_builtin_encoder(wiring->pipeline->encodings[slot->encoding].type);
    return own ? 0 : WEFTP_RECORD_PRINTED;
}

static weft_status add_sink(struct wiring *wiring, size_t index)
{
    const struct weftp_sink_setting *setting = &wiring->settings->sinks[index];
    struct weftp_outlet *outlet = reuse(wiring, setting);
    struct weftp_slot slot = {.level = setting->level ? setting->level : WEFT_LEVEL_TRACE,
                              .setting = (unsigned)index};
    weft_status status = WEFT_OK;
    if (!outlet) {
        const struct weft_sink_type *type =
            weftp_sinks_find(wiring->catalog->sinks, setting->scheme, setting->options);
        if (!type) return WEFT_OK;
        status = open_outlet(wiring, type, setting->url, setting->options, &outlet);
        if (!outlet) return status;
        if (setting->numbering == WEFTP_NUMBERING_ON &&
            !weftp_outlet_number(outlet, numbers_apart(wiring, setting)))
            status = WEFT_ENOMEM;
    }
    if (!status) status = connect_outlet(wiring, setting, outlet, &slot.encoding);
    if (status) {
        weftp_outlet_unref(outlet);
        return status;
    }
    slot.outlet = outlet;
    slot.excludes = excluded(wiring, &slot);
    insert_slot(wiring->pipeline, slot);
    return WEFT_OK;
}

/* Where weft says what it has to say about itself: stderr, in the default format. */
static weft_status add_status(struct wiring *wiring)
{
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    const struct weftp_sink_setting setting = {
        .url = (char *)(uintptr_t) "stderr:", .options = (struct weft_options_kv *)(uintptr_t)none};
    struct weftp_slot *status_slot = &wiring->pipeline->status;
    const struct weft_sink_type *type = weftp_sinks_find(wiring->catalog->sinks, "stderr", NULL);
    struct weftp_outlet *outlet = NULL;
    if (wiring->previous->pipeline) {
        outlet = wiring->previous->pipeline->status.outlet;
        if (outlet) weftp_outlet_ref(outlet);
    }
    if (!outlet && type) {
        const weft_status status = open_outlet(wiring, type, setting.url, none, &outlet);
        if (status) return status;
    }
    if (!outlet) return WEFT_OK;
    status_slot->outlet = outlet;
    return connect_outlet(wiring, &setting, outlet, &status_slot->encoding);
}

/* Nothing could be opened: stdout is better than silence. */
static weft_status add_default(struct wiring *wiring)
{
    const struct weft_sink_type *type = weftp_sinks_find(wiring->catalog->sinks, "stdout", NULL);
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    const struct weftp_sink_setting setting = {
        .url = (char *)(uintptr_t) "stdout:", .options = (struct weft_options_kv *)(uintptr_t)none};
    struct weftp_slot slot = {.level = WEFT_LEVEL_TRACE, .setting = UINT32_MAX};
    weft_status status =
        type ? open_outlet(wiring, type, setting.url, none, &slot.outlet) : WEFT_EINVAL;
    if (status || !slot.outlet) return status;
    status = connect_outlet(wiring, &setting, slot.outlet, &slot.encoding);
    if (status) {
        weftp_outlet_unref(slot.outlet);
        return status;
    }
    insert_slot(wiring->pipeline, slot);
    return WEFT_OK;
}

static weft_status build_fields(struct weftp_pipeline *pipeline,
                                const struct weftp_settings *settings)
{
    static const struct weftp_pair_limits limits = {WEFTP_STATIC_FIELDS_MAX, 128, 4096, UINT32_MAX};
    return weftp_pairs_prepend(&pipeline->fields, NULL, settings->fields, settings->field_count,
                               &limits, NULL);
}

static weft_status build(struct wiring *wiring)
{
    weft_status status = build_fields(wiring->pipeline, wiring->settings);
    for (size_t i = 0; !status && i < wiring->settings->sink_count; i++)
        status = add_sink(wiring, i);
    if (!status && wiring->pipeline->slot_count == 0) status = add_default(wiring);
    if (!status) status = add_status(wiring);
    return status;
}

weft_status weftp_wire(struct weftp_pipeline **out, const struct weftp_settings *settings,
                       const struct weftp_catalog *catalog, const struct weftp_wired *previous,
                       weftp_complain complain_to, void *arg)
{
    struct wiring wiring = {.settings = settings,
                            .catalog = catalog,
                            .previous = previous,
                            .complain = complain_to,
                            .arg = arg};
    wiring.pipeline = calloc(1, sizeof *wiring.pipeline);
    if (!wiring.pipeline) return WEFT_ENOMEM;
    wiring.pipeline->floor = WEFT_LEVEL_OFF;
    weftp_host_name(wiring.host, sizeof wiring.host);
    const weft_status status = build(&wiring);
    for (size_t i = 0; i < wiring.pipeline->encoding_count; i++) free(wiring.encoder_options[i]);
    if (status)
        weftp_pipeline_destroy(wiring.pipeline);
    else
        *out = wiring.pipeline;
    return status;
}
