#include "prefixed.h"

#include "chars.h"
#include "percent.h"

#include <string.h>

const struct weftp_prefixed weftp_prefixed_ot = {"ot-baggage-", ":ot-baggage", false};
const struct weftp_prefixed weftp_prefixed_datadog = {"ot-baggage-", ":datadog-baggage", false};

enum { ENTRIES_MAX = 64, BYTES_MAX = 8192 };

/* The entries on their way in: "key:value" lines, in memory of the extraction. */
struct gathering {
    const struct weftp_prefixed *format;
    struct weft_propagated *context;
    char *text; /* BYTES_MAX bytes; NULL until there is an entry */
    size_t size;
    unsigned count;
    bool no_memory;
};

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Only printable ASCII: what else a header may hold is not text that everybody reads the same. */
static bool entry_ok(const struct gathering *gathering, const struct weftp_piece *key,
                     const struct weftp_piece *value)
{
    return key->size > 0 && key->size <= WEFTP_PREFIXED_KEY_MAX &&
           weftp_char_span(key->text, key->size, WEFTP_CHAR_TOKEN) == key->size &&
           weftp_piece_is_printable(value) && gathering->count < ENTRIES_MAX &&
           gathering->size + key->size + value->size + 2 <= BYTES_MAX;
}

/*
 * An entry of the context, where the configuration wants this key: names of headers have no case, so
 * it is spelt as there. The text lives long enough.
 */
static bool want(struct gathering *gathering, const char *key, size_t key_size,
                 struct weftp_piece value)
{
    struct weft_propagated *context = gathering->context;
    const char *wanted = NULL;
    for (uint32_t i = 0; i < context->baggage_key_count && !wanted; i++)
        if (strncasecmp(context->baggage_keys[i], key, key_size) == 0 &&
            !context->baggage_keys[i][key_size])
            wanted = context->baggage_keys[i];
    if (!wanted || context->baggage_count == WEFT_BAGGAGE_MAX) return true;
    if (gathering->format->encoded && memchr(value.text, '%', value.size)) {
        char *plain = weft_propagated_alloc(context, 2 * value.size);
        if (!plain) return false;
        value = (struct weftp_piece){plain, weftp_percent_decode(plain, value.text, value.size)};
    }
    context->baggage[context->baggage_count++] =
        (struct weft_baggage){wanted, value.text, (uint32_t)key_size, (uint32_t)value.size};
    return true;
}

static bool same_key(const struct weftp_piece *a, const char *b, size_t size)
{
    return a->size == size && strncasecmp(a->text, b, size) == 0;
}

/* Whether an entry of this key is there: the first one holds. */
static bool has(const struct gathering *gathering, const struct weftp_piece *key)
{
    struct weftp_piece rest = {gathering->text, gathering->size}, line, other;
    while (weftp_piece_next(&rest, '\n', &line))
        if (weftp_piece_next(&line, ':', &other) && same_key(&other, key->text, key->size))
            return true;
    return false;
}

/* An empty header is an absent one. */
static void add(struct gathering *gathering, struct weftp_piece key, struct weftp_piece value)
{
    if (gathering->no_memory || value.size == 0 || has(gathering, &key)) return;
    if (!entry_ok(gathering, &key, &value)) {
        gathering->context->rejected++;
        return;
    }
    if (!gathering->text) gathering->text = weft_propagated_alloc(gathering->context, BYTES_MAX);
    if (!gathering->text) {
        gathering->no_memory = true;
        return;
    }
    char *to = gathering->text + gathering->size, *kept = to;
    for (size_t i = 0; i < key.size; i++) *to++ = lower(key.text[i]);
    *to++ = ':';
    const struct weftp_piece copy = {to, value.size};
    to = weftp_append(to, value.text, value.size);
    *to++ = '\n';
    gathering->size = (size_t)(to - gathering->text);
    gathering->count++;
    gathering->no_memory = !want(gathering, kept, key.size, copy);
}

