/* The program of the consumer projects in C: context, fields, a thread that was handed the context. */
#include <stdio.h>
#include <string.h>
#include <weft/test.h>
#include <weft/weft.h>

static void *work(void *arg)
{
    weft_info(arg, "in thread");
    return NULL;
}

int main(void)
{
    weft_logger *log = weft_logger_get("consumer");
    const bool ok = true; /* in C11 the word `true` itself is an int */
    pthread_t thread;
    if (strcmp(weft_version(), "0.1.0") != 0) return 2;

    weft_mdc_put("request_id", "r-42");
    weft_info(log, "order accepted", weft_str("order_id", "o-1"), weft_int("items", 3));
    if (weft_pthread_create(&thread, NULL, work, log) != 0) return 3;
    pthread_join(thread, NULL);
    {
        WEFT_MDC_SCOPE("step", "pay");
        weft_warn(log, "in scope", weft_kv("ok", ok));
    }
    weft_debug(log, "off");
    weft_infof(log, "took %d ms", 7);
    return 0; /* exit flushes */
}
