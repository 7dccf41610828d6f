#include "settings_load.h"

#include "../base/utf8.h"
#include <stdlib.h>
#include <string.h>

/* ---- memory ---- */

static void deinit(struct weftp_sink_setting *sink)
{
    for (struct weft_options_kv *option = sink->options; option && option->key; option++) {
        free((void *)option->key);
        free((void *)option->value);
    }
    free(sink->options);
    free(sink->url);
    free(sink->scheme);
    free(sink->format);
}

void weftp_sinks_free(struct weftp_sink_setting *sinks, size_t count)
{
    for (size_t i = 0; sinks && i < count; i++) deinit(&sinks[i]);
    free(sinks);
}

static const char *option_value(const struct weftp_sink_setting *sink, const char *key)
{
    for (const struct weft_options_kv *option = sink->options; option && option->key; option++)
        if (strcmp(option->key, key) == 0) return option->value;
    return NULL;
}

static bool has_options_of(const struct weftp_sink_setting *a, const struct weftp_sink_setting *b)
{
    for (const struct weft_options_kv *option = b->options; option && option->key; option++) {
        const char *value = option_value(a, option->key);
        if (!value || strcmp(value, option->value) != 0) return false;
    }
    return true;
}

bool weftp_sink_setting_equal(const struct weftp_sink_setting *a,
                              const struct weftp_sink_setting *b)
{
    if (strcmp(a->scheme, b->scheme) != 0 ||
        strcmp(a->format ? a->format : "", b->format ? b->format : "") != 0)
        return false;
    if ((a->numbering == WEFTP_NUMBERING_ON) != (b->numbering == WEFTP_NUMBERING_ON)) return false;
    return a->level == b->level && a->line_bytes_max == b->line_bytes_max && has_options_of(a, b) &&
           has_options_of(b, a);
}

/* ---- options ---- */

/* Where a URL is being split: the item that it came with, and the sink that it makes. */
struct split {
    struct weftp_load *load;
    const struct weftp_item *item;
    struct weftp_sink_setting *sink;
    size_t option_count;
};

/* Say what is wrong with a part of this URL; the sink itself goes on. */
static void say_option(const struct split *split, struct weftp_span option, const char *reason)
{
    struct weftp_shown url, part;
    weftp_say(split->load, &split->item->origin, "\"%s\": option \"%s\" %s; the option is ignored",
              weftp_show_item(split->item, &url), weftp_show(&part, option, weftp_text_pair),
              reason);
}

/* Say that a value of level=, format=, line_bytes_max= or seq= is none. */
static void say_value(const struct split *split, struct weftp_span value, const char *noun,
                      enum weftp_setting_id id, const char *const *list)
{
    struct weftp_item item = *split->item;
    item.text = value;
    item.key = weftp_span(NULL, 0);
    item.setting = &weftp_settings_table[id];
    weftp_say_unknown(split->load, &item, noun, list, "the sink's option is ignored");
}

/* What seq= says; UNSET where that was told to be nothing. */
static enum weftp_numbering take_numbering(const struct split *split, struct weftp_span value)
{
    static const char *const accepted[] = {"off", "on", NULL};
    const char *name = weftp_listed(value, accepted);
    if (name) return name == accepted[1] ? WEFTP_NUMBERING_ON : WEFTP_NUMBERING_OFF;
    say_value(split, value, "value of seq", WEFTP_SETTING_ASYNC, accepted);
    return WEFTP_NUMBERING_UNSET;
}

/* The options that are not the sink's own. False: it is none of them. */
static bool take_common(const struct split *split, struct weftp_span key, struct weftp_span value)
{
    struct weftp_load *load = split->load;
    struct weftp_sink_setting *sink = split->sink;
    if (weftp_same_word(key.text, key.size, "level")) {
        sink->level = weftp_level_value(value);
        if (!sink->level) say_value(split, value, "level", WEFTP_SETTING_LEVEL, NULL);
    } else if (weftp_same_word(key.text, key.size, "line_bytes_max")) {
        if (!weftp_line_bytes_value(value, &sink->line_bytes_max))
            say_value(split, value, "line_bytes_max", WEFTP_SETTING_LINE_BYTES_MAX, NULL);
    } else if (weftp_same_word(key.text, key.size, "seq")) {
        sink->numbering = take_numbering(split, value);
    } else if (weftp_same_word(key.text, key.size, "format")) {
        const char *const *formats = load->known ? load->known->formats : NULL;
        const char *name = weftp_listed(value, formats);
        if (formats && !name)
            say_value(split, value, "format", WEFTP_SETTING_FORMAT, formats);
        else
            sink->format =
                weftp_load_copy(load, name ? name : value.text, name ? strlen(name) : value.size);
    } else {
        return false;
    }
    return true;
}

