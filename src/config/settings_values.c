#include "../base/parse.h"
#include "settings_load.h"

#include <stdlib.h>
#include <string.h>

const char *weftp_listed(struct weftp_span word, const char *const *list)
{
    for (; list && *list; list++)
        if (weftp_same_word(word.text, word.size, *list)) return *list;
    return NULL;
}

/* Replace a text setting; its old value is freed. */
static void store(struct weftp_load *load, char **slot, const struct weftp_item *item,
                  enum weftp_setting_id id)
{
    char *copy = weftp_load_copy(load, item->text.text, item->text.size);
    if (!copy) return;
    free(*slot);
    *slot = copy;
    weftp_load_origin(load, id, &item->origin);
}

static void refuse(struct weftp_load *load, const struct weftp_item *item, const char *reason)
{
    struct weftp_shown shown;
    struct weftp_holds holds;
    weftp_say(load, &item->origin, "\"%s\" %s; accepted: %s; %s", weftp_show_item(item, &shown),
              reason, item->setting->accepted, weftp_holds(load, item->setting, &holds));
}

void weftp_format_item(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_holds holds;
    struct weftp_item known = *item;
    const char *const *formats = load->known ? load->known->formats : NULL;
    const char *name = weftp_listed(item->text, formats);
    if (formats && !name) {
        weftp_say_unknown(load, item, "format", formats, weftp_holds(load, item->setting, &holds));
        return;
    }
    if (name) known.text = weftp_span(name, strlen(name));
    store(load, &load->settings->format, &known, WEFTP_SETTING_FORMAT);
}

void weftp_service_set(struct weftp_load *load, enum weftp_setting_id id,
                       const struct weftp_item *item)
{
    struct weftp_settings *settings = load->settings;
    char **const slots[] = {&settings->service, &settings->service_version, &settings->service_env,
                            &settings->service_node};
    struct weftp_holds holds;
    if (item->text.size > WEFTP_SERVICE_NAME_MAX) {
        struct weftp_shown shown;
        weftp_say(load, &item->origin, "\"%s\" is longer than 1,024 bytes; %s",
                  weftp_show_item(item, &shown),
                  weftp_holds(load, &weftp_settings_table[id], &holds));
        return;
    }
    store(load, slots[id - WEFTP_SETTING_SERVICE], item, id);
}

void weftp_service_item(struct weftp_load *load, const struct weftp_item *item)
{
    const enum weftp_setting_id id = weftp_setting_id(item->setting);
    weftp_service_set(load, id == WEFTP_SETTING_OTEL_SERVICE ? WEFTP_SETTING_SERVICE : id, item);
}

static const char *const trust_words[] = {"continue", "restart", "restart_external", NULL};

void weftp_trust_item(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_holds holds;
    for (unsigned i = 0; trust_words[i]; i++) {
        if (!weftp_same_word(item->text.text, item->text.size, trust_words[i])) continue;
        load->settings->trust = (enum weft_trust)(WEFT_TRUST_CONTINUE + i);
        weftp_load_origin(load, WEFTP_SETTING_TRUST, &item->origin);
        return;
    }
    weftp_say_unknown(load, item, "trust", trust_words, weftp_holds(load, item->setting, &holds));
}

static const char *const trace_names_words[] = {"own",     "ecs", "spring", "otel",
                                                "datadog", "gcp", NULL};

void weftp_trace_names_item(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_holds holds;
    const char *word = weftp_listed(item->text, trace_names_words);
    if (!word) {
        weftp_say_unknown(load, item, "set of trace names", trace_names_words,
                          weftp_holds(load, item->setting, &holds));
        return;
    }
    load->settings->trace_names = word;
    weftp_load_origin(load, WEFTP_SETTING_TRACE_NAMES, &item->origin);
}

#define GCP_PROJECT_MAX 128 /* bytes */

void weftp_gcp_project_item(struct weftp_load *load, const struct weftp_item *item)
{
    const struct weftp_span text = item->text;
    bool good = text.size <= GCP_PROJECT_MAX;
    for (size_t i = 0; i < text.size && good; i++)
        good = memchr("abcdefghijklmnopqrstuvwxyz0123456789-.:", text.text[i], 39) != NULL;
    if (good)
        store(load, &load->settings->gcp_project, item, WEFTP_SETTING_GCP_PROJECT);
    else
        refuse(load, item, "is no project of Google Cloud");
}

