/*
 * The public face of propagation: the calls of include/weft/propagate.h, with the configuration
 * that is in force.
 */
#include "../mdc/mdc.h"
#include "access.h"

#include <string.h>

const struct weftp_propagation *weftp_request_propagation(void)
{
    if (!weftp_propagation_published())
        (void)weft_logger_get(NULL); /* the first use of all: reads the settings */
    return weftp_propagation_current();
}

weft_status weft_extract(const weft_getter *getter, void *carrier)
{
    if (!getter || !getter->get) return WEFT_EINVAL;
    return weftp_extract(weftp_request_propagation(), getter, carrier, NULL);
}

weft_status weft_inject(const weft_setter *setter, void *carrier)
{
    if (!setter || !setter->set) return WEFT_EINVAL;
    return weftp_inject(weftp_request_propagation(), setter, carrier);
}

const char *weft_propagation_field(size_t index)
{
    return weftp_propagation_field(weftp_request_propagation(), index);
}

bool weft_propagation_has_field(const char *name, size_t size)
{
    return weftp_propagation_has_field(weftp_request_propagation(), name, size);
}

weft_status weft_trace_ids(char trace_id[33], char span_id[17])
{
    struct weftp_mdc_view view;
    weftp_mdc_view(&view);
    if (!view.trace) return WEFT_ENOTFOUND;
    if (trace_id) memcpy(trace_id, view.trace->trace_id, sizeof view.trace->trace_id);
    if (span_id) memcpy(span_id, view.trace->span_id, sizeof view.trace->span_id);
    return WEFT_OK;
}
