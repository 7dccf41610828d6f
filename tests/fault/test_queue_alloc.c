/*
 * Whichever step of making a ring fails - its descriptor, its size, one of its mappings, its
 * books - the thread gets no seat, nothing is left behind, and the next attempt finds everything as
 * it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/consumer.h"
#include "support/fail_alloc.h"

#define STEPS 6 /* aligned_alloc, memfd_create, pwrite, and three mappings */

#if FAIL_ALLOC_WORKS
/* Where off_t is wider than long, its functions have another name. */
#if defined _FILE_OFFSET_BITS && _FILE_OFFSET_BITS == 64 && !defined __LP64__
#define WIDE "64"
#else
#define WIDE ""
#endif

#define STAND_IN(type, failed, name, symbol, parameters, arguments)                                \
    type name parameters                                                                           \
    {                                                                                              \
        static void *cache;                                                                        \
        type(*next) parameters;                                                                    \
        *(void **)&next = fail_alloc_next(&cache, symbol);                                         \
        return next ? next arguments : (failed);                                                   \
    }

STAND_IN(void *, NULL, aligned_alloc, "aligned_alloc", (size_t alignment, size_t size),
         (alignment, size))
STAND_IN(int, -1, memfd_create, "memfd_create", (const char *name, unsigned flags), (name, flags))
STAND_IN(ssize_t, -1, pwrite, "pwrite" WIDE, (int fd, const void *bytes, size_t size, off_t offset),
         (fd, bytes, size, offset))
STAND_IN(void *, MAP_FAILED, mmap, "mmap" WIDE,
         (void *at, size_t size, int protection, int flags, int fd, off_t offset),
         (at, size, protection, flags, fd, offset))
#endif

static size_t count_mappings(void)
{
    char line[512];
    size_t count = 0;
    FILE *file = fopen("/proc/self/maps", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) count += strstr(line, "weft-ring") != NULL;
    fclose(file);
    return count;
}

static size_t count_descriptors(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir)) count++;
    closedir(dir);
    return count;
}

static void test_each_step_fails(void **state)
{
    (void)state;
    if (!FAIL_ALLOC_WORKS) skip();
    struct weftp_queue *queue = queue_create(QUEUE_BLOCKS);
    struct weftp_queue_counts counts;
    assert_non_null(weftp_queue_sit(queue)); /* maps memory for random bytes, too, once */
    weftp_queue_close(queue);
    const size_t mappings = count_mappings(), descriptors = count_descriptors();
    struct weftp_seat *seat = NULL;
    uint64_t n = 0;
    for (; !seat; n++) {
        assert_in_range(n, 0, STEPS);
        fail_alloc_from_now(n, n % 2);
        seat = weftp_queue_sit(queue);
        assert_int_equal(fail_alloc_stop(), !seat);
        if (seat) break;
        weftp_queue_counts(queue, &counts);
        assert_int_equal(counts.seats, 0);
        assert_int_equal(count_mappings(), mappings);
        assert_int_equal(count_descriptors(), descriptors);
    }
    assert_int_equal(n, STEPS);
    assert_int_equal(count_mappings(), mappings + 2);
    assert_int_equal(count_descriptors(), descriptors);
    assert_true(queue_push(queue, seat, 9, "x", 1));
    queue_destroy(queue);
    assert_int_equal(count_mappings(), mappings);
}

/* The consumer needs no memory, whatever the producers do. */
static void test_the_consumer_allocates_nothing(void **state)
{
    (void)state;
    if (!FAIL_ALLOC_WORKS) skip();
    struct weftp_queue *queue = queue_create(QUEUE_BLOCKS);
    struct consumer *consumer = consumer_create(queue);
    struct weftp_seat *seats[30];
    for (size_t i = 0; i < 30; i++) {
        seats[i] = weftp_queue_sit(queue);
        assert_true(queue_push(queue, seats[i], 9, "x", 1));
        if (i % 2) weftp_queue_leave(queue, seats[i]);
    }
    fail_alloc_from_now(0, true);
    while (consumer_round(consumer)) continue;
    const bool failed = fail_alloc_stop();
    assert_false(failed);
    assert_int_equal(consumer->records, 30);
    free(consumer);
    queue_destroy(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_step_fails),
        cmocka_unit_test(test_the_consumer_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
