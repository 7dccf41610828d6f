#include "../port/io.h"
#include "settings_load.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- rows, made by a load ---- */

void weftp_origin_show(const struct weftp_settings *settings, const struct weftp_origin *origin,
                       struct weftp_text *text)
{
    switch (origin->source) {
    case WEFTP_SOURCE_DEFAULT: weftp_text_str(text, "default"); return;
    case WEFTP_SOURCE_PROGRAM: weftp_text_str(text, "program"); return;
    case WEFTP_SOURCE_ENVIRONMENT: weftp_text_str(text, "environment"); return;
    case WEFTP_SOURCE_FILE: break;
    }
    const char *path = settings->config ? settings->config : "";
    weftp_text_str(text, "config ");
    weftp_text_visible(text, path, strlen(path));
    if (origin->line == 0) return;
    weftp_text_str(text, ":");
    weftp_text_number(text, origin->line);
    weftp_text_str(text, ":");
    weftp_text_number(text, origin->column);
}

/*
 * What a row is about: a whole setting, or one of its parts, which can come from different places.
 */
struct part {
    const struct weftp_settings *settings;
    enum weftp_setting_id id;
    const struct weftp_origin *origin;
    size_t index; /* SIZE_MAX: the whole */
};

static void show_value(const struct part *part, struct weftp_text *text)
{
    const struct weftp_settings *settings = part->settings;
    if (part->index == SIZE_MAX)
        weftp_settings_table[part->id].show(settings, part->id, text);
    else if (part->id == WEFTP_SETTING_LEVEL)
        weftp_level_rule_show(&settings->levels[part->index], text);
    else
        weftp_field_show_one(&settings->fields[part->index], text);
}

static void show_source(const struct part *part, struct weftp_text *text)
{
    const char *name = part->origin->name, *variable = weftp_settings_table[part->id].variable;
    weftp_origin_show(part->settings, part->origin, text);
    /* An alias or a variable of OpenTelemetry. */
    if (part->origin->source != WEFTP_SOURCE_ENVIRONMENT || strcmp(name, variable) == 0) return;
    weftp_text_str(text, ", ");
    weftp_text_str(text, name);
}

/* The text that a writer makes, owned; NULL: no memory. */
static char *write_owned(struct weftp_load *load, const struct part *part,
                         void (*writer)(const struct part *part, struct weftp_text *text))
{
    struct weftp_text text = {NULL, 0, 0};
    writer(part, &text);
    char *owned = weftp_load_zeroed(load, text.size + 1, 1);
    text = (struct weftp_text){owned, text.size, 0};
    if (owned) writer(part, &text);
    return owned;
}

static void add_row(struct weftp_load *load, const struct part *part)
{
    struct weftp_settings *settings = load->settings;
    const struct weftp_setting *setting = &weftp_settings_table[part->id];
    struct weftp_explain_row *row = &settings->rows[settings->row_count++];
    row->variable = setting->variable;
    row->source = write_owned(load, part, show_source);
    row->value = row->source ? write_owned(load, part, show_value) : NULL;
    if (!row->value || *row->value) return;
    free(row->value);
    row->value =
        setting->unset ? weftp_load_copy(load, setting->unset, strlen(setting->unset)) : NULL;
}

static bool is_same_origin(const struct weftp_origin *a, const struct weftp_origin *b)
{
    return a->source == b->source && a->name == b->name && a->line == b->line &&
           a->column == b->column;
}

static const struct weftp_origin *part_origin(const struct weftp_load *load,
                                              enum weftp_setting_id id, size_t index)
{
    return id == WEFTP_SETTING_LEVEL ? &load->settings->levels[index].origin
                                     : &load->field_origins[index];
}

/* One row; where levels or fields come from different places, a row for each. */
static void add_setting(struct weftp_load *load, enum weftp_setting_id id)
{
    const struct weftp_settings *settings = load->settings;
    struct part part = {settings, id, &load->origins[id], SIZE_MAX};
    size_t count = 0, same = 0;
    if (id == WEFTP_SETTING_LEVEL) count = settings->level_count;
    if (id == WEFTP_SETTING_FIELDS) count = settings->field_count;
    if (count > 0) part.origin = part_origin(load, id, 0);
    while (same < count && is_same_origin(part.origin, part_origin(load, id, same))) same++;
    if (same == count) {
        add_row(load, &part);
        return;
    }
    for (part.index = 0; part.index < count && !load->status; part.index++) {
        part.origin = part_origin(load, id, part.index);
        add_row(load, &part);
    }
}

void weftp_load_rows(struct weftp_load *load)
{
    struct weftp_settings *settings = load->settings;
    const size_t room = WEFTP_SETTING_COUNT + settings->level_count + settings->field_count;
    settings->rows = weftp_load_zeroed(load, room, sizeof *settings->rows);
    for (unsigned i = 0; i < WEFTP_SETTING_COUNT && !load->status; i++)
        if (!(weftp_settings_table[i].flags & WEFTP_SETTING_HIDDEN))
            add_setting(load, (enum weftp_setting_id)i);
}

/* ---- printing ---- */

/* Bytes on their way to a descriptor. */
struct printer {
    int fd;
    size_t size;
    char bytes[4096];
};

static void print_out(struct printer *printer)
{
    size_t done = 0;
    while (done < printer->size) {
        const ssize_t n = weftp_io_write_masked(printer->fd, printer->bytes + done,
                                                printer->size - done, SIGPIPE);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        done += (size_t)n;
    }
    printer->size = 0;
}

static void print(struct printer *printer, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        const size_t room = sizeof printer->bytes - printer->size;
        const size_t part = left < room ? left : room;
        memcpy(printer->bytes + printer->size, text, part);
        printer->size += part;
        text += part;
        left -= part;
        if (printer->size == sizeof printer->bytes) print_out(printer);
    }
}

void weftp_settings_explain(const struct weftp_settings *settings, int fd)
{
    struct printer printer;
    printer.fd = fd;
    printer.size = 0;
    for (size_t i = 0; i < settings->row_count; i++) {
        const struct weftp_explain_row *row = &settings->rows[i];
        print(&printer, row->variable);
        print(&printer, row->value ? " = " : " is not set");
        print(&printer, row->value ? row->value : "");
        print(&printer, "  (");
        print(&printer, row->source);
        print(&printer, ")\n");
    }
    print_out(&printer);
}
