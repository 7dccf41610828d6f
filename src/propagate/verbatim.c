/*
 * Headers that go on as they came: `verbatim:NAME,…` (also NAME+NAME, where a comma separates
 * formats), `istio` (those that Istio asks applications to forward, and no others) and `envoy`
 * (x-request-id, and what Envoy's own tracing needs besides).
 *
 * A header is passed on whole, several of one name joined by commas; but of x-request-id the first,
 * if it is one. They belong to the caller: where its trace is not trusted they stop here. What
 * another format in force writes is that one's (weftp_propagation_yield).
 */
#include "chars.h"
#include "registry.h"
#include "request_id.h"
#include "trace_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { NAMES_MAX = 16, NAME_SIZE_MAX = 64, VALUES_MAX = 16, JOINED_SIZE_MAX = 8192 };

static const char *const istio_names[] = {"x-request-id",
                                          "traceparent",
                                          "tracestate",
                                          "b3",
                                          "x-b3-traceid",
                                          "x-b3-spanid",
                                          "x-b3-parentspanid",
                                          "x-b3-sampled",
                                          "x-b3-flags",
                                          "x-ot-span-context",
                                          "x-datadog-trace-id",
                                          "x-datadog-parent-id",
                                          "x-datadog-sampling-priority",
                                          "x-cloud-trace-context",
                                          "grpc-trace-bin",
                                          NULL};
static const char *const envoy_fields[] = {"x-request-id", "x-client-trace-id", "x-ot-span-context",
                                           NULL};
static const char *const *const envoy_names = envoy_fields + 1; /* as they came */

/* ---- one header ---- */

/* All values of a header as one, in *out; size 0: there is none. */
static weft_status join(struct weft_propagated *context, const weft_getter *getter, void *carrier,
                        const char *name, struct weft_carried *out)
{
    const char *values[VALUES_MAX];
    size_t sizes[VALUES_MAX], count = 0, all = 0;
    while (count < VALUES_MAX && (values[count] = getter->get(carrier, name, count, &sizes[count])))
        all += sizes[count++] + 1;
    *out = (struct weft_carried){name, count ? values[0] : NULL, 0, WEFT_OF_CALLER};
    if (count == 0 || all > JOINED_SIZE_MAX) {
        context->rejected += count > 0;
        return WEFT_OK;
    }
    out->size = (uint32_t)sizes[0];
    if (count == 1) return WEFT_OK;
    char *text = weft_propagated_alloc(context, all), *to = text;
    if (!text) return WEFT_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        if (sizes[i] == 0) continue;
        if (to > text) *to++ = ',';
        memcpy(to, values[i], sizes[i]);
        to += sizes[i];
    }
    out->value = text;
    out->size = (uint32_t)(to - text);
    return WEFT_OK;
}

/* Whether the message's own Connection header says that this one is not for the next service. */
static bool is_of_connection(const char *name, const weft_getter *getter, void *carrier)
{
    const size_t name_size = strlen(name);
    struct weftp_piece rest, option;
    for (size_t i = 0; i < VALUES_MAX; i++) {
        rest.text = getter->get(carrier, "connection", i, &rest.size);
        if (!rest.text) return false;
        while (weftp_piece_next(&rest, ',', &option)) {
            option.text = weftp_ows_trim(option.text, &option.size);
            if (option.size == name_size && strncasecmp(option.text, name, name_size) == 0)
                return true;
        }
    }
    return false;
}

static weft_status carry_all(const char *const *names, struct weft_propagated *context,
                             const weft_getter *getter, void *carrier)
{
    for (; *names; names++) {
        struct weft_carried header;
        const weft_status status = join(context, getter, carrier, *names, &header);
        if (status) return status;
        if (header.size == 0 || weft_propagated_find(context, *names) ||
            is_of_connection(*names, getter, carrier))
            continue;
        if (!weftp_header_value_ok(header.value, header.size) ||
            !weft_propagated_carry(context, header))
            context->rejected++;
    }
    return WEFT_OK;
}

static weft_status give_all(const char *const *names, const struct weft_propagated *context,
                            const weft_setter *setter, void *carrier)
{
    weft_status first = WEFT_OK;
    for (; *names; names++) {
        const struct weft_carried *header = weft_propagated_find(context, *names);
        const weft_status status =
            header ? setter->set(carrier, header->name, header->value, header->size) : WEFT_OK;
        if (!first) first = status;
    }
    return first;
}

