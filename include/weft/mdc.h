/*
 * The mapped diagnostic context (MDC): what every record of this thread carries without its call
 * site naming it.
 *
 * One thread-local slot holds an immutable frame. A put makes a new frame; a push opens a scope
 * that a pop ends, restoring the whole earlier frame whatever was put or leaked in between. Threads
 * inherit nothing by themselves: capture and attach hand a context on (or weft_pthread_create and
 * weft_task_create, thread.h).
 *
 * Limits: 64 entries, 128 bytes a key, 4 KiB a value, 8 KiB in all (numbers and the like count 8
 * bytes), 1,024 open scopes. Past one: WEFT_ELIMIT, and the context is as before. Every entry that
 * is refused is counted (mdc_rejected).
 *
 * Threads: each call works on its own thread's context; a captured context may go to any thread.
 * What a thread has when it ends is given back. In a forked child the thread that forked has its
 * context still.
 * Signals: unsafe (allocate), but for weft_mdc_get and weft_mdc_count. What a log call in a signal
 * handler reads is always a whole context. No function changes errno.
 */
#ifndef WEFT_MDC_H
#define WEFT_MDC_H

#include "field.h"
#include "kv.h"
#include "status.h"

/* A bookmark of a scope, by value; valid only while its scope is on the current context's chain. */
typedef struct weft_mdc_token {
    uint64_t serial; /* 0: no scope was opened */
    uint32_t depth, reserved;
} weft_mdc_token;

/* A captured context: immutable, counted by reference, bound to no thread. */
typedef struct weft_context weft_context;

WEFT_EXTERN_C_BEGIN
/**
 * Put a string under a key, replacing an earlier value. NULL removes the key; "" is kept.
 *
 * @retval WEFT_EINVAL  The key is NULL or empty.
 * @retval WEFT_ELIMIT  The key is longer than 128 bytes, the value than 4 KiB, or the context would
 *                      be too large.
 * @retval WEFT_ENOMEM  Out of memory; the context is as before.
 *
 * Key and value are copied. Since: 0.1.
 */
WEFT_API weft_status weft_mdc_put(const char *key, const char *value);
/** As weft_mdc_put, with an integer, which stays a number where the format lets it. Since: 0.1. */
WEFT_API weft_status weft_mdc_put_int(const char *key, int64_t value);
/**
 * As weft_mdc_put, with any field; WEFT_TYPE_NONE is WEFT_EINVAL. Objects, arrays and raw JSON are
 * encoded here, once. A NULL string is JSON null here, as in every field. Since: 0.1.
 */
WEFT_API weft_status weft_mdc_put_field(weft_field field);
/**
 * Return the value under a key as text (numbers as JSON prints them, objects as their JSON), NULL
 * when there is none.
 *
 * Borrowed until the next change of this thread's context. Signals: safe. Allocates: never.
 * Since: 0.1.
 */
WEFT_API const char *weft_mdc_get(const char *key);
/**
 * Remove a key; WEFT_OK also when it was not there.
 *
 * @retval WEFT_EINVAL  The key is NULL or empty.
 * @retval WEFT_ENOMEM  Out of memory; the context is as before.
 * Since: 0.1.
 */
WEFT_API weft_status weft_mdc_remove(const char *key);
/**
 * Empty the context, all open scopes included: their tokens are then ignored and counted.
 * Allocates: never. Since: 0.1.
 */
WEFT_API void weft_mdc_clear(void);
/** Return how many entries this thread's context has. Signals: safe. Since: 0.1. */
WEFT_API size_t weft_mdc_count(void);

/**
 * End a scope: restore the frame from before its push, also when inner scopes were leaked (counted
 * once: mdc_leaked).
 *
 * A token that is not on the current chain is ignored and counted (mdc_bad_tokens); one of serial 0
 * does nothing. Allocates: never. Since: 0.1.
 */
WEFT_API void weft_mdc_pop(weft_mdc_token token);

