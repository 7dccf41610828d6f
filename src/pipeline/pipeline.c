#include "pipeline.h"

#include "../record/templates.h"
#include "enqueue.h"

#include <errno.h>
#include <stdlib.h>

static void line_of(struct weft_line *line, const struct weft_record *record,
                    const struct weft_out *out)
{
    *line = (struct weft_line){.data = out->data,
                               .size = weftp_out_size(out),
                               .time_ns = record->time_ns,
                               .logger = record->logger,
                               .logger_size = record->logger_size,
                               .level = (weft_level)record->level};
}

void weftp_pipeline_say_failure(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                                const struct weftp_outlet *outlet,
                                const struct weftp_failure *failure)
{
    const weft_field fields[] = {
        weft_str("sink", outlet->url), weft_str("action", failure->error.what),
        weft_errno("reason", failure->error.err), weft_uint("lost", failure->lost)};
    const struct weftp_word word = {.level = WEFT_LEVEL_ERROR,
                                    .message = failure->lost ? "a sink failed; records are lost"
                                                             : "a sink failed; no record is lost",
                                    .fields = fields,
                                    .count = sizeof fields / sizeof fields[0]};
    weftp_pipeline_say(pipeline, thread, &word);
}

/* Hand the encoded line to one slot's sink. */
static bool deliver(const struct weftp_pipeline *pipeline, const struct weftp_slot *slot,
                    struct weftp_thread *thread, const struct weft_record *record)
{
    struct weft_line line;
    struct weftp_failure failure = {0};
    line_of(&line, record, &thread->line);
    const bool written = weftp_outlet_deliver(slot->outlet, thread, &line,
                                              &pipeline->encodings[slot->encoding], &failure);
    if (__builtin_expect(failure.due, 0))
        weftp_pipeline_say_failure(pipeline, thread, slot->outlet, &failure);
    return written;
}

static bool encode(const struct weftp_pipeline *pipeline, unsigned encoding,
                   struct weftp_thread *thread, const struct weft_record *record)
{
    bool trimmed;
    const bool encoded =
        weftp_line_encode(&pipeline->encodings[encoding], record, &thread->line, &trimmed);
    weftp_counts_note(&thread->counts, &thread->line, trimmed);
    return encoded;
}

static void write_now(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                      const struct weft_record *record)
{
    unsigned have = UINT32_MAX;
    bool wanted = false, encoded = true, all_encoded = true, all_written = true;
    for (size_t i = 0; i < pipeline->slot_count; i++) {
        const struct weftp_slot *slot = &pipeline->slots[i];
        if (record->level < slot->level || record->flags & slot->excludes) continue;
        wanted = true;
        if (slot->encoding != have) {
            have = slot->encoding;
            encoded = encode(pipeline, have, thread, record);
            all_encoded = all_encoded && encoded;
        }
        if (!encoded)
            weftp_outlet_lose(slot->outlet, record->level, record->time_ns, ENOMEM);
        else if (!deliver(pipeline, slot, thread, record))
            all_written = false;
    }
    if (!wanted) return;
    weftp_count(&thread->counts.accepted);
    weftp_counts_outcome(&thread->counts, all_encoded, all_written);
}

void weftp_pipeline_say(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                        const struct weftp_word *word)
{
    const struct weftp_slot *status = &pipeline->status;
    if (!status->outlet || pipeline->encoding_count == 0) return;
    struct weft_record record;
    struct weft_line line;
    struct weftp_failure failure = {0};
    bool trimmed;
    struct weftp_word now = *word;
    now.time_ns = weftp_realtime_ns();
    weftp_own_record(&record, thread, &now);
    const struct weftp_encoding *encoding = &pipeline->encodings[status->encoding];
    if (!weftp_line_encode(encoding, &record, &thread->own, &trimmed)) return;
    line_of(&line, &record, &thread->own);
    if (weftp_outlet_deliver(status->outlet, thread, &line, encoding, &failure))
        weftp_count(&thread->counts.own_records);
}

/* How many fields stand before an END or the count. */
static size_t count_fields(const weft_field *fields, size_t count)
{
    const weft_field *field = fields;
    if (count == WEFT_SIZE_UNKNOWN_) /* as the macros have it: there is an END */
        while (field->type != WEFT_TYPE_END_) field++;
    else
        while ((size_t)(field - fields) < count && field->type != WEFT_TYPE_END_) field++;
    return (size_t)(field - fields);
}