/* ---- istio, envoy ---- */

static weft_status istio_extract(const void *self, struct weft_propagated *context,
                                 const weft_getter *getter, void *carrier)
{
    (void)self;
    weftp_request_id_carry(context, getter, carrier, istio_names[0], WEFT_OF_CALLER);
    return carry_all(istio_names + 1, context, getter, carrier);
}

static weft_status istio_inject(const void *self, const struct weft_propagated *context,
                                const weft_setter *setter, void *carrier)
{
    (void)self;
    return give_all(istio_names, context, setter, carrier);
}

static weft_status envoy_extract(const void *self, struct weft_propagated *context,
                                 const weft_getter *getter, void *carrier)
{
    (void)self;
    weftp_request_id_take(context, getter, carrier, "x-request-id");
    return carry_all(envoy_names, context, getter, carrier);
}

static weft_status envoy_inject(const void *self, const struct weft_propagated *context,
                                const weft_setter *setter, void *carrier)
{
    (void)self;
    const weft_status first = weftp_request_id_give(context, setter, carrier, "x-request-id");
    const weft_status second = give_all(envoy_names, context, setter, carrier);
    return first ? first : second;
}

/* ---- verbatim: ---- */

struct verbatim {
    const char *names[NAMES_MAX + 1];
    size_t count;
    char text[]; /* the names, in lower case */
};

/*
 * Headers of one connection (RFC 9110, section 7.6.1), of the message itself, and those that carry
 * secrets: never.
 */
static bool may_go_on(const char *name)
{
    static const char *const refused[] = {"connection",     "keep-alive",      "te",
                                          "trailer",        "trailers",        "transfer-encoding",
                                          "upgrade",        "http2-settings",  "host",
                                          "content-length", "content-type",    "content-encoding",
                                          "expect",         "cookie",          "set-cookie",
                                          "cookie2",        "set-cookie2",     "proxy",
                                          "authorization",  "www-authenticate"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strcmp(name, refused[i]) == 0) return false;
    return strncmp(name, "proxy-", 6) != 0;
}

static bool take_name(struct verbatim *verbatim, char *name, size_t size)
{
    if (size == 0 || size > NAME_SIZE_MAX || verbatim->count == NAMES_MAX ||
        weftp_char_span(name, size, WEFTP_CHAR_TOKEN) != size || memchr(name, '*', size))
        return false; /* '*': nobody's header, and no pattern here */
    name[size] = '\0';
    for (char *c = name; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    verbatim->names[verbatim->count++] = name;
    return may_go_on(name);
}

static weft_status verbatim_open(void **self, const char *args)
{
    if (!args || !*args) return WEFT_EINVAL;
    struct verbatim *verbatim = calloc(1, sizeof *verbatim + strlen(args) + 1);
    if (!verbatim) return WEFT_ENOMEM;
    memcpy(verbatim->text, args, strlen(args) + 1);
    for (char *name = verbatim->text; name;) {
        const size_t size = strcspn(name, ",+");
        char *next = name[size] ? name + size + 1 : NULL;
        if (!take_name(verbatim, name, size)) {
            free(verbatim);
            return WEFT_EINVAL;
        }
        name = next;
    }
    *self = verbatim;
    return WEFT_OK;
}

static weft_status verbatim_extract(const void *self, struct weft_propagated *context,
                                    const weft_getter *getter, void *carrier)
{
    return carry_all(((const struct verbatim *)self)->names, context, getter, carrier);
}

static weft_status verbatim_inject(const void *self, const struct weft_propagated *context,
                                   const weft_setter *setter, void *carrier)
{
    return give_all(((const struct verbatim *)self)->names, context, setter, carrier);
}

static const char *const *verbatim_fields(const void *self)
{
    return ((const struct verbatim *)self)->names;
}

static void verbatim_close(void *self)
{
    free(self);
}

const struct weft_propagator_type weftp_propagator_istio = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "istio",
    .extract = istio_extract,
    .inject = istio_inject,
    .fields = istio_names,
};

const struct weft_propagator_type weftp_propagator_envoy = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "envoy",
    .extract = envoy_extract,
    .inject = envoy_inject,
    .fields = envoy_fields,
};

const struct weft_propagator_type weftp_propagator_verbatim = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "verbatim",
    .open = verbatim_open,
    .extract = verbatim_extract,
    .inject = verbatim_inject,
    .close = verbatim_close,
    .fields_of = verbatim_fields,
};
