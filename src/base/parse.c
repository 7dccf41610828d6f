#include "parse.h"

#include <stddef.h>

struct unit {
    const char *name; /* lower case */
    uint64_t factor;
};

static const struct unit byte_units[] = {
    {"", 1},
    {"b", 1},
    {"k", UINT64_C(1) << 10},
    {"kb", UINT64_C(1) << 10},
    {"kib", UINT64_C(1) << 10},
    {"m", UINT64_C(1) << 20},
    {"mb", UINT64_C(1) << 20},
    {"mib", UINT64_C(1) << 20},
    {"g", UINT64_C(1) << 30},
    {"gb", UINT64_C(1) << 30},
    {"gib", UINT64_C(1) << 30},
    {"t", UINT64_C(1) << 40},
    {"tb", UINT64_C(1) << 40},
    {"tib", UINT64_C(1) << 40},
    {NULL, 0},
};

static const struct unit time_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {NULL, 0},
};

/* ASCII only: tolower(3) would ask the locale. */
static bool equals(const char *text, const char *lower)
{
    for (; *lower; text++, lower++) {
        char c = *text;
        if (c >= 'A' && c <= 'Z') c = (char)(c + ('a' - 'A'));
        if (c != *lower) return false;
    }
    return *text == '\0';
}

/* Read digits; returns what follows them, NULL when there are none or they exceed 64 bits. */
static const char *digits(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    const char *at = text;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (__builtin_mul_overflow(value, 10u, &value)) return NULL;
        if (__builtin_add_overflow(value, (unsigned)(*at - '0'), &value)) return NULL;
    }
    if (at == text) return NULL;
    *out = value;
    return at;
}

static bool with_unit(const char *text, const struct unit *units, uint64_t *out)
{
    uint64_t value = 0;
    const char *rest = text ? digits(text, &value) : NULL;
    if (!rest) return false;
    for (; units->name; units++) {
        if (!equals(rest, units->name)) continue;
        if (__builtin_mul_overflow(value, units->factor, &value)) return false;
        *out = value;
        return true;
    }
    return false;
}

bool weftp_parse_bytes(const char *text, uint64_t *out)
{
    return with_unit(text, byte_units, out);
}

bool weftp_parse_duration_ms(const char *text, uint64_t *out)
{
    if (text && equals(text, "0")) {
        *out = 0;
        return true;
    }
    return with_unit(text, time_units, out);
}

bool weftp_parse_bool(const char *text, bool *out)
{
    static const char *const on[] = {"on", "true", "yes", "1"};
    static const char *const off[] = {"off", "false", "no", "0"};
    if (!text) return false;
    for (size_t i = 0; i < sizeof on / sizeof *on; i++) {
        if (!equals(text, on[i]) && !equals(text, off[i])) continue;
        *out = equals(text, on[i]);
        return true;
    }
    return false;
}

bool weftp_parse_u64(const char *text, uint64_t *out)
{
    uint64_t value = 0;
    const char *rest = text ? digits(text, &value) : NULL;
    if (!rest || *rest) return false;
    *out = value;
    return true;
}
