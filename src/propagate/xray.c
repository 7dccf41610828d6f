/*
 * X-Amzn-Trace-Id of AWS: Root=1-TIME-REST;Parent=SPAN;Sampled=0|1|?;Lineage=… in any order.
 *
 * Root's two parts are the trace id. Root alone, as a load balancer sends it, is a trace without a
 * parent. `?` asks for a decision: none has been made. Lineage goes on where it is well-formed; other
 * keys (Self, a caller's own) are passed over.
 */
#include "chars.h"
#include "registry.h"
#include "trace_text.h"

#include <string.h>

#define HEADER       "x-amzn-trace-id"
#define NOTE_LINEAGE ":xray-lineage"

enum { ROOT_SIZE = 35, TIME_AT = 2, REST_AT = 11, LINEAGE_SIZE_MAX = 18 };

struct parts {
    struct weftp_piece root, parent, sampled, lineage; /* text NULL: not there */
};

/* The value of "key=value" when it is this key; the first one holds. */
static void take(const struct weftp_piece *part, const char *key, struct weftp_piece *out)
{
    const size_t size = strlen(key);
    if (out->text || part->size < size || memcmp(part->text, key, size) != 0) return;
    *out = (struct weftp_piece){part->text + size, part->size - size};
}

static void split(struct parts *parts, struct weftp_piece rest)
{
    struct weftp_piece part;
    memset(parts, 0, sizeof *parts);
    while (weftp_piece_next(&rest, ';', &part)) {
        part.text = weftp_ows_trim(part.text, &part.size);
        take(&part, "Root=", &parts->root);
        take(&part, "Parent=", &parts->parent);
        take(&part, "Sampled=", &parts->sampled);
        take(&part, "Lineage=", &parts->lineage);
    }
}

static bool ids_set(struct weft_propagated *context, const struct parts *parts)
{
    char id[32];
    const struct weftp_piece *root = &parts->root;
    if (root->size != ROOT_SIZE || memcmp(root->text, "1-", 2) != 0 ||
        root->text[REST_AT - 1] != '-')
        return false;
    if (parts->parent.text && parts->parent.size != 16) return false;
    memcpy(id, root->text + TIME_AT, 8);
    memcpy(id + 8, root->text + REST_AT, 24);
    return weftp_trace_set(context, (struct weftp_piece){id, 32}, parts->parent);
}

static bool sampling_read(const struct weftp_piece *piece, enum weft_sampling *out)
{
    *out = WEFT_SAMPLING_DEFERRED;
    if (!piece->text || weftp_piece_is(piece, "?")) return true;
    if (weftp_piece_is(piece, "1"))
        *out = WEFT_SAMPLING_ACCEPT;
    else if (weftp_piece_is(piece, "0"))
        *out = WEFT_SAMPLING_DENY;
    else
        return false;
    return true;
}

/* Up to 32767 ":" 8 hex digits ":" up to 255. */
static bool lineage_ok(const struct weftp_piece *lineage)
{
    struct weftp_piece rest = *lineage, requests, hash, loops;
    uint64_t number;
    if (!lineage->text || lineage->size > LINEAGE_SIZE_MAX) return false;
    if (!weftp_piece_next(&rest, ':', &requests) || !weftp_piece_next(&rest, ':', &hash) ||
        !weftp_piece_next(&rest, ':', &loops) || rest.text)
        return false;
    return weftp_decimal_read(&requests, &number) && number <= 32767 && hash.size == 8 &&
           weftp_char_span(hash.text, 8, WEFTP_CHAR_HEX) == 8 &&
           weftp_decimal_read(&loops, &number) && number <= 255;
}

static weft_status extract(const void *self, struct weft_propagated *context,
                           const weft_getter *getter, void *carrier)
{
    (void)self;
    struct weftp_piece value;
    struct parts parts;
    enum weft_sampling sampling;
    if (!weftp_piece_get(&value, getter, carrier, HEADER) || value.size == 0) return WEFT_OK;
    split(&parts, value);
    if (!parts.root.text || !ids_set(context, &parts)) {
        context->rejected++;
        return WEFT_OK;
    }
    if (!sampling_read(&parts.sampled, &sampling)) context->rejected++;
    weftp_sampling_set(context, sampling);
    if (lineage_ok(&parts.lineage))
        (void)weft_propagated_carry(context, (struct weft_carried){NOTE_LINEAGE, parts.lineage.text,
                                                                   (uint32_t)parts.lineage.size,
                                                                   WEFT_OF_TRACE});
    return WEFT_OK;
}

static weft_status inject(const void *self, const struct weft_propagated *context,
                          const weft_setter *setter, void *carrier)
{
    (void)self;
    static const char shape[] = "Root=1-12345678-123456789012345678901234;Parent=1234567890123456";
    char text[sizeof shape + sizeof ";Sampled=1;Lineage=" + LINEAGE_SIZE_MAX], *to = text;
    if (!context->trace.trace_id[0] || !context->trace.span_id[0]) return WEFT_OK;
    to = weftp_append(to, "Root=1-", 7);
    to = weftp_append(to, context->trace.trace_id, 8);
    *to++ = '-';
    to = weftp_append(to, context->trace.trace_id + 8, 24);
    to = weftp_append(to, ";Parent=", 8);
    to = weftp_append(to, context->trace.span_id, 16);
    if (context->sampling != WEFT_SAMPLING_DEFERRED)
        to = weftp_append(to, context->trace.flags & 1 ? ";Sampled=1" : ";Sampled=0", 10);
    const struct weft_carried *lineage = weft_propagated_find(context, NOTE_LINEAGE);
    if (lineage && lineage->size <= LINEAGE_SIZE_MAX) {
        to = weftp_append(to, ";Lineage=", 9);
        to = weftp_append(to, lineage->value, lineage->size);
    }
    *to = '\0';
    return setter->set(carrier, HEADER, text, (size_t)(to - text));
}

const struct weft_propagator_type weftp_propagator_xray = {
    .struct_size = sizeof(struct weft_propagator_type),
    .name = "xray",
    .extract = extract,
    .inject = inject,
    .fields = (const char *const[]){HEADER, NULL},
};
