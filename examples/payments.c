/*
 * payments: an HTTP service that orders calls. It takes every amount up to 1,000 EUR, declines
 * what is above, and oversleeps at 13.37, so that there is something to see in the logs of both.
 *
 *     ./payments --port 8081
 *     curl -X POST 'http://127.0.0.1:8081/charges?amount=12.50'
 */
#include "service.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <weft/weft.h>

#define LOG WEFT_LOGGER("payments.api")
#define RISK                                                                                       \
    WEFT_LOGGER("payments.risk") /* WEFT_LEVEL=info,payments.risk=debug shows what it thinks */
#define LIMIT_EUR     1000.0
#define SLOW_EUR      13.37
#define SLOW_SLEEP_MS 1500L

static atomic_uint charge_count;

static void sleep_ms(long ms)
{
    const struct timespec time = {ms / 1000, ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static bool risk_accepts(double amount)
{
    WEFT_MDC_SCOPE("risk_model", "limit-v2"); /* on the lines of this block, and of what it calls */
    weft_debug(RISK, "risk weighed", weft_double("score", amount / LIMIT_EUR),
               weft_double("limit", LIMIT_EUR));
    if (amount <= LIMIT_EUR) return true;
    weft_warn(RISK, "amount is above the limit", weft_double("amount", amount),
              weft_double("limit", LIMIT_EUR));
    return false;
}

static struct service_reply charge(double amount)
{
    char charge_id[32];
    snprintf(charge_id, sizeof charge_id, "c-%u", atomic_fetch_add(&charge_count, 1) + 1);
    weft_mdc_put("charge_id", charge_id);
    weft_info(LOG, "charge asked for", weft_double("amount", amount), weft_str("currency", "EUR"));
    if (!risk_accepts(amount))
        return (struct service_reply){MHD_HTTP_PAYMENT_REQUIRED, "{\"error\":\"declined\"}"};
    if (fabs(amount - SLOW_EUR) < 0.001) {
        weft_warn(LOG, "the bank is slow today",
                  weft_duration_ns("sleep_ms", SLOW_SLEEP_MS * 1000000));
        sleep_ms(SLOW_SLEEP_MS);
    }
    weft_info(LOG, "charge made", weft_double("amount", amount));
    return (struct service_reply){MHD_HTTP_OK, "{\"charge\":\"made\"}"};
}

/* POST /charges?amount=EUR */
static struct service_reply charge_handle(void *arg, const struct service_request *request)
{
    (void)arg;
    const char *text =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "amount");
    char *end = NULL;
    const double amount = text ? strtod(text, &end) : 0;
    if (!text || end == text || *end || !isfinite(amount) || amount <= 0) {
        weft_warn(LOG, "charge refused", weft_str("amount_text", text));
        return (struct service_reply){MHD_HTTP_BAD_REQUEST, "{\"error\":\"an amount is needed\"}"};
    }
    return charge(amount);
}

int main(int argc, char **argv)
{
    struct service_options options = {.port = 8081};
    const int signals = service_signals(); /* before any thread is made */
    if (signals < 0 || !service_options_read(&options, argc, argv)) return EXIT_FAILURE;

    weft_options logs = weft_options_default();
    logs.service = "payments";
    weft_init(&logs);
    const struct service_route route = {"POST", "/charges", charge_handle, NULL};
    return service_run(&options, &route, signals);
}
