#include "registry.h"

#include "ecs.h"
#include "logback.h"
#include "logstash.h"
#include "pretty.h"
#include <string.h>

const struct weft_encoder_type *const weftp_encoders_builtin[] = {
    &weftp_encoder_ecs, &weftp_encoder_logstash, &weftp_encoder_logback, &weftp_encoder_pretty,
    NULL};

const struct weft_encoder_type *weftp_encoder_builtin(const char *name)
{
    for (size_t i = 0; name && weftp_encoders_builtin[i]; i++) {
        if (strcmp(weftp_encoders_builtin[i]->name, name) == 0) return weftp_encoders_builtin[i];
    }
    return NULL;
}
