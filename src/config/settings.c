#include "settings_load.h"

#include <stdlib.h>
#include <string.h>

void weftp_settings_free(struct weftp_settings *settings)
{
    if (!settings) return;
    weftp_levels_free(settings->levels, settings->level_count);
    weftp_levels_free(settings->start_levels, settings->start_level_count);
    weftp_sinks_free(settings->sinks, settings->sink_count);
    weftp_fields_free(settings->fields, settings->field_count);
    weftp_names_free(settings->propagators, settings->propagator_count);
    weftp_names_free(settings->propagate_keys, settings->propagate_key_count);
    for (size_t i = 0; i < settings->row_count; i++) {
        free(settings->rows[i].value);
        free(settings->rows[i].source);
    }
    free(settings->rows);
    free(settings->format);
    free(settings->gcp_project);
    free(settings->service);
    free(settings->service_version);
    free(settings->service_env);
    free(settings->service_node);
    free(settings->config);
    free(settings->queue_dir);
    free(settings->crash_dir);
    free(settings);
}

static void load_defaults(struct weftp_load *load)
{
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        const struct weftp_setting *setting = &weftp_settings_table[i];
        if (!setting->fallback) continue;
        const struct weftp_item item = {.setting = setting,
                                        .origin = {setting->variable, WEFTP_SOURCE_DEFAULT, 0, 0},
                                        .text = {setting->fallback, strlen(setting->fallback)}};
        weftp_load_text(load, &item);
    }
}

/*
 * The text of a member of weft_options, as its variable takes it. Empty: not set. `digits` has room
 * for a number.
 */
static struct weftp_span member_text(const weft_options *options,
                                     const struct weftp_setting *setting, char digits[24])
{
    const char *member = (const char *)options + setting->member_at;
    const char *string = NULL;
    size_t size = 0;
    uint32_t number = 0;
    bool flag = false;
    switch (setting->member) {
    case WEFTP_MEMBER_NONE: break;
    case WEFTP_MEMBER_TEXT: memcpy(&string, member, sizeof string); break;
    case WEFTP_MEMBER_BOOL: memcpy(&flag, member, sizeof flag); break;
    case WEFTP_MEMBER_U32: memcpy(&number, member, sizeof number); break;
    case WEFTP_MEMBER_SIZE: memcpy(&size, member, sizeof size); break;
    }
    if (string) return weftp_span(string, strlen(string));
    if (flag) return weftp_span("on", 2);
    struct weftp_text text = {digits, 24, 0};
    if (number || size) weftp_text_number(&text, number ? number : size);
    return weftp_span(digits, text.size);
}

static void load_program(struct weftp_load *load, const weft_options *program)
{
    /* Only the members that the caller's weft.h has; ours that it has not are zero: not set. */
    weft_options options;
    char digits[24];
    memset(&options, 0, sizeof options);
    memcpy(&options, program,
           program->struct_size < sizeof options ? program->struct_size : sizeof options);
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        const struct weftp_setting *setting = &weftp_settings_table[i];
        if (setting->member == WEFTP_MEMBER_NONE) continue;
        const struct weftp_item item = {.setting = setting,
                                        .origin = {setting->key, WEFTP_SOURCE_PROGRAM, 0, 0},
                                        .text = member_text(&options, setting, digits)};
        weftp_load_text(load, &item);
    }
}

/*
 * Lower sources first, so that each value takes the place of what was there, and a bad one leaves
 * it.
 */
static void load_all(struct weftp_load *load, const struct weftp_settings *previous,
                     const weft_options *program)
{
    load_defaults(load);
    if (program) load_program(load, program);
    weftp_load_environment_config(load);
    weftp_load_file(load);
    weftp_load_environment(load);
    weftp_levels_finish(load, previous);
    weftp_load_rows(load);
    weftp_say_rest(load);
}

/* A load from its beginning to its end; what it reads by is in `load` already. */
static weft_status run_load(struct weftp_load *load, struct weftp_settings **out,
                            const struct weftp_settings *previous, const weft_options *program)
{
    load->settings = calloc(1, sizeof *load->settings);
    if (!load->settings) return WEFT_ENOMEM;
    load_all(load, previous, program);
    weftp_levels_free(load->file_levels, load->file_level_count);
    weftp_sinks_free(load->sinks, load->sink_count);
    weftp_names_free(load->names, load->name_count);
    if (load->status)
        weftp_settings_free(load->settings);
    else
        *out = load->settings;
    return load->status;
}

weft_status weftp_settings_reload(struct weftp_settings **out,
                                  const struct weftp_settings *previous,
                                  const weft_options *program, const struct weftp_known *known,
                                  weftp_complain complain, void *arg)
{
    struct weftp_load load = {.known = known, .complain = complain, .arg = arg};
    return run_load(&load, out, previous, program);
}

weft_status weftp_settings_refresh(struct weftp_settings **out,
                                   const struct weftp_settings *previous,
                                   const weft_options *program, const struct weftp_known *known,
                                   weftp_complain complain, void *arg)
{
    struct weftp_load load = {.known = known, .complain = complain, .arg = arg, .strict = true};
    return run_load(&load, out, previous, program);
}

weft_status weftp_settings_load(struct weftp_settings **out, const weft_options *program,
                                const struct weftp_known *known, weftp_complain complain, void *arg)
{
    return weftp_settings_reload(out, NULL, program, known, complain, arg);
}
