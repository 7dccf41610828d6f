/*
 * Threads that come and go with entries of their own, and contexts that are handed between threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <weft/mdc.h>

#include "support/memory.h"

#define THREADS      10000
#define THREADS_WARM 1000
#define SLACK_KIB    1024

/* Some leave scopes open, some entries, some both. */
static void *put_and_exit(void *arg)
{
    const intptr_t number = (intptr_t)arg;
    weft_mdc_put("request_id", "0123456789abcdef0123456789abcdef0123");
    weft_mdc_put_int("number", number);
    if (number % 2) weft_mdc_push(weft_str("scope", "left open"));
    if (number % 3 == 0) weft_mdc_push(weft_str("scope", "left open, too"), weft_int("n", number));
    return weft_mdc_count() >= 2 ? arg : NULL;
}

static void run_threads(int count)
{
    pthread_attr_t attr;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 256 * 1024), 0);
    for (int i = 1; i <= count; i++) {
        pthread_t thread;
        void *result = NULL;
        assert_int_equal(pthread_create(&thread, &attr, put_and_exit, (void *)(intptr_t)i), 0);
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_int_equal((intptr_t)result, i);
    }
    pthread_attr_destroy(&attr);
}

static void test_threads_leave_nothing(void **state)
{
    (void)state;
    run_threads(THREADS_WARM);
    const long before = resident_kib();
    run_threads(THREADS - THREADS_WARM);
    /* 100 bytes a thread would be 900 KiB. */
    if (MEMORY_IS_TELLING) assert_in_range(resident_kib(), 0, before + SLACK_KIB / 2);
}

/* A place where contexts lie on their way from one thread to another. */
struct exchange {
    pthread_mutex_t lock;
    weft_context *places[16];
    int failures; /* atomic */
};

struct trader {
    struct exchange *exchange;
    unsigned seed;
};

/* Put a context down and take whatever lay there. */
static weft_context *trade(struct trader *trader, weft_context *mine)
{
    struct exchange *exchange = trader->exchange;
    pthread_mutex_lock(&exchange->lock);
    weft_context **place = &exchange->places[rand_r(&trader->seed) % 16];
    weft_context *theirs = *place;
    *place = mine;
    pthread_mutex_unlock(&exchange->lock);
    return theirs;
}

static void count_failure(struct trader *trader)
{
    __atomic_fetch_add(&trader->exchange->failures, 1, __ATOMIC_RELAXED);
}

/* Every context says "twice" twice, wherever it was made. */
static void look(struct trader *trader)
{
    const char *a = weft_mdc_get("a"), *b = weft_mdc_get("b");
    if (!a || !b || strcmp(a, b) != 0) count_failure(trader);
}

static void *trade_contexts(void *arg)
{
    struct trader *trader = arg;
    for (int i = 0; i < 3000; i++) {
        const int64_t value = rand_r(&trader->seed);
        weft_mdc_put_int("a", value);
        weft_mdc_put_int("b", value);
        weft_mdc_token scope = weft_mdc_push(weft_int("i", i));
        weft_context *theirs = trade(trader, weft_mdc_capture());
        if (theirs) {
            const weft_mdc_token token = weft_mdc_attach(theirs);
            weft_mdc_release(theirs);
            look(trader);
            weft_mdc_put_int("i", -1);
            weft_context *on = weft_mdc_capture();
            weft_mdc_detach(token);
            weft_mdc_release(trade(trader, on));
        }
        if (weft_mdc_count() != 3) count_failure(trader);
        weft_mdc_pop(scope);
        look(trader);
        if (i % 100 == 0) weft_mdc_release(weft_mdc_swap(trade(trader, NULL)));
    }
    return NULL;
}

static void test_contexts_change_threads(void **state)
{
    (void)state;
    static struct exchange exchange = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct trader traders[4];
    pthread_t threads[4];
    for (unsigned i = 0; i < 4; i++) {
        traders[i] = (struct trader){&exchange, i + 1};
        assert_int_equal(pthread_create(&threads[i], NULL, trade_contexts, &traders[i]), 0);
    }
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_join(threads[i], NULL), 0);
    for (int i = 0; i < 16; i++) weft_mdc_release(exchange.places[i]);
    assert_int_equal(exchange.failures, 0);
}

/* A chain that thousands of contexts hang on is released without a deep stack. */
static void *build_and_release_chain(void *arg)
{
    (void)arg;
    weft_context *chain = NULL;
    for (int i = 0; i < 200; i++) {
        for (int k = 0; k < 1000; k++) weft_mdc_push(weft_int("k", k));
        weft_context *captured = weft_mdc_capture();
        weft_mdc_clear();
        weft_mdc_release(chain);
        chain = captured;
    }
    weft_mdc_release(chain);
    return NULL;
}

static void test_long_chains_on_a_small_stack(void **state)
{
    (void)state;
    pthread_t thread;
    pthread_attr_t attr;
    assert_int_equal(pthread_attr_init(&attr), 0);
    assert_int_equal(pthread_attr_setstacksize(&attr, 128 * 1024), 0);
    assert_int_equal(pthread_create(&thread, &attr, build_and_release_chain, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    pthread_attr_destroy(&attr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_leave_nothing),
        cmocka_unit_test(test_contexts_change_threads),
        cmocka_unit_test(test_long_chains_on_a_small_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
