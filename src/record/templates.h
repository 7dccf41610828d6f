/*
 * What calls from one place have in common: keys that are literals. They are copied once; from then
 * on a record's keys are told from others by their addresses, and named by a number.
 *
 * Why that cannot be wrong: a key is taken only if it lies in constant memory of the very image
 * that the site is a variable of. As long as that site is there, so is the image, and the address
 * has these bytes. An image that is loaded again has a site without a number, whatever its address;
 * numbers are given once.
 *
 * What follows: a record whose site is a template's own has the template's fields, in number, keys
 * and types. Whoever changes a record's fields gives it another site, or none.
 *
 * Records may be read when the process is gone. Whoever sees to that watches, and has written a
 * template before any record names it; one that a watcher could not write is never used.
 *
 *   weftp_template_learn           | any thread, in a call; locks, allocates
 *   weftp_template_of              | any thread, lock-free; signal-safe
 *   weftp_template_at              | any thread, lock-free; signal-safe
 *   weftp_templates_watch, unwatch | any thread; lock
 *
 * The lock is the sites', which hold still over forks. May include: base, port, public value headers.
 */
#ifndef WEFTP_RECORD_TEMPLATES_H
#define WEFTP_RECORD_TEMPLATES_H

#include <string.h>
#include <weft/sys/encoder.h>

#define WEFTP_TEMPLATES_MAX         65535      /* in a process; numbers are 1 to this */
#define WEFTP_TEMPLATE_FIELDS_MAX   32         /* of a call; those with more have none */
#define WEFTP_TEMPLATE_NONE         UINT32_MAX /* the state of a site that cannot have one */
#define WEFTP_TEMPLATE_KEY_MAX      128
#define WEFTP_TEMPLATES_TEXT_MAX    ((size_t)16 << 20) /* bytes of all keys: a file holds them */
#define WEFTP_TEMPLATE_WATCHERS_MAX 8

struct weftp_template_key {
    const char *origin; /* where the call has it */
    uint16_t sort;      /* weftp_template_sort of the field */
    uint8_t type;       /* STR, INT, UINT, BOOL or DOUBLE */
};

/* Never changed once its number was given, and never freed. */
struct weftp_template {
    const weft_site *origin; /* compared, never followed */
    weft_site site;          /* the library's copy; its state is the number */
    uint32_t count;          /* of fields */
    weft_field *fields;      /* with copies of the keys, each with a NUL; without values */
    struct weftp_template_key keys[];
};

/* Whether a template may have fields of a type: those whose value is a word or a text. */
static inline bool weftp_template_takes(uint8_t type)
{
    return type == WEFT_TYPE_STR || type == WEFT_TYPE_INT || type == WEFT_TYPE_UINT ||
           type == WEFT_TYPE_BOOL || type == WEFT_TYPE_DOUBLE;
}

/* Key size and type together, as they lie in a field. */
static inline uint16_t weftp_template_sort(const weft_field *field)
{
    _Static_assert(offsetof(weft_field, type) == offsetof(weft_field, key_size) + 1,
                   "side by side");
    uint16_t sort;
    memcpy(&sort, (const char *)field + offsetof(weft_field, key_size), sizeof sort);
    return sort;
}

/*
 * Look at the first record of a site, if it has none yet: its state becomes the number of a
 * template or WEFTP_TEMPLATE_NONE.
 *
 * @param count  Fields, or up to an END.
 */
void weftp_template_learn(weft_site *site, const weft_field *fields, size_t count);

static inline uint32_t weftp_template_state(const weft_site *site)
{
    return __atomic_load_n(&site->state, __ATOMIC_ACQUIRE);
}

/* The same, where nobody has looked yet. */
static inline void weftp_template_know(weft_site *site, const weft_field *fields, size_t count)
{
    if (__builtin_expect(weftp_template_state(site) == 0, 0))
        weftp_template_learn(site, fields, count);
}

/* The template of a number; NULL: nobody was given that. */
const struct weftp_template *weftp_template_at(uint32_t number);

/*
 * Tell of each template, before this returns, and of each later one before a site has its number.
 * `learnt` is called under the table's lock, as those who watch sites are; false: it has not got it.
 *
 * @return  False: there are WEFTP_TEMPLATE_WATCHERS_MAX, or `learnt` said false of one that there
 *          is; nobody watches then.
 */
bool weftp_templates_watch(bool (*learnt)(void *arg, const struct weftp_template *known),
                           void *arg);
/* End that: when this returns, `learnt` is not called with `arg` any more. */
void weftp_templates_unwatch(bool (*learnt)(void *arg, const struct weftp_template *known),
                             void *arg);

/* How many there are: their numbers are 1 to this. */
uint32_t weftp_templates_count(void);

/* That of a site; NULL: none. The site may be the template's own. */
static inline const struct weftp_template *weftp_template_of(const weft_site *site)
{
    const struct weftp_template *known = weftp_template_at(weftp_template_state(site));
    return known && (known->origin == site || &known->site == site) ? known : NULL;
}

#endif
