#include "settings_load.h"

#include <stdlib.h>
#include <string.h>

static const struct level_word {
    const char *word;
    int level;
} level_words[] = {
    {"trace", WEFT_LEVEL_TRACE}, {"debug", WEFT_LEVEL_DEBUG}, {"info", WEFT_LEVEL_INFO},
    {"warn", WEFT_LEVEL_WARN},   {"error", WEFT_LEVEL_ERROR}, {"fatal", WEFT_LEVEL_FATAL},
    {"off", WEFT_LEVEL_OFF},
};

int weftp_level_value(struct weftp_span text)
{
    char word[16];
    weft_level level = WEFT_LEVEL_INHERIT;
    if (text.size >= sizeof word) return 0;
    memcpy(word, text.text, text.size);
    word[text.size] = '\0';
    return weft_level_parse(word, &level) == WEFT_OK ? (int)level : 0;
}

void weftp_level_rule_show(const struct weftp_level_rule *rule, struct weftp_text *text)
{
    if (*rule->logger) {
        weftp_text_visible(text, rule->logger, strlen(rule->logger));
        weftp_text_str(text, "=");
    }
    for (size_t i = 0; i < sizeof level_words / sizeof *level_words; i++)
        if (level_words[i].level == rule->level) {
            weftp_text_str(text, level_words[i].word);
            return;
        }
    weftp_text_number(text, (unsigned long long)rule->level);
}

void weftp_level_show(const struct weftp_settings *settings, enum weftp_setting_id id,
                      struct weftp_text *text)
{
    (void)id;
    for (size_t i = 0; i < settings->level_count; i++) {
        if (i > 0) weftp_text_str(text, ",");
        weftp_level_rule_show(&settings->levels[i], text);
    }
}

void weftp_levels_free(struct weftp_level_rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) free(rules[i].logger);
    free(rules);
}

/* ---- an array of rules ---- */

struct rules {
    struct weftp_level_rule **array;
    size_t *count;
};

static struct weftp_level_rule *find(const struct weftp_level_rule *rules, size_t count,
                                     struct weftp_span logger)
{
    for (size_t i = 0; rules && i < count; i++)
        if (strlen(rules[i].logger) == logger.size &&
            memcmp(rules[i].logger, logger.text, logger.size) == 0)
            return (struct weftp_level_rule *)&rules[i];
    return NULL;
}

/* Make a place for one more rule; the array grows by doubling. */
static struct weftp_level_rule *add(struct weftp_load *load, struct rules rules,
                                    struct weftp_span logger)
{
    const size_t count = *rules.count;
    if ((count & (count - 1)) == 0) {
        const size_t room = count ? count * 2 : 1;
        struct weftp_level_rule *grown = realloc(*rules.array, room * sizeof *grown);
        if (!grown) load->status = WEFT_ENOMEM;
        if (!grown) return NULL;
        *rules.array = grown;
    }
    struct weftp_level_rule *array = *rules.array;
    char *name = array ? weftp_load_copy(load, logger.text, logger.size) : NULL;
    if (!name) return NULL;
    struct weftp_level_rule *rule = &array[count];
    rule->logger = name;
    (*rules.count)++;
    return rule;
}

/* Set one logger's level; false when there are too many rules. */
static bool set(struct weftp_load *load, struct rules rules, struct weftp_span logger,
                const struct weftp_level_rule *value)
{
    struct weftp_level_rule *rule = find(*rules.array, *rules.count, logger);
    if (!rule && *rules.count >= WEFTP_LEVEL_RULES_MAX) return false;
    if (!rule) rule = add(load, rules, logger);
    if (!rule) return true;
    rule->level = value->level;
    rule->origin = value->origin;
    return true;
}

/* ---- the setting ---- */

/* A rule as it was written. */
struct written {
    struct weftp_span logger, level;
    bool is_root; /* a level alone, or in the file the key "" */
};

