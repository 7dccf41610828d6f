/*
 * Propagation: from headers to this thread's context and back, by the formats that the
 * configuration names.
 *
 * Its job: which format wins, what becomes an MDC entry, what the thread carries on. Not its job:
 * the grammar of a format (one file each, registry.h), requests (src/request), reading the
 * configuration.
 *
 *   function                   | by
 *   ---------------------------|---------------------------------------------------------------
 *   create, destroy, publish   | the thread that configures
 *   current, published, extract, inject, rejected | any thread
 *
 * A published configuration is immutable and must stay until shutdown: threads read it without a
 * lock.
 * May include: mdc, record, base, port.
 */
#ifndef WEFTP_PROPAGATE_PROPAGATE_H
#define WEFTP_PROPAGATE_PROPAGATE_H

#include <weft/request.h>
#include <weft/sys/propagator.h>

#define WEFTP_PROPAGATORS_MAX 32

/* MDC keys that propagation itself puts. */
#define WEFTP_KEY_REQUEST_ID "request_id"
/* The caller's id, when it was refused: up to 256 bytes of it. */
#define WEFTP_KEY_REQUEST_ID_REJECTED "request_id_rejected"
/* "TRACEID-SPANID" of a trace that is not continued. */
#define WEFTP_KEY_TRACE_LINK "trace_link"

struct weftp_propagator {
    const struct weft_propagator_type *type;
    void *self;
};

struct weftp_propagation {
    const struct weftp_propagator *propagators; /* in order: the first that finds a trace wins */
    uint32_t propagator_count;
    bool automatic; /* they are those of weftp_auto_formats */
    uint32_t key_count;
    const char *const *keys; /* MDC keys that are baggage, both ways */
    enum weft_trust trust;   /* never DEFAULT */
};

/*
 * What the settings say, to make a configuration from. Borrowed until create returns; lists as in
 * weftp_settings.
 */
struct weftp_propagation_names {
    const char *const *propagators;
    size_t propagator_count; /* `name` or `name:args` */
    const char *const *keys;
    size_t key_count;      /* past 64: left out */
    enum weft_trust trust; /* DEFAULT: continue */
    /* Every format that there is, ends with NULL; NULL: the built-in ones. */
    const struct weft_propagator_type *const *known;
};

/*
 * Make a configuration. A name that is not known, or whose args are refused, is left out: the
 * validator has told.
 * @retval WEFT_ENOMEM  *out is unchanged.
 * *out is owned: weftp_propagation_destroy, which takes NULL.
 */
weft_status weftp_propagation_create(struct weftp_propagation **out,
                                     const struct weftp_propagation_names *names);
void weftp_propagation_destroy(struct weftp_propagation *propagation);

/*
 * Put a configuration in force; NULL: the built-in one again (tracecontext, baggage, xrequestid;
 * trust continue).
 */
void weftp_propagation_publish(const struct weftp_propagation *propagation);
/* The configuration in force, never NULL. Signal-safe. */
const struct weftp_propagation *weftp_propagation_current(void);
/* Whether one was published: before, weft has not read its settings yet. Signal-safe. */
bool weftp_propagation_published(void);

struct weftp_extract_options {
    enum weft_trust trust; /* DEFAULT: the configuration's */
    bool internal;         /* for RESTART_EXTERNAL */
};

/*
 * Read a carrier into this thread's context, as weft_extract says. getter NULL: nothing came.
 * options NULL: defaults. Entries of an earlier extraction that this one does not set (trace_link,
 * request_id_rejected, baggage whose value is still the one that came) are removed.
 * @retval WEFT_EINVAL  getter has no get. @retval WEFT_ENOMEM The context is as before, its scopes
 *   included.
 */
weft_status weftp_extract(const struct weftp_propagation *propagation, const weft_getter *getter,
                          void *carrier, const struct weftp_extract_options *options);

/* Write this thread's context to a carrier, as weft_inject says. Allocates: never. */
weft_status weftp_inject(const struct weftp_propagation *propagation, const weft_setter *setter,
                         void *carrier);
/* The same, with this id (16 hex digits) for the callee's parent; NULL: a new one. */
weft_status weftp_inject_as(const struct weftp_propagation *propagation, const char *span_id,
                            const weft_setter *setter, void *carrier);

/* As weft_propagation_field. Signal-safe. */
const char *weftp_propagation_field(const struct weftp_propagation *propagation, size_t index);
/* As weft_propagation_has_field. Signal-safe. */
bool weftp_propagation_has_field(const struct weftp_propagation *propagation, const char *name,
                                 size_t size);

/*
 * Of the headers that format `index` has carried as they came, from carried[first] on, forget those
 * that other formats in force look after: of what an earlier one writes all, of what a later one
 * writes what stands beside the ids. Such formats refuse what is malformed, and a state without its
 * trace; it must not go on beside theirs. For extract.c.
 */
void weftp_propagation_yield(const struct weftp_propagation *propagation, uint32_t index,
                             struct weft_propagated *context, uint32_t first);

/* How many headers were refused since start. Signal-safe. */
uint64_t weftp_propagate_rejected(void);
/* In a forked child: begin to count anew. */
void weftp_propagate_forked(void);

/* For extract.c and inject.c, and for tests of a single format. */

/*
 * A note that sampling and the length of the trace id travel in beside the trace slot, when its
 * flags do not say them.
 */
#define WEFTP_NOTE_TRACE ":trace"
/*
 * A note which formats the caller speaks, where they are automatic: '1' or '0' for each of
 * weftp_auto_formats.
 */
#define WEFTP_NOTE_CAME ":came"
/* Make an empty context. Free what it comes to own with weftp_propagated_deinit. */
void weftp_propagated_init(struct weft_propagated *context);
/* Free what weft_propagated_alloc gave out. */
void weftp_propagated_deinit(struct weft_propagated *context);
/* Add to the count of rejected headers. */
void weftp_propagate_reject(uint32_t count);

#endif
