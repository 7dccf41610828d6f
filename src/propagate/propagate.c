#include "propagate.h"
#include "registry.h"

#include <stdlib.h>
#include <string.h>

/* ---- the configuration ---- */

static const struct weftp_propagator default_propagators[] = {
    {&weftp_propagator_tracecontext, NULL},
    {&weftp_propagator_baggage, NULL},
    {&weftp_propagator_xrequestid, NULL},
};
static const struct weftp_propagation default_propagation = {
    .propagators = default_propagators,
    .propagator_count = sizeof default_propagators / sizeof *default_propagators,
    .trust = WEFT_TRUST_CONTINUE,
};

static const struct weftp_propagation *published;
static uint64_t rejected;

void weftp_propagation_publish(const struct weftp_propagation *propagation)
{
    __atomic_store_n(&published, propagation, __ATOMIC_RELEASE);
}

const struct weftp_propagation *weftp_propagation_current(void)
{
    const struct weftp_propagation *now = __atomic_load_n(&published, __ATOMIC_ACQUIRE);
    return now ? now : &default_propagation;
}

bool weftp_propagation_published(void)
{
    return __atomic_load_n(&published, __ATOMIC_RELAXED) != NULL;
}

void weftp_propagate_reject(uint32_t count)
{
    if (count > 0) __atomic_fetch_add(&rejected, count, __ATOMIC_RELAXED);
}

uint64_t weftp_propagate_rejected(void)
{
    return __atomic_load_n(&rejected, __ATOMIC_RELAXED);
}

void weftp_propagate_forked(void)
{
    __atomic_store_n(&rejected, 0, __ATOMIC_RELAXED);
}

/* ---- making one ---- */

/* A configuration in one block, but for its keys, which lie in another. */
struct owned {
    struct weftp_propagation face;
    char *key_text;
    const char *keys[WEFT_BAGGAGE_MAX];
    struct weftp_propagator propagators[WEFTP_PROPAGATORS_MAX];
};

static weft_status copy_keys(struct owned *owned, const char *const *keys, size_t count)
{
    size_t size = 1;
    if (count > WEFT_BAGGAGE_MAX) count = WEFT_BAGGAGE_MAX;
    for (size_t i = 0; i < count; i++) size += strlen(keys[i]) + 1;
    char *to = malloc(size);
    if (!to) return WEFT_ENOMEM;
    owned->key_text = to;
    for (size_t i = 0; i < count; i++) {
        const size_t key_size = strlen(keys[i]) + 1;
        memcpy(to, keys[i], key_size);
        owned->keys[owned->face.key_count++] = to;
        to += key_size;
    }
    return WEFT_OK;
}

static weft_status add_propagator(struct owned *owned, const struct weft_propagator_type *type,
                                  const char *name)
{
    if (!type || owned->face.propagator_count == WEFTP_PROPAGATORS_MAX) return WEFT_OK;
    const char *colon = strchr(name, ':');
    struct weftp_propagator made = {type, NULL};
    if (type->open) {
        const weft_status status = type->open(&made.self, colon ? colon + 1 : NULL);
        if (status) return status == WEFT_ENOMEM ? status : WEFT_OK;
    }
    owned->propagators[owned->face.propagator_count++] = made;
    return WEFT_OK;
}

/* `auto` beside other names stands for all of them, and they add nothing. */
static weft_status add_automatic(struct owned *owned)
{
    weft_status status = WEFT_OK;
    for (size_t i = 0; weftp_auto_formats[i].type && !status; i++)
        status =
            add_propagator(owned, weftp_auto_formats[i].type, weftp_auto_formats[i].type->name);
    return status;
}

static weft_status add_named(struct owned *owned, const struct weft_propagator_type *const *known,
                             const struct weftp_propagation_names *names)
{
    weft_status status = WEFT_OK;
    for (size_t i = 0; i < names->propagator_count && !status; i++)
        status = add_propagator(owned, weftp_propagator_find(known, names->propagators[i]),
                                names->propagators[i]);
    return status;
}

weft_status weftp_propagation_create(struct weftp_propagation **out,
                                     const struct weftp_propagation_names *names)
{
    struct owned *owned = calloc(1, sizeof *owned);
    if (!owned) return WEFT_ENOMEM;
    owned->face.propagators = owned->propagators;
    owned->face.keys = owned->keys;
    owned->face.trust = names->trust == WEFT_TRUST_DEFAULT ? WEFT_TRUST_CONTINUE : names->trust;
    weft_status status = copy_keys(owned, names->keys, names->key_count);
    const struct weft_propagator_type *const *known =
        names->known ? names->known : weftp_propagators_builtin;
    for (size_t i = 0; i < names->propagator_count && !owned->face.automatic; i++)
        owned->face.automatic =
            weftp_propagator_find(known, names->propagators[i]) == &weftp_propagator_auto;
    if (!status)
        status = owned->face.automatic ? add_automatic(owned) : add_named(owned, known, names);
    if (status) {
        weftp_propagation_destroy(&owned->face);
        return status;
    }
    *out = &owned->face;
    return WEFT_OK;
}

void weftp_propagation_destroy(struct weftp_propagation *propagation)
{
    if (!propagation) return;
    struct owned *owned = (struct owned *)propagation; /* face is its first member */
    for (uint32_t i = 0; i < propagation->propagator_count; i++)
        if (owned->propagators[i].type->close)
            owned->propagators[i].type->close(owned->propagators[i].self);
    free(owned->key_text);
    free(owned);
}

/* ---- contexts on their way ---- */

struct block {
    struct block *next;
    max_align_t bytes[];
};

void weftp_propagated_init(struct weft_propagated *context)
{
    memset(context, 0,
           offsetof(struct weft_propagated, baggage)); /* the arrays have their counts */
    context->struct_size = sizeof *context;
}

void weftp_propagated_deinit(struct weft_propagated *context)
{
    for (struct block *block = context->blocks; block;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    context->blocks = NULL;
}

void *weft_propagated_alloc(struct weft_propagated *context, size_t size)
{
    if (!context || size > SIZE_MAX / 2) return NULL;
    struct block *block = malloc(sizeof *block + size);
    if (!block) return NULL;
    block->next = context->blocks;
    context->blocks = block;
    return block->bytes;
}
