/* Random bytes: spread, whole at every size, unlike in every thread and in every forked child. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "src/port/random.h"
#include "src/propagate/ids.h"
#include "support/emulated.h"
#include "support/forks.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define IDS     64
#define THREADS 8

static void test_every_size_is_filled(void **state)
{
    (void)state;
    for (size_t size = 0; size <= 300; size++) {
        unsigned char bytes[302], seen[302] = {0};
        memset(bytes, 0xa5, sizeof bytes);
        for (int round = 0; round < 8; round++) {
            weftp_random_bytes(bytes + 1, size);
            for (size_t i = 0; i < sizeof bytes; i++) seen[i] |= bytes[i] != 0xa5;
        }
        assert_int_equal(seen[0], 0); /* nothing is written in front or behind */
        assert_int_equal(seen[size + 1], 0);
        for (size_t i = 1; i <= size; i++) assert_int_equal(seen[i], 1);
    }
}

static void test_bits_are_even(void **state)
{
    (void)state;
    enum { BYTES = 1 << 16 };
    unsigned counts[8] = {0};
    static unsigned char bytes[BYTES];
    for (size_t at = 0; at < BYTES; at += 8) weftp_random_bytes(bytes + at, 8);
    for (size_t i = 0; i < BYTES; i++)
        for (unsigned bit = 0; bit < 8; bit++) counts[bit] += bytes[i] >> bit & 1;
    for (unsigned bit = 0; bit < 8; bit++) /* 10 standard deviations */
        assert_in_range(counts[bit], BYTES / 2 - 1280, BYTES / 2 + 1280);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static bool all_differ(char (*ids)[17], size_t count)
{
    qsort(ids, count, sizeof *ids, compare);
    for (size_t i = 1; i < count; i++)
        if (memcmp(ids[i - 1], ids[i], 16) == 0) return false;
    return true;
}

static void *make_ids(void *arg)
{
    char(*ids)[17] = arg;
    for (size_t i = 0; i < IDS; i++) weftp_id_random(ids[i], 16);
    return NULL;
}

static void test_threads_differ(void **state)
{
    (void)state;
    static char ids[THREADS * IDS][17];
    pthread_t threads[THREADS];
    for (size_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, make_ids, ids[i * IDS]), 0);
    for (size_t i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
    assert_true(all_differ(ids, THREADS * IDS));
}

/* In a child: write the ids to the pipe; a grandchild of its own, too. */
static void child_main(int fd, pid_t (*make)(void), int generations)
{
    static char ids[IDS][17];
    pid_t child = 0;
    while (child == 0 && generations-- > 0) child = make(); /* a child goes on with the next */
    make_ids(ids);
    const bool written = write(fd, ids, sizeof ids) == (ssize_t)sizeof ids;
    if (child > 0) waitpid(child, NULL, 0);
    _exit(written ? 0 : 1);
}

static void children_differ(pid_t (*make)(void))
{
    enum { GENERATIONS = 3 };
    static char ids[(GENERATIONS + 2) * IDS][17];
    int fds[2], status = 0;
    char warm[17];
    weftp_id_random(warm, 16); /* the parent's batch is filled before */
    assert_int_equal(pipe(fds), 0);
    const pid_t child = make();
    assert_true(child >= 0);
    if (child == 0) child_main(fds[1], make, GENERATIONS);
    close(fds[1]);
    make_ids(ids);
    size_t size = 0;
    for (ssize_t got; (got = read(fds[0], (char *)(ids + IDS) + size,
                                  sizeof ids - sizeof ids[0] * IDS - size)) > 0;)
        size += (size_t)got;
    close(fds[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(size, sizeof ids[0] * IDS * (GENERATIONS + 1));
    assert_true(all_differ(ids, (GENERATIONS + 2) * IDS));
}

static void test_forked_children_differ(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) children_differ(by_fork);
}

static void test_cloned_children_differ(void **state)
{
    (void)state;
    if (under_emulator()) skip(); /* only fork(3) is noticed there: no page is wiped */
    for (int i = 0; i < 5; i++) children_differ(by_system_call);
}

static void test_ids_have_their_shape(void **state)
{
    (void)state;
    for (int round = 0; round < 1000; round++) {
        char trace[33], uuid[WEFTP_UUID_SIZE + 1];
        weftp_id_random(trace, 32);
        assert_int_equal(strspn(trace, "0123456789abcdef"), 32);
        assert_int_not_equal(strspn(trace, "0"), 32);
        weftp_id_uuid(uuid);
        assert_int_equal(strlen(uuid), WEFTP_UUID_SIZE);
        for (size_t i = 0; i < WEFTP_UUID_SIZE; i++) {
            const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
            assert_true(dash ? uuid[i] == '-' : strchr("0123456789abcdef", uuid[i]) != NULL);
        }
        assert_int_equal(uuid[14], '4');
        assert_non_null(strchr("89ab", uuid[19]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_size_is_filled),
        cmocka_unit_test(test_bits_are_even),
        cmocka_unit_test(test_threads_differ),
        cmocka_unit_test(test_forked_children_differ),
        cmocka_unit_test(test_cloned_children_differ),
        cmocka_unit_test(test_ids_have_their_shape),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
