#include "callback.h"

#include "kit/options.h"
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE_MAX 31
#define SLOTS         16

/* A name and its function. Slots are taken and never given back. */
struct slot {
    char name[NAME_SIZE_MAX + 1];
    bool taken;
    weft_sink_callback callback;
    void *arg;
    pthread_mutex_t mutex;   /* held while the function is called or changed */
    atomic_uintptr_t caller; /* the thread that is in the function, 0: none */
};

/* The one table of names; there is one callback of a name in a process. */
static struct {
    pthread_mutex_t mutex; /* guards name and taken */
    struct slot slots[SLOTS];
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

struct callback_sink {
    struct slot *slot; /* NULL: the name is no good */
    struct weft_sink_error error;
};

static weft_status take_slot(const char *name, struct slot **out)
{
    weft_status status = WEFT_ELIMIT;
    if (strlen(name) > NAME_SIZE_MAX) return WEFT_EINVAL;
    pthread_mutex_lock(&table.mutex);
    for (size_t i = 0; i < SLOTS && status != WEFT_OK; i++) {
        struct slot *slot = &table.slots[i];
        if (slot->taken && strcmp(slot->name, name) != 0) continue;
        if (!slot->taken) {
            memcpy(slot->name, name, strlen(name) + 1);
            pthread_mutex_init(&slot->mutex, NULL);
            slot->taken = true;
        }
        *out = slot;
        status = WEFT_OK;
    }
    pthread_mutex_unlock(&table.mutex);
    return status;
}

static uintptr_t this_thread(void)
{
    return (uintptr_t)pthread_self();
}

/* Only this thread can make the answer change for itself. */
static bool is_in_callback(void)
{
    for (size_t i = 0; i < SLOTS; i++) {
        if (atomic_load_explicit(&table.slots[i].caller, memory_order_relaxed) == this_thread())
            return true;
    }
    return false;
}

weft_status weft_sink_callback_set(const char *name, weft_sink_callback callback, void *arg)
{
    struct slot *slot = NULL;
    /*
     * Waiting here for a call that is under way could be waiting for ourselves, or for one that
     * waits for us.
     */
    if (is_in_callback()) return WEFT_ESTATE;
    const weft_status status = take_slot(name ? name : "", &slot);
    if (status != WEFT_OK) return status;
    pthread_mutex_lock(&slot->mutex);
    slot->callback = callback;
    slot->arg = callback ? arg : NULL;
    pthread_mutex_unlock(&slot->mutex);
    return WEFT_OK;
}

static weft_status call(struct slot *slot, const struct weft_line *line, bool *called)
{
    weft_status status = WEFT_ENOTFOUND;
    pthread_mutex_lock(&slot->mutex);
    *called = slot->callback != NULL;
    if (*called) {
        atomic_store_explicit(&slot->caller, this_thread(), memory_order_relaxed);
        status = slot->callback(slot->arg, line);
        atomic_store_explicit(&slot->caller, 0, memory_order_relaxed);
    }
    pthread_mutex_unlock(&slot->mutex);
    return status;
}

static weft_status callback_write(void *self, const struct weft_line *lines, size_t count,
                                  size_t *written)
{
    struct callback_sink *sink = self;
    *written = 0;
    for (; *written < count; ++*written) {
        bool called = false;
        const weft_status status = sink->slot && !is_in_callback()
                                       ? call(sink->slot, &lines[*written], &called)
                                       : WEFT_ESTATE;
        if (status == WEFT_OK) continue;
        sink->error = (struct weft_sink_error){.err = called ? EIO : ENOENT,
                                               .what = called ? "the callback refused the line"
                                                              : "no callback is set"};
        return status;
    }
    return WEFT_OK;
}

static void callback_close(void *self)
{
    free(self);
}

static weft_status callback_open(void **self, const struct weft_options_kv *options)
{
    const char *name = NULL;
    struct callback_sink *sink = calloc(1, sizeof *sink);
    if (!sink) return WEFT_ENOMEM;
    const struct weftp_option rows[] = {
        {"path", WEFTP_OPTION_TEXT, &name, 0, 0, NULL, NULL},
        {.accepted = "no options"},
    };
    weft_status status = weftp_options_read(options, rows, &sink->error);
    if (take_slot(name ? name : "", &sink->slot) != WEFT_OK) {
        sink->error = (struct weft_sink_error){
            .what = "bad name", .option = "path", .accepted = "a name of up to 31 bytes; 16 names"};
        status = WEFT_EINVAL;
    }
    *self = sink;
    return status;
}

static void callback_explain(void *self, struct weft_sink_error *error)
{
    *error = ((struct callback_sink *)self)->error;
}

static void callback_forked(void *self)
{
    struct callback_sink *sink = self;
    pthread_mutex_init(&table.mutex, NULL);
    if (!sink->slot) return;
    /*
     * Whoever was in the function is not here. The thread that forked may be, from inside of it: it
     * goes on.
     */
    if (atomic_load(&sink->slot->caller) == this_thread()) return;
    pthread_mutex_init(&sink->slot->mutex, NULL);
    atomic_store(&sink->slot->caller, 0);
}

const struct weft_sink_type_more weftp_sink_callback = {
    .type =
        {
            .struct_size = sizeof(struct weft_sink_type_more),
            .name = "callback",
            .open = callback_open,
            .write = callback_write,
            .close = callback_close,
        },
    .explain = callback_explain,
    .forked = callback_forked,
};
