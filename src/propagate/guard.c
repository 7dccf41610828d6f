#include "guard.h"
#include "chars.h"

enum { EMPTY_MAX = 64 }; /* values of one name that are passed over; those behind are told */

static const char refused[] = "";

/* A value that is too long becomes "", in its place: as if absent, but not as if never sent. */
static const char *tidy(struct weftp_guard_in *guard, const char *value, size_t *size)
{
    if (*size <= WEFTP_HEADER_SIZE_MAX) return weftp_ows_trim(value, size);
    guard->rejected++;
    *size = 0;
    return refused;
}

/*
 * An empty header is an absent one, so it has no index. Formats ask for the values of a name one
 * behind the other: each time the search goes on where the last one ended.
 */
static const char *guarded_get(void *carrier, const char *name, size_t index, size_t *size)
{
    struct weftp_guard_in *guard = carrier;
    if (index == 0 || name != guard->name || index < guard->index) {
        guard->name = name;
        guard->index = guard->at = 0;
    }
    for (;;) {
        *size = 0;
        const char *value = guard->outer->get(guard->carrier, name, guard->at, size);
        if (!value) return NULL;
        const size_t skipped = guard->at++ - guard->index;
        value = tidy(guard, value, size);
        if (*size == 0 && value != refused && skipped < EMPTY_MAX) continue;
        if (guard->index++ == index) return value;
    }
}

struct listing {
    struct weftp_guard_in *guard;
    void (*callback)(void *arg, const char *name, size_t name_size, const char *value, size_t size);
    void *arg;
};

static void guarded_item(void *arg, const char *name, size_t name_size, const char *value,
                         size_t size)
{
    const struct listing *listing = arg;
    if (!name || !value) return;
    const char *text = tidy(listing->guard, value, &size);
    listing->callback(listing->arg, name, name_size, text, size);
}

static void guarded_each(void *carrier,
                         void (*callback)(void *arg, const char *name, size_t name_size,
                                          const char *value, size_t size),
                         void *arg)
{
    struct weftp_guard_in *guard = carrier;
    struct listing listing = {guard, callback, arg};
    guard->outer->each(guard->carrier, guarded_item, &listing);
}

void weftp_guard_in_init(struct weftp_guard_in *guard, const weft_getter *outer, void *carrier)
{
    guard->getter =
        (weft_getter){sizeof guard->getter, guarded_get, outer->each ? guarded_each : NULL};
    guard->outer = outer;
    guard->carrier = carrier;
    guard->rejected = 0;
    guard->name = NULL;
    guard->index = guard->at = 0;
}

/* FNV-1a of a name in lower case; headers have few names, and 64 bits are many. */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (; *name; name++) {
        const unsigned char c = (unsigned char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name);
        hash = (hash ^ c) * UINT64_C(1099511628211);
    }
    return hash;
}

static bool is_taken(const struct weftp_guard_out *guard, uint64_t hash)
{
    for (uint32_t i = 0; i < guard->before; i++)
        if (guard->names[i] == hash) return true;
    return false;
}

static weft_status guarded_set(void *carrier, const char *name, const char *value, size_t size)
{
    struct weftp_guard_out *guard = carrier;
    if (size > WEFTP_HEADER_SIZE_MAX || !weftp_header_value_ok(value, size)) return WEFT_EINVAL;
    const uint64_t hash = hash_of(name);
    if (is_taken(guard, hash)) return WEFT_OK;
    if (guard->count < WEFTP_GUARD_NAMES_MAX) guard->names[guard->count++] = hash;
    return guard->outer->set(guard->carrier, name, value, size);
}

void weftp_guard_out_init(struct weftp_guard_out *guard, const weft_setter *outer, void *carrier)
{
    guard->setter = (weft_setter){sizeof guard->setter, guarded_set};
    guard->outer = outer;
    guard->carrier = carrier;
    guard->count = guard->before = 0;
}

void weftp_guard_out_next(struct weftp_guard_out *guard)
{
    guard->before = guard->count;
}
