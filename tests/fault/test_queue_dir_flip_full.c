/*
 * Every byte of what a dead process left is flipped in turn, and every file cut at many places: the
 * next start goes through, makes no more of it than there was, loses no more than the file that was
 * touched held, and says so.
 */
#include "support/sinks.h"

#include "support/dead_session.h"

#include "src/pipeline/recover.h"
#include "src/weft/system.h"
#include <weft/weft.h>

#define SEATS   2
#define KINDS   3  /* of records: of two templates, and with their keys */
#define RECORDS 24 /* of them all */
#define FILES   4

static char dir[160];

/* A file of the session as it was. */
struct left {
    char path[300];
    enum weftp_session_kind kind;
    char *bytes;
    size_t size, interesting; /* its first bytes; behind them all is zero */
};
static struct left files[FILES];
static size_t file_count;

static bool push_other(struct dead *dead, struct weftp_seat *seat, int64_t time_ns, uint64_t seq)
{
    static weft_site site = {.file = "test_queue_dir_flip.c", .func = "push_other", .line = 1};
    const weft_field fields[] = {weft_str("text", "some text"), weft_uint("number", seq)};
    return dead_push_from(dead, seat, time_ns, &site, fields);
}

static bool (*const push[KINDS])(struct dead *dead, struct weftp_seat *seat, int64_t time_ns,
                                 uint64_t seq) = {dead_push, push_other, dead_push_keyed};

static void run_script(const char *path, void *arg)
{
    struct weftp_seat *seats[SEATS];
    struct dead dead;
    (void)arg;
    dead_begin(&dead, path);
    for (unsigned i = 0; i < SEATS; i++) seats[i] = weftp_queue_sit(&dead.queue);
    for (unsigned i = 0; i < RECORDS; i++)
        EXPECT(push[i % KINDS](&dead, seats[i % SEATS], 1000 + i, i));
}

static bool keep_file(void *arg, const struct weftp_session_name *name)
{
    struct left *file = &files[file_count++];
    char text[WEFTP_SESSION_NAME_SIZE];
    struct stat info;
    assert_true(file_count <= FILES);
    weftp_session_name(text, name->id, name->kind, name->number);
    snprintf(file->path, sizeof file->path, "%s/%s", (const char *)arg, text);
    file->kind = name->kind;
    assert_int_equal(stat(file->path, &info), 0);
    file->size = (size_t)info.st_size;
    file->bytes = malloc(file->size);
    const int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(fd, file->bytes, file->size, 0), file->size);
    close(fd);
    for (size_t i = 0; i < file->size; i++)
        if (file->bytes[i]) file->interesting = i + 1;
    if (file->interesting + 64 < file->size) file->interesting += 64;
    return true;
}

static struct weftp_recovered recover(void)
{
    struct weftp_recovered done;
    struct weftp_thread *thread = NULL;
    assert_int_equal(weftp_thread_enter(&thread), WEFTP_ENTER_OK);
    (void)weftp_recover_keep(dir, weftp_system_pipeline(), thread, &done);
    weftp_thread_leave(thread);
    return done;
}

static int set_up(void **state)
{
    char why[128];
    weft_options options = weft_options_default();
    if (scratch_make_in_memory(state) != 0) return -1;
    snprintf(dir, sizeof dir, "%s/queue", scratch);
    if (dead_run(run_script, dir, NULL) != 0) return -1;
    const int fd = weftp_session_dir(dir, false, why, sizeof why);
    assert_int_equal(weftp_session_list(fd, keep_file, dir), WEFT_OK);
    close(fd);
    clearenv();
    options.sinks = "memory:";
    return weft_init(&options) == WEFT_OK ? 0 : -1;
}

static int tear_down(void **state)
{
    for (size_t i = 0; i < file_count; i++) free(files[i].bytes);
    (void)weft_shutdown(1000);
    return scratch_remove(state);
}

static void put(const struct left *file, size_t at, char byte)
{
    const int fd = open(file->path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)at), 1);
    close(fd);
}

/* Records that are left when this byte of the sites file is another one. */
static unsigned left_without(const struct left *sites, size_t at)
{
    struct weftp_session_entry entry;
    size_t from = 0;
    for (;;) {
        memcpy(&entry, sites->bytes + from, sizeof entry);
        if (at < from + entry.size) break;
        from += entry.size;
    }
    if (at - from < sizeof entry.size)
        return RECORDS / KINDS; /* where the next one is is not known */
    return entry.id & WEFTP_SESSION_TEMPLATE ? RECORDS - RECORDS / KINDS : RECORDS;
}

