#include "registry.h"

#include "callback.h"
#include "console.h"
#include "file.h"
#include "gzip.h"
#include "kit/options.h"
#include "memory.h"
#include <string.h>

const struct weft_sink_type *const weftp_sinks_builtin[] = {
    &weftp_sink_stdout.type,
    &weftp_sink_stderr.type,
    &weftp_sink_file.type,
    &weftp_sink_gzip.type,
    &weftp_sink_memory.type,
    &weftp_sink_callback.type,
    NULL,
};

const struct weft_sink_type *weftp_sinks_find(const struct weft_sink_type *const *list,
                                              const char *scheme,
                                              const struct weft_options_kv *options)
{
    if (!list) list = weftp_sinks_builtin;
    while (*list && strcmp((*list)->name, scheme) != 0) list++;
    if (*list == &weftp_sink_file.type &&
        weftp_console_number(weftp_options_get(options, "path")) >= 0)
        return &weftp_sink_descriptor.type;
    return *list;
}
