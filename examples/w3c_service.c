/*
 * w3c_service: answers POST /test, whose body is a JSON array of {"url": …, "arguments": […]}: it
 * posts the arguments to each URL, with its own trace context, and answers when all are done. What
 * the validation of W3C Trace Context asks of a service.
 *
 *     ./w3c_service --port 7777
 *     curl -d '[{"url":"http://127.0.0.1:7777/test","arguments":[]}]' http://127.0.0.1:7777/test
 */
#include "service.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/adapter/curl.h>
#include <weft/weft.h>
#include <yajl/yajl_gen.h>
#include <yajl/yajl_tree.h>

#define LOG             WEFT_LOGGER("w3c")
#define CALL_TIMEOUT_MS 5000L
#define DEPTH_MAX       16 /* of arguments within arguments */

/* ---- JSON out: a part of what came in ---- */

static bool put_value(yajl_gen gen, yajl_val value, unsigned depth);

static bool put_text(yajl_gen gen, const char *text)
{
    return yajl_gen_string(gen, (const unsigned char *)text, strlen(text)) == yajl_gen_status_ok;
}

static bool put_object(yajl_gen gen, yajl_val value, unsigned depth)
{
    bool ok = yajl_gen_map_open(gen) == yajl_gen_status_ok;
    for (size_t i = 0; ok && i < value->u.object.len; i++)
        ok = put_text(gen, value->u.object.keys[i]) &&
             put_value(gen, value->u.object.values[i], depth);
    return ok && yajl_gen_map_close(gen) == yajl_gen_status_ok;
}

static bool put_array(yajl_gen gen, yajl_val value, unsigned depth)
{
    bool ok = yajl_gen_array_open(gen) == yajl_gen_status_ok;
    for (size_t i = 0; ok && i < value->u.array.len; i++)
        ok = put_value(gen, value->u.array.values[i], depth);
    return ok && yajl_gen_array_close(gen) == yajl_gen_status_ok;
}

static bool put_value(yajl_gen gen, yajl_val value, unsigned depth)
{
    if (depth == DEPTH_MAX) return false;
    if (YAJL_IS_OBJECT(value)) return put_object(gen, value, depth + 1);
    if (YAJL_IS_ARRAY(value)) return put_array(gen, value, depth + 1);
    if (YAJL_IS_STRING(value)) return put_text(gen, YAJL_GET_STRING(value));
    return yajl_gen_null(gen) == yajl_gen_status_ok; /* nothing else stands in arguments */
}

/* ---- one call ---- */

static size_t body_ignore(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    *(uint64_t *)arg += size * count;
    return size * count;
}

static void call(const char *url, const char *body)
{
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURL *curl = curl_easy_init();
    uint64_t bytes = 0;
    long status = 0;
    weft_client_options options = WEFT_CLIENT_OPTIONS_INIT;
    options.setter = weft_curl_setter();
    options.carrier = &headers;
    options.method = "POST";
    options.target = url;
    weft_client *client = weft_client_begin(&options); /* headers have the context now */
    if (curl) {
        curl_easy_setopt(curl, CURLOPT_URL, url);
        curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
        curl_easy_setopt(curl, CURLOPT_PROXY, "");
        curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, CALL_TIMEOUT_MS);
        curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, body_ignore);
        curl_easy_setopt(curl, CURLOPT_WRITEDATA, &bytes);
        if (curl_easy_perform(curl) == CURLE_OK)
            curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    }
    weft_client_end(client, (int)status, bytes);
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
}

/* ---- the request ---- */

/* One member of the array. False: it is none. */
static bool forward(yajl_val member)
{
    static const char *url_path[] = {"url", NULL};
    static const char *arguments_path[] = {"arguments", NULL};
    const yajl_val url = yajl_tree_get(member, url_path, yajl_t_string);
    const yajl_val arguments = yajl_tree_get(member, arguments_path, yajl_t_array);
    if (!url || !arguments) return false;
    yajl_gen gen = yajl_gen_alloc(NULL);
    const unsigned char *body;
    size_t size;
    const bool ok = gen && put_value(gen, arguments, 0) &&
                    yajl_gen_get_buf(gen, &body, &size) == yajl_gen_status_ok;
    if (ok) call(YAJL_GET_STRING(url), (const char *)body);
    if (gen) yajl_gen_free(gen);
    return ok;
}

static struct service_reply test(void *arg, const struct service_request *request)
{
    char error[128];
    (void)arg;
    yajl_val tree = yajl_tree_parse(request->body, error, sizeof error);
    bool ok = tree && YAJL_IS_ARRAY(tree);
    for (size_t i = 0; ok && i < tree->u.array.len; i++) ok = forward(tree->u.array.values[i]);
    yajl_tree_free(tree);
    if (ok) return (struct service_reply){MHD_HTTP_OK, "{\"done\":true}"};
    weft_warn(LOG, "the body is no array of url and arguments");
    return (struct service_reply){MHD_HTTP_BAD_REQUEST, "{\"error\":\"no array of calls\"}"};
}

int main(int argc, char **argv)
{
    struct service_options options = {.port = 7777};
    const struct service_route route = {"POST", "/test", test, NULL};
    if (!service_options_read(&options, argc, argv)) return EXIT_FAILURE;
    const int signals = service_signals();
    if (signals < 0 || curl_global_init(CURL_GLOBAL_DEFAULT)) return EXIT_FAILURE;
    const int status = service_run(&options, &route, signals);
    curl_global_cleanup();
    return status;
}
