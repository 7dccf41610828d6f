/*
 * Codecs: what they write is read back by zlib, gzip, zstd and Python, and a whole file is known
 * from a cut one.
 */
#include "support/sinks.h"

#include "sinks/kit/codec.h"
#include "src/port/io.h"

#define SIZE_MAX_TESTED ((size_t)1 << 20)

static unsigned char plain[SIZE_MAX_TESTED];
static const atomic_bool go_on = false, stopped = true;

/* Lines with something random in each; then bytes that nothing can compress. */
static void make_plain(void)
{
    uint32_t seed = 1;
    size_t size = 0;
    while (size < SIZE_MAX_TESTED / 2) {
        char line[120];
        seed = seed * 1664525 + 1013904223;
        const int length = snprintf(line, sizeof line,
                                    "{\"message\":\"order accepted\",\"id\":%u}\n", (unsigned)seed);
        memcpy(plain + size, line, (size_t)length);
        size += (size_t)length;
    }
    for (; size < SIZE_MAX_TESTED; size++) {
        seed = seed * 1664525 + 1013904223;
        plain[size] = (unsigned char)(seed >> 24);
    }
}

static const struct {
    enum weftp_codec codec;
    int level;
} engines[] = {{WEFTP_CODEC_GZIP, 0},
               {WEFTP_CODEC_GZIP, 1},
               {WEFTP_CODEC_GZIP, 9},
               {WEFTP_CODEC_ZSTD, 0},
               {WEFTP_CODEC_ZSTD, 19}};
#define ENGINES (sizeof engines / sizeof *engines)

static int open_plain(size_t size)
{
    const int fd = open(in_scratch("plain"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, plain, size), (ssize_t)size);
    return fd;
}

static int pack(size_t i, size_t size, int from, int *packed)
{
    *packed = open(in_scratch("packed"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return weftp_codec_copy(engines[i].codec, engines[i].level, from, *packed, size, &go_on);
}

/* Whether a command that reads standard input gives the plain bytes. */
static void assert_reads(const char *command, size_t size)
{
    char line[300];
    snprintf(line, sizeof line, "%s <%s/packed | cmp -s - %s/plain", command, scratch, scratch);
    if (system(line) != 0) fail_msg("%s, %zu bytes", line, size);
}

static void test_round_trip(void **state)
{
    static const size_t sizes[] = {
        0, 1, 255, 256, 257, 65535, 65791, 65792, 131072, 131073, SIZE_MAX_TESTED};
    (void)state;
    for (size_t i = 0; i < ENGINES; i++) {
        if (!weftp_codec_available(engines[i].codec)) continue;
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            int packed;
            if (engines[i].level == 19 && sizes[s] > 200000) continue; /* takes a second */
            const int from = open_plain(sizes[s]);
            assert_int_equal(pack(i, sizes[s], from, &packed), 0);
            assert_true(weftp_codec_is_whole(engines[i].codec, packed, sizes[s]));
            assert_false(weftp_codec_is_whole(engines[i].codec, packed, sizes[s] + 1));
            if (engines[i].codec == WEFTP_CODEC_ZSTD) {
                assert_reads("zstd -q -dc", sizes[s]);
            } else {
                size_t size = 0;
                char *back = slurp_sized("packed", &size);
                assert_int_equal(size, sizes[s]);
                assert_memory_equal(back, plain, size);
                free(back);
            }
            close(packed);
            close(from);
        }
    }
}

static void test_other_readers(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        int packed;
        const int from = open_plain(300000);
        assert_int_equal(pack(i, 300000, from, &packed), 0);
        assert_reads("zcat", 300000);
        assert_reads("python3 -c 'import gzip, sys; sys.stdout.buffer.write("
                     "gzip.decompress(sys.stdin.buffer.read()))'",
                     300000);
        close(packed);
        close(from);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_true(weftp_codec_available(WEFTP_CODEC_NONE));
    assert_true(weftp_codec_available(WEFTP_CODEC_GZIP));
    assert_false(weftp_codec_available((enum weftp_codec)WEFTP_CODECS));
    assert_string_equal(weftp_codec_suffix(WEFTP_CODEC_NONE), "");
    assert_string_equal(weftp_codec_suffix(WEFTP_CODEC_GZIP), ".gz");
    assert_string_equal(weftp_codec_suffix(WEFTP_CODEC_ZSTD), ".zst");
    assert_string_equal(weftp_codec_suffix((enum weftp_codec)99), "");
    assert_string_equal(weftp_codec_engine(WEFTP_CODEC_GZIP, 6), "zlib");
    assert_string_equal(weftp_codec_engine(WEFTP_CODEC_NONE, 0), "none");
    if (!weftp_codec_available(WEFTP_CODEC_ZSTD))
        assert_int_equal(weftp_codec_copy(WEFTP_CODEC_ZSTD, 0, -1, -1, 0, &go_on), ENOTSUP);
    assert_int_equal(weftp_codec_copy(WEFTP_CODEC_NONE, 0, -1, -1, 0, &go_on), ENOTSUP);
}

static ssize_t write_fails(int fd, const void *data, size_t size)
{
    (void)fd, (void)data, (void)size;
    errno = ENOSPC;
    return -1;
}

static ssize_t write_three(int fd, const void *data, size_t size)
{
    static unsigned calls;
    if (calls++ % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    return write(fd, data, size < 1000 ? size : 1000);
}

static void test_failures(void **state)
{
    (void)state;
    for (size_t i = 0; i < ENGINES; i++) {
        int packed;
        if (!weftp_codec_available(engines[i].codec)) continue;
        const int from = open_plain(100000);
        /* A file that has grown, or was cut, is for another time. */
        assert_int_equal(pack(i, 99999, from, &packed), EAGAIN);
        close(packed);
        assert_int_equal(pack(i, 100001, from, &packed), EAGAIN);
        assert_int_equal(
            weftp_codec_copy(engines[i].codec, engines[i].level, from, packed, 100000, &stopped),
            ECANCELED);
        close(packed);
        weftp_io.write = write_fails;
        assert_int_equal(pack(i, 100000, from, &packed), ENOSPC);
        close(packed);
        weftp_io.write = write_three;
        assert_int_equal(pack(i, 100000, from, &packed), 0);
        weftp_io.write = write;
        assert_reads(engines[i].codec == WEFTP_CODEC_GZIP ? "zcat" : "zstd -q -dc", 100000);
        close(packed);
        assert_int_equal(pack(i, 100000, -1, &packed), EBADF);
        close(packed);
        close(from);
    }
}

/* What is no compressed file at all. */
static void test_not_whole(void **state)
{
    (void)state;
    write_file("packed", "");
    const int fd = open(in_scratch("packed"), O_RDWR | O_CLOEXEC);
    for (unsigned codec = 0; codec <= WEFTP_CODECS; codec++) {
        assert_false(weftp_codec_is_whole(codec, fd, 0));
        assert_false(weftp_codec_is_whole(codec, -1, 0));
    }
    write_file("packed", "some text that is long enough");
    for (unsigned codec = 0; codec < WEFTP_CODECS; codec++)
        assert_false(weftp_codec_is_whole(codec, fd, 29));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),     cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_failures),  cmocka_unit_test(test_other_readers),
        cmocka_unit_test(test_not_whole),
    };
    make_plain();
    return cmocka_run_group_tests(tests, scratch_make_in_memory, scratch_remove);
}
