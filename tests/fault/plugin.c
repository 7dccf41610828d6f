/*
 * A plug-in that logs, and is unloaded: test_rows_plugin.c loads it. Its names, keys, formats and
 * call sites are in its own memory, which is gone afterwards.
 */
#include <weft/weft.h>

weft_logger *plugin_log(void);

/* Log in every way; leaves its context behind and returns a logger with its fields. */
weft_logger *plugin_log(void)
{
    weft_logger *log = weft_logger_get("plugin.of.tests");
    weft_info(WEFT_LOGGER("plugin.cached"), "from the plug-in", weft_str("plugin_key", "value"));
    weft_infof(log, "formatted %d by %s", 1, "the plug-in");
    weft_error(log, "an error", weft_error_info("plugin_type", "plugin_message", "plugin_stack"));
    weft_mdc_put("plugin_context", "left behind");
    weft_mdc_push(weft_str("plugin_scope", "left open"));
    return weft_logger_with(log, weft_str("plugin_bound", "bound"));
}
