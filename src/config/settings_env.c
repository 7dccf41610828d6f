#include "settings_load.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 128 /* of a variable that nobody knows, in a complaint */

static const char prefix[] = "WEFT_";

static const char *read_variable(const struct weftp_setting *setting, const char *name)
{
    return setting->flags & WEFTP_SETTING_IN_SETUID ? getenv(name) : secure_getenv(name);
}

static void load_variable(struct weftp_load *load, const struct weftp_setting *setting,
                          const char *name)
{
    const char *value = name ? read_variable(setting, name) : NULL;
    if (!value) return;
    const struct weftp_item item = {.setting = setting,
                                    .origin = {name, WEFTP_SOURCE_ENVIRONMENT, 0, 0},
                                    .text = {value, strlen(value)}};
    weftp_load_text(load, &item);
}

void weftp_load_environment_config(struct weftp_load *load)
{
    const struct weftp_setting *setting = &weftp_settings_table[WEFTP_SETTING_CONFIG];
    load_variable(load, setting, setting->variable);
}

static void say_unknown_variable(struct weftp_load *load, struct weftp_span name)
{
    const char *nearest = weftp_setting_nearest_variable(name);
    struct weftp_shown shown;
    char names[1024];
    struct weftp_text list = {names, sizeof names - 1, 0};
    const struct weftp_origin origin = {weftp_show(&shown, name, NULL), WEFTP_SOURCE_ENVIRONMENT, 0,
                                        0};
    if (nearest) {
        weftp_say(load, &origin, "no variable of weft; did you mean %s? ignored", nearest);
        return;
    }
    for (size_t i = 0; i < WEFTP_SETTING_LATER_FIRST; i++) {
        if (strncmp(weftp_settings_table[i].variable, prefix, sizeof prefix - 1) != 0) continue;
        if (list.size > 0) weftp_text_str(&list, " ");
        weftp_text_str(&list, weftp_settings_table[i].variable);
    }
    names[list.size < list.room ? list.size : list.room] = '\0';
    weftp_say(load, &origin, "no variable of weft; there are: %s; ignored", names);
}

/* Whether the kernel has marked this program: then secure_getenv denies what getenv finds. */
static bool is_denied(struct weftp_span name)
{
    char text[NAME_MAX_BYTES];
    if (name.size >= sizeof text) return secure_getenv("PATH") == NULL && getenv("PATH") != NULL;
    memcpy(text, name.text, name.size);
    text[name.size] = '\0';
    return secure_getenv(text) == NULL;
}

static void load_unknown_variables(struct weftp_load *load)
{
    const char *known = NULL;
    for (char **entry = environ; entry && *entry && !load->status; entry++) {
        const char *equals = strchr(*entry, '=');
        if (!equals || strncmp(*entry, prefix, sizeof prefix - 1) != 0) continue;
        const struct weftp_span name = weftp_span(*entry, (size_t)(equals - *entry));
        if (!weftp_setting_by_variable(name, &known) && !is_denied(name))
            say_unknown_variable(load, name);
    }
}

void weftp_load_environment(struct weftp_load *load)
{
    for (size_t i = 0; i < WEFTP_SETTING_COUNT; i++) {
        const struct weftp_setting *setting = &weftp_settings_table[i];
        if (i == WEFTP_SETTING_CONFIG) continue;
        load_variable(load, setting, setting->alias);
        load_variable(load, setting, setting->variable);
    }
    load_unknown_variables(load);
}
