#include "recover.h"

#include "../queue/salvage.h"
#include "../record/packed.h"
#include "sound.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* One dead session, and where its records go. */
struct rescue {
    struct weftp_salvage salvage;
    const struct weftp_pipeline *pipeline;
    struct weftp_thread *thread;
    bool keep;
    int64_t deadline_ms;
    size_t bytes;   /* taken since the last batch */
    weft_site site; /* of the record at hand: one address for all, as encoders remember addresses */
    struct weftp_bulk bulk;
    struct weftp_unpack_room room; /* owned arrays; the fields' has room for a copy with the mark */
    weft_status status;
    struct weftp_recovered done;
};

/* ---- one record ---- */

static void add_mark(struct rescue *rescue, struct weft_record *record, size_t unpacked)
{
    weft_field *to = rescue->room.fields + unpacked;
    if (record->field_count > 0) memcpy(to, record->fields, record->field_count * sizeof *to);
    to[record->field_count] = weft_bool("recovered", true);
    record->fields = to;
    record->field_count++;
}

/* All that was taken goes to the sinks, and that is stored. */
static void flush(struct rescue *rescue)
{
    weftp_bulk_flush(&rescue->bulk, rescue->pipeline, rescue->thread);
    (void)weftp_pipeline_flush(rescue->pipeline, rescue->deadline_ms);
    if (!rescue->keep && !rescue->status) weftp_salvage_commit(&rescue->salvage);
    rescue->bytes = 0;
}

static void hand_over(struct rescue *rescue, const struct weft_record *record)
{
    weftp_count(&rescue->thread->counts.accepted);
    if (weftp_bulk_add(&rescue->bulk, rescue->pipeline, rescue->thread, record)) flush(rescue);
}

static void take_record(struct rescue *rescue, const struct weftp_ring_entry *entry)
{
    const void *packed = entry + 1;
    const size_t size = weftp_ring_entry_size(entry) - sizeof *entry;
    struct weftp_packed_needs needs;
    struct weftp_unpacked unpacked;
    weft_status status = weftp_packed_needs(packed, size, &needs);
    /* What is unpacked, and behind it the record's own fields once more, with the mark. */
    if (!status && !weftp_unpack_room_grow(&rescue->room, 2 * needs.fields + 1, needs.pairs))
        status = WEFT_ENOMEM;
    if (!status) status = weftp_record_unpack(packed, size, &rescue->room, &unpacked);
    if (!status && !weftp_record_is_sound(&unpacked.record)) status = WEFT_EINVAL;
    if (status == WEFT_ENOMEM) {
        rescue->status = status;
        return;
    }
    if (status) {
        rescue->done.damaged_bytes += size + sizeof *entry;
        return;
    }
    struct weft_record *record = &unpacked.record;
    const weft_site *site = weftp_salvage_site(&rescue->salvage, unpacked.site_id);
    if (!record->site && site) {
        rescue->site = *site;
        record->site = &rescue->site;
    }
    add_mark(rescue, record, needs.fields);
    rescue->done.records++;
    hand_over(rescue, record);
}

static void take_gap(struct rescue *rescue, struct weftp_salvage_ring *ring,
                     const struct weftp_ring_entry *entry)
{
    struct weftp_ring_losses losses;
    if (!weftp_salvage_losses(ring, entry, &losses)) return;
    const struct weftp_gap gap =
        weftp_gap_of(losses.by_level, losses.first_ns, losses.last_ns, ENOBUFS);
    flush(rescue);
    weftp_bulk_lose(rescue->pipeline, &gap);
    rescue->done.lost += gap.lost;
}

/* What no entry tells of. */
static void take_last_losses(struct rescue *rescue)
{
    struct weftp_salvage *salvage = &rescue->salvage;
    for (size_t i = 0; i < salvage->ring_count; i++) take_gap(rescue, &salvage->rings[i], NULL);
}

/* ---- one session ---- */

static void take_entries(struct rescue *rescue)
{
    struct weftp_salvage_ring *ring;
    const struct weftp_ring_entry *entry;
    while (!rescue->status && (entry = weftp_salvage_next(&rescue->salvage, &ring)) != NULL) {
        rescue->bytes += weftp_ring_entry_size(entry);
        if (weftp_ring_entry_kind(entry) == WEFTP_RING_GAP)
            take_gap(rescue, ring, entry);
        else
            take_record(rescue, entry);
        if (rescue->bytes >= WEFTP_BULK_RING_BYTES && !rescue->status) flush(rescue);
    }
}

/* Without memory the batch at hand is written, but not stored as done: its last record is not. */
static void take_rings(struct rescue *rescue)
{
    do {
        take_entries(rescue);
        if (rescue->status) {
            weftp_bulk_flush(&rescue->bulk, rescue->pipeline, rescue->thread);
            return;
        }
        flush(rescue);
    } while (weftp_salvage_more(&rescue->salvage));
    take_last_losses(rescue);
}

static void take_all_rings(struct rescue *rescue)
{
    bool any = false;
    do {
        rescue->status = weftp_salvage_rings(&rescue->salvage, &any);
        if (rescue->status || !any) return;
        take_rings(rescue);
        if (rescue->keep || rescue->status || rescue->salvage.stuck) return;
        weftp_salvage_drop_rings(&rescue->salvage);
    } while (!rescue->salvage.stuck);
}

