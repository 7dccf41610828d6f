/*
 * One thread-local slot, and the calls that exchange the frame in it, or the pairs in a frame that
 * only the slot holds. Every change has the same order: build, publish with one store, then give
 * the old back, so that a signal handler on this thread reads a whole context at any instant, and a
 * failure leaves the context as it was.
 */
#include "frame.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#define DEPTH_MAX    1024
#define SERIAL_BLOCK 1024 /* serials that a thread takes at a time */

/* All that this module has in thread-local storage. */
static _Thread_local struct {
    struct weft_context *frame; /* NULL: empty */
    uint64_t serial;            /* the next one; at a multiple of SERIAL_BLOCK: take a new block */
    bool armed;                 /* the end of this thread gives the frame back */
} slot;

static uint64_t serial_blocks;
static struct weftp_mdc_counts sums;
static pthread_once_t end_once = PTHREAD_ONCE_INIT;
static pthread_key_t end_key;
static bool end_key_exists;

static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;

static void add_to(uint64_t *sum, uint64_t n)
{
    __atomic_fetch_add(sum, n, __ATOMIC_RELAXED);
}

/* ---- the slot ---- */

static struct weft_context *current(void)
{
    return __atomic_load_n(&slot.frame, __ATOMIC_RELAXED);
}

/* Publish a frame, whose reference the slot takes over, and give the earlier one back. */
static void publish(struct weft_context *frame)
{
    struct weft_context *earlier = slot.frame;
    __atomic_store_n(&slot.frame, frame, __ATOMIC_RELEASE);
    weftp_frame_unref(earlier);
}

/*
 * At the end of a thread. Destructors of others may put afterwards: that arms the key for another
 * round.
 */
static void thread_ended(void *unused)
{
    (void)unused;
    slot.armed = false;
    publish(NULL);
}

static void create_end_key(void)
{
    end_key_exists = pthread_key_create(&end_key, thread_ended) == 0;
}

/* See to it that this thread's frame is given back when the thread ends. */
static bool arm(void)
{
    if (slot.armed) return true;
    pthread_once(&end_once, create_end_key);
    slot.armed = end_key_exists && pthread_setspecific(end_key, &slot) == 0;
    return slot.armed;
}

/*
 * Serials are unique in the process, so that a token is found on whichever thread its chain is now.
 * Never 0.
 */
static uint64_t next_serial(void)
{
    if (slot.serial % SERIAL_BLOCK == 0)
        slot.serial = __atomic_add_fetch(&serial_blocks, SERIAL_BLOCK, __ATOMIC_RELAXED);
    return slot.serial++;
}

/* ---- changes within a scope ---- */

/* Publish a frame in place of the current one, in the same scope. */
static void publish_in_scope(struct weft_context *frame)
{
    const struct weft_context *now = current();
    if (now) {
        frame->depth = now->depth;
        frame->serial = now->serial;
        frame->parent = weftp_frame_ref(now->parent);
    }
    if (frame->depth == 0 && weftp_frame_is_empty(frame)) {
        weftp_frame_unref(frame);
        frame = NULL;
    }
    publish(frame);
}

/*
 * Publish other pairs, whose share is taken over, with the trace that there is. A frame that nobody
 * but this thread's slot holds takes them by itself, which spares a second allocation: they too are
 * published by one store.
 */
static weft_status change_pairs(struct weftp_pair_set *pairs)
{
    struct weft_context *frame = current();
    if (frame && pairs->count && weftp_frame_is_sole(frame)) {
        struct weftp_pair_set *earlier = frame->pairs;
        __atomic_store_n(&frame->pairs, pairs, __ATOMIC_RELEASE);
        weftp_pairs_unref(earlier);
        return WEFT_OK;
    }
    frame = weftp_frame_create(pairs, frame);
    if (!frame) return WEFT_ENOMEM;
    publish_in_scope(frame);
    return WEFT_OK;
}

static const struct weftp_pair_set *current_pairs(void)
{
    const struct weft_context *frame = current();
    return frame ? __atomic_load_n(&frame->pairs, __ATOMIC_RELAXED) : NULL;
}

static weft_status put(const weft_field *field)
{
    struct weftp_pair_set *pairs;
    unsigned rejected;
    if (!arm()) return WEFT_ENOMEM;
    const weft_status status =
        weftp_pairs_put(&pairs, current_pairs(), field, 1, &limits, &rejected);
    if (status) return status;
    if (rejected == 0) return change_pairs(pairs);
    weftp_pairs_unref(pairs);
    return WEFT_ELIMIT;
}

static bool is_value_type(uint8_t type)
{
    return type != WEFT_TYPE_NONE && type != WEFT_TYPE_END_ && type <= WEFT_TYPE_ERROR;
}

static weft_status put_counted(const weft_field *field)
{
    const int saved = errno;
    weft_status status = WEFT_EINVAL;
    if (field->key && field->key[0] && is_value_type(field->type)) status = put(field);
    if (status == WEFT_EINVAL || status == WEFT_ELIMIT) add_to(&sums.rejected, 1);
    errno = saved;
    return status;
}

weft_status weft_mdc_put(const char *key, const char *value)
{
    if (!value) return key && key[0] ? weft_mdc_remove(key) : WEFT_EINVAL;
    const weft_field field = weft_str(key, value);
    return put_counted(&field);
}

weft_status weft_mdc_put_int(const char *key, int64_t value)
{
    const weft_field field = weft_int(key, value);
    return put_counted(&field);
}

weft_status weft_mdc_put_field(weft_field field)
{
    return put_counted(&field);
}

static const struct weft_pair *find(const char *key)
{
    const struct weftp_pair_set *pairs = current_pairs();
    if (!pairs || !key) return NULL;
    return weftp_pairs_find(pairs->pairs, pairs->count, key,
                            strnlen(key, WEFTP_PAIR_KEY_SIZE_MAX + 1));
}

