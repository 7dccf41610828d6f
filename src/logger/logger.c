#include "logger.h"

#include "../base/json_value.h"
#include "../base/utf8.h"
#include "../port/arena.h"
#include "../port/lock.h"

#include <stdlib.h>

#define BUCKETS 1024

/* The tree, part of the process-wide logging system. */
static struct {
    struct weftp_lock lock;
    struct weftp_logger root;
    struct weftp_logger *buckets[BUCKETS];
    struct weftp_logger *children;
    struct weftp_arena arena;
    size_t count;
    struct weftp_level_setting *settings; /* copied, their names too */
    size_t setting_count;
    int floor;
    uint64_t rejected, bound_rejected;
} loggers = {.lock = WEFTP_LOCK_INIT,
             .root = {.face = {WEFT_LEVEL_INFO}, .level = WEFT_LEVEL_INFO, .name = ""},
             .floor = WEFT_LEVEL_TRACE};

struct weftp_logger *weftp_logger_root(void)
{
    return &loggers.root;
}

static struct weftp_logger *lookup(const char *name, size_t size, uint32_t hash)
{
    if (size == 0) return &loggers.root;
    for (struct weftp_logger *at = loggers.buckets[hash % BUCKETS]; at; at = at->next)
        if (at->name_hash == hash && at->name_size == size && memcmp(at->name, name, size) == 0)
            return at;
    return NULL;
}

/* The level that the configuration gives to exactly this name; the last setting of a name holds. */
static int configured_level(const char *name, size_t size)
{
    for (size_t i = loggers.setting_count; i-- > 0;) {
        const char *setting = loggers.settings[i].logger;
        if (strlen(setting) == size && memcmp(setting, name, size) == 0)
            return loggers.settings[i].level;
    }
    return WEFT_LEVEL_INHERIT;
}

/* The size of the parent's name: up to the last dot; 0 is the root. */
static size_t parent_size(const char *name, size_t size)
{
    while (size > 0 && name[size - 1] != '.') size--;
    return size > 0 ? size - 1 : 0;
}

/* The level in force for a name: its own or its nearest ancestor's, the program's before the configuration's. */
static int effective_level(const char *name, size_t size)
{
    for (;;) {
        const struct weftp_logger *at = lookup(name, size, weftp_key_hash(name, size));
        if (at && at->own_level != WEFT_LEVEL_INHERIT) return at->own_level;
        const int configured = configured_level(name, size);
        if (configured != WEFT_LEVEL_INHERIT) return configured;
        if (size == 0) return WEFT_LEVEL_INFO;
        size = parent_size(name, size);
    }
}

static void apply_level(struct weftp_logger *logger, int level)
{
    const int gate = level > loggers.floor ? level : loggers.floor;
    __atomic_store_n(&logger->level, level, __ATOMIC_RELAXED);
    __atomic_store_n(&logger->face.gate_, gate, __ATOMIC_RELAXED);
}

static void apply_all(void)
{
    apply_level(&loggers.root, effective_level("", 0));
    for (size_t i = 0; i < BUCKETS; i++)
        for (struct weftp_logger *at = loggers.buckets[i]; at; at = at->next)
            apply_level(at, effective_level(at->name, at->name_size));
    for (struct weftp_logger *at = loggers.children; at; at = at->next)
        apply_level(at, at->origin->level);
}

static struct weftp_logger *create(const char *name, size_t size, uint32_t hash)
{
    if (loggers.count >= WEFTP_LOGGERS_MAX) return NULL;
    struct weftp_logger *logger = weftp_arena_take(&loggers.arena, sizeof *logger + size + 1);
    if (!logger) return NULL;
    char *copy = (char *)(logger + 1);
    if (name) memcpy(copy, name, size);
    logger->name = copy;
    logger->name_size = (uint16_t)size;
    logger->name_hash = hash;
    logger->next = loggers.buckets[hash % BUCKETS];
    loggers.buckets[hash % BUCKETS] = logger;
    loggers.count++;
    apply_level(logger, effective_level(name, size));
    return logger;
}

