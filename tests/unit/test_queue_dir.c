/*
 * The directory of rings: which one will do, what a session leaves there in which case, and what is
 * read back of one whose process is gone.
 */
#include "support/sinks.h"

#include "support/dead_session.h"

#include <sys/file.h>

static char dir[160];

static int fresh(void **state)
{
    (void)state;
    scratch_empty(AT_FDCWD, scratch);
    snprintf(dir, sizeof dir, "%s/queue", scratch);
    return 0;
}

static bool count_file(void *arg, const struct weftp_session_name *file)
{
    unsigned *counts = arg;
    counts[file->kind]++;
    return true;
}

/* Files by kind: session, sites, rings, new ones. */
static void expect_files(unsigned sessions, unsigned rings)
{
    char why[128];
    unsigned counts[4] = {0};
    const int fd = weftp_session_dir(dir, false, why, sizeof why);
    assert_true(fd >= 0);
    assert_int_equal(weftp_session_list(fd, count_file, counts), WEFT_OK);
    close(fd);
    assert_int_equal(counts[WEFTP_SESSION_FACE], sessions);
    assert_int_equal(counts[WEFTP_SESSION_SITES], sessions);
    assert_int_equal(counts[WEFTP_SESSION_RING], rings);
    assert_int_equal(counts[WEFTP_SESSION_NEW], 0);
}

/* ---- names and directories ---- */

