#include "wire_options.h"

#include <stdlib.h>
#include <string.h>

/* Whether an encoder's list of "name=accepted" has this name. */
static bool names_option(const char *const *list, const char *key)
{
    const size_t size = strlen(key);
    for (; list && *list; list++)
        if (strncmp(*list, key, size) == 0 && (*list)[size] == '=') return true;
    return false;
}

static bool is_encoder_option(const struct weftp_catalog *catalog, const char *key)
{
    for (size_t i = 0; catalog->encoders[i]; i++) {
        const struct weft_encoder_type *type = catalog->encoders[i];
        if (type->struct_size > offsetof(struct weft_encoder_type, options) &&
            names_option(type->options, key))
            return true;
    }
    return false;
}

size_t weftp_options_count(const struct weft_options_kv *options)
{
    size_t count = 0;
    while (options && options[count].key) count++;
    return count;
}

struct weft_options_kv *weftp_options_pick(const struct weftp_catalog *catalog,
                                           const struct weft_options_kv *options, bool encoders)
{
    struct weft_options_kv *picked =
        calloc(weftp_options_count(options) + WEFTP_OPTIONS_ADDED_MAX + 1, sizeof *picked);
    size_t count = 0;
    for (size_t i = 0; picked && options && options[i].key; i++)
        if (is_encoder_option(catalog, options[i].key) == encoders) picked[count++] = options[i];
    return picked;
}

const char *weftp_options_path(const struct weft_options_kv *options)
{
    for (; options && options->key; options++)
        if (strcmp(options->key, "path") == 0) return options->value;
    return "";
}

bool weftp_options_same(const struct weft_options_kv *a, const struct weft_options_kv *b)
{
    const size_t count = weftp_options_count(a);
    if (count != weftp_options_count(b)) return false;
    for (size_t i = 0; i < count; i++)
        if (strcmp(a[i].key, b[i].key) != 0 || strcmp(a[i].value, b[i].value) != 0) return false;
    return true;
}

void weftp_options_drop(struct weft_options_kv *options, const char *key)
{
    size_t kept = 0;
    for (size_t i = 0; options[i].key; i++)
        if (strcmp(options[i].key, key) != 0) options[kept++] = options[i];
    options[kept] = (struct weft_options_kv){NULL, NULL};
}

const char *weftp_option_accepted(const struct weft_encoder_type *type, const char *key)
{
    const size_t size = strlen(key);
    const bool lists = type->struct_size > offsetof(struct weft_encoder_type, options);
    for (const char *const *own = lists ? type->options : NULL; own && *own; own++)
        if (strncmp(*own, key, size) == 0 && (*own)[size] == '=') return *own + size + 1;
    return NULL;
}

bool weftp_option_among(const char *value, const char *accepted)
{
    const size_t size = strlen(value);
    for (; *accepted; accepted += *accepted == '|') {
        const size_t part = strcspn(accepted, "|");
        if (part == size && memcmp(accepted, value, size) == 0) return true;
        accepted += part;
    }
    return false;
}

void weftp_options_default(struct weft_options_kv *options, const char *key, const char *value)
{
    size_t i = 0;
    for (; options[i].key; i++)
        if (strcmp(options[i].key, key) == 0) return;
    options[i] = (struct weft_options_kv){key, value};
    options[i + 1] = (struct weft_options_kv){NULL, NULL};
}