static void add_option(struct split *split, struct weftp_span key, struct weftp_span value)
{
    struct weftp_sink_setting *sink = split->sink;
    /* One place more stays all zero: the end. */
    if (!sink->options)
        sink->options =
            weftp_load_zeroed(split->load, WEFTP_SINK_OPTIONS_MAX + 1, sizeof *sink->options);
    if (!sink->options) return;
    char *key_copy = weftp_load_copy(split->load, key.text, key.size);
    char *value_copy = key_copy ? weftp_load_copy(split->load, value.text, value.size) : NULL;
    if (!value_copy) {
        free(key_copy);
        return;
    }
    sink->options[split->option_count++] = (struct weft_options_kv){key_copy, value_copy};
}

/*
 * What is wrong with an option that is none of the common ones; NULL: nothing. `key` is
 * NUL-terminated.
 */
static const char *option_fault(const struct split *split, const char *key)
{
    if (*key == '\0') return "has no key";
    if (strcmp(key, "path") == 0) return "is no option: the path stands before the ?";
    if (option_value(split->sink, key)) return "is given twice; the first holds";
    if (split->option_count == WEFTP_SINK_OPTIONS_MAX)
        return "is one too many: a sink has at most 32";
    return NULL;
}

static bool is_common_twice(const struct split *split, struct weftp_span key)
{
    const struct weftp_sink_setting *sink = split->sink;
    return (sink->level && weftp_same_word(key.text, key.size, "level")) ||
           (sink->format && weftp_same_word(key.text, key.size, "format")) ||
           (sink->numbering && weftp_same_word(key.text, key.size, "seq")) ||
           (sink->line_bytes_max && weftp_same_word(key.text, key.size, "line_bytes_max"));
}

/* Take one "key=value" of the query. */
static void take_option(struct split *split, struct weftp_span option)
{
    const char *equals = memchr(option.text, '=', option.size);
    if (!equals) {
        say_option(split, option, "has no value");
        return;
    }
    /* Two copies, so that each half can be decoded in place and ends with NUL. */
    const size_t at = (size_t)(equals - option.text);
    struct weftp_span key = {NULL, at}, value = {NULL, option.size - at - 1};
    char *key_text = weftp_load_copy(split->load, option.text, key.size);
    char *value_text = key_text ? weftp_load_copy(split->load, equals + 1, value.size) : NULL;
    if (value_text && weftp_text_percent_decode(key_text, &key.size) &&
        weftp_text_percent_decode(value_text, &value.size)) {
        key_text[key.size] = value_text[value.size] = '\0';
        key.text = key_text;
        value.text = value_text;
        const char *fault = option_fault(split, key_text);
        if (fault)
            say_option(split, option, fault);
        else if (is_common_twice(split, key))
            say_option(split, option, "is given twice; the first holds");
        else if (!take_common(split, key, value))
            add_option(split, key, value);
    } else if (value_text) {
        say_option(split, option,
                   "has a % that two hex digits should follow (%25 is the sign itself, %00 is not "
                   "accepted)");
    }
    free(key_text);
    free(value_text);
}

/* ---- the URL ---- */

/* Say why a whole URL is of no use. */
static bool refuse(const struct split *split, const char *reason)
{
    struct weftp_shown shown;
    weftp_say(split->load, &split->item->origin, "\"%s\" %s; ignored",
              weftp_show_item(split->item, &shown), reason);
    return false;
}

/* Take the scheme: what stands before the first ':', '/' or '?'. */
static bool take_scheme(const struct split *split, size_t *size)
{
    const struct weftp_span url = split->item->text;
    const char *const *sinks = split->load->known ? split->load->known->sinks : NULL;
    size_t length = 0;
    while (length < url.size && !memchr(":/?", url.text[length], 3)) length++;
    const struct weftp_span scheme = weftp_span(url.text, length);
    const char *name = weftp_listed(scheme, sinks);
    *size = length < url.size && url.text[length] == ':' ? length + 1 : length;
    if (length < url.size && url.text[length] == '/') {
        return refuse(split, "has no scheme; for a file write file:PATH");
    } else if (sinks && !name) {
        struct weftp_item item = *split->item;
        item.text = scheme;
        weftp_say_unknown(split->load, &item, "kind of sink", sinks, "ignored");
        return false;
    } else if (length == 0) {
        return refuse(split, "has no scheme");
    }
    split->sink->scheme = weftp_load_copy(split->load, name ? name : scheme.text, length);
    return split->sink->scheme != NULL;
}

