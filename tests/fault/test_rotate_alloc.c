/*
 * Rotation, trimming and compression where the Nth allocation fails, for all N: an error and no
 * harm, and the next try does all of it.
 */
#include "support/sinks.h"

#include "sinks/kit/compress_one.h"
#include "sinks/kit/rotate.h"
#include "support/fail_alloc.h"

#define POINTS_MAX 100

static const atomic_bool go_on = false;
static struct weftp_rotation rotation;
static char path[100];

static int fresh(void **state)
{
    (void)state;
    if (!FAIL_ALLOC_WORKS) return 0;
    scratch_empty(AT_FDCWD, scratch);
    free(rotation.dir);
    snprintf(path, sizeof path, "%s/app.log", scratch);
    rotation = (struct weftp_rotation){.mode = 0640, .keep = 2};
    return weftp_rotation_init(&rotation, path) ? 0 : -1;
}

static int run(void)
{
    struct stat found;
    bool rotated = false;
    assert_int_equal(stat(path, &found), 0);
    const struct weftp_rotation_live live = {
        .dev = found.st_dev, .ino = found.st_ino, .born_ns = 1795352701 * SECOND_NS};
    return weftp_rotation_run(&rotation, &live, &rotated);
}

/* Three files and the live one; keep is 2. */
static void rotate_under_failures(unsigned names, const char *const *before,
                                  const char *const *after)
{
    if (!FAIL_ALLOC_WORKS) skip();
    for (unsigned n = 0; n < POINTS_MAX; n++) {
        fresh(NULL);
        rotation.names = names;
        for (int i = 0; i < 4; i++) write_file(before[i], before[i]);
        fail_alloc_from_now(n, true);
        const int err = run();
        const bool failed = fail_alloc_stop();
        if (failed) assert_int_equal(err, ENOMEM);
        if (exists("app.log")) assert_int_equal(run(), 0);
        assert_int_equal(weftp_rotation_trim(&rotation, 0), 0);
        assert_content(after[0], before[0]);
        assert_content(after[1], before[1]);
        assert_false(exists("app.log") || exists(after[2]) || exists(after[3]));
        if (!failed) return;
    }
    fail_msg("it never succeeds");
}

static void test_numbers(void **state)
{
    (void)state;
    rotate_under_failures(
        WEFTP_NAMES_NUMBER, (const char *const[]){"app.log", "app.log.1", "app.log.2", "app.log.3"},
        (const char *const[]){"app.log.1", "app.log.2", "app.log.3", "app.log.4"});
}

static void test_dates(void **state)
{
    (void)state;
    rotate_under_failures(WEFTP_NAMES_DATE,
                          (const char *const[]){"app.log", "app.log.2026-11-22T130501.1",
                                                "app.log.2026-11-22T130501", "app.log.2026-11-21"},
                          (const char *const[]){"app.log.2026-11-22T130501.2",
                                                "app.log.2026-11-22T130501.1",
                                                "app.log.2026-11-22T130501", "app.log.2026-11-21"});
}

static void test_remove_oldest(void **state)
{
    (void)state;
    if (!FAIL_ALLOC_WORKS) skip();
    for (unsigned n = 0; n < POINTS_MAX; n++) {
        bool removed = false;
        fresh(NULL);
        write_file("app.log.1", "x");
        fail_alloc_from_now(n, false);
        const int err = weftp_rotation_remove_oldest(&rotation, &removed);
        const bool failed = fail_alloc_stop();
        assert_int_equal(err, failed ? ENOMEM : 0);
        assert_int_equal(removed, !failed);
        assert_int_equal(exists("app.log.1"), failed);
        if (!failed) return;
    }
    fail_msg("it never succeeds");
}

static void compress_under_failures(enum weftp_codec codec, int level)
{
    const struct weftp_rotated plain = {.number = 1};
    struct weftp_compression compression;
    if (!FAIL_ALLOC_WORKS || !weftp_codec_available(codec)) skip();
    for (unsigned n = 0; n < POINTS_MAX; n++) {
        char packed[20];
        fresh(NULL);
        rotation.codec = codec;
        rotation.codec_level = level;
        write_file("app.log.1", "line\n");
        const int dir = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        weftp_compression_init(&compression, &rotation, &go_on);
        compression.dir = dir;
        fail_alloc_from_now(n, true);
        const int err = weftp_compress_one(&compression, &plain);
        const bool failed = fail_alloc_stop();
        close(dir);
        snprintf(packed, sizeof packed, "app.log.1%s", weftp_codec_suffix(codec));
        assert_int_equal(exists("app.log.1"), err != 0);
        assert_int_equal(exists(packed), err == 0);
        assert_false(exists(".app.log.gz.tmp") || exists(".app.log.zst.tmp"));
        if (failed) assert_int_equal(err, ENOMEM);
        if (!failed) return;
    }
    fail_msg("it never succeeds");
}

static void test_isal(void **state)
{
    (void)state;
    compress_under_failures(WEFTP_CODEC_GZIP, 0);
}

static void test_zlib(void **state)
{
    (void)state;
    compress_under_failures(WEFTP_CODEC_GZIP, 6);
}

static void test_zstd(void **state)
{
    (void)state;
    compress_under_failures(WEFTP_CODEC_ZSTD, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),       cmocka_unit_test(test_dates),
        cmocka_unit_test(test_remove_oldest), cmocka_unit_test(test_isal),
        cmocka_unit_test(test_zlib),          cmocka_unit_test(test_zstd),
    };
    const int failures = cmocka_run_group_tests(tests, scratch_make, scratch_remove);
    free(rotation.dir);
    return failures;
}