void weftp_pipeline_write(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                          struct weft_record *record)
{
    record->field_count = count_fields(record->fields, record->field_count);
    write_now(pipeline, thread, record);
}

/* Encoders tell the keys of a site that is known by their addresses. */
static void know_site(const struct weft_record *record)
{
    weft_site *site = (weft_site *)(uintptr_t)record->site;
    if (site) weftp_template_know(site, record->fields, record->field_count);
}

void weftp_pipeline_submit(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                           struct weft_record *record)
{
    if (pipeline->worker) {
        weftp_enqueue(pipeline, thread, record);
        return;
    }
    if (__builtin_expect(thread->seat != NULL, 0)) weftp_enqueue_settle(thread);
    know_site(record);
    weftp_pipeline_write(pipeline, thread, record);
}

/* What a sink lost, or had trouble with, and nobody was told of. False: nothing. */
static bool untold(struct weftp_outlet *outlet, struct weftp_failure *failure)
{
    weftp_lock(&outlet->lock);
    failure->error = outlet->trouble;
    failure->lost = outlet->dropped - outlet->reported;
    if (failure->error.err == 0)
        failure->error = (struct weft_sink_error){.err = outlet->last_errno, .what = "write"};
    const bool any = failure->lost > 0 || outlet->trouble.err != 0;
    outlet->reported = outlet->dropped;
    outlet->trouble.err = 0;
    weftp_unlock(&outlet->lock);
    return any;
}

static void say_losses(const struct weftp_pipeline *pipeline, struct weftp_thread *thread)
{
    for (size_t i = 0; i < pipeline->slot_count; i++) {
        struct weftp_outlet *outlet = pipeline->slots[i].outlet;
        struct weftp_failure failure = {0};
        if (untold(outlet, &failure))
            weftp_pipeline_say_failure(pipeline, thread, outlet, &failure);
    }
}

weft_status weftp_pipeline_flush(const struct weftp_pipeline *pipeline, int64_t deadline_ms)
{
    weft_status worst = WEFT_OK;
    for (size_t i = 0; i < pipeline->slot_count; i++) {
        const weft_status status = weftp_outlet_flush(pipeline->slots[i].outlet, deadline_ms);
        if (status == WEFT_EIO || worst == WEFT_OK) worst = status;
    }
    return worst;
}

bool weftp_pipeline_takes(const struct weftp_pipeline *pipeline, uint32_t flags)
{
    for (size_t i = 0; i < pipeline->slot_count; i++)
        if (!(pipeline->slots[i].excludes & flags)) return true;
    return false;
}

bool weftp_pipeline_keeps(const struct weftp_pipeline *pipeline)
{
    if (pipeline->worker) return true;
    for (size_t i = 0; i < pipeline->slot_count; i++)
        if (weftp_outlet_keeps(pipeline->slots[i].outlet)) return true;
    return false;
}

void weftp_pipeline_reopen(const struct weftp_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->slot_count; i++)
        weftp_outlet_reopen(pipeline->slots[i].outlet);
    if (pipeline->status.outlet) weftp_outlet_reopen(pipeline->status.outlet);
}

weft_status weftp_pipeline_retire(const struct weftp_pipeline *pipeline,
                                  struct weftp_thread *thread, int64_t deadline_ms)
{
    const weft_status status = weftp_pipeline_flush(pipeline, deadline_ms);
    uint64_t most = 0;
    for (size_t i = 0; i < pipeline->slot_count; i++) {
        const uint64_t lost = weftp_outlet_settle(pipeline->slots[i].outlet);
        if (lost > most) most = lost;
    }
    /* What several sinks still have are the same records, the last ones: each is lost once. */
    weftp_threads_lose(most);
    say_losses(pipeline, thread);
    return status;
}

void weftp_pipeline_destroy(struct weftp_pipeline *pipeline)
{
    if (!pipeline) return;
    for (size_t i = 0; i < pipeline->slot_count; i++) weftp_outlet_unref(pipeline->slots[i].outlet);
    weftp_outlet_unref(pipeline->status.outlet);
    for (size_t i = 0; i < pipeline->encoding_count; i++)
        pipeline->encodings[i].type->close(pipeline->encodings[i].self);
    if (pipeline->fake) free(pipeline->fake->thread);
    free(pipeline->fake);
    free(pipeline->fields);
    free(pipeline);
}
