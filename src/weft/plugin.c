/*
 * The public face of plug-ins: weft/sys/.
 */
#include "../base/json_text.h"
#include "../base/json_value.h"
#include "system.h"

#include <weft/sys/propagator.h>

static void ensure_catalog(void)
{
    if (!weftp_system.catalog.sinks[0]) weftp_catalog_init(&weftp_system.catalog);
}

/* Names are the scheme of a URL, or a word in a list: lower-case letters, digits and '-'. */
static bool is_name(const char *name)
{
    static const char accepted[] = "abcdefghijklmnopqrstuvwxyz0123456789-_";
    return name && *name && name[strspn(name, accepted)] == '\0';
}

weft_status weft_sink_register(const struct weft_sink_type *type)
{
    if (!type || type->struct_size < sizeof *type || !is_name(type->name)) return WEFT_EINVAL;
    if (!type->open || !type->write || !type->close) return WEFT_EINVAL;
    weftp_system_lock();
    ensure_catalog();
    const weft_status status = weftp_catalog_add_sink(&weftp_system.catalog, type);
    weftp_system_unlock();
    return status;
}

weft_status weft_encoder_register(const struct weft_encoder_type *type)
{
    if (!type || type->struct_size < offsetof(struct weft_encoder_type, options))
        return WEFT_EINVAL;
    if (!is_name(type->name) || !type->open || !type->encode || !type->close) return WEFT_EINVAL;
    weftp_system_lock();
    ensure_catalog();
    const weft_status status = weftp_catalog_add_encoder(&weftp_system.catalog, type);
    weftp_system_unlock();
    return status;
}

weft_status weft_propagator_register(const struct weft_propagator_type *type)
{
    if (!type || type->struct_size < offsetof(struct weft_propagator_type, fields))
        return WEFT_EINVAL;
    if (!is_name(type->name)) return WEFT_EINVAL;
    if (!type->extract || !type->inject) return WEFT_EINVAL;
    weftp_system_lock();
    ensure_catalog();
    const weft_status status = weftp_catalog_add_propagator(&weftp_system.catalog, type);
    weftp_system_unlock();
    return status;
}

void weft_out_write(struct weft_out *out, const void *data, size_t size)
{
    weftp_out_put(out, data, size);
}

void weft_out_json_string(struct weft_out *out, const char *text, size_t size)
{
    weftp_json_string(out, text, size);
}

void weft_out_json_value(struct weft_out *out, const weft_field *field)
{
    static const struct weftp_value_style style = {WEFTP_DOUBLE_SHORT, WEFTP_TIME_MICROS,
                                                   UINT32_MAX};
    unsigned notes = 0;
    weftp_json_value(out, field, &style, &notes);
}
