#include "templates.h"

#include "../port/arena.h"
#include "../port/image.h"
#include "sites.h"

#include <string.h>

#define CHUNK  256u /* templates that are found through one pointer */
#define CHUNKS (WEFTP_TEMPLATES_MAX / CHUNK + 1)

struct watcher {
    bool (*learnt)(void *arg, const struct weftp_template *known); /* NULL: a free place */
    void *arg;
};

/* All templates, part of the process-wide logging system; changed under the sites' lock. */
static struct {
    uint32_t count;                         /* atomic: read without the lock */
    struct weftp_template **chunks[CHUNKS]; /* `count` publishes them */
    struct weftp_arena arena;
    size_t text_size; /* bytes of all keys */
    struct watcher watchers[WEFTP_TEMPLATE_WATCHERS_MAX];
} templates;

static bool is_constant(const struct weftp_image *image, const weft_field *field)
{
    const size_t size = field->key_size;
    return weftp_template_takes(field->type) && field->key && size > 0 &&
           size <= WEFTP_TEMPLATE_KEY_MAX &&
           weftp_image_has_constant(image, field->key, size + 1) && field->key[size] == '\0';
}

/* How many fields there are, if all are plain and have constant keys; else 0. */
static uint32_t count_fields(const weft_site *site, const weft_field *fields, size_t count)
{
    struct weftp_image image;
    uint32_t n = 0;
    if (!fields || !weftp_image_find(&image, site)) return 0;
    for (; n < count && fields[n].type != WEFT_TYPE_END_; n++)
        if (n == WEFTP_TEMPLATE_FIELDS_MAX || !is_constant(&image, &fields[n])) return 0;
    return n;
}

/* Where the pointer to the next one goes; NULL: no memory, or no number. */
static struct weftp_template **next_place(void)
{
    const uint32_t index = templates.count; /* its number is one more */
    if (index >= WEFTP_TEMPLATES_MAX) return NULL;
    struct weftp_template ***chunk = &templates.chunks[index / CHUNK];
    if (!*chunk)
        *chunk = weftp_arena_take(&templates.arena, CHUNK * sizeof(struct weftp_template *));
    return *chunk ? *chunk + index % CHUNK : NULL;
}

/* Memory for one with its keys, of `text_size` bytes; NULL: there is none. */
static struct weftp_template *take_memory(uint32_t count, size_t text_size)
{
    const size_t keys = sizeof(struct weftp_template) + count * sizeof(struct weftp_template_key);
    const size_t size =
        (keys + _Alignof(weft_field) - 1) / _Alignof(weft_field) * _Alignof(weft_field);
    const size_t fields = count * sizeof(weft_field);
    char *memory = weftp_arena_take(&templates.arena, size + fields + text_size);
    if (!memory) return NULL;
    struct weftp_template *made = (void *)memory;
    made->count = count;
    made->fields = (void *)(memory + size);
    return made;
}

static void copy_keys(struct weftp_template *made, const weft_field *fields)
{
    char *text = (char *)(made->fields + made->count);
    for (uint32_t i = 0; i < made->count; i++) {
        made->keys[i] = (struct weftp_template_key){fields[i].key, weftp_template_sort(&fields[i]),
                                                    fields[i].type};
        made->fields[i] = (weft_field){.key = memcpy(text, fields[i].key, fields[i].key_size),
                                       .key_size = fields[i].key_size,
                                       .type = fields[i].type};
        text += fields[i].key_size + 1; /* the memory is zeroed */
    }
}

/* False: one of those who watch has not got it, so that no record may name it. */
static bool tell(const struct weftp_template *known)
{
    bool told = true;
    for (size_t i = 0; told && i < WEFTP_TEMPLATE_WATCHERS_MAX; i++)
        if (templates.watchers[i].learnt)
            told = templates.watchers[i].learnt(templates.watchers[i].arg, known);
    return told;
}

/*
 * The number of a new one; WEFTP_TEMPLATE_NONE: no memory, or there are too many, or a watcher has
 * not got it. Others may have: its number is never given to another one.
 */
static uint32_t add(const weft_site *site, const weft_field *fields, uint32_t count)
{
    struct weftp_template **place = next_place();
    const weft_site *known = weftp_site_at(__atomic_load_n(&site->id, __ATOMIC_RELAXED));
    size_t text_size = 0;
    for (uint32_t i = 0; i < count; i++) text_size += (size_t)fields[i].key_size + 1;
    const bool fits = text_size <= WEFTP_TEMPLATES_TEXT_MAX - templates.text_size;
    struct weftp_template *made = place && known && fits ? take_memory(count, text_size) : NULL;
    if (!made) return WEFTP_TEMPLATE_NONE;
    templates.text_size += text_size;
    made->origin = site;
    made->site = *known;
    made->site.state = templates.count + 1;
    copy_keys(made, fields);
    *place = made;
    __atomic_store_n(&templates.count, templates.count + 1, __ATOMIC_RELEASE);
    return tell(made) ? made->site.state : WEFTP_TEMPLATE_NONE;
}

void weftp_template_learn(weft_site *site, const weft_field *fields, size_t count)
{
    uint32_t plain = count_fields(site, fields, count);
    if (plain > 0 && !weftp_site_register(site)) plain = 0;
    weftp_sites_hold();
    if (weftp_template_state(site) == 0) {
        const uint32_t state = plain > 0 ? add(site, fields, plain) : WEFTP_TEMPLATE_NONE;
        __atomic_store_n(&site->state, state, __ATOMIC_RELEASE);
    }
    weftp_sites_let_go();
}

uint32_t weftp_templates_count(void)
{
    return __atomic_load_n(&templates.count, __ATOMIC_ACQUIRE);
}

const struct weftp_template *weftp_template_at(uint32_t number)
{
    if (number - 1u >= weftp_templates_count()) return NULL;
    return templates.chunks[(number - 1) / CHUNK][(number - 1) % CHUNK];
}

bool weftp_templates_watch(bool (*learnt)(void *arg, const struct weftp_template *known), void *arg)
{
    struct watcher *place = NULL;
    weftp_sites_hold();
    for (size_t i = 0; !place && i < WEFTP_TEMPLATE_WATCHERS_MAX; i++)
        if (!templates.watchers[i].learnt) place = &templates.watchers[i];
    bool told = place != NULL;
    for (uint32_t number = 1; told && number <= templates.count; number++)
        told = learnt(arg, weftp_template_at(number));
    if (told) *place = (struct watcher){learnt, arg};
    weftp_sites_let_go();
    return told;
}

void weftp_templates_unwatch(bool (*learnt)(void *arg, const struct weftp_template *known),
                             void *arg)
{
    weftp_sites_hold();
    for (size_t i = 0; i < WEFTP_TEMPLATE_WATCHERS_MAX; i++)
        if (templates.watchers[i].learnt == learnt && templates.watchers[i].arg == arg)
            templates.watchers[i] = (struct watcher){NULL, NULL};
    weftp_sites_let_go();
}
