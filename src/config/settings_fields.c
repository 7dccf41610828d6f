#include "settings_load.h"

#include "../base/utf8.h"
#include <stdlib.h>
#include <string.h>

void weftp_fields_free(weft_field *fields, size_t count)
{
    for (size_t i = 0; fields && i < count; i++) {
        free((void *)fields[i].key);
        free((void *)fields[i].v.p);
    }
    free(fields);
}

static weft_field *find(const struct weftp_settings *settings, struct weftp_span key)
{
    for (size_t i = 0; i < settings->field_count; i++) {
        weft_field *field = &settings->fields[i];
        if (field->key_size == key.size && memcmp(field->key, key.text, key.size) == 0)
            return field;
    }
    return NULL;
}

/* A place for one more field; NULL: no memory, or too many. */
static weft_field *add(struct weftp_load *load, const struct weftp_item *item,
                       struct weftp_span key)
{
    struct weftp_settings *settings = load->settings;
    struct weftp_shown shown;
    if (settings->field_count == WEFTP_STATIC_FIELDS_MAX) {
        weftp_say(load, &item->origin, "\"%s\": at most 64 static fields; ignored",
                  weftp_show(&shown, key, NULL));
        return NULL;
    }
    if (!settings->fields)
        settings->fields =
            weftp_load_zeroed(load, WEFTP_STATIC_FIELDS_MAX, sizeof *settings->fields);
    char *copy = settings->fields ? weftp_load_copy(load, key.text, key.size) : NULL;
    if (!copy) return NULL;
    weft_field *field = &settings->fields[settings->field_count++];
    *field = weft_strn(copy, NULL, 0);
    field->key_size = (uint8_t)key.size;
    return field;
}

/* Set a static field, key and value as they are. */
static void put(struct weftp_load *load, const struct weftp_item *item, struct weftp_span key,
                struct weftp_span value)
{
    struct weftp_settings *settings = load->settings;
    struct weftp_shown shown;
    const char *reason = NULL;
    if (key.size == 0)
        reason = "has no key";
    else if (key.size > WEFTP_FIELD_KEY_MAX)
        reason = "has a key of more than 128 bytes";
    else if (value.size > WEFTP_FIELD_VALUE_MAX)
        reason = "has a value of more than 4,096 bytes";
    if (reason) {
        weftp_say(load, &item->origin, "\"%s\" %s; ignored", weftp_show_item(item, &shown), reason);
        return;
    }
    char *copy = weftp_load_copy(load, value.text, value.size);
    weft_field *field = copy ? find(settings, key) : NULL;
    if (copy && !field) field = add(load, item, key);
    if (!field) {
        free(copy);
        return;
    }
    free((void *)field->v.p);
    field->v.p = copy;
    field->size = (uint32_t)value.size;
    load->field_origins[field - settings->fields] = item->origin;
}

/* What takes one decoded key and value. */
typedef void (*taker)(struct weftp_load *load, const struct weftp_item *item, struct weftp_span key,
                      struct weftp_span value);

/* Split "key=value", decode both, hand them on. */
static void take_decoded(struct weftp_load *load, const struct weftp_item *item, taker take)
{
    struct weftp_shown shown;
    const struct weftp_span text = item->text;
    const char *equals = memchr(text.text, '=', text.size);
    if (!equals) {
        weftp_say(load, &item->origin, "\"%s\" is no key=value; ignored",
                  weftp_show_item(item, &shown));
        return;
    }
    char *copy = weftp_load_copy(load, text.text, text.size);
    if (!copy) return;
    const size_t at = (size_t)(equals - text.text);
    struct weftp_span key = weftp_span_trim(weftp_span(copy, at));
    struct weftp_span value = weftp_span_trim(weftp_span(copy + at + 1, text.size - at - 1));
    if (!weftp_text_percent_decode((char *)key.text, &key.size) ||
        !weftp_text_percent_decode((char *)value.text, &value.size))
        weftp_say(load, &item->origin,
                  "\"%s\" has a %% that two hex digits should follow (%%25 is the sign itself, "
                  "%%00 is not accepted); ignored",
                  weftp_show_item(item, &shown));
    else if (!weftp_utf8_valid(key.text, key.size) || !weftp_utf8_valid(value.text, value.size))
        weftp_say(load, &item->origin,
                  "\"%s\" is not UTF-8 once its %% escapes are decoded; ignored",
                  weftp_show_item(item, &shown));
    else
        take(load, item, key, value);
    free(copy);
}

void weftp_field_item(struct weftp_load *load, const struct weftp_item *item)
{
    if (item->key.text)
        put(load, item, item->key, item->text);
    else
        take_decoded(load, item, put);
}

/* Attributes of the resource that weft has settings for; all others become static fields. */
static const struct otel_name {
    const char *name;
    enum weftp_setting_id id;
} otel_names[] = {
    {"service.name", WEFTP_SETTING_SERVICE},
    {"service.version", WEFTP_SETTING_VERSION},
    {"service.instance.id", WEFTP_SETTING_NODE},
    {"deployment.environment.name", WEFTP_SETTING_ENV},
    {"deployment.environment", WEFTP_SETTING_ENV}, /* its earlier name */
};

static void put_attribute(struct weftp_load *load, const struct weftp_item *item,
                          struct weftp_span key, struct weftp_span value)
{
    struct weftp_item service = *item;
    service.text = value;
    for (size_t i = 0; i < sizeof otel_names / sizeof *otel_names; i++) {
        const struct otel_name *known = &otel_names[i];
        if (key.size != strlen(known->name) || memcmp(key.text, known->name, key.size) != 0)
            continue;
        if (value.size == 0) return;
        const bool is_env = known->id == WEFTP_SETTING_ENV;
        const bool final = is_env && key.size == strlen("deployment.environment.name");
        if (is_env && load->otel_env_final && !final) return;
        load->otel_env_final |= final;
        weftp_service_set(load, known->id, &service);
        return;
    }
    put(load, item, key, value);
}

void weftp_otel_attribute_item(struct weftp_load *load, const struct weftp_item *item)
{
    take_decoded(load, item, put_attribute);
}

void weftp_field_show_one(const weft_field *field, struct weftp_text *text)
{
    weftp_text_visible(text, field->key, field->key_size);
    weftp_text_str(text, "=");
    if (weftp_key_is_secret(field->key, field->key_size))
        weftp_text_str(text, "***");
    else
        weftp_text_visible(text, field->v.p, field->size);
}

void weftp_field_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text)
{
    (void)id;
    for (size_t i = 0; i < settings->field_count; i++) {
        if (i > 0) weftp_text_str(text, ",");
        weftp_field_show_one(&settings->fields[i], text);
    }
}
