/*
 * `logback`: the lines of logback-json-classic's JsonLayout. The MDC is an object of strings;
 * fields follow at the end.
 */
#include "logback.h"

#include "layout.h"
#include "trace_names.h"

static const struct weftp_layout_item items[] = {
    {WEFTP_ITEM_TIME, "timestamp", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_LEVEL, "level", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_THREAD, "thread", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_OPEN, "mdc", NULL, WEFTP_SPACE_CONTEXT},
    {WEFTP_ITEM_TRACE_ID, "traceId", NULL, WEFTP_SPACE_CONTEXT},
    {WEFTP_ITEM_SPAN_ID, "spanId", NULL, WEFTP_SPACE_CONTEXT},
    {WEFTP_ITEM_FIELDS, NULL, NULL, WEFTP_SPACE_CONTEXT},
    {WEFTP_ITEM_CLOSE, NULL, NULL, WEFTP_SPACE_CONTEXT},
    {WEFTP_ITEM_LOGGER, "logger", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_MESSAGE, "message", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_CONSTANT, "context", "default", WEFTP_SPACE_TOP},
    {WEFTP_ITEM_EXCEPTION, "exception", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_FUNCTION, "caller_method_name", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_FILE, "caller_file_name", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_LINE, "caller_line_number", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE, "service.name", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE_VERSION, "service.version", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE_ENV, "service.environment", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_SERVICE_NODE, "service.node.name", NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_FIELDS, NULL, NULL, WEFTP_SPACE_TOP},
    {WEFTP_ITEM_END, NULL, NULL, WEFTP_SPACE_TOP}};

static const struct weftp_layout layout = {.items = items,
                                           .space_names = {[WEFTP_SPACE_CONTEXT] = "mdc"},
                                           .mdc_space = WEFTP_SPACE_CONTEXT,
                                           .marked_space = WEFTP_SPACE_TOP,
                                           .cut_names_space = WEFTP_SPACE_TOP,
                                           .time_style = WEFTP_TIME_MILLIS,
                                           .time_value_style = WEFTP_TIME_MICROS,
                                           .double_style = WEFTP_DOUBLE_JAVA,
                                           .mdc_strings = true,
                                           .boot_id_name = "boot_id",
                                           .seq_name = "seq",
                                           .epoch_option = true};

static weft_status logback_open(void **self, const struct weft_encoder_options *options)
{
    return weftp_layout_open(self, &layout, options);
}

static const char *const accepted[] = {"mdc_types=native|string", "source=off|on", "time=iso|epoch",
                                       WEFTP_TRACE_NAMES_OPTION, NULL};

const struct weft_encoder_type weftp_encoder_logback = {
    sizeof weftp_encoder_logback, "logback", logback_open,       weftp_layout_encode,
    weftp_layout_close,           accepted,  weftp_layout_number};