static struct written split_rule(const struct weftp_item *item)
{
    const struct weftp_span text = item->text;
    const char *equals = memrchr(text.text, '=', text.size);
    struct written rule = {weftp_span("", 0), weftp_span_trim(text), true};
    if (item->key.text) {
        rule.logger = item->key;
        rule.is_root = item->key.size == 0;
    } else if (equals) {
        const size_t at = (size_t)(equals - text.text);
        rule.logger = weftp_span_trim(weftp_span(text.text, at));
        rule.level = weftp_span_trim(weftp_span(equals + 1, text.size - at - 1));
        rule.is_root = false;
    }
    return rule;
}

static void say_no_level(struct weftp_load *load, const struct weftp_item *item,
                         const struct written *rule)
{
    const struct weftp_settings *settings = load->settings;
    const struct weftp_level_rule *root =
        find(settings->levels, settings->level_count, weftp_span("", 0));
    struct weftp_shown logger, level;
    char outcome[32];
    struct weftp_text text = {outcome, sizeof outcome - 1, 0};
    weftp_text_str(&text, rule->is_root && root ? "using " : "ignored");
    if (rule->is_root && root) weftp_level_rule_show(root, &text);
    outcome[text.size] = '\0';
    weftp_show(&logger, rule->logger, NULL);
    weftp_say(load, &item->origin, "%s%s\"%s\" is no level; accepted: %s; %s", logger.text,
              rule->is_root ? "" : ": ", weftp_show(&level, rule->level, NULL),
              item->setting->accepted, outcome);
}

/* Put a rule in force; returns why not, NULL when it is. */
static const char *put(struct weftp_load *load, struct weftp_span logger,
                       const struct weftp_level_rule *value)
{
    struct weftp_settings *settings = load->settings;
    const struct rules all = {&settings->levels, &settings->level_count};
    const struct rules in_file = {&load->file_levels, &load->file_level_count};
    if (logger.size > WEFTP_LOGGER_NAME_MAX) return "a logger's name has at most 255 bytes";
    if (!set(load, all, logger, value)) return "at most 1,024 loggers can have a level here";
    if (value->origin.source == WEFTP_SOURCE_FILE) (void)set(load, in_file, logger, value);
    return NULL;
}

void weftp_level_item(struct weftp_load *load, const struct weftp_item *item)
{
    const struct written rule = split_rule(item);
    const struct weftp_level_rule value = {NULL, weftp_level_value(rule.level), item->origin};
    const char *fault = NULL;
    struct weftp_shown shown;
    if (!value.level) {
        say_no_level(load, item, &rule);
        return;
    }
    if (rule.logger.size == 0 && !rule.is_root)
        fault = "no logger is named; write the root's level alone";
    else
        fault = put(load, rule.logger, &value);
    if (!fault) return;
    weftp_show(&shown, item->key.text ? item->key : item->text, NULL);
    weftp_say(load, &item->origin, "\"%s\": %s; ignored", shown.text, fault);
}

/* A copy of rules for the next load; count is set on success. */
static struct weftp_level_rule *copy(struct weftp_load *load, const struct weftp_level_rule *from,
                                     size_t from_count, size_t *count)
{
    struct weftp_level_rule *rules = NULL;
    for (size_t i = 0; i < from_count && !load->status; i++)
        (void)set(load, (struct rules){&rules, count},
                  weftp_span(from[i].logger, strlen(from[i].logger)), &from[i]);
    return rules;
}

void weftp_levels_finish(struct weftp_load *load, const struct weftp_settings *previous)
{
    struct weftp_settings *settings = load->settings;
    const struct weftp_level_rule *start = previous ? previous->start_levels : load->file_levels;
    const size_t start_count = previous ? previous->start_level_count : load->file_level_count;
    for (size_t i = 0; previous && i < load->file_level_count; i++) {
        const struct weftp_level_rule *now = &load->file_levels[i];
        const struct weftp_span logger = weftp_span(now->logger, strlen(now->logger));
        const struct weftp_level_rule *then = find(start, start_count, logger);
        if (then && then->level == now->level) continue;
        (void)set(load, (struct rules){&settings->levels, &settings->level_count}, logger, now);
    }
    settings->start_levels = copy(load, start, start_count, &settings->start_level_count);
}