/*
 * Hand a short word to a parser that wants a NUL behind it; longer ones are no word that it knows.
 */
static bool to_word(struct weftp_span text, char word[32])
{
    if (text.size >= 32 || memchr(text.text, '\0', text.size)) return false;
    memcpy(word, text.text, text.size);
    word[text.size] = '\0';
    return true;
}

bool weftp_line_bytes_value(struct weftp_span text, uint32_t *out)
{
    char word[32];
    uint64_t bytes = 0;
    if (!to_word(text, word) || !weftp_parse_bytes(word, &bytes)) return false;
    if (bytes < WEFTP_LINE_BYTES_LEAST || bytes > WEFTP_LINE_BYTES_MOST) return false;
    *out = (uint32_t)bytes;
    return true;
}

void weftp_line_bytes_item(struct weftp_load *load, const struct weftp_item *item)
{
    if (!weftp_line_bytes_value(item->text, &load->settings->line_bytes_max)) {
        refuse(load, item, "is no size that a line can have");
        return;
    }
    weftp_load_origin(load, WEFTP_SETTING_LINE_BYTES_MAX, &item->origin);
}

void weftp_config_item(struct weftp_load *load, const struct weftp_item *item)
{
    store(load, &load->settings->config, item, WEFTP_SETTING_CONFIG);
}

void weftp_explain_item(struct weftp_load *load, const struct weftp_item *item)
{
    char word[32];
    if (!to_word(item->text, word) || !weftp_parse_bool(word, &load->settings->explain)) {
        refuse(load, item, "is neither on nor off");
        return;
    }
    weftp_load_origin(load, WEFTP_SETTING_EXPLAIN, &item->origin);
}

void weftp_no_color_item(struct weftp_load *load, const struct weftp_item *item)
{
    load->settings->no_colour = true;
    weftp_load_origin(load, WEFTP_SETTING_NO_COLOR, &item->origin);
}

void weftp_term_item(struct weftp_load *load, const struct weftp_item *item)
{
    if (weftp_same_word(item->text.text, item->text.size, "dumb")) weftp_no_color_item(load, item);
}

void weftp_later_item(struct weftp_load *load, const struct weftp_item *item)
{
    /* What holds anyway: `block` and `flush` are the defaults, which without a queue ask for nothing. */
    static const char *const off[] = {"off", "false", "no", "0", "none", "block", "flush", NULL};
    struct weftp_shown shown;
    if (weftp_listed(item->text, off)) return;
    weftp_say(load, &item->origin, "\"%s\": not supported by this version; ignored",
              weftp_show_item(item, &shown));
}

static const char *text_value(const struct weftp_settings *settings, enum weftp_setting_id id)
{
    if (id == WEFTP_SETTING_FORMAT) return settings->format;
    if (id == WEFTP_SETTING_SERVICE) return settings->service;
    if (id == WEFTP_SETTING_VERSION) return settings->service_version;
    if (id == WEFTP_SETTING_ENV) return settings->service_env;
    if (id == WEFTP_SETTING_NODE) return settings->service_node;
    if (id == WEFTP_SETTING_CONFIG) return settings->config;
    if (id == WEFTP_SETTING_TRUST && settings->trust)
        return trust_words[settings->trust - WEFT_TRUST_CONTINUE];
    if (id == WEFTP_SETTING_TRACE_NAMES) return settings->trace_names;
    if (id == WEFTP_SETTING_GCP_PROJECT) return settings->gcp_project;
    if (id == WEFTP_SETTING_EXPLAIN) return settings->explain ? "on" : "off";
    if (id == WEFTP_SETTING_NO_COLOR && settings->no_colour) return "on";
    return NULL;
}

void weftp_value_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text)
{
    const char *value = text_value(settings, id);
    if (value) weftp_text_visible(text, value, strlen(value));
    if (id == WEFTP_SETTING_LINE_BYTES_MAX && settings->line_bytes_max)
        weftp_text_number(text, settings->line_bytes_max);
}
