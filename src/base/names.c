/* The names of levels and the texts of statuses. */
#include <string.h>
#include <weft/level.h>
#include <weft/status.h>

#define LEVELS 7

static const struct {
    char name[6];
    uint8_t level;
} levels[LEVELS] = {
    {"TRACE", WEFT_LEVEL_TRACE}, {"DEBUG", WEFT_LEVEL_DEBUG}, {"INFO", WEFT_LEVEL_INFO},
    {"WARN", WEFT_LEVEL_WARN},   {"ERROR", WEFT_LEVEL_ERROR}, {"FATAL", WEFT_LEVEL_FATAL},
    {"OFF", WEFT_LEVEL_OFF},
};

const char *weft_status_text(weft_status status)
{
#define TEXT(name, value, text)                                                                    \
    case name: return text;
    switch (status) {
        WEFT_STATUS_TABLE(TEXT)
    case WEFT_STATUS_MAX_: break;
    }
#undef TEXT
    return "unknown status";
}

const char *weft_level_name(int level)
{
    size_t at = 0;
    while (at + 1 < LEVELS && level >= levels[at + 1].level) at++;
    return levels[at].name;
}

/* Whether a text is the name, in any case; ASCII letters only, whatever the locale. */
static bool is_name(const char *text, const char *name)
{
    for (; *name; text++, name++) {
        const char upper = *text >= 'a' && *text <= 'z' ? (char)(*text - 'a' + 'A') : *text;
        if (upper != *name) return false;
    }
    return *text == '\0';
}

/* The number from 1 to 127 that a text is; 0 when it is none. */
static int parse_number(const char *text)
{
    int number = 0;
    for (; *text >= '0' && *text <= '9' && number <= WEFT_LEVEL_OFF; text++)
        number = number * 10 + (*text - '0');
    return *text == '\0' && number <= WEFT_LEVEL_OFF ? number : 0;
}

weft_status weft_level_parse(const char *text, weft_level *out)
{
    if (!text || !out) return WEFT_EINVAL;
    for (size_t i = 0; i < LEVELS; i++) {
        if (!is_name(text, levels[i].name)) continue;
        *out = (weft_level)levels[i].level;
        return WEFT_OK;
    }
    const int number = parse_number(text);
    if (number == 0) return WEFT_EINVAL;
    *out = (weft_level)number;
    return WEFT_OK;
}