/*
 * Take the path: what stands between the scheme and the '?'. "//" before it is left out, so that
 * file:///a, file:/a and tcp://h:1 give /a, /a and h:1. A file's URL may name localhost there and
 * no other host (RFC 8089).
 */
static bool take_path(struct split *split, struct weftp_span path)
{
    const bool authority = path.size >= 2 && memcmp(path.text, "//", 2) == 0;
    if (authority) path = weftp_span(path.text + 2, path.size - 2);
    if (authority && strcmp(split->sink->scheme, "file") == 0) {
        static const char host[] = "localhost/";
        const size_t length = sizeof host - 2;
        if (path.size > length && weftp_same_word(path.text, length + 1, host))
            path = weftp_span(path.text + length, path.size - length);
        if (path.size > 0 && path.text[0] != '/')
            return refuse(
                split,
                "names a host; write file:/PATH, or file:PATH without // for a relative path");
    }
    if (path.size == 0) return true;
    char *copy = weftp_load_copy(split->load, path.text, path.size);
    if (!copy) return false;
    const bool decoded = weftp_text_percent_decode(copy, &path.size);
    if (decoded) add_option(split, weftp_span("path", 4), weftp_span(copy, path.size));
    free(copy);
    return decoded ||
           refuse(split,
                  "has a % in its path that two hex digits should follow (%25 is the sign itself, "
                  "%00 is not accepted)");
}

/* Split a URL into `sink`; false: it is of no use, or there is no memory. */
static bool split_url(struct weftp_load *load, const struct weftp_item *item,
                      struct weftp_sink_setting *sink)
{
    struct split split = {load, item, sink, 0};
    size_t at = 0;
    if (item->text.size > WEFTP_SINK_URL_MAX) return refuse(&split, "is longer than 4,096 bytes");
    if (!take_scheme(&split, &at)) return false;
    const char *rest = item->text.text + at, *end = item->text.text + item->text.size;
    const char *query = memchr(rest, '?', (size_t)(end - rest));
    if (!take_path(&split, weftp_span(rest, (size_t)((query ? query : end) - rest)))) return false;
    struct weftp_span options = weftp_span(end, 0), option;
    if (query) options = weftp_span(query + 1, (size_t)(end - query - 1));
    while (weftp_split(&options, "&", &option)) take_option(&split, option);
    struct weftp_text text = {NULL, 0, 0};
    weftp_text_url(&text, item->text.text, item->text.size);
    sink->url = weftp_load_zeroed(load, text.size + 1, 1);
    if (!sink->url) return false;
    text = (struct weftp_text){sink->url, text.size, 0};
    weftp_text_url(&text, item->text.text, item->text.size);
    if (!sink->options) sink->options = weftp_load_zeroed(load, 1, sizeof *sink->options);
    return !load->status;
}

void weftp_sink_item(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_sink_setting sink = {0};
    struct weftp_shown shown;
    const char *reason = NULL;
    if (!load->sinks) load->sinks = weftp_load_zeroed(load, WEFT_SINKS_MAX, sizeof *load->sinks);
    if (!load->sinks || !split_url(load, item, &sink)) {
        deinit(&sink);
        return;
    }
    for (size_t i = 0; i < load->sink_count; i++)
        if (weftp_sink_setting_equal(&load->sinks[i], &sink))
            reason = "is given twice; the second is ignored";
    if (!reason && load->sink_count == WEFT_SINKS_MAX)
        reason = "is one too many: at most 16 sinks; ignored";
    if (reason) {
        weftp_say(load, &item->origin, "\"%s\" %s", weftp_show_item(item, &shown), reason);
        deinit(&sink);
        return;
    }
    load->sinks[load->sink_count++] = sink;
}

void weftp_sink_commit(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_settings *settings = load->settings;
    struct weftp_holds holds;
    if (load->sink_count == 0) {
        weftp_say(load, &item->origin, "nothing in it is accepted; %s",
                  weftp_holds(load, item->setting, &holds));
        return;
    }
    weftp_sinks_free(settings->sinks, settings->sink_count);
    settings->sinks = load->sinks;
    settings->sink_count = load->sink_count;
    load->sinks = NULL;
    load->sink_count = 0;
    weftp_load_origin(load, WEFTP_SETTING_SINKS, &item->origin);
}

void weftp_sink_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                     struct weftp_text *text)
{
    (void)id;
    for (size_t i = 0; i < settings->sink_count; i++) {
        if (i > 0) weftp_text_str(text, " ");
        weftp_text_str(text, settings->sinks[i].url);
    }
}
