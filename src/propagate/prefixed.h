/*
 * Baggage that travels as a header for each entry: PREFIXkey: value (uberctx-, ot-baggage-).
 *
 * What came in goes on as it came; entries whose keys WEFT_PROPAGATE_KEYS names, in any case, become
 * MDC entries, spelt as there, and are written from there. At most 64 entries and 8,192 bytes, keys of up to 128 bytes: what is
 * more, or malformed, is dropped whole and counted.
 *
 * Threads: any; the struct is constant. May include: chars, percent, the public propagator header.
 */
#ifndef WEFTP_PROPAGATE_PREFIXED_H
#define WEFTP_PROPAGATE_PREFIXED_H

#include "trace_text.h"

#define WEFTP_PREFIXED_KEY_MAX 128

struct weftp_prefixed {
    const char *prefix; /* lower case, with its dash */
    const char *note;   /* the name under which the entries are carried */
    bool encoded;       /* values are percent-encoded */
};

/* ot-baggage-KEY, of OpenTracing's tracers and Datadog's; each notes its own. */
extern const struct weftp_prefixed weftp_prefixed_ot, weftp_prefixed_datadog;

/*
 * Read the entries of a carrier that can list its headers, and those of one more header that holds
 * a list, "k=v, k2=v2" (`list` NULL: there is none such).
 * @retval WEFT_ENOMEM  As an extract's.
 */
weft_status weftp_prefixed_extract(const struct weftp_prefixed *format,
                                   struct weft_propagated *context, const weft_getter *getter,
                                   void *carrier, const char *list);
/* Write all of them. Returns the first failure of the setter. */
weft_status weftp_prefixed_inject(const struct weftp_prefixed *format,
                                  const struct weft_propagated *context, const weft_setter *setter,
                                  void *carrier);

#endif
