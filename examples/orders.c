/*
 * orders: an HTTP service that takes orders, asks the payments service for the money, and writes
 * invoices on a worker thread. One request's lines carry the same trace and request ids here, on
 * the worker and in payments.
 *
 *     ./payments --port 8081 & ./orders --port 8080 --payments http://127.0.0.1:8081
 *     curl -X POST 'http://127.0.0.1:8080/orders?user=ann&amount=12.50'
 */
#include "service.h"
#include "worker.h"

#include <curl/curl.h>
#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft/adapter/curl.h>
#include <weft/weft.h>

#define LOG                WEFT_LOGGER("orders.api")
#define PAYMENT_TIMEOUT_MS 1000L

struct shop {
    const struct service_options *options;
    weft_logger *payments_log; /* says on every line which upstream it talks to */
    struct worker worker;
    atomic_uint order_count;
};

/* What the worker gets. Not the ids of the request: they come with the context. */
struct invoice {
    char path[256];
    double amount;
};

static bool invoice_write(const struct invoice *invoice)
{
    FILE *file = fopen(invoice->path, "w");
    if (!file) return false;
    const bool written = fprintf(file, "please pay %.2f EUR\n", invoice->amount) > 0;
    return fclose(file) == 0 && written;
}

/* On the worker thread. */
static void invoice_run(void *arg)
{
    weft_logger *log = WEFT_LOGGER("orders.invoice");
    struct invoice *invoice = arg;
    if (invoice_write(invoice))
        weft_info(log, "invoice written", weft_str("file.path", invoice->path),
                  weft_double("amount", invoice->amount));
    else
        weft_error(log, "invoice not written", weft_str("file.path", invoice->path),
                   weft_errno("cause", errno));
    free(invoice);
}

static void invoice_queue(struct shop *shop, const char *order_id, double amount)
{
    struct invoice *invoice = malloc(sizeof *invoice);
    if (!invoice) {
        weft_error(LOG, "no memory for the invoice");
        return;
    }
    snprintf(invoice->path, sizeof invoice->path, "%s/%s.txt", shop->options->invoice_dir,
             order_id);
    invoice->amount = amount;
    if (worker_submit(&shop->worker, invoice_run, invoice)) return;
    weft_error(LOG, "too many invoices are waiting");
    free(invoice);
}

static size_t body_ignore(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

/*
 * POST to a URL with this thread's context in the headers, under a span of the call's own, and one
 * record of the call.
 */
static CURLcode http_post(const char *url, long *status, curl_off_t *took_us)
{
    CURL *curl = curl_easy_init();
    if (!curl) return CURLE_FAILED_INIT;
    struct curl_slist *headers = NULL;
    weft_client_options call = WEFT_CLIENT_OPTIONS_INIT;
    call.setter = weft_curl_setter();
    call.carrier = &headers;
    call.method = "POST";
    call.target = url;
    weft_client *client =
        weft_client_begin(&call); /* traceparent, tracestate, baggage, x-request-id */
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, PAYMENT_TIMEOUT_MS);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_ignore);
    const CURLcode code = curl_easy_perform(curl);
    curl_off_t bytes = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    curl_easy_getinfo(curl, CURLINFO_SIZE_DOWNLOAD_T, &bytes);
    weft_client_end(client, (int)*status, (uint64_t)bytes);
    curl_easy_getinfo(curl, CURLINFO_TOTAL_TIME_T, took_us);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code;
}

