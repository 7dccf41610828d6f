#include "sites.h"

#include "../base/key_hash.h"
#include "../port/arena.h"
#include "../port/lock.h"

#define CHUNK   256u /* sites that are found through one pointer */
#define CHUNKS  (WEFTP_SITES_MAX / CHUNK)
#define BUCKETS 1024u

/* A known site. Never changed once its number was given. */
struct entry {
    weft_site site;
    uint32_t hash;
    uint32_t next; /* id of the next one in the bucket; 0: none */
};

struct watcher {
    void (*registered)(void *arg, const weft_site *site);
    void *arg;
};

/* The table, part of the process-wide logging system. */
static struct {
    struct weftp_lock lock;
    uint32_t count;               /* atomic: read without the lock */
    struct entry *chunks[CHUNKS]; /* atomic: read without the lock */
    uint32_t buckets[BUCKETS];    /* ids */
    struct weftp_arena arena;
    struct watcher watchers[WEFTP_SITES_WATCHERS_MAX];
    uint64_t refused; /* atomic */
} sites = {.lock = WEFTP_LOCK_INIT};

static struct entry *entry_at(uint32_t id)
{
    struct entry *chunk = __atomic_load_n(&sites.chunks[(id - 1) / CHUNK], __ATOMIC_RELAXED);
    return &chunk[(id - 1) % CHUNK];
}

/* A site's texts, with the sizes that count. */
struct texts {
    const char *file, *func;
    size_t file_size, func_size;
};

static struct texts texts_of(const weft_site *site)
{
    struct texts texts = {.file = site->file ? site->file : "",
                          .func = site->func ? site->func : ""};
    texts.file_size = strnlen(texts.file, WEFTP_SITE_TEXT_SIZE_MAX);
    texts.func_size = strnlen(texts.func, WEFTP_SITE_TEXT_SIZE_MAX);
    return texts;
}

static uint32_t hash_of(const weft_site *site, const struct texts *texts)
{
    const uint32_t file = weftp_hash_bytes(site->line, texts->file, texts->file_size);
    return weftp_hash_bytes(file, texts->func, texts->func_size);
}

static bool is_text(const char *known, const char *text, size_t size)
{
    return strncmp(known, text, size) == 0 && known[size] == '\0';
}

static const struct entry *find(const weft_site *site, const struct texts *texts, uint32_t hash)
{
    for (uint32_t id = sites.buckets[hash % BUCKETS]; id;) {
        const struct entry *entry = entry_at(id);
        const weft_site *known = &entry->site;
        if (entry->hash == hash && known->line == site->line && known->level == site->level &&
            known->flags == site->flags && is_text(known->file, texts->file, texts->file_size) &&
            is_text(known->func, texts->func, texts->func_size))
            return entry;
        id = entry->next;
    }
    return NULL;
}

/* A lasting copy: the last site's text where it is the same, as a file's sites often come in a row.
 */
static const char *keep_text(const char *text, size_t size, const char *last)
{
    if (last && is_text(last, text, size)) return last;
    char *copy = weftp_arena_take(&sites.arena, size + 1);
    if (copy) memcpy(copy, text, size);
    return copy;
}

/* Where the entry of the next id goes; NULL: no memory, or no id. */
static struct entry *next_entry(void)
{
    const uint32_t id = sites.count + 1;
    if (id > WEFTP_SITES_MAX) return NULL;
    struct entry **chunk = &sites.chunks[(id - 1) / CHUNK];
    if (!*chunk) {
        struct entry *fresh = weftp_arena_take(&sites.arena, CHUNK * sizeof *fresh);
        __atomic_store_n(chunk, fresh, __ATOMIC_RELAXED); /* `count` publishes it */
    }
    return *chunk ? entry_at(id) : NULL;
}

static const struct entry *add(const weft_site *site, const struct texts *texts, uint32_t hash)
{
    const weft_site *last = sites.count ? &entry_at(sites.count)->site : NULL;
    struct entry *entry = next_entry();
    if (!entry) return NULL;
    const char *file = keep_text(texts->file, texts->file_size, last ? last->file : NULL);
    const char *func = keep_text(texts->func, texts->func_size, last ? last->func : NULL);
    if (!file || !func) return NULL;
    const uint32_t id = sites.count + 1;
    entry->site = (weft_site){.file = file,
                              .func = func,
                              .line = site->line,
                              .level = site->level,
                              .flags = site->flags,
                              .id = id};
    entry->hash = hash;
    entry->next = sites.buckets[hash % BUCKETS];
    sites.buckets[hash % BUCKETS] = id;
    __atomic_store_n(&sites.count, id, __ATOMIC_RELEASE);
    for (size_t i = 0; i < WEFTP_SITES_WATCHERS_MAX; i++)
        if (sites.watchers[i].registered)
            sites.watchers[i].registered(sites.watchers[i].arg, &entry->site);
    return entry;
}

uint32_t weftp_site_register_new(weft_site *site)
{
    const struct texts texts = texts_of(site);
    const uint32_t hash = hash_of(site, &texts);
    weftp_lock(&sites.lock);
    const struct entry *entry = find(site, &texts, hash);
    if (!entry) entry = add(site, &texts, hash);
    if (entry) __atomic_store_n(&site->id, entry->site.id, __ATOMIC_RELEASE);
    weftp_unlock(&sites.lock);
    if (entry) return entry->site.id;
    __atomic_fetch_add(&sites.refused, 1, __ATOMIC_RELAXED);
    return 0;
}

const weft_site *weftp_site_at(uint32_t id)
{
    if (id == 0 || id > weftp_sites_count()) return NULL;
    return &entry_at(id)->site;
}

uint32_t weftp_sites_count(void)
{
    return __atomic_load_n(&sites.count, __ATOMIC_ACQUIRE);
}

uint64_t weftp_sites_refused(void)
{
    return __atomic_load_n(&sites.refused, __ATOMIC_RELAXED);
}

bool weftp_sites_watch(void (*registered)(void *arg, const weft_site *site), void *arg)
{
    struct watcher *free_one = NULL;
    weftp_lock(&sites.lock);
    for (size_t i = 0; i < WEFTP_SITES_WATCHERS_MAX; i++)
        if (!free_one && !sites.watchers[i].registered) free_one = &sites.watchers[i];
    if (free_one) {
        *free_one = (struct watcher){registered, arg};
        for (uint32_t id = 1; id <= sites.count; id++) registered(arg, &entry_at(id)->site);
    }
    weftp_unlock(&sites.lock);
    return free_one != NULL;
}

void weftp_sites_unwatch(void (*registered)(void *arg, const weft_site *site), void *arg)
{
    weftp_lock(&sites.lock);
    for (size_t i = 0; i < WEFTP_SITES_WATCHERS_MAX; i++) {
        if (sites.watchers[i].registered == registered && sites.watchers[i].arg == arg)
            sites.watchers[i] = (struct watcher){NULL, NULL};
    }
    weftp_unlock(&sites.lock);
}

void weftp_sites_hold(void)
{
    weftp_lock(&sites.lock);
}
void weftp_sites_let_go(void)
{
    weftp_unlock(&sites.lock);
}

void weftp_sites_fork_prepare(void)
{
    weftp_lock(&sites.lock);
}
void weftp_sites_fork_parent(void)
{
    weftp_unlock(&sites.lock);
}
void weftp_sites_fork_child(void)
{
    weftp_lock_init(&sites.lock);
}
