/*
 * A sites file that anybody may have written: what of it is taken, what is counted as damaged, and
 * that one bad entry does not cost the others.
 */
#include "support/sinks.h"

#include "support/dead_session.h"

#include <sys/resource.h>

static char dir[160];

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    snprintf(dir, sizeof dir, "%s/queue", scratch);
    return 0;
}

/* ---- a file ---- */

static struct {
    _Alignas(8) char bytes[65536];
    size_t size;
} file;

/* An entry with the right check, of `size` bytes. */
static void add(uint32_t id, const void *content, size_t content_size, size_t size)
{
    struct weftp_session_entry head = {.size = (uint32_t)size, .id = id};
    char *at = file.bytes + file.size;
    assert_true(size % 8 == 0 && size >= sizeof head + content_size);
    memset(at, 0, size);
    memcpy(at + sizeof head, content, content_size);
    memcpy(at, &head, sizeof head);
    head.check = weftp_session_entry_check(at, size);
    memcpy(at, &head, sizeof head);
    file.size += size;
}

static void add_list(uint32_t number, const void *list, size_t size)
{
    add(WEFTP_SESSION_TEMPLATE | number, list, size,
        (sizeof(struct weftp_session_entry) + size + 7) / 8 * 8);
}

/* A template of one number. */
static void add_int(uint32_t number, const char *key)
{
    char list[64] = {1, WEFT_TYPE_INT, (char)strlen(key)};
    strncpy(list + 3, key, 60);
    add_list(number, list, 4 + strlen(key));
}

static void add_site(uint32_t id, const char *path, const char *func)
{
    char content[64] = "";
    struct weftp_session_site head = {.line = 5, .level = 9};
    head.file_size = (uint16_t)strlen(path);
    head.func_size = (uint16_t)strlen(func);
    const size_t fixed = sizeof head - sizeof head.entry;
    memcpy(content, (const char *)&head + sizeof head.entry, fixed);
    memcpy(content + fixed, path, head.file_size);
    memcpy(content + fixed + head.file_size + 1, func, head.func_size);
    add(id, content, fixed + head.file_size + head.func_size + 2u, 64);
}

static void no_records(const char *path, void *arg)
{
    struct dead dead;
    (void)arg;
    dead_begin(&dead, path);
}

struct found {
    char id[WEFTP_SESSION_ID_SIZE + 1];
};

static bool find_session(void *arg, const struct weftp_session_name *name)
{
    struct found *found = arg;
    memcpy(found->id, name->id, sizeof found->id);
    return true;
}

/* Begin to salvage a session that has the file. */
static struct weftp_salvage begin(int *fd, weft_status wanted)
{
    char why[128], name[WEFTP_SESSION_NAME_SIZE];
    struct found found;
    struct weftp_salvage salvage;
    assert_int_equal(dead_run(no_records, dir, NULL), 0);
    *fd = weftp_session_dir(dir, false, why, sizeof why);
    assert_int_equal(weftp_session_list(*fd, find_session, &found), WEFT_OK);
    weftp_session_name(name, found.id, WEFTP_SESSION_SITES, 0);
    const int sites = openat(*fd, name, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(sites, file.bytes, file.size), file.size);
    close(sites);
    assert_int_equal(weftp_salvage_begin(&salvage, *fd, found.id), wanted);
    return salvage;
}

static void end(struct weftp_salvage *salvage, int fd)
{
    assert_true(weftp_salvage_end(salvage, true));
    close(fd);
    file.size = 0;
}

static void expect_key(const struct weftp_salvage *salvage, uint32_t number, const char *key)
{
    const char *list = number < salvage->lists.count ? salvage->lists.by_number[number] : NULL;
    if (!key) {
        assert_null(list);
        return;
    }
    assert_non_null(list);
    assert_string_equal(list + 3, key);
}

/* ---- what is in it ---- */

static void test_sound(void **state)
{
    int fd;
    (void)state;
    add_int(1, "one");
    add_site(2, "two.c", "f");
    add_int(WEFTP_TEMPLATES_MAX, "last");
    add_site(WEFTP_SITES_MAX, "last.c", "");
    struct weftp_salvage salvage = begin(&fd, WEFT_OK);
    assert_int_equal(salvage.damaged_bytes, 0);
    expect_key(&salvage, 1, "one");
    expect_key(&salvage, 2, NULL);
    expect_key(&salvage, WEFTP_TEMPLATES_MAX, "last");
    assert_string_equal(weftp_salvage_site(&salvage, 2)->file, "two.c");
    assert_string_equal(weftp_salvage_site(&salvage, WEFTP_SITES_MAX)->file, "last.c");
    assert_null(weftp_salvage_site(&salvage, 1));
    end(&salvage, fd);
}

/* The first one of a number is the one. */
static void test_twice(void **state)
{
    int fd;
    (void)state;
    add_int(1, "one");
    add_site(1, "one.c", "f");
    const size_t good = file.size;
    add_int(1, "two");
    add_site(1, "two.c", "f");
    struct weftp_salvage salvage = begin(&fd, WEFT_OK);
    assert_int_equal(salvage.damaged_bytes, file.size - good);
    expect_key(&salvage, 1, "one");
    assert_string_equal(weftp_salvage_site(&salvage, 1)->file, "one.c");
    end(&salvage, fd);
}

