/*
 * The fields of the Elastic Common Schema that a service is likely to log, with the type that each
 * must have. Names that the `ecs` format writes itself are among them: they are the user's where
 * the format has nothing to say.
 */
#ifndef WEFTP_ENCODE_ECS_NAMES_H
#define WEFTP_ENCODE_ECS_NAMES_H

#include "layout.h"

/* Ends with a name of NULL. The types are those of known.h. */
extern const struct weftp_known_field weftp_ecs_names[];

#endif
