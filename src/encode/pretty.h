/* The format `pretty`. For a person at a terminal. Threads: as weft_encoder_type. */
#ifndef WEFTP_ENCODE_PRETTY_H
#define WEFTP_ENCODE_PRETTY_H

#include <weft/sys/encoder.h>

extern const struct weft_encoder_type weftp_encoder_pretty;

#endif
