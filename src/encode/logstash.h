/* The format `logstash`. As logstash-logback-encoder prints. Threads: as weft_encoder_type. */
#ifndef WEFTP_ENCODE_LOGSTASH_H
#define WEFTP_ENCODE_LOGSTASH_H

#include <weft/sys/encoder.h>

extern const struct weft_encoder_type weftp_encoder_logstash;

#endif
