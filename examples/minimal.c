/*
 * The smallest useful program: a logger, a context, a record with typed fields, a printf-style
 * line.
 *
 *     ./minimal                     JSON on stdout (ECS), or coloured text on a terminal
 *     WEFT_FORMAT=logback ./minimal what a Java service would print
 *     WEFT_LEVEL=warn ./minimal     nothing: both lines are INFO
 */
#include <weft/weft.h>

int main(void)
{
    const char *id = "o-1";
    const int elapsed = 3;
    weft_logger *orders = weft_logger_get("orders.api"); /* first use reads WEFT_* */

    weft_mdc_put("request_id", "r-42"); /* from here on every line of this thread carries it */
    weft_info(orders, "order accepted", weft_str("order_id", id), weft_int("items", 3),
              weft_double("amount", 12.5), weft_bool("gift", true));
    weft_infof(orders, "took %d ms", elapsed); /* checked by the compiler */
    weft_mdc_clear();
    return 0; /* flushed at exit; weft_shutdown(ms) does it earlier */
}
