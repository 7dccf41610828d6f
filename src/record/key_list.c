#include "key_list.h"

#include "packed_form.h"

/* How a key begins in a list. */
enum { TYPE, SIZE, TEXT };

_Static_assert(WEFTP_TEMPLATE_FIELDS_MAX <= UINT8_MAX, "the count is a byte");
_Static_assert(WEFTP_TEMPLATE_KEY_MAX <= WEFTP_PACKED_KEY_MAX, "a head holds the size");

static const char *next_key(const char *key)
{
    return key + TEXT + (unsigned char)key[SIZE] + 1;
}

/* ---- laying ---- */

size_t weftp_key_list_size(const struct weftp_template *known)
{
    size_t size = 1;
    for (uint32_t i = 0; i < known->count; i++) size += TEXT + known->fields[i].key_size + 1u;
    return size;
}

void weftp_key_list_lay(char *to, const struct weftp_template *known)
{
    *to++ = (char)known->count;
    for (uint32_t i = 0; i < known->count; i++) {
        const weft_field *field = &known->fields[i];
        to[TYPE] = (char)field->type;
        to[SIZE] = (char)field->key_size;
        memcpy(to + TEXT, field->key, field->key_size + 1u);
        to += TEXT + field->key_size + 1;
    }
}

/* ---- checking ---- */

/* The size of the key that begins there; 0: it is none. */
static size_t check_key(const char *key, size_t left)
{
    if (left < TEXT) return 0;
    const size_t size = (unsigned char)key[SIZE];
    if (!weftp_template_takes((uint8_t)key[TYPE]) || size == 0 || size > WEFTP_TEMPLATE_KEY_MAX ||
        size + 1 > left - TEXT || memchr(key + TEXT, '\0', size + 1) != key + TEXT + size)
        return 0;
    return TEXT + size + 1;
}

size_t weftp_key_list_check(const char *bytes, size_t size)
{
    const uint32_t count = size > 0 ? (unsigned char)bytes[0] : 0;
    size_t at = 1;
    if (count == 0 || count > WEFTP_TEMPLATE_FIELDS_MAX) return 0;
    for (uint32_t i = 0; i < count; i++) {
        const size_t step = check_key(bytes + at, size - at);
        if (step == 0) return 0;
        at += step;
    }
    return at;
}

/* ---- unpacking ---- */

/* The value of a field whose head and key are known. Returns where it ends; NULL: it is none. */
static const char *read_value(const char *at, const char *end, weft_field *field, unsigned flags)
{
    const size_t left = (size_t)(end - at);
    if (field->type == WEFT_TYPE_STR) {
        field->v.p = at;
        return flags == 0 && field->size <= left ? at + field->size : NULL;
    }
    if (flags == WEFTP_PACKED_SMALL) { /* a double's bits may be, as well: 0.0 */
        field->v.i = (int32_t)field->size;
        field->size = 0;
        return at;
    }
    if (flags != 0 || left < sizeof field->v) return NULL;
    memcpy(&field->v, at, sizeof field->v);
    return at + sizeof field->v;
}

static const char *read_field(const char *at, const char *end, const char *key, weft_field *field)
{
    struct weftp_packed_field head;
    if ((size_t)(end - at) < sizeof head) return NULL;
    memcpy(&head, at, sizeof head);
    if (head.type != (uint8_t)key[TYPE] || head.key_size != (uint8_t)key[SIZE]) return NULL;
    *field = (weft_field){
        .key = key + TEXT, .size = head.size, .key_size = head.key_size, .type = head.type};
    return read_value(at + sizeof head, end, field, head.flags);
}

const char *weftp_key_list_unpack(const struct weftp_key_lists *lists, uint32_t number,
                                  const char *at, const char *end, weft_field *fields,
                                  uint32_t count)
{
    const char *list = lists && number < lists->count ? lists->by_number[number] : NULL;
    if (!list || count != (unsigned char)list[0]) return NULL;
    const char *key = list + 1;
    for (uint32_t i = 0; at && i < count; i++, key = next_key(key))
        at = read_field(at, end, key, &fields[i]);
    return at;
}
