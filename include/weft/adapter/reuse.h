/*
 * What the adapters share: a carrier that is used again for another request. Private to them.
 *
 * Before a context is written, the carrier loses every header that an earlier inject may have left
 * there: all that the formats in force may write, weft_propagation_has_field. That is so where the
 * formats have nothing to write as well: a request that came without a header must not send an
 * earlier one's. Without a context nothing is taken away.
 *
 * Threads: any; nothing here keeps anything. Allocates: never.
 */
#ifndef WEFT_ADAPTER_REUSE_H
#define WEFT_ADAPTER_REUSE_H

#include "../client.h"
#include "../mdc.h"
#include "../propagate.h"

/* Whether this thread has a context, as weft_inject has it. */
static inline bool weft_reuse_context_(void)
{
    return weft_trace_ids(NULL, NULL) == WEFT_OK || weft_mdc_count() > 0;
}

/* weft_inject into a carrier that may have been used before; `clear` takes those headers out. */
static inline weft_status weft_reuse_inject_(const weft_setter *setter, void *carrier,
                                             void (*clear)(void *carrier))
{
    if (weft_reuse_context_()) clear(carrier);
    return weft_inject(setter, carrier);
}

/*
 * weft_client_begin with such a carrier; setter and carrier in `options` are not looked at. A call
 * always has a context; where it cannot be begun, the headers go all the same.
 */
static inline weft_client *weft_reuse_client_begin_(const weft_setter *setter, void *carrier,
                                                    void (*clear)(void *carrier),
                                                    weft_client_options options)
{
    clear(carrier);
    options.setter = setter;
    options.carrier = carrier;
    return weft_client_begin(&options);
}

#endif