static void test_names(void **state)
{
    static const char id[] = "0123456789abcdef0123456789abcdef";
    static const char *const others[] = {"weft-0123456789abcdef0123456789abcde.ring",
                                         "weft-0123456789abcdef0123456789abcdef",
                                         "weft-0123456789abcdef0123456789abcdef.log",
                                         "weft-0123456789abcdef0123456789abcdef.ring",
                                         "weft-0123456789abcdef0123456789abcdef-.ring",
                                         "weft-0123456789abcdef0123456789abcdef-4294967296.ring",
                                         "weft-0123456789abcdef0123456789abcdef--1.ring",
                                         "weft-0123456789abcdef0123456789abcdef-1.sites",
                                         "weft-0123456789ABCDEF0123456789abcdef.sites",
                                         "weft-",
                                         ".",
                                         ""};
    struct weftp_session_name read;
    char name[WEFTP_SESSION_NAME_SIZE];
    (void)state;
    for (unsigned kind = WEFTP_SESSION_FACE; kind <= WEFTP_SESSION_NEW; kind++) {
        weftp_session_name(name, id, (enum weftp_session_kind)kind, UINT32_MAX);
        assert_true(weftp_session_name_read(name, &read));
        assert_int_equal(read.kind, kind);
        assert_string_equal(read.id, id);
        assert_int_equal(read.number, kind == WEFTP_SESSION_RING ? UINT32_MAX : 0);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(weftp_session_name_read(others[i], &read));
}

static void refused(const char *path, const char *why_wanted)
{
    struct weftp_store *store = NULL;
    char why[128] = "";
    assert_int_equal(weftp_store_open(&store, path, why, sizeof why), WEFT_EINVAL);
    assert_null(store);
    if (!strstr(why, why_wanted)) fail_msg("%s: %s", path, why);
}

static void test_directories(void **state)
{
    struct weftp_store *store = NULL;
    char why[128] = "";
    struct stat info;
    (void)state;
    refused(in_scratch("missing/queue"), "is not there");
    write_file("plain", "x");
    refused(in_scratch("plain"), "is no directory");
    assert_int_equal(weftp_store_open(&store, dir, why, sizeof why), WEFT_OK);
    weftp_store_close(store, false);
    assert_int_equal(stat(dir, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(symlink(dir, in_scratch("link")), 0);
    refused(in_scratch("link"), "is a symbolic link");
    assert_int_equal(chmod(dir, 0777), 0);
    refused(dir, "may be written by others (its mode is 0777");
    assert_int_equal(chmod(dir, 0750), 0);
    refused(dir, "may be read by others");
    assert_int_equal(chmod(dir, 02700), 0); /* as volumes with a group have it */
    assert_int_equal(weftp_store_open(&store, dir, why, sizeof why), WEFT_OK);
    weftp_store_close(store, false);
    if (geteuid() != 0) {
        fprintf(stderr, "SKIPPED: a folder of somebody else needs root\n");
        skip();
    }
    assert_int_equal(chown(dir, 65534, (gid_t)-1), 0);
    refused(dir, "is not owned by this user");
}

/* ---- a living session ---- */

static void test_store(void **state)
{
    struct dead dead;
    struct stat info;
    char name[WEFTP_SESSION_NAME_SIZE], why[128];
    struct weftp_salvage_found *found = NULL;
    struct weftp_salvage salvage;
    size_t count = 0;
    (void)state;
    dead_begin(&dead, dir);
    struct weftp_seat *one = weftp_queue_sit(&dead.queue), *two = weftp_queue_sit(&dead.queue);
    assert_non_null(one->store);
    assert_non_null(two->store);
    assert_int_not_equal(one->number, two->number);
    expect_files(1, 2);
    const int fd = weftp_session_dir(dir, false, why, sizeof why);
    assert_int_equal(weftp_salvage_list(fd, &found, &count), WEFT_OK);
    assert_int_equal(count, 1);
    assert_true(found[0].start_ns > 0);
    /* It lives: nobody else gets it. */
    assert_int_equal(weftp_salvage_begin(&salvage, fd, found[0].id), WEFT_ENOTFOUND);
    assert_false(weftp_salvage_end(&salvage, true));
    weftp_session_name(name, found[0].id, WEFTP_SESSION_RING, one->number);
    assert_int_equal(fstatat(fd, name, &info, AT_SYMLINK_NOFOLLOW), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    assert_int_equal((size_t)info.st_size, weftp_ring_file_size(DEAD_RING_BYTES));
    assert_true((size_t)info.st_blocks * 512 >= DEAD_RING_BYTES); /* none is a hole */
    free(found);
    close(fd);
    /* A ring with something in it is left when the seats go; the clean end removes it all. */
    assert_true(dead_push(&dead, one, 1, 1));
    weftp_queue_close(&dead.queue);
    expect_files(1, 1);
    weftp_store_close(dead.store, false);
    expect_files(0, 0);
}

static void test_keep(void **state)
{
    struct dead dead;
    (void)state;
    dead_begin(&dead, dir);
    assert_true(dead_push(&dead, weftp_queue_sit(&dead.queue), 1, 1));
    weftp_queue_close(&dead.queue);
    weftp_store_close(dead.store, true);
    expect_files(1, 1);
}

/* A program that closes all descriptors: what has their numbers now is not closed at the end. */
static void test_lost_lock(void **state)
{
    struct dead dead;
    (void)state;
    dead_begin(&dead, dir);
    const int first = open("/dev/null", O_RDONLY | O_CLOEXEC);
    for (int fd = 3; fd < first; fd++)
        if (flock(fd, LOCK_EX | LOCK_NB) == 0) assert_true(dup2(first, fd) >= 0);
    weftp_queue_close(&dead.queue);
    weftp_store_close(dead.store, false);
    assert_int_equal(close(first), 0);
}

static void test_fork(void **state)
{
    struct dead dead;
    (void)state;
    dead_begin(&dead, dir);
    struct weftp_seat *seat = weftp_queue_sit(&dead.queue);
    const pid_t pid = fork();
    if (pid == 0) {
        weftp_queue_fork_child(&dead.queue);
        weftp_store_fork_child(dead.store);
        weftp_queue_store_set(&dead.queue, weftp_store_type(dead.store));
        struct weftp_seat *own = weftp_queue_sit(&dead.queue);
        EXPECT(own && own->store && dead_push(&dead, own, 1, 1));
        raise(SIGKILL);
    }
    assert_int_equal(test_wait(pid, 60), SIGKILL);
    expect_files(2, 2);
    assert_true(dead_push(&dead, seat, 1, 2));
    weftp_queue_close(&dead.queue);
    weftp_store_close(dead.store, false); /* its own alone */
    expect_files(1, 1);
}

/* ---- a dead one ---- */

struct script {
    unsigned seats, records;
};

/* Record i is of the seat i % seats. */
static void run_script(const char *path, void *arg)
{
    const struct script *script = arg;
    struct weftp_seat *seats[64];
    struct dead dead;
    dead_begin(&dead, path);
    for (unsigned i = 0; i < script->seats; i++) seats[i] = weftp_queue_sit(&dead.queue);
    for (unsigned i = 0; i < script->records; i++)
        EXPECT(dead_push(&dead, seats[i % script->seats], 1000 + i, i));
}

static struct weftp_salvage claim_one(int *fd)
{
    char why[128];
    struct weftp_salvage salvage;
    struct weftp_salvage_found *found = NULL;
    size_t count = 0;
    *fd = weftp_session_dir(dir, false, why, sizeof why);
    assert_true(*fd >= 0);
    assert_int_equal(weftp_salvage_list(*fd, &found, &count), WEFT_OK);
    assert_int_equal(count, 1);
    assert_int_equal(weftp_salvage_begin(&salvage, *fd, found[0].id), WEFT_OK);
    free(found);
    return salvage;
}

/* Take up to `most` entries: their times go on from `next`. Returns the one after the last. */
static unsigned take(struct weftp_salvage *salvage, unsigned next, unsigned most)
{
    bool any = false;
    unsigned taken = 0;
    assert_int_equal(weftp_salvage_rings(salvage, &any), WEFT_OK);
    if (!any) return next;
    do {
        const struct weftp_ring_entry *entry;
        struct weftp_salvage_ring *ring;
        while (taken < most && (entry = weftp_salvage_next(salvage, &ring)) != NULL) {
            assert_int_equal(entry->time_ns, 1000 + next++);
            taken++;
        }
        weftp_salvage_commit(salvage);
    } while (taken < most && weftp_salvage_more(salvage));
    return next;
}

static void test_salvage(void **state)
{
    struct script script = {.seats = 3, .records = 500};
    int fd;
    (void)state;
    assert_int_equal(dead_run(run_script, dir, &script), 0);
    struct weftp_salvage salvage = claim_one(&fd);
    assert_true(salvage.known);
    const weft_site *site = weftp_salvage_site(&salvage, 1);
    assert_non_null(site);
    assert_string_equal(site->file, "dead_session.h");
    assert_string_equal(site->func, "dead_push");
    assert_int_equal(site->line, 42);
    assert_null(weftp_salvage_site(&salvage, 2));
    assert_null(weftp_salvage_site(&salvage, 0));
    assert_int_equal(take(&salvage, 0, UINT32_MAX), 500);
    assert_int_equal(salvage.damaged_bytes, 0);
    weftp_salvage_drop_rings(&salvage);
    expect_files(1, 0);
    assert_true(weftp_salvage_end(&salvage, true));
    expect_files(0, 0);
    close(fd);
}

/* Whoever goes on knows what was dealt with. */
static void test_progress(void **state)
{
    struct script script = {.seats = 4, .records = 1000};
    unsigned next = 0;
    int fd;
    (void)state;
    assert_int_equal(dead_run(run_script, dir, &script), 0);
    while (next < 1000) {
        struct weftp_salvage salvage = claim_one(&fd);
        const unsigned before = next;
        next = take(&salvage, next, 77);
        assert_int_equal(next, before + 77 < 1000 ? before + 77 : 1000);
        assert_int_equal(salvage.damaged_bytes, 0);
        (void)weftp_salvage_end(&salvage, false);
        close(fd);
    }
    expect_files(1, 4);
}

/* A full ring that has gone round, more than a window long: the whole of it comes back. */
static void run_round(const char *path, void *arg)
{
    struct dead dead;
    size_t room;
    const struct script *script = arg;
    dead_begin(&dead, path);
    dead.queue.options.ring_bytes = (size_t)256 << 10;
    struct weftp_seat *seat = weftp_queue_sit(&dead.queue);
    for (unsigned i = 0; i < script->records; i++) {
        /* One in ten is larger than a window. */
        const size_t size = i % 10 == 3 ? 70000 : 1000 + i;
        while (!weftp_queue_room(&dead.queue, seat, WEFT_LEVEL_INFO, size, &room)) {
            EXPECT(weftp_ring_look_sc(&seat->ring));
            weftp_ring_take_sc(&seat->ring);
            weftp_ring_release_sc(&seat->ring);
        }
        weftp_queue_commit(&dead.queue, seat, size, 1000 + i);
    }
}

static void test_round(void **state)
{
    struct script script = {.records = 200};
    bool any = false;
    int fd;
    (void)state;
    assert_int_equal(dead_run(run_round, dir, &script), 0);
    struct weftp_salvage salvage = claim_one(&fd);
    assert_int_equal(weftp_salvage_rings(&salvage, &any), WEFT_OK);
    const struct weftp_ring_entry *entry;
    struct weftp_salvage_ring *ring;
    int64_t next = 0;
    unsigned count = 0;
    do {
        while ((entry = weftp_salvage_next(&salvage, &ring)) != NULL) {
            if (next) assert_int_equal(entry->time_ns, next);
            next = entry->time_ns + 1;
            count++;
        }
    } while (weftp_salvage_more(&salvage));
    assert_int_equal(next, 1200);
    assert_true(count > 5 && count < 200);
    assert_int_equal(salvage.damaged_bytes, 0);
    assert_true(weftp_salvage_end(&salvage, true));
    close(fd);
}

/* A file of another version is nobody's to touch. */
static void test_version(void **state)
{
    struct script script = {.seats = 1, .records = 5};
    struct weftp_session_face face;
    char why[128], name[WEFTP_SESSION_NAME_SIZE];
    struct weftp_salvage salvage;
    struct weftp_salvage_found *found = NULL;
    size_t count = 0;
    (void)state;
    assert_int_equal(dead_run(run_script, dir, &script), 0);
    const int fd = weftp_session_dir(dir, false, why, sizeof why);
    assert_int_equal(weftp_salvage_list(fd, &found, &count), WEFT_OK);
    weftp_session_name(name, found[0].id, WEFTP_SESSION_FACE, 0);
    const int file = openat(fd, name, O_RDWR | O_CLOEXEC);
    assert_int_equal(pread(file, &face, sizeof face, 0), sizeof face);
    assert_int_equal(face.pid > 0 && face.start_ns > 0, true);
    face.packed++;
    face.check = weftp_session_check(&face);
    assert_int_equal(pwrite(file, &face, sizeof face, 0), sizeof face);
    assert_int_equal(weftp_salvage_begin(&salvage, fd, found[0].id), WEFT_EINVAL);
    (void)weftp_salvage_end(&salvage, false);
    expect_files(1, 1);
    /* Sessions without templates are as they were. */
    face.packed--;
    face.version = WEFTP_SESSION_OLD;
    face.check = weftp_session_check(&face);
    assert_int_equal(pwrite(file, &face, sizeof face, 0), sizeof face);
    assert_int_equal(weftp_salvage_begin(&salvage, fd, found[0].id), WEFT_OK);
    assert_true(salvage.known);
    (void)weftp_salvage_end(&salvage, false);
    /* With a check that does not agree, nothing in it counts, and the rings speak for themselves. */
    face.version = 99;
    assert_int_equal(pwrite(file, &face, sizeof face, 0), sizeof face);
    assert_int_equal(weftp_salvage_begin(&salvage, fd, found[0].id), WEFT_OK);
    assert_false(salvage.known);
    assert_int_equal(take(&salvage, 0, 99), 5);
    assert_true(weftp_salvage_end(&salvage, true));
    close(file);
    close(fd);
    free(found);
}

/* What a process leaves that ended before its session file had its name. */
static void test_sweep(void **state)
{
    char why[128], name[WEFTP_SESSION_NAME_SIZE];
    (void)state;
    const int fd = weftp_session_dir(dir, true, why, sizeof why);
    weftp_session_name(name, "00000000000000000000000000000000", WEFTP_SESSION_NEW, 0);
    const int file = openat(fd, name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(file, LOCK_EX), 0);
    weftp_session_sweep(fd);
    assert_int_equal(faccessat(fd, name, F_OK, 0), 0);
    close(file);
    weftp_session_sweep(fd);
    assert_int_equal(faccessat(fd, name, F_OK, 0), -1);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_names, fresh),
        cmocka_unit_test_setup(test_directories, fresh),
        cmocka_unit_test_setup(test_store, fresh),
        cmocka_unit_test_setup(test_keep, fresh),
        cmocka_unit_test_setup(test_lost_lock, fresh),
        cmocka_unit_test_setup(test_fork, fresh),
        cmocka_unit_test_setup(test_salvage, fresh),
        cmocka_unit_test_setup(test_progress, fresh),
        cmocka_unit_test_setup(test_round, fresh),
        cmocka_unit_test_setup(test_version, fresh),
        cmocka_unit_test_setup(test_sweep, fresh),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