static void test_numbers_that_are_none(void **state)
{
    int fd;
    (void)state;
    add_int(0, "zero");
    add_int(WEFTP_TEMPLATES_MAX + 1, "beyond");
    add_int(0x7fffffff, "far beyond");
    add_site(0, "zero.c", "f");
    add_site(WEFTP_SITES_MAX + 1, "beyond.c", "f");
    struct weftp_salvage salvage = begin(&fd, WEFT_OK);
    assert_int_equal(salvage.damaged_bytes, file.size);
    assert_true(salvage.lists.count <= 1 && salvage.site_count <= 1);
    end(&salvage, fd);
}

/* Their checks are right, and they are lists all the same that no process wrote. */
static void test_lists_that_are_none(void **state)
{
    enum { I = WEFT_TYPE_INT };
    static const struct {
        size_t size;
        unsigned char bytes[12];
        bool sound;
    } lists[] = {
        {5, {1, I, 1, 'k', 0}, true},
        {9, {2, I, 1, 'k', 0, WEFT_TYPE_STR, 1, 'l', 0}, true},
        {5, {0, I, 1, 'k', 0}, false},                          /* no key */
        {5, {WEFTP_TEMPLATE_FIELDS_MAX + 1, I, 1, 'k'}, false}, /* too many */
        {5, {2, I, 1, 'k', 0}, false},                          /* the second one is not there */
        {4, {1, I, 0, 0}, false},                               /* without a character */
        {6, {1, I, 2, 'k', 0, 0}, false},                       /* a NUL within */
        {6, {1, I, 1, 'k', 'k', 0}, false},                     /* none behind */
        {12, {1, I, 20, 'k', 'k', 'k', 'k', 'k', 'k'}, false},  /* longer than the entry */
        {5, {1, I, 255, 'k', 0}, false},                        /* longer than keys are */
        {5, {1, 255, 1, 'k', 0}, false},                        /* no type */
        {5, {1, WEFT_TYPE_OBJ, 1, 'k', 0}, false},              /* one that takes children */
        {5, {1, WEFT_TYPE_END_, 1, 'k', 0}, false},
    };
    const uint32_t count = sizeof lists / sizeof *lists;
    int fd;
    (void)state;
    for (uint32_t i = 0; i < count; i++) add_list(i + 1, lists[i].bytes, lists[i].size);
    add_int(100, "sound");
    struct weftp_salvage salvage = begin(&fd, WEFT_OK);
    for (uint32_t i = 0; i < count; i++) expect_key(&salvage, i + 1, lists[i].sound ? "k" : NULL);
    expect_key(&salvage, 100, "sound");
    assert_true(salvage.damaged_bytes > 0);
    end(&salvage, fd);
}

/* A site whose texts do not fit into its entry, or have no end. */
static void test_sites_that_are_none(void **state)
{
    int fd;
    (void)state;
    add_site(1, "one.c", "f");
    struct weftp_session_site head;
    char content[52];
    memcpy(&head, file.bytes, sizeof head);
    memset(content, 'x', sizeof content); /* no NUL */
    for (uint32_t id = 2; id < 4; id++) {
        head.file_size = id == 2 ? 4000 : 10;
        memcpy(content, (const char *)&head + sizeof head.entry, sizeof head - sizeof head.entry);
        add(id, content, sizeof content, 64);
    }
    add(4, "short", 5, 24);
    add_site(5, "five.c", "f");
    struct weftp_salvage salvage = begin(&fd, WEFT_OK);
    assert_non_null(weftp_salvage_site(&salvage, 1));
    assert_string_equal(weftp_salvage_site(&salvage, 5)->file, "five.c");
    for (uint32_t id = 2; id < 5; id++) assert_null(weftp_salvage_site(&salvage, id));
    end(&salvage, fd);
}

/* One whose check is wrong is passed over; one whose size is, is the end. */
static void test_damaged(void **state)
{
    int fd;
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        add_int(1, "one");
        const size_t bad = file.size;
        add_int(2, "two");
        const size_t behind = file.size;
        add_int(3, "three");
        file.bytes[bad + (round == 0 ? 13 : 1)] ^= 1;
        const size_t size = file.size;
        struct weftp_salvage salvage = begin(&fd, WEFT_OK);
        assert_int_equal(salvage.damaged_bytes, (round == 0 ? behind : size) - bad);
        expect_key(&salvage, 1, "one");
        expect_key(&salvage, 2, NULL);
        expect_key(&salvage, 3, round == 0 ? "three" : NULL);
        end(&salvage, fd);
    }
}

/* What is in the place of the file is not what a process wrote; what cannot be had now may be later. */
static void test_no_file(void **state)
{
    char why[128];
    struct found found;
    struct weftp_salvage salvage;
    (void)state;
    assert_int_equal(dead_run(no_records, dir, NULL), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        const int fd = weftp_session_dir(dir, false, why, sizeof why);
        EXPECT(weftp_session_list(fd, find_session, &found) == WEFT_OK);
        const rlim_t next = (rlim_t)fd + 2; /* the session's file, and no more */
        const struct rlimit few = {next, next};
        EXPECT(setrlimit(RLIMIT_NOFILE, &few) == 0);
        EXPECT(weftp_salvage_begin(&salvage, fd, found.id) == WEFT_EIO);
        EXPECT(!weftp_salvage_end(&salvage, false));
        _exit(0);
    }
    assert_int_equal(test_wait(pid, 60), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_sound, fresh),
        cmocka_unit_test_setup(test_twice, fresh),
        cmocka_unit_test_setup(test_numbers_that_are_none, fresh),
        cmocka_unit_test_setup(test_lists_that_are_none, fresh),
        cmocka_unit_test_setup(test_sites_that_are_none, fresh),
        cmocka_unit_test_setup(test_damaged, fresh),
        cmocka_unit_test_setup(test_no_file, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
