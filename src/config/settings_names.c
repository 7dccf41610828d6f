#include "../propagate/registry.h"
#include "settings_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void weftp_names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++) free(names[i]);
    free(names);
}

static bool is_collected(const struct weftp_load *load, struct weftp_span name)
{
    for (size_t i = 0; i < load->name_count; i++)
        if (strlen(load->names[i]) == name.size &&
            memcmp(load->names[i], name.text, name.size) == 0)
            return true;
    return false;
}

/* Put a name aside until the list is complete; a second one of the same name changes nothing. */
static void collect(struct weftp_load *load, const struct weftp_item *item, struct weftp_span name)
{
    struct weftp_shown shown;
    if (is_collected(load, name)) return;
    if (load->name_count == WEFTP_NAMES_MAX) {
        weftp_say(load, &item->origin, "\"%s\": at most 64 names; ignored",
                  weftp_show_item(item, &shown));
        return;
    }
    if (!load->names) load->names = weftp_load_zeroed(load, WEFTP_NAMES_MAX, sizeof *load->names);
    if (!load->names) return;
    char *copy = weftp_load_copy(load, name.text, name.size);
    if (copy) load->names[load->name_count++] = copy;
}

/* Let what was collected replace a list. */
static void replace(struct weftp_load *load, char ***names, size_t *count)
{
    weftp_names_free(*names, *count);
    *names = load->names;
    *count = load->name_count;
    load->names = NULL;
    load->name_count = 0;
}

/* What stands before the ':' that args follow. */
static struct weftp_span name_of(struct weftp_span text)
{
    const char *colon = memchr(text.text, ':', text.size);
    return weftp_span(text.text, colon ? (size_t)(colon - text.text) : text.size);
}

static void say_refused(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_shown shown;
    weftp_say(
        load, &item->origin,
        "\"%s\": these arguments are not accepted; accepted: verbatim:NAME+NAME... with up to "
        "16 header names, none of Cookie, Authorization, Host, Proxy-* or of one connection "
        "(RFC 9110, 7.6.1); no arguments elsewhere; ignored",
        weftp_show_item(item, &shown));
}

/*
 * A name that follows "verbatim:a," is one more of its headers: the list is split at commas before
 * anybody knows. False: it is none.
 */
static bool join_verbatim(struct weftp_load *load, struct weftp_span text)
{
    static const char verbatim[] = "verbatim:";
    char *last = load->name_count > 0 ? load->names[load->name_count - 1] : NULL;
    if (!last || strncmp(last, verbatim, sizeof verbatim - 1) != 0) return false;
    const size_t size = strlen(last);
    char *joined = weftp_load_zeroed(load, size + text.size + 2, 1);
    if (!joined) return true;
    memcpy(joined, last, size);
    joined[size] = '+';
    memcpy(joined + size + 1, text.text, text.size);
    if (!weftp_propagator_takes(joined)) {
        free(joined);
        return false;
    }
    free(last);
    load->names[load->name_count - 1] = joined;
    return true;
}

/* A format that is known, with its args where it has some. */
static void take_propagator(struct weftp_load *load, const struct weftp_item *item,
                            const char *name)
{
    char full[WEFTP_COMPLAINT_SIZE];
    const struct weftp_span base = name_of(item->text);
    const int size = snprintf(full, sizeof full, "%s%.*s", name, (int)(item->text.size - base.size),
                              item->text.text + base.size);
    if (size < 0 || (size_t)size >= sizeof full || !weftp_propagator_takes(full))
        say_refused(load, item);
    else
        collect(load, item, weftp_span(full, (size_t)size));
}

void weftp_propagator_item(struct weftp_load *load, const struct weftp_item *item)
{
    const char *const *propagators = load->known ? load->known->propagators : NULL;
    const char *name = weftp_listed(name_of(item->text), propagators);
    if (weftp_same_word(item->text.text, item->text.size, "none"))
        load->names_none = true;
    else if (name)
        take_propagator(load, item, name);
    else if (!propagators || item->origin.source == WEFTP_SOURCE_DEFAULT)
        collect(load, item, item->text);
    else if (!join_verbatim(load, item->text))
        weftp_say_unknown(load, item, "propagator", propagators, "ignored");
}

void weftp_propagator_commit(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_settings *settings = load->settings;
    if (load->names_none && load->name_count > 0)
        weftp_say(load, &item->origin, "\"none\" stands beside other names; \"none\" is ignored");
    if (load->names_none || load->name_count > 0) {
        replace(load, &settings->propagators, &settings->propagator_count);
        weftp_load_origin(load, WEFTP_SETTING_PROPAGATORS, &item->origin);
    } else {
        struct weftp_holds holds;
        weftp_say(load, &item->origin, "nothing in it is accepted; %s",
                  weftp_holds(load, &weftp_settings_table[WEFTP_SETTING_PROPAGATORS], &holds));
    }
    load->names_none = false;
}

/* What W3C Baggage takes as a key: a token of RFC 9110, section 5.6.2. */
static bool is_token(struct weftp_span text)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";
    for (size_t i = 0; i < text.size; i++) {
        const char c = text.text[i];
        const bool letter =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !memchr(marks, c, sizeof marks - 1)) return false;
    }
    return text.size > 0 && text.size <= WEFTP_FIELD_KEY_MAX;
}

void weftp_propagate_key_item(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_shown shown;
    if (is_token(item->text)) {
        collect(load, item, item->text);
        return;
    }
    weftp_say(load, &item->origin,
              "\"%s\" cannot be a key of baggage; accepted: %s, up to 128 bytes; ignored",
              weftp_show_item(item, &shown), item->setting->accepted);
}

void weftp_propagate_key_commit(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_settings *settings = load->settings;
    if (load->name_count == 0) return;
    replace(load, &settings->propagate_keys, &settings->propagate_key_count);
    weftp_load_origin(load, WEFTP_SETTING_PROPAGATE_KEYS, &item->origin);
}

void weftp_names_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text)
{
    const bool keys = id == WEFTP_SETTING_PROPAGATE_KEYS;
    char *const *names = keys ? settings->propagate_keys : settings->propagators;
    const size_t count = keys ? settings->propagate_key_count : settings->propagator_count;
    for (size_t i = 0; i < count; i++) {
        if (i > 0) weftp_text_str(text, ",");
        weftp_text_visible(text, names[i], strlen(names[i]));
    }
    if (!keys && count == 0) weftp_text_str(text, "none");
}
