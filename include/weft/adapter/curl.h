/*
 * libcurl: this thread's context in the headers of a request. Header-only; C11 and C++17. For the
 * easy and the multi interface: each easy handle has a list and a context of its own.
 *
 *     struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
 *     weft_curl_set_headers(easy, &headers);       CURLOPT_HTTPHEADER with the context in it
 *     curl_easy_perform(easy);
 *     curl_slist_free_all(headers);
 *
 * Threads: one per list. Signals: unsafe. Allocates: by curl_slist_append. Since: 0.1.
 */
#ifndef WEFT_ADAPTER_CURL_H
#define WEFT_ADAPTER_CURL_H

#include "reuse.h"
#include "text.h"
#include <curl/curl.h>
#include <stdlib.h>

/*
 * Whether a line of a list is about a header, or with NULL about any that weft may have written:
 * "Name: value", "Name:" (leave it out) or "Name;" (send it empty).
 */
static inline bool weft_curl_is_(const char *line, const char *name)
{
    const size_t size = line ? __builtin_strcspn(line, ":;") : 0;
    if (size == 0 || !line[size]) return false;
    return name ? weft_name_is_(line, size, name) : weft_propagation_has_field(line, size);
}

/* Take out and free the items about a header, as above, but for `keep`. */
static inline void weft_curl_remove_(struct curl_slist **list, const char *name,
                                     const struct curl_slist *keep)
{
    while (*list) {
        struct curl_slist *item = *list;
        if (item == keep || !weft_curl_is_(item->data, name)) {
            list = &item->next;
            continue;
        }
        *list = item->next;
        item->next = NULL;
        curl_slist_free_all(item);
    }
}

static inline struct curl_slist *weft_curl_last_(struct curl_slist *list)
{
    while (list && list->next) list = list->next;
    return list;
}

static inline weft_status weft_curl_append_(struct curl_slist **list, const char *name,
                                            const char *value, size_t size)
{
    const size_t name_size = __builtin_strlen(name);
    char *line = WEFT_CAST_(char *, malloc(name_size + 2 + size + 1));
    if (!line) return WEFT_ENOMEM;
    __builtin_memcpy(line, name, name_size);
    __builtin_memcpy(line + name_size, ": ", 2);
    __builtin_memcpy(line + name_size + 2, value, size);
    line[name_size + 2 + size] = '\0';
    struct curl_slist *longer = curl_slist_append(*list, line);
    free(line);
    if (!longer) return WEFT_ENOMEM;
    *list = longer;
    return WEFT_OK;
}

static inline weft_status weft_curl_set_(void *carrier, const char *name, const char *value,
                                         size_t size)
{
    struct curl_slist **list = WEFT_CAST_(struct curl_slist **, carrier);
    if (!weft_header_value_ok_(value, size)) return WEFT_EINVAL;
    const weft_status status = weft_curl_append_(list, name, value, size);
    if (status == WEFT_OK) weft_curl_remove_(list, name, weft_curl_last_(*list));
    return status;
}

/**
 * Return the setter whose carrier is a struct curl_slist **, which may point to NULL: an empty
 * list. Static.
 */
static inline const weft_setter *weft_curl_setter(void)
{
    static const weft_setter setter = {sizeof(weft_setter), weft_curl_set_};
    return &setter;
}

static inline void weft_curl_clear_(void *carrier)
{
    weft_curl_remove_(WEFT_CAST_(struct curl_slist **, carrier), NULL, NULL);
}

/**
 * Write this thread's context to a list of headers, as weft_inject does, and take away what an
 * earlier request has left there: all headers that the formats in force may write
 * (weft_propagation_has_field). Without a context nothing is touched. Each call has a span id of
 * its own.
 *
 * @param list  The caller's, as ever: curl_slist_free_all. NULL does nothing.
 * @retval WEFT_EINVAL  list is NULL.
 * @retval WEFT_ENOMEM  A header is missing; the list is whole.
 */
static inline weft_status weft_curl_inject(struct curl_slist **list)
{
    if (!list) return WEFT_EINVAL;
    return weft_reuse_inject_(weft_curl_setter(), list, weft_curl_clear_);
}

/**
 * weft_curl_inject, and CURLOPT_HTTPHEADER with the result. The list must live until the transfer
 * has ended.
 *
 * Returns what curl_easy_setopt returned; a header that is missing for want of memory does not stop
 * a request.
 */
static inline CURLcode weft_curl_set_headers(CURL *easy, struct curl_slist **list)
{
    if (!list) return CURLE_BAD_FUNCTION_ARGUMENT;
    (void)weft_curl_inject(list);
    return curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *list);
}

/**
 * Begin a call with a span of its own: weft_client_begin, whose headers go into the list and with
 * it into CURLOPT_HTTPHEADER, as weft_curl_set_headers has it. The list must live until the
 * transfer has ended.
 *
 * @param options  Setter and carrier in it are not looked at.
 * @return  An owned handle for weft_client_end, once the transfer has; NULL as weft_client_begin,
 *          and when the list is NULL.
 */
static inline weft_client *weft_curl_client_begin(CURL *easy, struct curl_slist **list,
                                                  weft_client_options options)
{
    if (!list) return NULL;
    weft_client *client =
        weft_reuse_client_begin_(weft_curl_setter(), list, weft_curl_clear_, options);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *list);
    return client;
}

#endif
