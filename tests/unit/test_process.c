/*
 * What is asked of the kernel about this process: whether its other threads have ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/emulated.h"
#include "support/tsan.h"

#include "src/port/process.h"
#include <pthread.h>

static pthread_barrier_t both;

static void *stay(void *arg)
{
    pthread_barrier_wait(&both);
    pthread_barrier_wait(&both);
    return arg;
}

static void *leave(void *arg)
{
    return arg;
}

/* A thread that was joined does not count, though the kernel may keep it for a while. */
static void test_alone(void **state)
{
    pthread_t thread;
    (void)state;
    if (UNDER_TSAN || under_emulator()) skip(); /* they have threads of their own */
    assert_true(weftp_thread_alone());
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(pthread_create(&thread, NULL, leave, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_true(weftp_thread_alone());
    }
}

static void test_not_alone(void **state)
{
    pthread_t thread;
    (void)state;
    pthread_barrier_init(&both, NULL, 2);
    assert_int_equal(pthread_create(&thread, NULL, stay, NULL), 0);
    pthread_barrier_wait(&both);
    assert_false(weftp_thread_alone());
    pthread_barrier_wait(&both);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&both);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alone),
        cmocka_unit_test(test_not_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
