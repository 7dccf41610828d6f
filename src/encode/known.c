#include "known.h"

#include "../base/json_value.h"
#include <math.h>
#include <string.h>

bool weftp_field_is_null(const weft_field *field)
{
    switch ((enum weft_type)field->type) {
    case WEFT_TYPE_NULL: return true;
    case WEFT_TYPE_STR:
    case WEFT_TYPE_BYTES:
    case WEFT_TYPE_JSON: return field->v.p == NULL;
    case WEFT_TYPE_OBJ:
    case WEFT_TYPE_ARR: return field->v.f == NULL;
    case WEFT_TYPE_NONE:
    case WEFT_TYPE_END_:
    case WEFT_TYPE_INT:
    case WEFT_TYPE_UINT:
    case WEFT_TYPE_DOUBLE:
    case WEFT_TYPE_BOOL:
    case WEFT_TYPE_TIME:
    case WEFT_TYPE_DURATION:
    case WEFT_TYPE_ERRNO:
    case WEFT_TYPE_ERROR: break;
    }
    return false;
}

static bool all_strings(const weft_field *items, uint32_t count)
{
    if (!items) return false;
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].type == WEFT_TYPE_END_) break;
        if (items[i].type == WEFT_TYPE_NONE) continue;
        if (items[i].type != WEFT_TYPE_STR || !items[i].v.p) return false;
    }
    return true;
}

/*
 * Near enough to an address that a store which knows addresses will take it, or say so for this one
 * field.
 */
static bool looks_like_ip(const weft_field *field)
{
    const size_t size = weftp_field_text_size(field);
    const char *text = field->v.p;
    if (size < 2 || size > 45) return false;
    unsigned dots = 0, colons = 0;
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '.')
            dots++;
        else if (text[i] == ':')
            colons++;
        else if (!memchr("0123456789abcdefABCDEF", text[i], 22))
            return false;
    }
    return colons >= 2 || (dots == 3 && colons == 0);
}

static bool is_long(const weft_field *field)
{
    return field->type == WEFT_TYPE_INT ||
           (field->type == WEFT_TYPE_UINT && field->v.u <= INT64_MAX);
}

bool weftp_known_accepts(int type, const weft_field *field, bool as_string)
{
    const bool is_string = as_string || (field->type == WEFT_TYPE_STR && field->v.p != NULL);
    switch (type) {
    case WEFTP_KNOWN_KEYWORD:
        return is_string || (field->type == WEFT_TYPE_ARR && all_strings(field->v.f, field->size));
    case WEFTP_KNOWN_LONG: return !as_string && is_long(field);
    case WEFTP_KNOWN_FLOAT:
        return !as_string && (is_long(field) || field->type == WEFT_TYPE_UINT ||
                              (field->type == WEFT_TYPE_DOUBLE && isfinite(field->v.d)));
    case WEFTP_KNOWN_BOOL: return !as_string && field->type == WEFT_TYPE_BOOL;
    case WEFTP_KNOWN_DATE: return !as_string && field->type == WEFT_TYPE_TIME;
    case WEFTP_KNOWN_IP: return is_string && !as_string && looks_like_ip(field);
    default: return false;
    }
}
