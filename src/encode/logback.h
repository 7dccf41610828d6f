/* The format `logback`. As logback-json-classic prints. Threads: as weft_encoder_type. */
#ifndef WEFTP_ENCODE_LOGBACK_H
#define WEFTP_ENCODE_LOGBACK_H

#include <weft/sys/encoder.h>

extern const struct weft_encoder_type weftp_encoder_logback;

#endif
