/*
 * Whichever allocation fails: a session is begun or leaves nothing, and what a dead process left is
 * written now or by a later start.
 */
#include "support/dead_rows.h"

#include "support/dead_session.h"
#include "support/fail_alloc.h"

#include "src/pipeline/recover.h"
#include "src/weft/system.h"

#define ALLOCATIONS_MAX 400
#define RECORDS         40

static unsigned count_descriptors(void)
{
    unsigned count = 0;
    DIR *list = opendir("/proc/self/fd");
    EXPECT(list != NULL);
    while (readdir(list)) count++;
    closedir(list);
    return count;
}

static void open_store(void *arg)
{
    const char *dir = arg;
    char why[128];
    unsigned n = 0;
    struct weftp_store *store = NULL;
    const unsigned before = count_descriptors();
    for (bool failed = true; failed; n++) {
        EXPECT(n < ALLOCATIONS_MAX);
        why[0] = '\0';
        fail_alloc_from_now(n, false);
        const weft_status status = weftp_store_open(&store, dir, why, sizeof why);
        failed = fail_alloc_stop();
        EXPECT(status == WEFT_OK || failed);
        EXPECT((status == WEFT_OK) == (why[0] == '\0'));
        if (status == WEFT_OK) weftp_store_close(store, false);
        EXPECT(rmdir(dir) == 0 || errno == ENOENT);
        EXPECT(count_descriptors() == before);
    }
    EXPECT(n > 1);
}

static void begin_a_session(void **state)
{
    struct queue_row row;
    (void)state;
    if (!FAIL_ALLOC_WORKS) row_skip("the sanitizer has malloc");
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    row.row.env[1] = NULL;
    row_run(&row.row, open_store, row.dir);
    row_end(&row.row);
}

static void run_script(const char *path, void *arg)
{
    struct weftp_seat *seats[2];
    struct dead dead;
    (void)arg;
    dead_begin(&dead, path);
    for (unsigned i = 0; i < 2; i++) seats[i] = weftp_queue_sit(&dead.queue);
    for (unsigned i = 0; i < RECORDS; i++) EXPECT(dead_push(&dead, seats[i % 2], 1000 + i, i / 2));
}

/* Recover with the nth allocation failing, until nothing is left. Returns how many starts it took. */
static unsigned recover_with(const char *dir, unsigned n, bool *failed)
{
    struct weftp_recovered done;
    struct weftp_thread *thread = NULL;
    for (unsigned starts = 1;; starts++) {
        EXPECT(starts < 4);
        EXPECT(weftp_thread_enter(&thread) == WEFTP_ENTER_OK);
        if (starts == 1) fail_alloc_from_now(n, false);
        const weft_status status = weftp_recover(dir, weftp_system_pipeline(), thread, &done);
        if (starts == 1) *failed = fail_alloc_stop();
        weftp_thread_leave(thread);
        EXPECT(done.damaged_bytes == 0 || *failed); /* sites that were not read */
        if (status == WEFT_OK && rmdir(dir) == 0) return starts;
    }
}

static void recover_all(void *arg)
{
    const struct queue_row *row = arg;
    bool failed = true;
    unsigned again = 0;
    uint64_t dropped = 0;
    EXPECT(weft_init(NULL) == WEFT_OK);
    for (unsigned n = 0; failed; n++) {
        struct queue_tally tally = {.lines = 0};
        EXPECT(n < ALLOCATIONS_MAX);
        EXPECT(truncate(row->row.path, 0) == 0);
        EXPECT(dead_run(run_script, row->dir, NULL) == 0);
        again += recover_with(row->dir, n, &failed) > 1;
        EXPECT(queue_read(&tally, row->row.path) == 0);
        const weft_stats stats = row_stats();
        /* What no sink had memory for is counted. */
        EXPECT(stats.dropped > dropped ||
               (tally.next[0] == RECORDS / 2 && tally.next[1] == RECORDS / 2));
        dropped = stats.dropped;
    }
    EXPECT(again > 0);
}

static void recover_what_was_left(void **state)
{
    struct queue_row row;
    (void)state;
    if (!FAIL_ALLOC_WORKS) row_skip("the sanitizer has malloc");
    queue_row_begin(&row, "WEFT_QUEUE_DIR");
    row.row.env[1] = NULL;
    row_run(&row.row, recover_all, &row);
    row_end(&row.row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begin_a_session),
        cmocka_unit_test(recover_what_was_left),
    };
    return cmocka_run_group_tests(tests, queue_rows_setup, queue_rows_teardown);
}
