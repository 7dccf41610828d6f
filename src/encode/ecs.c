/*
 * `ecs`: the logging schema of the Elastic stack. Time, level and message first, in that order,
 * names with dots.
 */
#include "ecs.h"

#include "ecs_names.h"
#include "layout.h"
#include "trace_names.h"

static const struct weftp_layout_item items[] = {
    {WEFTP_ITEM_TIME, "@timestamp", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_LEVEL, "log.level", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_MESSAGE, "message", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_CONSTANT, "ecs.version", "1.2.0", WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE, "service.name", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE_VERSION, "service.version", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE_ENV, "service.environment", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE_NODE, "service.node.name", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE, "event.dataset", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_THREAD, "process.thread.name", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_LOGGER, "log.logger", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_FILE, "log.origin.file.name", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_LINE, "log.origin.file.line", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_FUNCTION, "log.origin.function", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_TRACE_ID, "trace.id", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SPAN_ID, "span.id", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_ERROR_TYPE, "error.type", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_ERROR_MESSAGE, "error.message", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_ERROR_STACK, "error.stack_trace", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_FIELDS, NULL, NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_OPEN, "labels", NULL, WEFTP_SPACE_LABELS},
    {WEFTP_ITEM_FIELDS, NULL, NULL, WEFTP_SPACE_LABELS},
    {WEFTP_ITEM_CLOSE, NULL, NULL, WEFTP_SPACE_LABELS},
    {WEFTP_ITEM_OPEN, "numeric_labels", NULL, WEFTP_SPACE_NUMBERS},
    {WEFTP_ITEM_FIELDS, NULL, NULL, WEFTP_SPACE_NUMBERS},
    {WEFTP_ITEM_CLOSE, NULL, NULL, WEFTP_SPACE_NUMBERS},
    {WEFTP_ITEM_OPEN, "custom", NULL, WEFTP_SPACE_CUSTOM},
    {WEFTP_ITEM_FIELDS, NULL, NULL, WEFTP_SPACE_CUSTOM},
    {WEFTP_ITEM_CLOSE, NULL, NULL, WEFTP_SPACE_CUSTOM},
    {WEFTP_ITEM_END, NULL, NULL, WEFTP_SPACE_TOP}};

static const struct weftp_layout layout = {.items = items,
                                           .space_names = {[WEFTP_SPACE_LABELS] = "labels",
                                                           [WEFTP_SPACE_NUMBERS] = "numeric_labels",
                                                           [WEFTP_SPACE_CUSTOM] = "custom"},
                                           .grouped = true,
                                           .known = weftp_ecs_names,
                                           .marked_space = WEFTP_SPACE_LABELS,
                                           .cut_names_space = WEFTP_SPACE_CUSTOM,
                                           .time_style = WEFTP_TIME_MICROS,
                                           .time_value_style = WEFTP_TIME_MICROS,
                                           .boot_id_name = "process.entity_id",
                                           .seq_name = "event.sequence",
                                           .double_style = WEFTP_DOUBLE_SHORT};

static weft_status ecs_open(void **self, const struct weft_encoder_options *options)
{
    return weftp_layout_open(self, &layout, options);
}

static const char *const accepted[] = {"mdc_types=native|string", "source=off|on",
                                       WEFTP_TRACE_NAMES_OPTION, NULL};

const struct weft_encoder_type weftp_encoder_ecs = {
    sizeof weftp_encoder_ecs, "ecs",    ecs_open,           weftp_layout_encode,
    weftp_layout_close,       accepted, weftp_layout_number};
