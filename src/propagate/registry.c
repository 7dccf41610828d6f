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

const struct weftp_auto_format weftp_auto_formats[WEFTP_AUTO_MAX] = {
    {&weftp_propagator_tracecontext, "traceparent", true},
    {&weftp_propagator_baggage, NULL, false},
    {&weftp_propagator_envoy, NULL, false},
    {&weftp_propagator_b3, "b3", true},
    {&weftp_propagator_b3multi, "x-b3-traceid", true},
    {&weftp_propagator_jaeger, "uber-trace-id", true},
    {&weftp_propagator_xray, "x-amzn-trace-id", true},
    {&weftp_propagator_datadog, "x-datadog-trace-id", true},
    {&weftp_propagator_gcp, "x-cloud-trace-context", true},
    {&weftp_propagator_ot, "ot-tracer-traceid", true},
    {&weftp_propagator_elastic, "elastic-apm-traceparent", true},
    {&weftp_propagator_grpc_bin, "grpc-trace-bin", true},
    {&weftp_propagator_kong, "kong-request-id", false},
    {&weftp_propagator_haproxy, "x-unique-id", false},
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