static void each_header(void *arg, const char *name, size_t name_size, const char *value,
                        size_t size)
{
    struct gathering *gathering = arg;
    const char *prefix = gathering->format->prefix;
    const size_t prefix_size = strlen(prefix);
    if (name_size <= prefix_size || strncasecmp(name, prefix, prefix_size) != 0) return;
    add(gathering, (struct weftp_piece){name + prefix_size, name_size - prefix_size},
        (struct weftp_piece){value, size});
}

static void add_list(struct gathering *gathering, struct weftp_piece rest)
{
    struct weftp_piece key, value;
    while (weftp_piece_next(&rest, ',', &value)) {
        if (!weftp_piece_next(&value, '=', &key) || !value.text) continue;
        key.text = weftp_ows_trim(key.text, &key.size);
        value.text = weftp_ows_trim(value.text, &value.size);
        add(gathering, key, value);
    }
}

weft_status weftp_prefixed_extract(const struct weftp_prefixed *format,
                                   struct weft_propagated *context, const weft_getter *getter,
                                   void *carrier, const char *list)
{
    struct gathering gathering = {.format = format, .context = context};
    struct weftp_piece value;
    if (weft_propagated_find(context, format->note))
        return WEFT_OK; /* another format has read it */
    if (getter->each) getter->each(carrier, each_header, &gathering);
    if (list && weftp_piece_get(&value, getter, carrier, list)) add_list(&gathering, value);
    if (gathering.no_memory) return WEFT_ENOMEM;
    if (gathering.count > 0)
        (void)weft_propagated_carry(context, (struct weft_carried){format->note, gathering.text,
                                                                   (uint32_t)gathering.size,
                                                                   WEFT_OF_REQUEST});
    return WEFT_OK;
}

static weft_status set_entry(const struct weftp_prefixed *format, struct weftp_piece key,
                             struct weftp_piece value, const weft_setter *setter, void *carrier)
{
    char name[32 + WEFTP_PREFIXED_KEY_MAX + 1], text[BYTES_MAX + 1];
    const size_t prefix_size = strlen(format->prefix);
    if (key.size > WEFTP_PREFIXED_KEY_MAX || value.size == 0 || value.size > BYTES_MAX)
        return WEFT_OK;
    char *end = weftp_append(weftp_append(name, format->prefix, prefix_size), key.text, key.size);
    *end = '\0';
    memcpy(text, value.text, value.size);
    text[value.size] = '\0';
    return setter->set(carrier, name, text, value.size);
}

/* Those of the MDC replace what came in under the same key. */
static bool is_replaced(const struct weft_propagated *context, const struct weftp_piece *key)
{
    for (uint32_t i = 0; i < context->baggage_count; i++)
        if (same_key(key, context->baggage[i].key, context->baggage[i].key_size)) return true;
    return false;
}

static weft_status inject_own(const struct weftp_prefixed *format, const struct weft_baggage *entry,
                              const weft_setter *setter, void *carrier)
{
    char encoded[BYTES_MAX];
    struct weftp_piece value = {entry->value, entry->value_size};
    if (format->encoded) {
        if (!weftp_percent_encode(encoded, sizeof encoded, entry->value, entry->value_size,
                                  &value.size))
            return WEFT_OK;
        value.text = encoded;
    }
    return set_entry(format, (struct weftp_piece){entry->key, entry->key_size}, value, setter,
                     carrier);
}

weft_status weftp_prefixed_inject(const struct weftp_prefixed *format,
                                  const struct weft_propagated *context, const weft_setter *setter,
                                  void *carrier)
{
    weft_status first = WEFT_OK, status;
    const struct weft_carried *carried = weft_propagated_find(context, format->note);
    struct weftp_piece rest = {carried ? carried->value : NULL, carried ? carried->size : 0};
    struct weftp_piece value, key;
    while (weftp_piece_next(&rest, '\n', &value)) {
        if (!weftp_piece_next(&value, ':', &key) || !value.text || is_replaced(context, &key))
            continue;
        status = set_entry(format, key, value, setter, carrier);
        if (!first) first = status;
    }
    for (uint32_t i = 0; i < context->baggage_count; i++) {
        status = inject_own(format, &context->baggage[i], setter, carrier);
        if (!first) first = status;
    }
    return first;
}
