#include "options.h"

#include "../../src/base/parse.h"
#include <string.h>

static bool within(const struct weftp_option *row, uint64_t value)
{
    return value >= row->min && value <= row->max;
}

static bool read_octal(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    if (!*text || strlen(text) > 5) return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '7') return false;
        value = value * 8 + (unsigned)(*text - '0');
    }
    *out = value;
    return true;
}

static bool read_choice(const struct weftp_option *row, const char *text, uint64_t *out)
{
    for (unsigned i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], text) != 0) continue;
        *out = i;
        return true;
    }
    return false;
}

static bool read_number(const struct weftp_option *row, const char *text, uint64_t *out)
{
    switch (row->type) {
    case WEFTP_OPTION_BYTES: return weftp_parse_bytes(text, out) && within(row, *out);
    case WEFTP_OPTION_COUNT: return weftp_parse_u64(text, out) && within(row, *out);
    case WEFTP_OPTION_INTERVAL:
        if (weftp_parse_u64(text, out)) return within(row, *out);
        return weftp_parse_duration_ms(text, out) && within(row, *out);
    case WEFTP_OPTION_DURATION:
    case WEFTP_OPTION_AGE: return weftp_parse_duration_ms(text, out) && within(row, *out);
    case WEFTP_OPTION_MODE: return read_octal(text, out) && within(row, *out);
    case WEFTP_OPTION_CHOICE: return read_choice(row, text, out);
    case WEFTP_OPTION_TEXT: break;
    }
    return false;
}

static bool read_value(const struct weftp_option *row, const char *text)
{
    uint64_t value = 0;
    if (row->type == WEFTP_OPTION_TEXT) {
        *(const char **)row->out = text;
        return true;
    }
    if (!read_number(row, text, &value)) return false;
    if (row->type == WEFTP_OPTION_BYTES || row->type == WEFTP_OPTION_AGE)
        *(uint64_t *)row->out = value;
    else if (row->type == WEFTP_OPTION_COUNT || row->type == WEFTP_OPTION_DURATION ||
             row->type == WEFTP_OPTION_INTERVAL)
        *(uint32_t *)row->out = (uint32_t)value;
    else
        *(unsigned *)row->out = (unsigned)value;
    return true;
}

static const struct weftp_option *find(const struct weftp_option *rows, const char *key)
{
    while (rows->key && strcmp(rows->key, key) != 0) rows++;
    return rows;
}

weft_status weftp_options_read(const struct weft_options_kv *options,
                               const struct weftp_option *rows, struct weft_sink_error *error)
{
    weft_status status = WEFT_OK;
    for (; options && options->key; options++) {
        const struct weftp_option *row = find(rows, options->key);
        if (row->key && options->value && read_value(row, options->value)) continue;
        if (status == WEFT_OK) {
            *error = (struct weft_sink_error){.what = row->key ? "bad value" : "unknown option",
                                              .option = options->key,
                                              .accepted = row->accepted};
        }
        status = WEFT_EINVAL;
    }
    return status;
}

const char *weftp_options_get(const struct weft_options_kv *options, const char *key)
{
    for (; options && options->key; options++) {
        if (strcmp(options->key, key) == 0) return options->value;
    }
    return NULL;
}
