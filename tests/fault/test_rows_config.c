/*
 * Row 42 of the fault table: a configuration file that is hostile or broken, at the start and at a
 * reload. The service starts and goes on, what is wrong is said with its place, and a reload that
 * finds it leaves what was in force.
 */
#include "support/rows.h"

#define LARGE ((size_t)2 << 20)

/* Makes the file at the path. */
struct hostile {
    const char *what;
    void (*make)(const char *path);
};

static void put(const char *path, const char *data, size_t size)
{
    FILE *file = fopen(path, "w");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) abort();
}

static void put_text(const char *path, const char *text)
{
    put(path, text, strlen(text));
}

static void put_many(const char *path, char c, size_t size)
{
    char *data = malloc(size);
    if (!data) abort();
    memset(data, c, size);
    put(path, data, size);
    free(data);
}

static void make_deep(const char *path)
{
    put_many(path, '[', 100000);
}

static void make_large(const char *path)
{
    put_many(path, ' ', LARGE);
}

static void make_bad_utf8(const char *path)
{
    put_text(path, "{\n  \"level\": \"\xc0\x80\xff\"\n}");
}

static void make_nul(const char *path)
{
    static const char text[] = "{\"level\": \"de\0bug\"}";
    put(path, text, sizeof text - 1);
}

static void make_short(const char *path)
{
    put_text(path, "{\"level\": \"debug\",\n\"sinks\": [");
}

static void make_no_object(const char *path)
{
    put_text(path, "[1, 2, 3]");
}

static void make_empty(const char *path)
{
    put_text(path, "");
}

static void make_loop(const char *path)
{
    if (symlink(path, path) != 0) abort();
}

static void make_fifo(const char *path)
{
    if (mkfifo(path, 0600) != 0) abort();
}

static void make_folder(const char *path)
{
    if (mkdir(path, 0700) != 0) abort();
}

static void make_endless(const char *path)
{
    if (symlink("/dev/zero", path) != 0) abort();
}

static void make_nothing(const char *path)
{
    (void)path;
}

static const struct hostile hostile[] = {
    {"deep", make_deep},       {"large", make_large},          {"bad UTF-8", make_bad_utf8},
    {"NUL", make_nul},         {"cut short", make_short},      {"no object", make_no_object},
    {"empty", make_empty},     {"a loop of links", make_loop}, {"a FIFO", make_fifo},
    {"a folder", make_folder}, {"endless", make_endless},      {"absent", make_nothing},
};
#define HOSTILE (sizeof hostile / sizeof hostile[0])

/* ---- at the start ---- */

static void start(void *arg)
{
    (void)arg;
    alarm(20);
    row_log_many(0, 3);
    const weft_stats stats = row_stats();
    EXPECT(stats.written == 3);
    EXPECT(stats.config_errors > 0);
}

static void row_42_hostile_at_the_start(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        char path[160], config[192];
        struct row row = row_begin("");
        snprintf(path, sizeof path, "%s/config.json", row.folder);
        snprintf(config, sizeof config, "WEFT_CONFIG=%s", path);
        hostile[i].make(path);
        const char *const env[] = {row.sinks, config, NULL};
        struct child child = run_child(start, NULL, env);
        if (child.status != 0)
            fail_msg("%s: status %x: %s", hostile[i].what, (unsigned)child.status, child.err);
        assert_int_equal(each_line(child.err, NULL, NULL), 0);
        assert_in_range(count_lines(child.err), 1, 40);
        if (!strstr(child.err, "config.json")) fail_msg("%s: %s", hostile[i].what, child.err);
        child_free(&child);
        row_end(&row);
    }
}

/* ---- at a reload ---- */

struct reload {
    char path[160], other[200];
    const struct hostile *hostile;
};

static void reload_to(void *arg)
{
    const struct reload *reload = arg;
    alarm(20);
    weft_debug(NULL, "seq", weft_uint("writer", 0), weft_uint("seq", 0));
    if (rename(reload->path, reload->other) != 0) abort();
    reload->hostile->make(reload->path);
    weft_reload(); /* whatever it returns */
    weft_debug(NULL, "seq", weft_uint("writer", 0), weft_uint("seq", 1));
    unlink(reload->path);
    rmdir(reload->path);
    if (rename(reload->other, reload->path) != 0) abort();
    EXPECT(weft_reload() == WEFT_OK);
    weft_debug(NULL, "seq", weft_uint("writer", 0), weft_uint("seq", 2));
    EXPECT(row_stats().dropped == 0);
}

/* The sink and the level are the file's own, so that losing it would be seen. */
static void row_42_hostile_at_a_reload(void **state)
{
    (void)state;
    for (size_t i = 0; i < HOSTILE; i++) {
        char config[192], text[400];
        struct row row = row_begin("");
        struct row_seqs seqs = {.lines = 0};
        struct reload reload = {.hostile = &hostile[i]};
        snprintf(reload.path, sizeof reload.path, "%s/config.json", row.folder);
        snprintf(reload.other, sizeof reload.other, "%s.good", reload.path);
        snprintf(config, sizeof config, "WEFT_CONFIG=%s", reload.path);
        snprintf(text, sizeof text, "{\"level\": \"debug\", \"sinks\": [\"file:%s\"]}", row.path);
        put_text(reload.path, text);
        const char *const env[] = {config, NULL};
        struct child child = run_child(reload_to, &reload, env);
        if (child.status != 0)
            fail_msg("%s: status %x: %s", hostile[i].what, (unsigned)child.status, child.err);
        row_read(&seqs, row.path);
        if (seqs.next[0] != 3 || seqs.gap)
            fail_msg("%s: what was in force is gone", hostile[i].what);
        child_free(&child);
        row_end(&row);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(row_42_hostile_at_the_start),
        cmocka_unit_test(row_42_hostile_at_a_reload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
