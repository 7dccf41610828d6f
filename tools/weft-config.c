/*
 * weft-config: say what weft would make of this environment, without a service.
 *
 *     WEFT_LEVEL=inof weft-config; echo $?
 *
 * Prints every effective setting and which source set it, and what is wrong with them. Opens the sinks as a service would.
 * Ends with 1 when something is wrong, else with 0.
 */
#include <stdio.h>
#include <weft/weft.h>

int main(void)
{
    weft_stats stats;
    weft_options options = weft_options_default();
    options.explain = true;
    if (weft_init(&options) != WEFT_OK || weft_stats_get(&stats, sizeof stats) != WEFT_OK) {
        fputs("weft-config: out of memory\n", stderr);
        return 2;
    }
    return stats.config_errors > 0;
}
