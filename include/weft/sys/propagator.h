/*
 * Own propagators: a format in which a request's context travels in headers. One const object per
 * format; an instance behind `self`, which is NULL for formats without options.
 *
 *   function | called by                    | at the same time as
 *   ---------|------------------------------|---------------------------------
 *   open     | the thread that configures   | nothing of this instance
 *   extract  | any thread                   | itself and inject: self is const
 *   inject   | any thread                   | itself and extract
 *   close    | the thread that configures   | nothing of this instance
 *
 * None may log or throw. weft stands between a propagator and the carrier: values that a getter
 * gives are at most 8 KiB and have no white space around them (a longer one is ""), empty ones are
 * passed over; a setter refuses a value with a control character.
 */
#ifndef WEFT_SYS_PROPAGATOR_H
#define WEFT_SYS_PROPAGATOR_H

#include "../propagate.h"
#include "encoder.h"

/*
 * What the caller said about recording this trace. Deferred: nothing; the decision is the next
 * one's.
 */
enum weft_sampling {
    WEFT_SAMPLING_DEFERRED = 0,
    WEFT_SAMPLING_DENY,
    WEFT_SAMPLING_ACCEPT,
    WEFT_SAMPLING_DEBUG
};

/*
 * One entry of baggage: its key as it stands in the header, its value decoded. Values are
 * well-formed UTF-8.
 */
struct weft_baggage {
    const char *key, *value;
    uint32_t key_size, value_size;
};

/* When a header that is carried is given up. */
enum weft_carried_of {
    WEFT_OF_REQUEST = 0, /* never: baggage */
    WEFT_OF_TRACE = 1, /* with its propagator's trace, when that is not the one that is continued */
    WEFT_OF_CALLER = 2 /* when the caller's trace is not trusted */
};

/*
 * A header that goes on to the next service as it came (tidied by its propagator): tracestate,
 * baggage.
 */
struct weft_carried {
    /*
     * static; lower case. One that begins with ':' is a note of the propagator to itself, never
     * sent
     */
    const char *name;
    const char *value; /* inject: NUL-terminated */
    uint32_t size;
    enum weft_carried_of of;
};

#define WEFT_BAGGAGE_MAX 64
#define WEFT_CARRIED_MAX 32

/*
 * A context on its way between carrier and thread.
 *
 * Extract: all is empty but `baggage_keys`. Pointers may go into the values that the getter gave,
 * or to memory from weft_propagated_alloc. Inject: what is to be sent, with a span id made for the
 * callee and this process's own span as its parent_id.
 */
struct weft_propagated {
    size_t struct_size;
    /* empty trace_id: none; 32 digits, padded on the left. extract: span_id is the caller's */
    struct weft_trace trace;
    enum weft_sampling sampling;
    uint32_t trace_id_digits; /* how long the id came, 16 or 32; 0: 32 */
    const char *request_id;   /* NULL: none */
    uint32_t request_id_size;
    uint32_t rejected_id_size;
    /* extract: a request id that was refused; bytes as they came */
    const char *rejected_id;
    const char *const *baggage_keys; /* extract: whose values are wanted in `baggage` */
    uint32_t baggage_key_count;
    uint32_t baggage_count;
    uint32_t carried_count;
    uint32_t rejected; /* extract: headers that were refused, for the count */
    void *blocks;      /* private */
    struct weft_baggage baggage[WEFT_BAGGAGE_MAX];
    struct weft_carried carried[WEFT_CARRIED_MAX];
};

struct weft_propagator_type {
    size_t struct_size;
    const char *name; /* in WEFT_PROPAGATORS; `name:args` there gives args to open */
    /*
     * NULL for formats without options. Errors: WEFT_EINVAL for bad args (NULL: none were given),
     * WEFT_ENOMEM.
     */
    weft_status (*open)(void **self, const char *args);
    /* What is not valid is as if absent. @retval WEFT_ENOMEM The whole extraction is given up. */
    weft_status (*extract)(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier);
    /* Writes headers of `fields` alone. Returns the first failure of the setter. */
    weft_status (*inject)(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier);
    void (*close)(void *self); /* NULL when open is */
    /*
     * The names of all headers that inject may write, in lower case; ends with NULL. One that ends
     * with '*' stands for all that begin so. They are taken out of a carrier that is used again.
     * NULL: fields_of tells, or nobody, and such headers stay.
     */
    const char *const *fields;
    /* The same, where the names are in the args. They live until close. */
    const char *const *(*fields_of)(const void *self);
};

/* Find a header that an earlier extract carried; NULL when there is none. */
static inline const struct weft_carried *weft_propagated_find(const struct weft_propagated *context,
                                                              const char *name)
{
    for (uint32_t i = 0; i < context->carried_count; i++)
        if (__builtin_strcmp(context->carried[i].name, name) == 0) return &context->carried[i];
    return NULL;
}

/* Note a header that goes on. false: there are WEFT_CARRIED_MAX already. */
static inline bool weft_propagated_carry(struct weft_propagated *context,
                                         struct weft_carried header)
{
    if (context->carried_count >= WEFT_CARRIED_MAX) return false;
    context->carried[context->carried_count++] = header;
    return true;
}

WEFT_EXTERN_C_BEGIN
/**
 * Make a format known, under type->name, in WEFT_PROPAGATORS.
 *
 * When, and errors: as weft_sink_register; extract and inject are the members that must be there.
 *
 * Threads: any. Signals: unsafe. Since: 0.1.
 */
WEFT_API weft_status weft_propagator_register(const struct weft_propagator_type *type);

/**
 * Return `size` bytes that live until the extraction under way has ended; NULL when out of memory.
 *
 * Threads: the one that extracts. Signals: unsafe. Since: 0.1.
 */
WEFT_API void *weft_propagated_alloc(struct weft_propagated *context, size_t size);
WEFT_EXTERN_C_END

#endif
