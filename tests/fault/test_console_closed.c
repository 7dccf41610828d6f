/*
 * The program closes stdout, and the next file that it opens gets the number: no line ever goes
 * into that file.
 */
#include "support/sinks.h"

#include "sinks/console.h"
#include <sys/resource.h>

#define ROUNDS 200

/*
 * Whatever the time between closing, opening and logging is: the data file holds data alone, and
 * what was taken is in the pipe.
 */
static void close_and_open(void *arg)
{
    int ends[2], taken = 0, lost = 0;
    static char got[1 << 16];
    (void)arg;
    if (pipe2(ends, O_CLOEXEC) != 0 || dup2(ends[1], 1) != 1) _exit(1);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    for (int round = 0; round < ROUNDS; round++) {
        const int saved = fcntl(1, F_DUPFD_CLOEXEC, 3);
        close(1);
        /* With and without O_CLOEXEC, as programs do. */
        const int flags = O_WRONLY | O_CREAT | O_APPEND | (round % 2 ? O_CLOEXEC : 0);
        if (open(in_scratch("data"), flags, 0600) != 1) _exit(2);
        for (int i = 0; i < 3; i++) {
            sink_put(&sink, "LINE\n") ? taken++ : lost++;
            if (write(1, "data\n", 5) != 5) _exit(3);
            sink.time_ns += round * SECOND_NS / 100;
        }
        if (dup2(saved, 1) != 1) _exit(4);
        close(saved);
        if (round % 3 == 0) sink.time_ns += SECOND_NS;
        sink_put(&sink, "LINE\n") ? taken++ : lost++;
    }
    sink_close(&sink);
    if (taken == 0 || lost == 0 || taken + lost != 4 * ROUNDS) _exit(5);
    const ssize_t size = read(ends[0], got, sizeof got);
    if (size != taken * 5) _exit(6);
    for (int i = 0; i < taken; i++)
        if (memcmp(got + 5 * i, "LINE\n", 5) != 0) _exit(7);
}

static void test_reused_number_stays_clean(void **state)
{
    size_t size = 0;
    (void)state;
    assert_int_equal(in_child(close_and_open, NULL), 0);
    char *text = slurp_sized("data", &size);
    assert_int_equal(size, ROUNDS * 3 * 5);
    for (size_t i = 0; i < size; i += 5) assert_memory_equal(text + i, "data\n", 5);
    free(text);
}

/*
 * Closed from the start, as by a careless parent: lines are lost, the service lives, a later pipe
 * is taken up.
 */
static void closed_from_the_start(void *arg)
{
    int ends[2];
    char got[16] = "";
    (void)arg;
    close(1);
    struct sink sink = sink_open(&weftp_sink_stdout, NULL);
    if (sink.opened != WEFT_OK || sink_put(&sink, "lost\n")) _exit(1);
    if (sink_error(&sink).err != EBADF) _exit(2);
    if (open(in_scratch("other"), O_WRONLY | O_CREAT, 0600) != 1) _exit(3);
    for (int i = 0; i < 5; i++, sink.time_ns += SECOND_NS)
        if (sink_put(&sink, "lost\n")) _exit(4);
    if (pipe2(ends, O_CLOEXEC) != 0 || dup2(ends[1], 1) != 1) _exit(5);
    if (!sink_put(&sink, "found\n")) _exit(6);
    if (read(ends[0], got, sizeof got) != 6 || strcmp(got, "found\n") != 0) _exit(7);
    sink_close(&sink);
}

static void test_closed_from_the_start(void **state)
{
    (void)state;
    assert_int_equal(in_child(closed_from_the_start, NULL), 0);
    assert_content("other", "");
}

/* ---- no descriptor is left ---- */

/* Returns the last one. */
static int use_all_descriptors(void)
{
    const struct rlimit few = {12, 12};
    int last = -1, fd;
    for (int other = 3; other < 1024; other++) close(other);
    if (setrlimit(RLIMIT_NOFILE, &few) != 0) _exit(100);
    while ((fd = open("/dev/null", O_WRONLY)) >= 0) last = fd;
    if (errno != EMFILE || last != 11) _exit(101);
    return last;
}

static void no_descriptor_left(void *arg)
{
    int ends[2];
    char got[64] = "";
    (void)arg;
    if (pipe(ends) != 0 || dup2(ends[1], 1) != 1 || dup2(ends[1], 2) != 2) _exit(1);
    if (dup2(ends[0], 0) != 0) _exit(1);
    const int last = use_all_descriptors();
    struct sink out = sink_open(&weftp_sink_stdout, NULL);
    struct sink err = sink_open(&weftp_sink_stderr, NULL);
    if (!sink_put(&out, "out\n") || !sink_put(&err, "err\n")) _exit(2);
    /* Within the same second the number means a data file: not one line goes there. */
    close(last);
    const int saved = fcntl(1, F_DUPFD, 3);
    close(1);
    if (open(in_scratch("few"), O_WRONLY | O_CREAT | O_APPEND, 0600) != 1) _exit(3);
    for (int i = 0; i < 5; i++, out.time_ns += SECOND_NS / 2) {
        if (sink_put(&out, "lost\n") || sink_error(&out).err != EBADF) _exit(4);
        if (!sink_put(&err, "err\n") || write(1, "data\n", 5) != 5) _exit(5);
    }
    /* And back; with a descriptor to spare the duplicate is made within a second. */
    if (dup2(saved, 1) != 1) _exit(6);
    out.time_ns += SECOND_NS;
    if (!sink_put(&out, "back\n")) _exit(7);
    close(saved);
    out.time_ns += SECOND_NS;
    if (!sink_put(&out, "own\n") || fcntl(saved, F_GETFD) != FD_CLOEXEC) _exit(8);
    if (read(0, got, sizeof got) != 4 + 4 + 5 * 4 + 5 + 4) _exit(9);
    if (strcmp(got, "out\nerr\nerr\nerr\nerr\nerr\nerr\nback\nown\n") != 0) _exit(10);
    sink_close(&out);
    sink_close(&err);
    if (fcntl(1, F_GETFD) < 0 || fcntl(2, F_GETFD) < 0) _exit(11);
}

static void test_no_descriptor_left(void **state)
{
    (void)state;
    assert_int_equal(in_child(no_descriptor_left, NULL), 0);
    assert_content("few", "data\ndata\ndata\ndata\ndata\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reused_number_stays_clean),
        cmocka_unit_test(test_closed_from_the_start),
        cmocka_unit_test(test_no_descriptor_left),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
