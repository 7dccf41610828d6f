/*
 * The propagation settings in force. Threads read them without a lock or a mark, so an earlier configuration is kept
 * until the end; a reload that changes nothing of it makes no new one.
 */
#include "system.h"

#include <stdlib.h>

struct kept {
    struct kept *next;
    struct weftp_propagation *propagation;
};
static struct kept *kept_first; /* part of the process-wide logging system, under its lock */

static bool same_list(char **a, size_t a_count, char **b, size_t b_count)
{
    if (a_count != b_count) return false;
    for (size_t i = 0; i < a_count; i++)
        if (strcmp(a[i], b[i]) != 0) return false;
    return true;
}

static bool same(const struct weftp_settings *a, const struct weftp_settings *b)
{
    return a && b && a->trust == b->trust &&
           same_list(a->propagators, a->propagator_count, b->propagators, b->propagator_count) &&
           same_list(a->propagate_keys, a->propagate_key_count, b->propagate_keys,
                     b->propagate_key_count);
}

weft_status weftp_system_propagation(const struct weftp_settings *settings)
{
    if (kept_first && same(settings, weftp_system.settings)) return WEFT_OK;
    const struct weftp_propagation_names names = {
        .propagators = (const char *const *)settings->propagators,
        .propagator_count = settings->propagator_count,
        .keys = (const char *const *)settings->propagate_keys,
        .key_count = settings->propagate_key_count,
        .trust = settings->trust,
        .known = weftp_system.catalog.propagators};
    struct kept *kept = calloc(1, sizeof *kept);
    if (!kept) return WEFT_ENOMEM;
    const weft_status status = weftp_propagation_create(&kept->propagation, &names);
    if (status) {
        free(kept);
        return status;
    }
    kept->next = kept_first;
    kept_first = kept;
    weftp_propagation_publish(kept->propagation);
    return WEFT_OK;
}

void weftp_system_propagation_free(void)
{
    weftp_propagation_publish(NULL);
    while (kept_first) {
        struct kept *next = kept_first->next;
        weftp_propagation_destroy(kept_first->propagation);
        free(kept_first);
        kept_first = next;
    }
}
