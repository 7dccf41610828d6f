/* The plug-in. Its names, keys and call sites are gone from memory once it is unloaded. */
#include <weft/weft.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int module_work(int round);
int module_work(int round)
{
    const weft_mdc_token token = weft_mdc_push(weft_str("module_step", "inside"));
    for (int i = 0; i < 3; i++) {
        weft_info(WEFT_LOGGER("plugin.work"), "from module", weft_int("round", round));
    }
    weft_infof(weft_logger_get("plugin.work"), "module round %d", round);
    weft_mdc_pop(token);
    return weft_mdc_put("from_module", "stays") == WEFT_OK ? 0 : 1;
}
