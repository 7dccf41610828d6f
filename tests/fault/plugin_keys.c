/*
 * A plug-in that logs with keys that are literals: test_plugin_keys.c loads it as two, which differ
 * in nothing but the bytes of their keys.
 */
#include <weft/weft.h>

void plugin_log(void);

void plugin_log(void)
{
    for (int i = 0; i < 3; i++)
        weft_info(NULL, "from the plug-in", weft_str(PLUGIN_KEY "_text", PLUGIN_KEY),
                  weft_int(PLUGIN_KEY "_number", i));
}