const char *weft_mdc_get(const char *key)
{
    const struct weft_pair *pair = find(key);
    return pair ? weftp_pair_text(pair) : NULL;
}

weft_status weft_mdc_remove(const char *key)
{
    struct weftp_pair_set *pairs;
    if (!key || !key[0]) return WEFT_EINVAL;
    if (!find(key)) return WEFT_OK;
    const int saved = errno;
    weft_status status = weftp_pairs_without(&pairs, current_pairs(), key);
    if (!status) status = change_pairs(pairs);
    errno = saved;
    return status;
}

void weft_mdc_clear(void)
{
    const int saved = errno;
    publish(NULL);
    errno = saved;
}

size_t weft_mdc_count(void)
{
    const struct weftp_pair_set *pairs = current_pairs();
    return pairs ? pairs->count : 0;
}

/* ---- scopes ---- */

static const weft_mdc_token no_token;

static bool may_open(void)
{
    const struct weft_context *frame = current();
    if (frame && frame->depth >= DEPTH_MAX) {
        add_to(&sums.rejected, 1);
        return false;
    }
    return arm();
}

/*
 * Publish a frame as the first of a new scope over the current one. NULL (out of memory) opens
 * none.
 */
static weft_mdc_token open_scope(struct weft_context *frame)
{
    if (!frame) return no_token;
    struct weft_context *now = current();
    frame->depth = now ? now->depth + 1 : 1;
    frame->serial = next_serial();
    frame->parent = now; /* with the reference that the slot had */
    __atomic_store_n(&slot.frame, frame, __ATOMIC_RELEASE);
    return (weft_mdc_token){.serial = frame->serial, .depth = frame->depth};
}

weft_mdc_token weft_mdc_push_(const weft_field *fields, size_t count)
{
    struct weftp_pair_set *pairs;
    unsigned rejected = 0;
    const int saved = errno;
    weft_mdc_token token = no_token;
    if (may_open() && !weftp_pairs_put(&pairs, current_pairs(), fields, count, &limits, &rejected))
        token = open_scope(weftp_frame_create(pairs, current()));
    if (rejected && token.serial) add_to(&sums.rejected, rejected);
    errno = saved;
    return token;
}

/* The frame of the scope that a token stands for; NULL when it is not on the current chain. */
static const struct weft_context *find_scope(weft_mdc_token token)
{
    const struct weft_context *frame = current();
    while (frame && frame->depth > token.depth) frame = frame->parent;
    return frame && frame->depth == token.depth && frame->serial == token.serial ? frame : NULL;
}

void weft_mdc_pop(weft_mdc_token token)
{
    if (token.serial == 0) return;
    const struct weft_context *scope = find_scope(token);
    if (!scope) {
        add_to(&sums.bad_tokens, 1);
        return;
    }
    const int saved = errno;
    if (current()->depth > token.depth) add_to(&sums.leaked, 1);
    publish(weftp_frame_ref(scope->parent));
    errno = saved;
}

/* ---- contexts on their way ---- */

weft_context *weft_mdc_capture(void)
{
    struct weft_context *frame = current();
    return weftp_frame_is_empty(frame) ? NULL : weftp_frame_ref(frame);
}

void weft_mdc_release(weft_context *context)
{
    const int saved = errno;
    weftp_frame_unref(context);
    errno = saved;
}

weft_mdc_token weft_mdc_attach(weft_context *context)
{
    const int saved = errno;
    weft_mdc_token token = no_token;
    if (may_open()) token = open_scope(weftp_frame_detached(context));
    errno = saved;
    return token;
}

void weft_mdc_detach(weft_mdc_token token)
{
    weft_mdc_pop(token);
}

weft_context *weft_mdc_swap(weft_context *next)
{
    struct weft_context *earlier = current();
    const int saved = errno;
    /*
     * A thread that cannot be armed leaks `next` if it ends with it; to refuse it here would lose
     * it for sure.
     */
    if (next) arm();
    __atomic_store_n(&slot.frame, next, __ATOMIC_RELEASE);
    errno = saved;
    return earlier;
}

/* ---- for the library ---- */

void weftp_mdc_view(struct weftp_mdc_view *view)
{
    const struct weft_context *frame = current();
    const struct weftp_pair_set *pairs = frame ? frame->pairs : NULL;
    view->pairs = pairs ? pairs->pairs : NULL;
    view->count = pairs ? pairs->count : 0;
    view->trace = frame && frame->traced ? &frame->trace : NULL;
    view->carry = frame ? frame->carry : NULL;
}

weft_status weftp_mdc_trace_set(const struct weft_trace *trace, struct weftp_carry *carry)
{
    const int saved = errno;
    const struct weft_context *now = current();
    struct weft_context *frame = NULL;
    if (arm()) frame = weftp_frame_create(now ? weftp_pairs_ref(now->pairs) : NULL, NULL);
    if (frame) {
        frame->traced = trace != NULL;
        if (trace) frame->trace = *trace;
        frame->carry = carry;
        if (carry) weftp_carry_ref(carry);
        publish_in_scope(frame);
    }
    errno = saved;
    return frame ? WEFT_OK : WEFT_ENOMEM;
}

void weftp_mdc_counts(struct weftp_mdc_counts *counts)
{
    counts->rejected = __atomic_load_n(&sums.rejected, __ATOMIC_RELAXED);
    counts->leaked = __atomic_load_n(&sums.leaked, __ATOMIC_RELAXED);
    counts->bad_tokens = __atomic_load_n(&sums.bad_tokens, __ATOMIC_RELAXED);
}

void weftp_mdc_forked(void)
{
    sums = (struct weftp_mdc_counts){0};
}
