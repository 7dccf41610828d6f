/*
 * Under which names a format prints the trace: its own, or those that a collector joins by. The
 * names are put into the layout's items when an encoder is opened, so encoding knows nothing of it.
 *
 * Its job: the sets of names, and the text of the items that only they have. Not its job: the
 * names that users' fields may not take (compile reserves those of the items).
 * Sources: OpenTelemetry "Trace Context in non-OTLP Log Formats"; Elastic Common Schema, tracing
 * fields; Micrometer Tracing's MDC keys; Datadog's tracers (dd-trace-go pull request 1746,
 * dd-trace-dotnet pull request 6751); Google Cloud "Link log entries with traces".
 * Threads: any; all is constant. May include: layout.
 */
#ifndef WEFTP_ENCODE_TRACE_NAMES_H
#define WEFTP_ENCODE_TRACE_NAMES_H

#include "layout.h"

#define WEFTP_TRACE_NAMES_ACCEPTED "own|ecs|spring|otel|datadog|gcp"
/* The option of an encoder whose layout can be named otherwise, as weft_encoder_type.options. */
#define WEFTP_TRACE_NAMES_OPTION ("trace=" WEFTP_TRACE_NAMES_ACCEPTED)

#define WEFTP_TRACE_PROJECT_MAX 128 /* bytes of a project; a longer one is as if absent */
#define WEFTP_TRACE_ITEMS_MAX   3   /* of a set of names */
#define WEFTP_TRACE_TEXT_MAX    34  /* bytes that weftp_trace_text writes */

struct weftp_trace_names {
    const char *name;
    bool with_mdc; /* they stand where the format's own do, not always at the top level */
    struct weftp_layout_item items[WEFTP_TRACE_ITEMS_MAX + 1]; /* ends with WEFTP_ITEM_END */
};

/* Find a set by its name; false: there is none. "own" is there, and is NULL. */
bool weftp_trace_names_find(const char *name, const struct weftp_trace_names **out);

/*
 * Copy a layout's items, END included, with these names in place of its own (NULL: as they are).
 * `capacity` is of `out`; items past it are left out.
 */
void weftp_trace_names_apply(const struct weftp_layout *layout,
                             const struct weftp_trace_names *names, struct weftp_layout_item *out,
                             size_t capacity);

/* Whether weftp_trace_text writes an item. */
bool weftp_trace_item_is(enum weftp_item item);
/*
 * Write what stands behind the text of an item of the trace, which has the opening quote where
 * there is one. Returns the end.
 */
char *weftp_trace_text(char *to, enum weftp_item item, const struct weft_trace *trace);

#endif
