/*
 * Child processes: a context in environment variables, TRACEPARENT, TRACESTATE, BAGGAGE,
 * X_REQUEST_ID (a header's name in upper case, other characters as '_', and a '_' in front of a
 * digit that it begins with). Header-only; C11 and C++17. setenv(3) is never called: it is not safe
 * beside other threads, and the context of a process is that of its start. Baggage in names
 * (uberctx-KEY, ot-baggage-KEY) is written and not read: a variable's name does not tell its KEY.
 *
 *     extern char **environ;
 *     weft_environ_extract(environ);                         once, when the process begins its work
 *
 *     char **envp;
 *     if (weft_environ_inject(environ, &envp) == WEFT_OK) {
 *         posix_spawn(&pid, path, NULL, NULL, argv, envp);   or execve in the child
 *         weft_environ_free(envp);
 *     }
 *
 * Threads: any, while nobody changes the environment. Signals: unsafe. Since: 0.1.
 */
#ifndef WEFT_ADAPTER_ENVIRON_H
#define WEFT_ADAPTER_ENVIRON_H

#include "reuse.h"
#include "text.h"
#include <stdlib.h>

/* A header's character as it stands in the name of a variable. */
static inline char weft_environ_char_(char c)
{
    const char lower = weft_ascii_lower_(c);
    if (lower >= 'a' && lower <= 'z') return WEFT_CAST_(char, lower - 'a' + 'A');
    return c >= '0' && c <= '9' ? c : '_';
}

/* Whether a header's name needs a '_' in front: no variable's begins with a digit. */
static inline bool weft_environ_prefixed_(const char *name)
{
    return name[0] >= '0' && name[0] <= '9';
}

/*
 * The value when an entry "NAME=value" is a header's variable, else NULL. A name that ends with '*'
 * stands for all that begin so.
 */
static inline const char *weft_environ_value_(const char *entry, const char *name)
{
    if (weft_environ_prefixed_(name) && *entry++ != '_') return NULL;
    for (; *name && *name != '*'; name++, entry++)
        if (*entry != weft_environ_char_(*name)) return NULL;
    if (*name) entry += __builtin_strcspn(entry, "=");
    return *entry == '=' ? entry + 1 : NULL;
}

static inline const char *weft_environ_get_(void *carrier, const char *name, size_t index,
                                            size_t *size)
{
    char *const *entry = WEFT_CAST_(char *const *, carrier);
    for (; index == 0 && entry && *entry;
         entry++) { /* the first of a name counts, as for getenv(3) */
        const char *value = weft_environ_value_(*entry, name);
        if (!value) continue;
        *size = __builtin_strlen(value);
        return value;
    }
    return NULL;
}

/** Return the getter whose carrier is a char **, ending with NULL, as environ(7). Static. */
static inline const weft_getter *weft_environ_getter(void)
{
    static const weft_getter getter = {sizeof(weft_getter), weft_environ_get_, NULL};
    return &getter;
}

/**
 * Read this process's context from its environment: weft_extract. Without one a new trace is begun.
 * NULL: an empty one.
 */
static inline weft_status weft_environ_extract(char **envp)
{
    return weft_extract(weft_environ_getter(), envp);
}

/* Private: an entry that is added. */
struct weft_environ_entry_ {
    struct weft_environ_entry_ *next;
    size_t size; /* of "NAME=value" and its NUL, which lie behind this */
};
struct weft_environ_added_ {
    struct weft_environ_entry_ *first;
    size_t count, size;
    bool context; /* there is one: an earlier one's entries give way, whatever is added */
};

static inline char *weft_environ_text_(struct weft_environ_entry_ *entry)
{
    return WEFT_CAST_(char *, WEFT_CAST_(void *, entry + 1));
}

