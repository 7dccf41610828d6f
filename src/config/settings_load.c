#include "settings_load.h"

#include "../base/utf8.h"
#include "nearest.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *weftp_load_zeroed(struct weftp_load *load, size_t count, size_t size)
{
    void *memory = load->status ? NULL : calloc(count, size);
    if (!memory && !load->status) load->status = WEFT_ENOMEM;
    return memory;
}

char *weftp_load_copy(struct weftp_load *load, const char *text, size_t size)
{
    char *copy = weftp_load_zeroed(load, size + 1, 1);
    if (copy && size) memcpy(copy, text, size);
    return copy;
}

void weftp_load_origin(struct weftp_load *load, enum weftp_setting_id id,
                       const struct weftp_origin *origin)
{
    load->origins[id] = *origin;
}

/* ---- complaints ---- */

/*
 * "WEFT_LEVEL (environment): ", "level (config /etc/x.json:3:12): ", "config /etc/x.json:3:12: ".
 */
static void put_origin(const struct weftp_load *load, const struct weftp_origin *origin,
                       struct weftp_text *text)
{
    if (origin->name) {
        weftp_text_str(text, origin->name);
        weftp_text_str(text, " (");
    }
    weftp_origin_show(load->settings, origin, text);
    weftp_text_str(text, origin->name ? "): " : ": ");
}

static void tell(const struct weftp_load *load, char *text, size_t size)
{
    /* What was too long was cut by bytes. */
    if (size >= WEFTP_COMPLAINT_SIZE)
        size = weftp_utf8_cut(text, WEFTP_COMPLAINT_SIZE - 1, WEFTP_COMPLAINT_SIZE - 4);
    text[size] = '\0';
    if (load->complain) load->complain(load->arg, text);
}

void weftp_say(struct weftp_load *load, const struct weftp_origin *origin, const char *format, ...)
{
    char line[WEFTP_COMPLAINT_SIZE];
    struct weftp_text text = {line, sizeof line / 2, 0};
    if (load->status || load->settings->complaint_count++ >= WEFTP_COMPLAINTS_MAX) return;
    put_origin(load, origin, &text);
    const size_t head = text.size < text.room ? text.size : text.room;
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(line + head, sizeof line - head, format, args);
    va_end(args);
    tell(load, line, head + (size > 0 ? (size_t)size : 0));
}

void weftp_say_rest(struct weftp_load *load)
{
    char line[WEFTP_COMPLAINT_SIZE];
    const unsigned count = load->settings->complaint_count;
    if (load->status || count <= WEFTP_COMPLAINTS_MAX) return;
    const int size = snprintf(line, sizeof line, "configuration: %u more complaints are not shown",
                              count - WEFTP_COMPLAINTS_MAX);
    tell(load, line, size > 0 ? (size_t)size : 0);
}

const char *weftp_holds(const struct weftp_load *load, const struct weftp_setting *setting,
                        struct weftp_holds *holds)
{
    static const char ignored[] = "ignored", using_[] = "using ";
    struct weftp_text text = {holds->text, sizeof holds->text - sizeof "…", 0};
    weftp_text_str(&text, using_);
    if (setting->show) setting->show(load->settings, weftp_setting_id(setting), &text);
    if (text.size == sizeof using_ - 1 && setting->unset) weftp_text_str(&text, setting->unset);
    if (text.size == sizeof using_ - 1) {
        memcpy(holds->text, ignored, sizeof ignored);
    } else if (text.size <= sizeof holds->text - sizeof "…") {
        holds->text[text.size] = '\0';
    } else {
        memcpy(holds->text + text.room, "…", sizeof "…");
    }
    return holds->text;
}

const char *weftp_show_item(const struct weftp_item *item, struct weftp_shown *shown)
{
    const unsigned flags = item->setting->flags;
    if (item->key.text && weftp_key_is_secret(item->key.text, item->key.size))
        return weftp_show(shown, weftp_span("***", 3), NULL);
    if (flags & WEFTP_SETTING_SECRET_URL) return weftp_show(shown, item->text, weftp_text_url);
    if (flags & WEFTP_SETTING_SECRET_PAIR) return weftp_show(shown, item->text, weftp_text_pair);
    return weftp_show(shown, item->text, NULL);
}

void weftp_say_unknown(struct weftp_load *load, const struct weftp_item *item, const char *noun,
                       const char *const *list, const char *outcome)
{
    struct weftp_shown shown;
    char names[512];
    struct weftp_text accepted = {names, sizeof names - 1, 0};
    const char *near = weftp_nearest(item->text.text, item->text.size, list);
    for (const char *const *name = list; name && *name; name++) {
        if (name != list) weftp_text_str(&accepted, " ");
        weftp_text_str(&accepted, *name);
    }
    if (!list) weftp_text_str(&accepted, item->setting->accepted ? item->setting->accepted : "");
    names[accepted.size < accepted.room ? accepted.size : accepted.room] = '\0';
    weftp_say(load, &item->origin, "\"%s\" is no %s;%s%s%s accepted: %s; %s",
              weftp_show_item(item, &shown), noun, near ? " did you mean " : "", near ? near : "",
              near ? "?" : "", names, outcome);
}

/* ---- text to rows ---- */

static bool is_plain(struct weftp_span text)
{
    return text.size == 0 ||
           (!memchr(text.text, '\0', text.size) && weftp_utf8_valid(text.text, text.size));
}

/* Whether this text is fit for any setting; if not, that is said. */
static bool is_fit(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_shown shown;
    struct weftp_holds holds;
    const char *reason = NULL;
    if (item->text.size > WEFTP_VALUE_MAX)
        reason = "is longer than 65,536 bytes";
    else if (!is_plain(item->text))
        reason = "is not UTF-8, or holds a NUL byte";
    if (reason) {
        weftp_say(load, &item->origin, "\"%s\" %s; %s", weftp_show_item(item, &shown), reason,
                  weftp_holds(load, item->setting, &holds));
    } else if (!is_plain(item->key)) {
        reason = "is not UTF-8, or holds a NUL byte";
        weftp_say(load, &item->origin, "the key \"%s\" %s; ignored",
                  weftp_show(&shown, item->key, NULL), reason);
    }
    return !reason;
}

void weftp_load_commit(struct weftp_load *load, const struct weftp_item *item)
{
    if (!load->status && item->setting->commit) item->setting->commit(load, item);
}

void weftp_load_part(struct weftp_load *load, const struct weftp_item *item)
{
    if (!load->status && is_fit(load, item)) item->setting->item(load, item);
}

void weftp_load_text(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_item part = *item;
    struct weftp_span rest = weftp_span_trim(item->text);
    if (load->status || rest.size == 0 || !is_fit(load, item)) return;
    if (!item->setting->separators) {
        part.text = rest;
        item->setting->item(load, &part);
        return;
    }
    while (!load->status && weftp_split(&rest, item->setting->separators, &part.text))
        item->setting->item(load, &part);
    weftp_load_commit(load, item);
}