/**
 * Take a reference to this thread's context, for another thread or a task; NULL when it is empty.
 *
 * Owned: weft_mdc_release. It is what it is now, whatever this thread does next. Allocates: never.
 * Since: 0.1.
 */
WEFT_API weft_context *weft_mdc_capture(void);
/** Give a captured context back. NULL is allowed. Threads: any. Since: 0.1. */
WEFT_API void weft_mdc_release(weft_context *context);
/**
 * Open a scope in which `context` (NULL: empty) replaces this thread's context. The reference stays
 * the caller's.
 *
 * Past 1,024 scopes, and when memory is out, the token is empty and the thread's own context stays
 * in force. weft_mdc_swap cannot fail. Since: 0.1.
 */
WEFT_API weft_mdc_token weft_mdc_attach(weft_context *context);
/** End the scope that weft_mdc_attach opened. Since: 0.1. */
WEFT_API void weft_mdc_detach(weft_mdc_token token);
/**
 * Exchange this thread's whole context, open scopes included, for another: for event loops and
 * coroutines.
 *
 * Takes over the reference `next` (NULL: an empty context) and returns the earlier one, owned by
 * the caller, NULL when it was empty and no scope was open. Tokens go with the context that they
 * belong to. Allocates: never. Since: 0.1.
 */
WEFT_API weft_context *weft_mdc_swap(weft_context *next);

/* Behind weft_mdc_push. */
WEFT_API weft_mdc_token weft_mdc_push_(const weft_field *fields, size_t count);
WEFT_EXTERN_C_END

/*
 * weft_mdc_push(fields...): open a scope with these entries; returns a token for weft_mdc_pop. When
 * a limit is reached the scope opens with what fits (the rest counted); past 1,024 scopes
 * (counted), and when memory is out, the token is empty, nothing was put, and its pop does nothing.
 *
 * WEFT_MDC_SCOPE(key, value): an entry that ends with the block that it stands in, in C and in C++.
 * The value is any that weft_kv takes; not there in C99.
 */
#define WEFT_PASTE2_(a, b) a##b
#define WEFT_PASTE_(a, b)  WEFT_PASTE2_(a, b)
#define weft_mdc_push(...) WEFT_PUSH_(__VA_ARGS__, weft_end_())

#ifdef __cplusplus
extern "C++" {
template <size_t N> inline weft_mdc_token weft_mdc_push_(const weft_field (&fields)[N])
{
    return weft_mdc_push_(fields, N);
}
struct weft_mdc_scope_ {
    explicit weft_mdc_scope_(const weft_field &field) : token(weft_mdc_push_(&field, 1)) {}
    ~weft_mdc_scope_() { weft_mdc_pop(token); }
    weft_mdc_scope_(const weft_mdc_scope_ &) = delete;
    weft_mdc_scope_ &operator=(const weft_mdc_scope_ &) = delete;
    weft_mdc_token token;
};
}
#define WEFT_PUSH_(...) weft_mdc_push_({__VA_ARGS__})
#define WEFT_MDC_SCOPE(key, ...)                                                                   \
    const weft_mdc_scope_ WEFT_PASTE_(weft_scope_, __COUNTER__)(weft_kv(key, __VA_ARGS__))
#else
#define WEFT_PUSH_(...) weft_mdc_push_(WEFT_FIELDS_(__VA_ARGS__), WEFT_SIZE_UNKNOWN_)
#define WEFT_MDC_SCOPE(key, ...)                                                                   \
    const weft_mdc_token WEFT_PASTE_(weft_scope_, __COUNTER__)                                     \
        __attribute__((__cleanup__(weft_mdc_scope_end_c_), __unused__)) =                          \
            weft_mdc_push(weft_kv(key, __VA_ARGS__))
static inline void weft_mdc_scope_end_c_(const weft_mdc_token *token)
{
    weft_mdc_pop(*token);
}
#endif

#endif
