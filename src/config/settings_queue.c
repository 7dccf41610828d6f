/*
 * The queue: WEFT_ASYNC, WEFT_QUEUE_BYTES, WEFT_OVERFLOW, WEFT_QUEUE_DIR, WEFT_CRASH.
 */
#include "../base/parse.h"
#include "settings_load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BYTES_LEAST   ((uint64_t)64 << 10)
#define BYTES_MOST    ((uint64_t)1 << 30)
#define BLOCK_MOST    UINT64_C(3600000) /* milliseconds */
#define WORD_MAX      32
#define PATH_SIZE_MAX 4000 /* bytes; names of files are appended */

/* A short text with a NUL behind it; false: it is longer than any word that is known. */
static bool to_word(struct weftp_span text, char word[WORD_MAX])
{
    if (text.size >= WORD_MAX || memchr(text.text, '\0', text.size)) return false;
    memcpy(word, text.text, text.size);
    word[text.size] = '\0';
    return true;
}

static void refuse(struct weftp_load *load, const struct weftp_item *item, const char *reason)
{
    struct weftp_shown shown;
    struct weftp_holds holds;
    weftp_say(load, &item->origin, "\"%s\" %s; accepted: %s; %s", weftp_show_item(item, &shown),
              reason, item->setting->accepted, weftp_holds(load, item->setting, &holds));
}

void weftp_async_item(struct weftp_load *load, const struct weftp_item *item)
{
    char word[WORD_MAX];
    if (!to_word(item->text, word) || !weftp_parse_bool(word, &load->settings->async)) {
        refuse(load, item, "is neither on nor off");
        return;
    }
    weftp_load_origin(load, WEFTP_SETTING_ASYNC, &item->origin);
}

void weftp_queue_bytes_item(struct weftp_load *load, const struct weftp_item *item)
{
    char word[WORD_MAX];
    uint64_t bytes = 0;
    if (!to_word(item->text, word) || !weftp_parse_bytes(word, &bytes) || bytes < BYTES_LEAST ||
        bytes > BYTES_MOST) {
        refuse(load, item, "is no size that a thread's queue can have");
        return;
    }
    load->settings->queue_bytes = (uint32_t)bytes;
    weftp_load_origin(load, WEFTP_SETTING_QUEUE_BYTES, &item->origin);
}

/* What stands behind `prefix`; text NULL: it does not begin with it. */
static struct weftp_span behind(struct weftp_span text, const char *prefix)
{
    const size_t size = strlen(prefix);
    if (text.size <= size || !weftp_same_word(text.text, size, prefix)) return weftp_span(NULL, 0);
    return weftp_span(text.text + size, text.size - size);
}

static bool read_overflow(struct weftp_span text, struct weftp_overflow_setting *out)
{
    const struct weftp_span bound = behind(text, "block:"), below = behind(text, "drop_below:");
    char word[WORD_MAX];
    uint64_t ms = 0;
    *out = (struct weftp_overflow_setting){.block_ms = UINT32_MAX};
    if (weftp_same_word(text.text, text.size, "block")) return true;
    if (bound.text) {
        if (!to_word(bound, word) || !weftp_parse_duration_ms(word, &ms) || ms > BLOCK_MOST)
            return false;
        out->block_ms = (uint32_t)ms;
        return true;
    }
    if (below.text) {
        out->keep_level = weftp_level_value(below);
        return out->keep_level > 0;
    }
    out->drop = true;
    return weftp_same_word(text.text, text.size, "drop");
}

void weftp_overflow_item(struct weftp_load *load, const struct weftp_item *item)
{
    struct weftp_overflow_setting overflow;
    if (!read_overflow(item->text, &overflow)) {
        refuse(load, item, "is nothing to do with a full queue");
        return;
    }
    load->settings->overflow = overflow;
    weftp_load_origin(load, WEFTP_SETTING_OVERFLOW, &item->origin);
}

static bool is_off(struct weftp_span text)
{
    static const char *const words[] = {"off", "false", "no", "none", "0", NULL};
    return weftp_listed(text, words) != NULL;
}

/* Keep a path, or (text NULL) none. False: it is too long, and that was said. */
static bool store_path(struct weftp_load *load, char **slot, const struct weftp_item *item,
                       struct weftp_span path)
{
    char *copy = NULL;
    if (path.size > PATH_SIZE_MAX) {
        refuse(load, item, "is longer than 4,000 bytes");
        return false;
    }
    if (path.text) {
        copy = weftp_load_copy(load, path.text, path.size);
        if (!copy) return false;
    }
    free(*slot);
    *slot = copy;
    return true;
}

void weftp_queue_dir_item(struct weftp_load *load, const struct weftp_item *item)
{
    const struct weftp_span path = is_off(item->text) ? weftp_span(NULL, 0) : item->text;
    if (store_path(load, &load->settings->queue_dir, item, path))
        weftp_load_origin(load, WEFTP_SETTING_QUEUE_DIR, &item->origin);
}

/* A folder of this user and this program, so that no other service finds what it left. */
static int default_crash_dir(char path[PATH_SIZE_MAX + 1])
{
    const char *base = secure_getenv("TMPDIR");
    if (!base || base[0] != '/') base = "/tmp";
    const int size = snprintf(path, PATH_SIZE_MAX + 1, "%s/weft-crash-%lu-%s", base,
                              (unsigned long)geteuid(), program_invocation_short_name);
    return size > 0 && size <= PATH_SIZE_MAX ? size : 0;
}

void weftp_crash_item(struct weftp_load *load, const struct weftp_item *item)
{
    static const char *const on[] = {"on", "true", "yes", "1", NULL};
    char path[PATH_SIZE_MAX + 1];
    struct weftp_span dir = item->text;
    if (is_off(item->text))
        dir = weftp_span(NULL, 0);
    else if (weftp_listed(item->text, on))
        dir = weftp_span(path, (size_t)default_crash_dir(path));
    else if (item->text.text[0] != '/') {
        refuse(load, item, "is neither a switch nor an absolute path");
        return;
    }
    if (store_path(load, &load->settings->crash_dir, item, dir))
        weftp_load_origin(load, WEFTP_SETTING_CRASH, &item->origin);
}

static void show_overflow(const struct weftp_overflow_setting *overflow, struct weftp_text *text)
{
    const struct weftp_level_rule rule = {.logger = (char *)(uintptr_t) "",
                                          .level = overflow->keep_level};
    if (overflow->keep_level) {
        weftp_text_str(text, "drop_below:");
        weftp_level_rule_show(&rule, text);
    } else if (overflow->drop) {
        weftp_text_str(text, "drop");
    } else {
        weftp_text_str(text, "block");
        if (overflow->block_ms == UINT32_MAX) return;
        weftp_text_str(text, ":");
        weftp_text_number(text, overflow->block_ms);
        weftp_text_str(text, "ms");
    }
}

static void show_path(const char *path, struct weftp_text *text)
{
    if (path)
        weftp_text_visible(text, path, strlen(path));
    else
        weftp_text_str(text, "off");
}

void weftp_queue_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text)
{
    if (id == WEFTP_SETTING_ASYNC)
        weftp_text_str(text, settings->async ? "on" : "off");
    else if (id == WEFTP_SETTING_QUEUE_BYTES)
        weftp_text_number(text, settings->queue_bytes);
    else if (id == WEFTP_SETTING_OVERFLOW)
        show_overflow(&settings->overflow, text);
    else if (id == WEFTP_SETTING_QUEUE_DIR)
        show_path(settings->queue_dir, text);
    else
        show_path(settings->crash_dir, text);
}