static inline weft_status weft_environ_set_(void *carrier, const char *name, const char *value,
                                            size_t size)
{
    struct weft_environ_added_ *added = WEFT_CAST_(struct weft_environ_added_ *, carrier);
    const size_t first = weft_environ_prefixed_(name) ? 1 : 0;
    const size_t name_size = first + __builtin_strlen(name), all = name_size + 1 + size + 1;
    if (!weft_header_value_ok_(value, size)) return WEFT_EINVAL;
    struct weft_environ_entry_ *entry =
        WEFT_CAST_(struct weft_environ_entry_ *, malloc(sizeof(struct weft_environ_entry_) + all));
    if (!entry) return WEFT_ENOMEM;
    char *text = weft_environ_text_(entry);
    text[0] = '_';
    for (size_t i = first; i < name_size; i++) text[i] = weft_environ_char_(name[i - first]);
    text[name_size] = '=';
    __builtin_memcpy(text + name_size + 1, value, size);
    text[all - 1] = '\0';
    entry->next = added->first;
    entry->size = all;
    added->first = entry;
    added->count++;
    added->size += all;
    return WEFT_OK;
}

/*
 * Whether an entry of the environment gives way to what is added: one of the same name, or an
 * earlier context's.
 */
static inline bool weft_environ_gives_way_(const struct weft_environ_added_ *added,
                                           const char *entry)
{
    const char *name;
    for (size_t i = 0; added->context && (name = weft_propagation_field(i)) != NULL; i++)
        if (weft_environ_value_(entry, name)) return true;
    for (struct weft_environ_entry_ *one = added->first; one; one = one->next) {
        const char *text = weft_environ_text_(one);
        const size_t size = __builtin_strcspn(text, "=") + 1;
        if (__builtin_strncmp(entry, text, size) == 0) return true;
    }
    return false;
}

/*
 * One block: the pointers, then the texts that are added. Entries that stay are borrowed from the
 * caller.
 */
static inline char **weft_environ_build_(char *const *envp, const struct weft_environ_added_ *added)
{
    size_t count = 0, used = 0;
    while (envp && envp[count]) count++;
    char **out =
        WEFT_CAST_(char **, malloc((count + added->count + 1) * sizeof(char *) + added->size));
    if (!out) return NULL;
    char *text = WEFT_CAST_(char *, WEFT_CAST_(void *, out + count + added->count + 1));
    for (size_t i = 0; i < count; i++)
        if (!weft_environ_gives_way_(added, envp[i])) out[used++] = envp[i];
    for (struct weft_environ_entry_ *one = added->first; one; one = one->next) {
        __builtin_memcpy(text, weft_environ_text_(one), one->size);
        out[used++] = text;
        text += one->size;
    }
    out[used] = NULL;
    return out;
}

/**
 * Make an environment for a child: `envp` with this thread's context in it, in place of any that it
 * has: of all variables that the formats in force may write (weft_propagation_field), also when
 * they have nothing to write. Without a context it is `envp` again.
 *
 * @param envp  Ends with NULL; NULL: an empty one. Its texts must live as long as the result.
 * @param out   Owned: weft_environ_free, in the parent after posix_spawn(3) or fork(2). Unchanged
 *   on failure.
 * @retval WEFT_EINVAL  out is NULL.
 * @retval WEFT_ENOMEM  Out of memory.
 */
static inline weft_status weft_environ_inject(char *const *envp, char ***out)
{
    static const weft_setter setter = {sizeof(weft_setter), weft_environ_set_};
    struct weft_environ_added_ added = {NULL, 0, 0, weft_reuse_context_()};
    if (!out) return WEFT_EINVAL;
    const weft_status status = weft_inject(&setter, &added);
    char **made = status == WEFT_ENOMEM ? NULL : weft_environ_build_(envp, &added);
    while (added.first) {
        struct weft_environ_entry_ *next = added.first->next;
        free(added.first);
        added.first = next;
    }
    if (!made) return WEFT_ENOMEM;
    *out = made;
    return WEFT_OK;
}

/** Free what weft_environ_inject made. NULL does nothing. */
static inline void weft_environ_free(char **envp)
{
    free(envp);
}

#endif