/* Ask payments for the money. Returns the status that the customer gets. */
static unsigned payment_charge(const struct shop *shop, double amount)
{
    char url[256];
    long status = 0;
    curl_off_t took_us = 0;
    snprintf(url, sizeof url, "%s/charges?amount=%.2f", shop->options->payments_url, amount);
    const CURLcode code = http_post(url, &status, &took_us);
    const weft_field took = weft_duration_ns("took_ms", took_us * 1000);
    if (code != CURLE_OK) {
        weft_error(shop->payments_log, "payment failed", took,
                   weft_error_info("curl", curl_easy_strerror(code), NULL));
        return code == CURLE_OPERATION_TIMEDOUT ? MHD_HTTP_GATEWAY_TIMEOUT : MHD_HTTP_BAD_GATEWAY;
    }
    const weft_level level = status == MHD_HTTP_OK ? WEFT_LEVEL_INFO : WEFT_LEVEL_WARN;
    weft_log(shop->payments_log, level, status == MHD_HTTP_OK ? "payment made" : "payment declined",
             took, weft_int("http.response.status_code", status));
    if (status == MHD_HTTP_OK) return MHD_HTTP_CREATED;
    return status == MHD_HTTP_PAYMENT_REQUIRED ? MHD_HTTP_PAYMENT_REQUIRED : MHD_HTTP_BAD_GATEWAY;
}

static const char *body_of(unsigned status)
{
    switch (status) {
    case MHD_HTTP_CREATED: return "{\"order\":\"placed\"}";
    case MHD_HTTP_PAYMENT_REQUIRED: return "{\"error\":\"the payment was declined\"}";
    case MHD_HTTP_GATEWAY_TIMEOUT: return "{\"error\":\"payments did not answer in time\"}";
    default: return "{\"error\":\"payments is not well\"}";
    }
}

static bool amount_read(const char *text, double *amount)
{
    char *end = NULL;
    *amount = text ? strtod(text, &end) : 0;
    return text && end != text && !*end && isfinite(*amount) && *amount > 0;
}

/* POST /orders?user=NAME&amount=EUR */
static struct service_reply order_place(void *arg, const struct service_request *request)
{
    struct shop *shop = arg;
    const char *user =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "user");
    const char *amount_text =
        MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, "amount");
    double amount = 0;
    if (!user || !amount_read(amount_text, &amount)) {
        weft_warn(LOG, "order refused", weft_str("user", user),
                  weft_str("amount_text", amount_text));
        return (struct service_reply){MHD_HTTP_BAD_REQUEST,
                                      "{\"error\":\"user and amount are needed\"}"};
    }
    char order_id[32];
    snprintf(order_id, sizeof order_id, "o-%u", atomic_fetch_add(&shop->order_count, 1) + 1);
    weft_mdc_put("user", user); /* from here on every line of this request says whose it is */
    weft_mdc_put("order_id", order_id);
    weft_info(LOG, "order accepted", weft_double("amount", amount), weft_str("currency", "EUR"));
    const unsigned status = payment_charge(shop, amount);
    if (status == MHD_HTTP_CREATED) invoice_queue(shop, order_id, amount);
    return (struct service_reply){status, body_of(status)};
}

int main(int argc, char **argv)
{
    struct service_options options = {
        .port = 8080, .payments_url = "http://127.0.0.1:8081", .invoice_dir = "/tmp"};
    const int signals = service_signals(); /* before any thread is made */
    if (signals < 0 || !service_options_read(&options, argc, argv)) return EXIT_FAILURE;

    weft_options logs = weft_options_default();
    logs.service =
        "orders"; /* WEFT_SERVICE says otherwise where it is set, as every WEFT_ variable does */
    weft_init(&logs);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    static struct shop shop;
    shop.options = &options;
    shop.payments_log = weft_logger_with(weft_logger_get("orders.payments"),
                                         weft_str("upstream", options.payments_url));
    const int error = worker_start(&shop.worker);
    if (error) {
        weft_fatal(LOG, "no worker", weft_errno("cause", error));
        return EXIT_FAILURE;
    }
    const struct service_route route = {"POST", "/orders", order_place, &shop};
    const int status = service_run(&options, &route, signals);
    worker_stop(&shop.worker);
    weft_logger_release(shop.payments_log);
    curl_global_cleanup();
    return status;
}
