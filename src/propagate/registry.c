#include "registry.h"

#include <string.h>

const struct weft_propagator_type *const weftp_propagators_builtin[] = {
    &weftp_propagator_tracecontext, &weftp_propagator_baggage, &weftp_propagator_xrequestid,
    &weftp_propagator_b3,           &weftp_propagator_b3multi, &weftp_propagator_jaeger,
    &weftp_propagator_xray,         &weftp_propagator_datadog, &weftp_propagator_gcp,
    &weftp_propagator_ot,           &weftp_propagator_ottrace, NULL,
};

const struct weft_propagator_type *weftp_propagator_find(
    const struct weft_propagator_type *const *list, const char *name)
{
    const size_t size = name ? strcspn(name, ":") : 0;
    for (; size > 0 && list && *list; list++)
        if (strncmp((*list)->name, name, size) == 0 && !(*list)->name[size]) return *list;
    return NULL;
}
