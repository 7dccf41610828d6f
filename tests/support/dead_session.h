/*
 * A process that dies with records in the rings of a directory, without the library around them:
 * packed records pushed by hand into the seats of a queue over a store.
 */
#ifndef TEST_SUPPORT_DEAD_SESSION_H
#define TEST_SUPPORT_DEAD_SESSION_H

#include "support/child.h"

#include "src/queue/salvage.h"
#include "src/queue/store.h"
#include "src/record/packed.h"
#include "src/record/sites.h"
#include "src/record/templates.h"

#define DEAD_RING_BYTES WEFTP_RING_BYTES_MIN

/* In the child. */
struct dead {
    struct weftp_queue queue;
    struct weftp_store *store;
};

static inline void dead_begin(struct dead *dead, const char *dir)
{
    char why[128] = "";
    const struct weftp_queue_options options = {
        .ring_bytes = DEAD_RING_BYTES, .overflow = WEFTP_OVERFLOW_DROP, .block_ns = INT64_MAX};
    memset(dead, 0, sizeof *dead);
    if (weftp_store_open(&dead->store, dir, why, sizeof why) != WEFT_OK) {
        dprintf(2, "%s %s\n", dir, why);
        _exit(98);
    }
    weftp_queue_open(&dead->queue, &options, false);
    weftp_queue_store_set(&dead->queue, weftp_store_type(dead->store));
}

/* Push a record of a site: "seq" with two fields, as a queued call does. False: no room. */
static inline bool dead_push_from(struct dead *dead, struct weftp_seat *seat, int64_t time_ns,
                                  weft_site *site, const weft_field fields[2])
{
    const struct weft_record record = {.struct_size = sizeof record,
                                       .time_ns = time_ns,
                                       .pid = getpid(),
                                       .tid = 7,
                                       .level = WEFT_LEVEL_INFO,
                                       .logger = "dead.logger",
                                       .logger_size = 11,
                                       .thread = "walker",
                                       .thread_size = 6,
                                       .message = "seq",
                                       .message_size = 3,
                                       .site = site,
                                       .fields = fields,
                                       .field_count = 2};
    size_t room, size;
    EXPECT(weftp_site_register(site) != 0);
    weftp_template_know(site, fields, 2);
    void *to = weftp_queue_room(&dead->queue, seat, record.level, 384, &room);
    if (!to) {
        weftp_queue_lose(&dead->queue, seat, record.level, time_ns);
        return false;
    }
    EXPECT(weftp_record_pack(&record, WEFTP_PACK_SITE_BY_ID, to, room, &size) == WEFT_OK);
    weftp_queue_commit(&dead->queue, seat, size, time_ns);
    return true;
}

/* Push a record with the fields writer and seq, whose keys are named by a template. */
static inline bool dead_push(struct dead *dead, struct weftp_seat *seat, int64_t time_ns,
                             uint64_t seq)
{
    static weft_site site = {.file = "dead_session.h", .func = "dead_push", .line = 42};
    const weft_field fields[] = {weft_uint("writer", seat->number), weft_uint("seq", seq)};
    return dead_push_from(dead, seat, time_ns, &site, fields);
}

/* The same with keys that are no literals: the record carries them. */
static inline bool dead_push_keyed(struct dead *dead, struct weftp_seat *seat, int64_t time_ns,
                                   uint64_t seq)
{
    static weft_site site = {.file = "dead_session.h", .func = "dead_push_keyed", .line = 43};
    const char writer_key[] = "writer", seq_key[] = "seq";
    const weft_field fields[] = {weft_uint(writer_key, seat->number), weft_uint(seq_key, seq)};
    return dead_push_from(dead, seat, time_ns, &site, fields);
}

/* Run `fn` in a child that then dies by SIGKILL; 0 if it came so far. */
static inline int dead_run(void (*fn)(const char *dir, void *arg), const char *dir, void *arg)
{
    fflush(NULL);
    const pid_t pid = fork();
    if (pid < 0) abort();
    if (pid == 0) {
        fn(dir, arg);
        raise(SIGKILL);
    }
    const int status = test_wait(pid, 60);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : -1;
}

#endif
