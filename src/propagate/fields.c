/* Which headers the formats may write: each tells its own; and whose one is that two would. */
#include "propagate.h"
#include "registry.h"

#include <string.h>

static const char *const *fields_of(const struct weftp_propagator *propagator)
{
    static const char *const none[] = {NULL};
    const struct weft_propagator_type *type = propagator->type;
    const char *const *told = NULL;
    if (type->struct_size < sizeof *type) return none; /* a program's own, of before there were */
    if (type->fields) return type->fields;
    if (type->fields_of) told = type->fields_of(propagator->self);
    return told ? told : none;
}

const char *weftp_propagation_field(const struct weftp_propagation *propagation, size_t index)
{
    for (uint32_t i = 0; i < propagation->propagator_count; i++)
        for (const char *const *field = fields_of(&propagation->propagators[i]); *field; field++)
            if (index-- == 0) return *field;
    return NULL;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_field(const char *field, const char *name, size_t size)
{
    size_t i = 0;
    while (i < size && field[i] && field[i] != '*' && lower(name[i]) == field[i]) i++;
    return field[i] == '*' || (i == size && !field[i]);
}

bool weftp_propagation_has_field(const struct weftp_propagation *propagation, const char *name,
                                 size_t size)
{
    for (uint32_t i = 0; name && i < propagation->propagator_count; i++)
        for (const char *const *field = fields_of(&propagation->propagators[i]); *field; field++)
            if (is_field(*field, name, size)) return true;
    return false;
}

/* ---- headers that two formats would write ---- */

/* Headers that say one thing together; the ids first, then what says nothing without them. */
struct group {
    const char *ids[4], *beside[4];
};
static const struct group groups[] = {
    {{"traceparent"}, {"tracestate"}},
    {{"b3", "x-b3-traceid", "x-b3-spanid"}, {"x-b3-parentspanid", "x-b3-sampled", "x-b3-flags"}},
    {{"x-datadog-trace-id", "x-datadog-parent-id"},
     {"x-datadog-sampling-priority", "x-datadog-tags", "x-datadog-origin"}},
};

static bool is_among(const char *const names[4], const char *name)
{
    for (size_t i = 0; i < 4 && names[i]; i++)
        if (strcmp(names[i], name) == 0) return true;
    return false;
}

static bool writes(const struct weftp_propagator *propagator, const char *name)
{
    for (const char *const *field = fields_of(propagator); *field; field++)
        if (is_field(*field, name, strlen(name))) return true;
    return false;
}

static bool writes_group(const struct weftp_propagator *propagator, const struct group *group)
{
    for (size_t i = 0; i < 4 && group->ids[i]; i++)
        if (writes(propagator, group->ids[i])) return true;
    return false;
}

/* Those that write what came, and know no grammar. */
static bool is_passing_on(const struct weftp_propagator *propagator)
{
    return propagator->type == &weftp_propagator_istio ||
           propagator->type == &weftp_propagator_verbatim ||
           propagator->type == &weftp_propagator_envoy;
}

static bool looks_after(const struct weftp_propagator *propagator, const char *name, bool is_later)
{
    if (is_passing_on(propagator)) return false;
    if (!is_later && writes(propagator, name)) return true;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        const bool is_member =
            is_among(groups[i].beside, name) || (!is_later && is_among(groups[i].ids, name));
        if (is_member && writes_group(propagator, &groups[i])) return true;
    }
    return false;
}

void weftp_propagation_yield(const struct weftp_propagation *propagation, uint32_t index,
                             struct weft_propagated *context, uint32_t first)
{
    uint32_t kept = first;
    if (!is_passing_on(&propagation->propagators[index])) return;
    for (uint32_t i = first; i < context->carried_count; i++) {
        bool yields = false;
        for (uint32_t k = 0; k < propagation->propagator_count && !yields; k++)
            yields = k != index &&
                     looks_after(&propagation->propagators[k], context->carried[i].name, k > index);
        if (!yields) context->carried[kept++] = context->carried[i];
    }
    context->carried_count = kept;
}
