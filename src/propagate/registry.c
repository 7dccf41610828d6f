#include "registry.h"

#include <string.h>

const struct weft_propagator_type *const weftp_propagators_builtin[] = {
    &weftp_propagator_tracecontext, &weftp_propagator_baggage,  &weftp_propagator_xrequestid,
    &weftp_propagator_b3,           &weftp_propagator_b3multi,  &weftp_propagator_jaeger,
    &weftp_propagator_xray,         &weftp_propagator_datadog,  &weftp_propagator_gcp,
    &weftp_propagator_ot,           &weftp_propagator_ottrace,  &weftp_propagator_nginx,
    &weftp_propagator_haproxy,      &weftp_propagator_kong,     &weftp_propagator_envoy,
    &weftp_propagator_istio,        &weftp_propagator_verbatim, &weftp_propagator_elastic,
    &weftp_propagator_grpc_bin,     &weftp_propagator_auto,     NULL,
};

const struct weft_propagator_type weftp_propagator_auto = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "auto",
};

/* Either format of B3 reads the headers of both, so that what was found does not tell them apart. */
static const char *const b3_single[] = {"b3", NULL};
static const char *const b3_several[] = {"x-b3-traceid", "x-b3-sampled", "x-b3-flags", NULL};
static const char *const unique_id[] = {"x-unique-id", NULL};

const struct weftp_auto_format weftp_auto_formats[WEFTP_AUTO_MAX] = {
    {&weftp_propagator_tracecontext, WEFTP_CAME_FOUND, true, NULL},
    {&weftp_propagator_baggage, WEFTP_CAME_ALWAYS, false, NULL},
    {&weftp_propagator_envoy, WEFTP_CAME_ALWAYS, false, NULL},
    {&weftp_propagator_b3, WEFTP_CAME_TAKEN, true, b3_single},
    {&weftp_propagator_b3multi, WEFTP_CAME_FOUND_BY_HEADER, true, b3_several},
    {&weftp_propagator_jaeger, WEFTP_CAME_FOUND, true, NULL},
    {&weftp_propagator_xray, WEFTP_CAME_FOUND, true, NULL},
    {&weftp_propagator_datadog, WEFTP_CAME_FOUND_BY_HEADER, true,
     (const char *const[]){"x-datadog-trace-id", NULL}},
    {&weftp_propagator_gcp, WEFTP_CAME_FOUND, true, NULL},
    {&weftp_propagator_ot, WEFTP_CAME_FOUND, true, NULL},
    {&weftp_propagator_elastic, WEFTP_CAME_FOUND, true, NULL},
    {&weftp_propagator_grpc_bin, WEFTP_CAME_FOUND, true, NULL},
    {&weftp_propagator_kong, WEFTP_CAME_FOUND, false, NULL},
    {&weftp_propagator_haproxy, WEFTP_CAME_TAKEN, false, unique_id},
};

const struct weft_propagator_type *weftp_propagator_find(
    const struct weft_propagator_type *const *list, const char *name)
{
    const size_t size = name ? strcspn(name, ":") : 0;
    for (; size > 0 && list && *list; list++)
        if (strncmp((*list)->name, name, size) == 0 && !(*list)->name[size]) return *list;
    return NULL;
}

bool weftp_propagator_takes(const char *name)
{
    const struct weft_propagator_type *type =
        weftp_propagator_find(weftp_propagators_builtin, name);
    const char *args = strchr(name, ':');
    void *self = NULL;
    if (!type) return true;
    if (!type->open) return !args;
    const weft_status status = type->open(&self, args ? args + 1 : NULL);
    if (status == WEFT_OK) type->close(self);
    return status != WEFT_EINVAL;
}
