/*
 * How JSON formats print a level: its name in quotes, and the number that logback has for it. Pure; any thread.
 */
#ifndef WEFTP_ENCODE_LEVELS_H
#define WEFTP_ENCODE_LEVELS_H

#include <stdint.h>
#include <string.h>
#include <weft/level.h>

#define WEFTP_LEVEL_TEXT_MAX 8 /* bytes that either function may write */

struct weftp_level_text {
    char name[8], value[8];
    uint8_t name_size, value_size;
};

/* Which of the six levels one is printed as: 0 to 5. */
static inline unsigned weftp_level_step(int level)
{
    if (level < WEFT_LEVEL_TRACE) return 0;
    const unsigned step =
        (unsigned)(level - WEFT_LEVEL_TRACE) / (unsigned)(WEFT_LEVEL_DEBUG - WEFT_LEVEL_TRACE);
    return step > 5 ? 5 : step;
}

static inline const struct weftp_level_text *weftp_level_text(int level)
{
    static const struct weftp_level_text texts[] = {
        {"\"TRACE\"", "5000", 7, 4}, {"\"DEBUG\"", "10000", 7, 5}, {"\"INFO\"", "20000", 6, 5},
        {"\"WARN\"", "30000", 6, 5}, {"\"ERROR\"", "40000", 7, 5}, {"\"FATAL\"", "40000", 7, 5}};
    return &texts[weftp_level_step(level)];
}

static inline char *weftp_level_text_put(char *to, int level)
{
    const struct weftp_level_text *text = weftp_level_text(level);
    memcpy(to, text->name, 8);
    return to + text->name_size;
}

static inline char *weftp_level_value_put(char *to, int level)
{
    const struct weftp_level_text *text = weftp_level_text(level);
    memcpy(to, text->value, 8);
    return to + text->value_size;
}

#endif
