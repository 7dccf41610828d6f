/* seq=on behind the queue: what a full ring dropped, and what a process that died had not written. */
#include "support/numbers.h"

#include "support/queue_rows.h"

/* ---- a full ring ---- */

#define FLOOD 5000

static void overflow(void *arg)
{
    const struct row *row = arg;
    gate_begin_shut(row);
    for (unsigned part = 0; part < 3; part++) {
        row_log_many(part, FLOOD);
        gate_set(false);
        EXPECT(weft_flush(20000) == WEFT_OK);
        gate_set(true);
    }
    gate_set(false);
    const weft_stats stats = queue_sums();
    EXPECT(stats.accepted == 3 * FLOOD + 1 && stats.dropped_queue > FLOOD);
}

static void what_the_ring_dropped_is_what_numbers_leave_out(void **state)
{
    struct row row = gate_row();
    struct number_reader reader = {.count = 0};
    (void)state;
    snprintf(row.sinks, sizeof row.sinks, "WEFT_SINKS=gate:?seq=on");
    QUEUE_RUN(&row, overflow, &row, "WEFT_OVERFLOW=drop", "WEFT_QUEUE_BYTES=64KiB");
    number_read(&reader, row.path);
    assert_true(!reader.hole && reader.count == 1);
    const struct number_stream *stream = &reader.streams[0];
    assert_true(stream->lost > FLOOD && stream->gaps >= 3);
    assert_int_equal(stream->last, 3 * FLOOD + 1 + stream->gaps);
    row_end(&row);
}

/* ---- a process that dies ---- */

/* Dies of an error, which the file has by then and whose space in the ring is not given back. */
static weft_status deadly_write(void *self, const struct weft_line *lines, size_t count,
                                size_t *written)
{
    (void)self;
    for (size_t i = 0; i < count; i++)
        if (lines[i].level == WEFT_LEVEL_ERROR) raise(SIGKILL);
    *written = count;
    return WEFT_OK;
}

static const struct weft_sink_type deadly = {sizeof deadly, "deadly", gate_open_sink,
                                             deadly_write,  NULL,     gate_close};

static void die(void *arg)
{
    (void)arg;
    EXPECT(weft_sink_register(&deadly) == WEFT_OK);
    row_log_many(0, 10);
    EXPECT(weft_flush(20000) == WEFT_OK);
    weft_error(NULL, "the last");
    pause();
}

static void live_on(void *arg)
{
    (void)arg;
    row_log_many(1, 10);
}

struct found {
    char dead_id[33];
    uint64_t marked;
};

static void find(void *arg, yajl_val line)
{
    static const char *const path[] = {"labels", "recovered", NULL};
    struct found *found = arg;
    const char *id = member2_text(line, "labels", "dead_boot_id");
    if (id) snprintf(found->dead_id, sizeof found->dead_id, "%s", id);
    found->marked += yajl_tree_get(line, (const char **)(uintptr_t)path, yajl_t_true) != NULL;
}

/* What is recovered has numbers of the process that writes it, which says whose records they are. */
static void recovered_records_are_numbered_by_who_writes_them(void **state)
{
    struct row row = row_begin("");
    struct number_reader reader = {.count = 0};
    struct found found = {.marked = 0};
    char sinks[300], again[300], dir[160];
    (void)state;
    snprintf(dir, sizeof dir, "WEFT_QUEUE_DIR=%s/queue", row.folder);
    snprintf(sinks, sizeof sinks, "WEFT_SINKS=file:%s?seq=on deadly:?seq=on", row.path);
    snprintf(again, sizeof again, "WEFT_SINKS=file:%s?seq=on", row.path);
    const char *const env[] = {sinks, dir, "WEFT_ASYNC=on", NULL};
    const char *const env_again[] = {again, dir, "WEFT_ASYNC=on", NULL};
    struct child child = run_child(die, NULL, env);
    assert_true(WIFSIGNALED(child.status) && WTERMSIG(child.status) == SIGKILL);
    child_free(&child);
    child = run_child(live_on, NULL, env_again);
    assert_int_equal(child.status, 0);
    child_free(&child);
    number_read(&reader, row.path);
    assert_true(!reader.hole && reader.count == 2);
    char *text = row_text(row.path);
    assert_int_equal(each_line(text, find, &found), 0);
    free(text);
    /* Each line that the dead one had written stands there under its id, and those that are repeated under the other. */
    assert_int_equal(reader.streams[0].last, 11);
    assert_true(found.marked >= 1);
    assert_int_equal(reader.streams[1].last, found.marked + 1 + 10);
    assert_string_equal(found.dead_id, reader.streams[0].id);
    row_end(&row);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_ring_dropped_is_what_numbers_leave_out),
        cmocka_unit_test(recovered_records_are_numbered_by_who_writes_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