struct weftp_logger *weftp_logger_find(const char *name)
{
    size_t size = name ? strlen(name) : 0;
    const bool cut = size > WEFTP_LOGGER_NAME_SIZE_MAX;
    if (cut) size = weftp_utf8_cut(name, size, WEFTP_LOGGER_NAME_SIZE_MAX);
    const uint32_t hash = weftp_key_hash(name ? name : "", size);
    weftp_lock(&loggers.lock);
    struct weftp_logger *logger = lookup(name, size, hash);
    if (!logger) logger = create(name, size, hash);
    if (!logger || cut) loggers.rejected++;
    weftp_unlock(&loggers.lock);
    return logger ? logger : &loggers.root;
}

static struct weftp_pair_set *build_bound(const struct weftp_pair_set *earlier,
                                          const weft_field *fields, size_t count)
{
    static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;
    struct weftp_pair_set *bound = NULL;
    unsigned rejected = 0;
    if (weftp_pairs_prepend(&bound, earlier, fields, count, &limits, &rejected)) return NULL;
    if (rejected) __atomic_fetch_add(&loggers.bound_rejected, rejected, __ATOMIC_RELAXED);
    return bound;
}

struct weftp_logger *weftp_logger_bind(struct weftp_logger *logger, const weft_field *fields,
                                       size_t count)
{
    struct weftp_logger *child = calloc(1, sizeof *child);
    struct weftp_pair_set *bound = child ? build_bound(logger->bound, fields, count) : NULL;
    if (!bound) {
        free(child);
        __atomic_fetch_add(&loggers.bound_rejected, 1, __ATOMIC_RELAXED);
        return NULL;
    }
    child->bound = bound;
    child->child = true;
    child->name = logger->name; /* a named logger's: it lives for ever */
    child->name_size = logger->name_size;
    child->origin = logger->child ? logger->origin : logger;
    weftp_lock(&loggers.lock);
    child->next = loggers.children;
    if (loggers.children) loggers.children->previous = child;
    loggers.children = child;
    apply_level(child, child->origin->level);
    weftp_unlock(&loggers.lock);
    return child;
}

void weftp_logger_unbind(struct weftp_logger *logger)
{
    if (!logger->child) return;
    weftp_lock(&loggers.lock);
    if (logger->previous)
        logger->previous->next = logger->next;
    else
        loggers.children = logger->next;
    if (logger->next) logger->next->previous = logger->previous;
    weftp_unlock(&loggers.lock);
    free(logger->bound);
    free(logger);
}

void weftp_logger_own_level(struct weftp_logger *logger, int level)
{
    weftp_lock(&loggers.lock);
    if (logger->child) logger = logger->origin;
    logger->own_level = level;
    apply_all();
    weftp_unlock(&loggers.lock);
}

static void settings_free(struct weftp_level_setting *settings, size_t count)
{
    for (size_t i = 0; i < count; i++) free((void *)(uintptr_t)settings[i].logger);
    free(settings);
}

weft_status weftp_loggers_configure(const struct weftp_level_setting *settings, size_t count,
                                    int floor)
{
    struct weftp_level_setting *copy = calloc(count ? count : 1, sizeof *copy);
    if (!copy) return WEFT_ENOMEM;
    for (size_t i = 0; i < count; i++) {
        copy[i] = (struct weftp_level_setting){strdup(settings[i].logger), settings[i].level};
        if (!copy[i].logger) {
            settings_free(copy, i);
            return WEFT_ENOMEM;
        }
    }
    weftp_lock(&loggers.lock);
    settings_free(loggers.settings, loggers.setting_count);
    loggers.settings = copy;
    loggers.setting_count = count;
    loggers.floor = floor;
    apply_all();
    weftp_unlock(&loggers.lock);
    return WEFT_OK;
}

void weftp_loggers_counts(uint64_t *rejected, uint64_t *bound_rejected)
{
    weftp_lock(&loggers.lock);
    *rejected = loggers.rejected;
    *bound_rejected = __atomic_load_n(&loggers.bound_rejected, __ATOMIC_RELAXED);
    weftp_unlock(&loggers.lock);
}

void weftp_loggers_close(void)
{
    weftp_lock(&loggers.lock);
    settings_free(loggers.settings, loggers.setting_count);
    loggers.settings = NULL;
    loggers.setting_count = 0;
    weftp_unlock(&loggers.lock);
}

void weftp_loggers_fork_prepare(void)
{
    weftp_lock(&loggers.lock);
}
void weftp_loggers_fork_parent(void)
{
    weftp_unlock(&loggers.lock);
}
void weftp_loggers_fork_child(void)
{
    weftp_lock_init(&loggers.lock);
}
