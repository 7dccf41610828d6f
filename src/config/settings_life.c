/*
 * What happens while the service runs: WEFT_RELOAD_SIGNAL, WEFT_CONFIG_WATCH, WEFT_SIGTERM,
 * WEFT_CAPTURE.
 */
#include "../base/parse.h"
#include "../port/signal_names.h"
#include "settings_load.h"

#include <string.h>

#define WATCH_LEAST_MS 100
#define WATCH_MOST_MS  86400000

static bool is_off(struct weftp_span text)
{
    static const char *const words[] = {"off", "false", "no", "none", "0", NULL};
    return weftp_listed(text, words) != NULL;
}

static void refuse(struct weftp_load *load, const struct weftp_item *item, const char *reason)
{
    struct weftp_shown shown;
    struct weftp_holds holds;
    weftp_say(load, &item->origin, "\"%s\" %s; accepted: %s; %s", weftp_show_item(item, &shown),
              reason, item->setting->accepted, weftp_holds(load, item->setting, &holds));
}

void weftp_reload_signal_item(struct weftp_load *load, const struct weftp_item *item)
{
    const int number =
        is_off(item->text) ? 0 : weftp_signal_number(item->text.text, item->text.size);
    if (number == 0 && !is_off(item->text)) {
        refuse(load, item, "is no signal that can ask for a reload");
        return;
    }
    load->settings->reload_signal = number;
    weftp_load_origin(load, WEFTP_SETTING_RELOAD_SIGNAL, &item->origin);
}

static bool read_interval(struct weftp_span text, uint64_t *ms)
{
    char word[32];
    if (text.size >= sizeof word) return false;
    memcpy(word, text.text, text.size);
    word[text.size] = '\0';
    return weftp_parse_duration_ms(word, ms) && *ms >= WATCH_LEAST_MS && *ms <= WATCH_MOST_MS;
}

void weftp_config_watch_item(struct weftp_load *load, const struct weftp_item *item)
{
    uint64_t ms = 0;
    if (!is_off(item->text) && !read_interval(item->text, &ms)) {
        refuse(load, item, "is no interval to look at a file in");
        return;
    }
    load->settings->config_watch_ms = (uint32_t)ms;
    weftp_load_origin(load, WEFTP_SETTING_CONFIG_WATCH, &item->origin);
}

void weftp_sigterm_item(struct weftp_load *load, const struct weftp_item *item)
{
    const bool flush = weftp_same_word(item->text.text, item->text.size, "flush");
    if (!flush && !is_off(item->text)) {
        refuse(load, item, "is neither flush nor off");
        return;
    }
    load->settings->sigterm_flush = flush;
    weftp_load_origin(load, WEFTP_SETTING_SIGTERM, &item->origin);
}

void weftp_capture_item(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_shown shown;
    if (is_off(item->text))
        load->capture_off = true;
    else if (weftp_same_word(item->text.text, item->text.size, "stdout"))
        load->capture |= WEFTP_CAPTURE_STDOUT;
    else if (weftp_same_word(item->text.text, item->text.size, "stderr"))
        load->capture |= WEFTP_CAPTURE_STDERR;
    else
        weftp_say(load, &item->origin, "\"%s\" is no stream to capture; accepted: %s; ignored",
                  weftp_show_item(item, &shown), item->setting->accepted);
}

/* A list of which nothing is good is as if it were not set. */
void weftp_capture_commit(struct weftp_load *load, const struct weftp_item *item)
{
    if (load->capture || load->capture_off) {
        load->settings->capture = load->capture;
        weftp_load_origin(load, WEFTP_SETTING_CAPTURE, &item->origin);
    }
    load->capture = 0;
    load->capture_off = false;
}

static void show_capture(unsigned streams, struct weftp_text *text)
{
    static const char *const names[] = {"off", "stdout", "stderr", "stdout,stderr"};
    weftp_text_str(text, names[streams & 3]);
}

static void show_interval(uint32_t ms, struct weftp_text *text)
{
    const bool seconds = ms % 1000 == 0;
    if (ms == 0) {
        weftp_text_str(text, "off");
        return;
    }
    weftp_text_number(text, seconds ? ms / 1000 : ms);
    weftp_text_str(text, seconds ? "s" : "ms");
}

void weftp_life_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                     struct weftp_text *text)
{
    char room[12];
    const int number = settings->reload_signal;
    if (id == WEFTP_SETTING_CAPTURE)
        show_capture(settings->capture, text);
    else if (id == WEFTP_SETTING_CONFIG_WATCH)
        show_interval(settings->config_watch_ms, text);
    else if (id == WEFTP_SETTING_SIGTERM)
        weftp_text_str(text, settings->sigterm_flush ? "flush" : "off");
    else
        weftp_text_str(text, number ? weftp_signal_name(number, room) : "off");
}
