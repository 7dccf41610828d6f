#include "sound.h"

#include "../base/json_raw.h"
#include "../base/out.h"

#include <string.h>

static bool is_id(const char *id)
{
    return id[strspn(id, "0123456789abcdef")] == '\0';
}

static bool has_ids(const struct weft_trace *trace)
{
    return is_id(trace->trace_id) && is_id(trace->span_id) && is_id(trace->parent_id);
}

/* Whether a text is one value, as our writer writes it. */
static bool is_value(struct weft_out *out, const char *text, size_t size)
{
    weftp_out_clear(out);
    return weftp_json_rewrite(out, text, size, 0, NULL) && weftp_out_size(out) == size &&
           memcmp(out->data, text, size) == 0;
}

/* "key":value */
static bool is_pair(struct weft_out *out, const struct weft_pair *pair)
{
    const size_t key_size = pair->key_json_size;
    return key_size > 2 && pair->json[0] == '"' && pair->json[key_size - 1] == ':' &&
           is_value(out, pair->json, key_size - 1) &&
           is_value(out, pair->json + key_size, pair->json_size - key_size);
}

static bool are_pairs(struct weft_out *out, const struct weft_pair *pairs, size_t count)
{
    size_t i = 0;
    while (i < count && is_pair(out, &pairs[i])) i++;
    return i == count;
}

bool weftp_record_is_sound(const struct weft_record *record)
{
    struct weft_out out;
    if (record->trace && !has_ids(record->trace)) return false;
    weftp_out_init(&out, WEFTP_JSON_RAW_SIZE_MAX);
    const bool sound = are_pairs(&out, record->bound, record->bound_count) &&
                       are_pairs(&out, record->mdc, record->mdc_count);
    weftp_out_deinit(&out);
    return sound;
}
