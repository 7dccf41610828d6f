/*
 * The catalog of kinds: the built-in ones from the three registries, and those that programs register.
 */
#include "../../sinks/registry.h"
#include "../encode/registry.h"
#include "../propagate/registry.h"
#include "wire.h"

static size_t list_size(const char *const *names)
{
    size_t size = 0;
    while (names[size]) size++;
    return size;
}

/* Where a name would go; WEFT_EINVAL when it is there already. */
static weft_status place_of(const char *const *names, const char *name, size_t *index)
{
    *index = list_size(names);
    for (size_t i = 0; i < *index; i++)
        if (strcmp(names[i], name) == 0) return WEFT_EINVAL;
    return *index < WEFTP_KINDS_MAX ? WEFT_OK : WEFT_ELIMIT;
}

weft_status weftp_catalog_add_sink(struct weftp_catalog *catalog, const struct weft_sink_type *type)
{
    size_t index;
    const weft_status status = place_of(catalog->sink_names, type->name, &index);
    if (status) return status;
    catalog->sinks[index] = type;
    catalog->sink_names[index] = type->name;
    return WEFT_OK;
}

weft_status weftp_catalog_add_encoder(struct weftp_catalog *catalog,
                                      const struct weft_encoder_type *type)
{
    size_t index;
    const weft_status status = place_of(catalog->encoder_names, type->name, &index);
    if (status) return status;
    catalog->encoders[index] = type;
    catalog->encoder_names[index] = type->name;
    return WEFT_OK;
}

weft_status weftp_catalog_add_propagator(struct weftp_catalog *catalog,
                                         const struct weft_propagator_type *type)
{
    size_t index;
    const weft_status status = place_of(catalog->propagator_names, type->name, &index);
    if (status) return status;
    catalog->propagators[index] = type;
    catalog->propagator_names[index] = type->name;
    return WEFT_OK;
}

void weftp_catalog_init(struct weftp_catalog *catalog)
{
    memset(catalog, 0, sizeof *catalog);
    for (size_t i = 0; weftp_sinks_builtin[i]; i++)
        weftp_catalog_add_sink(catalog, weftp_sinks_builtin[i]);
    for (size_t i = 0; weftp_encoders_builtin[i]; i++)
        weftp_catalog_add_encoder(catalog, weftp_encoders_builtin[i]);
    for (size_t i = 0; weftp_propagators_builtin[i]; i++)
        weftp_catalog_add_propagator(catalog, weftp_propagators_builtin[i]);
}

const struct weft_encoder_type *weftp_catalog_encoder(const struct weftp_catalog *catalog,
                                                      const char *name)
{
    for (size_t i = 0; catalog->encoders[i]; i++)
        if (strcmp(catalog->encoders[i]->name, name) == 0) return catalog->encoders[i];
    return NULL;
}
