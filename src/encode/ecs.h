/* The format `ecs`. The Elastic stack's schema; the default. Threads: as weft_encoder_type. */
#ifndef WEFTP_ENCODE_ECS_H
#define WEFTP_ENCODE_ECS_H

#include <weft/sys/encoder.h>

extern const struct weft_encoder_type weftp_encoder_ecs;

#endif
