/*
 * What the adapters share: a carrier that is used again for another request. Private to them.
 *
 * Before the first header of a context is written, the carrier loses every header that an earlier
 * inject may have left there: all that the formats in force may write, weft_propagation_has_field.
 * Where nothing is written, nothing is taken away.
 *
 * Threads: any; nothing here keeps anything. Allocates: never.
 */
#ifndef WEFT_ADAPTER_REUSE_H
#define WEFT_ADAPTER_REUSE_H

#include "../client.h"
#include "../propagate.h"

/* An adapter's setter and carrier, and how its carrier is cleared. A carrier of weft_reuse_set_. */
struct weft_reuse_ {
    const weft_setter *setter;
    void *carrier;
    void (*clear)(void *carrier);
    bool cleared;
};

static inline weft_status weft_reuse_set_(void *carrier, const char *name, const char *value,
                                          size_t size)
{
    struct weft_reuse_ *reuse = WEFT_CAST_(struct weft_reuse_ *, carrier);
    if (!reuse->cleared) reuse->clear(reuse->carrier);
    reuse->cleared = true;
    return reuse->setter->set(reuse->carrier, name, value, size);
}

static inline const weft_setter *weft_reuse_setter_(void)
{
    static const weft_setter setter = {sizeof(weft_setter), weft_reuse_set_};
    return &setter;
}

/* weft_inject into a carrier that may have been used before. */
static inline weft_status weft_reuse_inject_(const weft_setter *setter, void *carrier,
                                             void (*clear)(void *carrier))
{
    struct weft_reuse_ reuse = {setter, carrier, clear, false};
    return weft_inject(weft_reuse_setter_(), &reuse);
}

/* weft_client_begin with such a carrier; setter and carrier in `options` are not looked at. */
static inline weft_client *weft_reuse_client_begin_(const weft_setter *setter, void *carrier,
                                                    void (*clear)(void *carrier),
                                                    weft_client_options options)
{
    struct weft_reuse_ reuse = {setter, carrier, clear, false};
    options.setter = weft_reuse_setter_();
    options.carrier = &reuse;
    return weft_client_begin(&options);
}

#endif