/* Behind its records: whose they were, and how far they can be relied upon. */
static void say(struct rescue *rescue)
{
    struct weft_record record;
    const struct weftp_salvage *salvage = &rescue->salvage;
    const struct weftp_session_face *face = &salvage->face;
    const struct weftp_recovered *done = &rescue->done;
    const struct timespec start = {(time_t)(face->start_ns / 1000000000),
                                   (long)(face->start_ns % 1000000000)};
    const bool known = salvage->known && face->start_ns >= 0;
    const weft_field fields[] = {
        weft_uint("records", done->records),
        weft_uint("repeated_max", done->repeated_max),
        weft_uint("lost", done->lost),
        weft_uint("damaged_bytes", done->damaged_bytes),
        weft_strn("dead_boot_id", salvage->id, WEFTP_SESSION_ID_SIZE),
        known ? weft_int("dead_pid", face->pid) : weft_none(),
        known ? weft_strn("dead_host", face->host, strnlen(face->host, sizeof face->host))
              : weft_none(),
        known ? weft_time("started", start) : weft_none(),
    };
    const bool whole = done->lost == 0 && done->damaged_bytes == 0;
    const struct weftp_word word = {.level = whole ? WEFT_LEVEL_INFO : WEFT_LEVEL_WARN,
                                    .time_ns = weftp_realtime_ns(),
                                    .message = "recovered what a dead process had not written",
                                    .fields = fields,
                                    .count = sizeof fields / sizeof fields[0]};
    weftp_thread_refresh(rescue->thread, word.time_ns);
    weftp_own_record(&record, rescue->thread, &word);
    hand_over(rescue, &record);
    flush(rescue);
}

static void add_up(struct weftp_recovered *sum, const struct weftp_recovered *more)
{
    sum->sessions += more->sessions;
    sum->records += more->records;
    sum->repeated_max += more->repeated_max;
    sum->lost += more->lost;
    sum->damaged_bytes += more->damaged_bytes;
    sum->skipped += more->skipped;
    sum->failed += more->failed;
}

/* Take one session, if it is dead. */
static void rescue_one(struct rescue *rescue, int dir, const char *id, struct weftp_recovered *sum)
{
    struct weftp_recovered *done = &rescue->done;
    *done = (struct weftp_recovered){0};
    rescue->status = weftp_salvage_begin(&rescue->salvage, dir, id);
    rescue->room.lists = &rescue->salvage.lists;
    if (rescue->status == WEFT_OK) take_all_rings(rescue);
    const bool whole = rescue->status == WEFT_OK && !rescue->salvage.stuck;
    done->damaged_bytes += rescue->salvage.damaged_bytes;
    done->repeated_max = done->records < WEFTP_BULK_LINES ? done->records : WEFTP_BULK_LINES;
    done->sessions = done->records + done->lost + done->damaged_bytes > 0;
    if (done->sessions) say(rescue);
    if (rescue->status == WEFT_EINVAL)
        done->skipped = 1;
    else if (rescue->status != WEFT_ENOTFOUND && !whole)
        done->failed = 1;
    if (!weftp_salvage_end(&rescue->salvage, whole && !rescue->keep) && whole && !rescue->keep)
        done->failed = 1;
    if (rescue->status == WEFT_EINVAL || rescue->status == WEFT_ENOTFOUND) rescue->status = WEFT_OK;
    add_up(sum, done);
}

static weft_status recover(struct rescue *rescue, const char *path, struct weftp_recovered *sum)
{
    char why[128];
    struct weftp_salvage_found *found = NULL;
    size_t count = 0;
    const int dir = weftp_session_dir(path, false, why, sizeof why);
    *sum = (struct weftp_recovered){0};
    if (dir < 0) return errno == ENOENT ? WEFT_OK : WEFT_EINVAL;
    weft_status status = weftp_salvage_list(dir, &found, &count);
    for (size_t i = 0; i < count; i++) {
        rescue_one(rescue, dir, found[i].id, sum);
        if (rescue->status) status = rescue->status;
    }
    free(found);
    if (!rescue->keep) weftp_session_sweep(dir);
    close(dir);
    weftp_bulk_deinit(&rescue->bulk);
    weftp_unpack_room_deinit(&rescue->room);
    return !status && sum->failed ? WEFT_EIO : status;
}

weft_status weftp_recover(const char *dir, const struct weftp_pipeline *pipeline,
                          struct weftp_thread *thread, struct weftp_recovered *done)
{
    struct rescue rescue = {.pipeline = pipeline,
                            .thread = thread,
                            .deadline_ms = weftp_deadline_ms(WEFTP_RECOVER_FLUSH_MS)};
    return recover(&rescue, dir, done);
}

weft_status weftp_recover_keep(const char *dir, const struct weftp_pipeline *pipeline,
                               struct weftp_thread *thread, struct weftp_recovered *done)
{
    struct rescue rescue = {.pipeline = pipeline,
                            .thread = thread,
                            .keep = true,
                            .deadline_ms = weftp_deadline_ms(WEFTP_RECOVER_FLUSH_MS)};
    return recover(&rescue, dir, done);
}