static void check(const struct left *file, size_t at, const struct weftp_recovered *done)
{
    const bool ring = file->kind == WEFTP_SESSION_RING, sites = file->kind == WEFTP_SESSION_SITES;
    const uint64_t least = ring ? RECORDS / SEATS : sites ? left_without(file, at) : RECORDS;
    if (sites && done->damaged_bytes == 0) fail_msg("%s, byte %zu: silent", file->path, at);
    if (done->records > RECORDS || done->records < least)
        fail_msg("%s, byte %zu: %u records", file->path, at, (unsigned)done->records);
    /* What has become of head and tail cannot be told from what they might have been. */
    const size_t head = offsetof(struct weftp_ring_face, producer.head),
                 tail = offsetof(struct weftp_ring_face, consumer.tail);
    const bool index = ring && ((at >= head && at < head + 4) || (at >= tail && at < tail + 4));
    if (!index && done->records < RECORDS && done->damaged_bytes == 0)
        fail_msg("%s, byte %zu: silent", file->path, at);
}

static void test_whole(void **state)
{
    (void)state;
    const struct weftp_recovered done = recover();
    assert_int_equal(file_count, FILES);
    assert_int_equal(done.sessions, 1);
    assert_int_equal(done.records, RECORDS);
    assert_int_equal(done.damaged_bytes, 0);
}

static void test_bytes(void **state)
{
    unsigned flips = 0;
    (void)state;
    for (size_t i = 0; i < file_count; i++) {
        const struct left *file = &files[i];
        for (size_t at = 0; at < file->interesting; at++) {
            put(file, at, (char)~file->bytes[at]);
            const struct weftp_recovered done = recover();
            check(file, at, &done);
            put(file, at, file->bytes[at]);
            flips++;
        }
    }
    printf("%u bytes flipped\n", flips);
}

/* One bit, which makes small differences, where there is something. */
static void test_bits(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_count; i++) {
        const struct left *file = &files[i];
        for (size_t at = 0; at < file->interesting; at++) {
            if (at > sizeof(struct weftp_ring_face) && file->bytes[at] == 0) continue;
            put(file, at, (char)(file->bytes[at] ^ (1 << at % 8)));
            const struct weftp_recovered done = recover();
            check(file, at, &done);
            put(file, at, file->bytes[at]);
        }
    }
}

static void test_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_count; i++) {
        const struct left *file = &files[i];
        const size_t step = file->kind == WEFTP_SESSION_RING ? 37 : 1;
        for (size_t size = 0; size < file->interesting; size += step) {
            assert_int_equal(truncate(file->path, (off_t)size), 0);
            const struct weftp_recovered done = recover();
            assert_true(done.records <= RECORDS);
            const int fd = open(file->path, O_WRONLY | O_CLOEXEC);
            assert_int_equal(pwrite(fd, file->bytes, file->size, 0), file->size);
            close(fd);
        }
    }
    const struct weftp_recovered done = recover();
    assert_int_equal(done.records, RECORDS);
}

/* What stands there in the place of a file is not followed and not waited for. */
static void test_others(void **state)
{
    (void)state;
    for (size_t i = 0; i < file_count; i++) {
        const struct left *file = &files[i];
        const char *aside = in_scratch("aside");
        assert_int_equal(rename(file->path, aside), 0);
        for (unsigned kind = 0; kind < 3; kind++) {
            assert_int_equal(kind == 0   ? symlink(aside, file->path)
                             : kind == 1 ? mkfifo(file->path, 0600)
                                         : mkdir(file->path, 0700),
                             0);
            const struct weftp_recovered done = recover();
            assert_true(done.records <= RECORDS);
            if (file->kind == WEFTP_SESSION_RING) assert_int_equal(done.records, RECORDS / SEATS);
            if (file->kind == WEFTP_SESSION_FACE) assert_int_equal(done.sessions, 0);
            assert_int_equal(remove(file->path), 0);
        }
        assert_int_equal(rename(aside, file->path), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole), cmocka_unit_test(test_bytes),  cmocka_unit_test(test_bits),
        cmocka_unit_test(test_cuts),  cmocka_unit_test(test_others),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
