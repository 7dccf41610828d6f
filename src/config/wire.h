/*
 * Wiring: from settings to a pipeline. The only place that knows kinds of sinks, encoders and propagators by name.
 *
 * Its job: open, connect, and complain clearly; then it is done. Not its job: publishing what it built (weft/system.c).
 * Threads: one at a time (the caller holds the configuration lock). May include: everything below, and the registries.
 */
#ifndef WEFTP_CONFIG_WIRE_H
#define WEFTP_CONFIG_WIRE_H

#include "../pipeline/pipeline.h"
#include "../propagate/propagate.h"
#include "settings.h"

#define WEFTP_KINDS_MAX 32 /* of sinks, of encoders, of propagators: built in and registered */

/* Every kind that there is; NULL-terminated. */
struct weftp_catalog {
    const struct weft_sink_type *sinks[WEFTP_KINDS_MAX + 1];
    const struct weft_encoder_type *encoders[WEFTP_KINDS_MAX + 1];
    const struct weft_propagator_type *propagators[WEFTP_KINDS_MAX + 1];
    /* Their names, for weftp_settings_load. */
    const char *sink_names[WEFTP_KINDS_MAX + 1];
    const char *encoder_names[WEFTP_KINDS_MAX + 1];
    const char *propagator_names[WEFTP_KINDS_MAX + 1];
};

/* Fill in the built-in kinds. */
void weftp_catalog_init(struct weftp_catalog *catalog);
/* Add a kind; WEFT_EINVAL when its name is NULL or taken, WEFT_ELIMIT when the catalog is full. */
weft_status weftp_catalog_add_sink(struct weftp_catalog *catalog,
                                   const struct weft_sink_type *type);
weft_status weftp_catalog_add_encoder(struct weftp_catalog *catalog,
                                      const struct weft_encoder_type *type);
weft_status weftp_catalog_add_propagator(struct weftp_catalog *catalog,
                                         const struct weft_propagator_type *type);

/* Find a format by its name; NULL: there is none. */
const struct weft_encoder_type *weftp_catalog_encoder(const struct weftp_catalog *catalog,
                                                      const char *name);

/* What is in force, for a reload: sinks that are asked for in the same way go on as they are. */
struct weftp_wired {
    const struct weftp_settings *settings; /* NULL: nothing is in force */
    const struct weftp_pipeline *pipeline;
};

/*
 * Build a pipeline. Sinks that cannot be made are told to `complain` and left out; without any sink, stdout is used.
 * @retval WEFT_ENOMEM  *out is unchanged.
 */
weft_status weftp_wire(struct weftp_pipeline **out, const struct weftp_settings *settings,
                       const struct weftp_catalog *catalog, const struct weftp_wired *previous,
                       weftp_complain complain, void *arg);

#endif
