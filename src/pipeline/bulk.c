#include "bulk.h"

#include <errno.h>
#include <stdlib.h>

_Static_assert(WEFTP_BULK_LINES <= WEFTP_NUMBERS_LINES, "a batch is numbered at once");

/*
 * What the encoder remembers from one record to the next - name of the thread, context - holds for
 * records of one thread: each has a memo of its own, where their ids differ in the last bits.
 */
#define MEMOS 8

struct weftp_bulk_text {
    struct weft_out out; /* without a memo but while a record is encoded */
    void *memos[MEMOS];  /* owned */
    size_t count;
    int least;                                /* the lowest level of a line */
    uint32_t flags_any;                       /* all records' flags */
    bool located;                             /* lines know where they are in memory */
    struct weft_line lines[WEFTP_BULK_LINES]; /* their reserved words stay 0 */
    uint32_t flags[WEFTP_BULK_LINES];         /* of their records */
    uint16_t records[WEFTP_BULK_LINES];       /* their places in the batch */
    /* What one sink gets of them. */
    struct weft_line picked[WEFTP_BULK_LINES];
    uint16_t places[WEFTP_BULK_LINES]; /* in `lines` */
    bool lost[WEFTP_BULK_LINES];
};

static void empty(struct weftp_bulk_text *text)
{
    text->count = 0;
    text->least = WEFT_LEVEL_OFF;
    text->flags_any = 0;
    text->located = false;
}

static struct weftp_bulk_text *text_of(struct weftp_bulk *bulk, unsigned encoding)
{
    struct weftp_bulk_text **text = &bulk->texts[encoding];
    if (*text) return *text;
    *text = calloc(1, sizeof **text);
    if (!*text) return NULL;
    empty(*text);
    weftp_out_init(&(*text)->out, WEFTP_LINE_SIZE_MAX);
    return *text;
}

static bool wants(const struct weftp_slot *slot, int level, uint32_t flags)
{
    return level >= slot->level && !(flags & slot->excludes);
}

/* Append its line, and note it; its place in memory is known once the text grows no more. */
static inline bool append(struct weftp_bulk *bulk, const struct weftp_encoding *encoding,
                          struct weftp_bulk_text *text, struct weftp_thread *thread,
                          const struct weft_record *record)
{
    bool trimmed;
    const size_t before = weftp_out_size(&text->out), index = text->count;
    struct weft_line *line = &text->lines[index];
    void **memo = &text->memos[(uint64_t)record->tid % MEMOS];
    text->out.memo = *memo;
    const bool encoded = weftp_line_append(encoding, record, &text->out, &trimmed);
    *memo = text->out.memo;
    text->out.memo = NULL;
    weftp_counts_note(&thread->counts, &text->out, trimmed);
    if (__builtin_expect(!encoded, 0)) return false;
    line->size = weftp_out_size(&text->out) - before;
    line->time_ns = record->time_ns;
    line->logger = record->logger;
    line->logger_size = record->logger_size;
    line->level = (weft_level)record->level;
    if (record->level < text->least) text->least = record->level;
    text->flags_any |= record->flags;
    text->flags[index] = record->flags;
    text->records[index] = (uint16_t)bulk->count;
    text->count = index + 1;
    return true;
}

static void lose(struct weftp_bulk *bulk, const struct weftp_slot *slot,
                 const struct weft_record *record)
{
    bulk->spoiled = bulk->unencoded[bulk->count] = true;
    weftp_outlet_lose(slot->outlet, record->level, record->time_ns, ENOMEM);
}

bool weftp_bulk_add(struct weftp_bulk *bulk, const struct weftp_pipeline *pipeline,
                    struct weftp_thread *thread, const struct weft_record *record)
{
    const struct weftp_slot *slot = pipeline->slots, *const end = slot + pipeline->slot_count;
    unsigned have = UINT32_MAX;
    bool encoded = true, full = false;
    for (; slot < end; slot++) {
        if (!wants(slot, record->level, record->flags)) continue;
        if (slot->encoding != have) {
            have = slot->encoding;
            struct weftp_bulk_text *text = text_of(bulk, have);
            encoded = text && append(bulk, &pipeline->encodings[have], text, thread, record);
            if (encoded && weftp_out_size(&text->out) >= WEFTP_BULK_BYTES) full = true;
        }
        if (__builtin_expect(!encoded, 0)) lose(bulk, slot, record);
    }
    bulk->count++;
    return full || bulk->count == WEFTP_BULK_LINES;
}

/* The text grows no more. */
static void locate(struct weftp_bulk_text *text)
{
    if (!text->located) weftp_lines_locate(text->lines, text->count, text->out.data);
    text->located = true;
}

/* What this sink wants of the text's lines: all as they stand, or a choice. */
static struct weftp_lines pick(struct weftp_bulk_text *text, const struct weftp_slot *slot)
{
    size_t count = 0;
    locate(text);
    memset(text->lost, 0, text->count);
    if (wants(slot, text->least, text->flags_any))
        return (struct weftp_lines){text->lines, text->count, text->lost};
    for (size_t i = 0; i < text->count; i++) {
        if (!wants(slot, (int)text->lines[i].level, text->flags[i])) continue;
        text->picked[count] = text->lines[i];
        text->places[count++] = (uint16_t)i;
    }
    return (struct weftp_lines){text->picked, count, text->lost};
}

/* The place in the batch of the record whose line stands there among those that were picked. */
static size_t record_at(const struct weftp_bulk_text *text, const struct weftp_lines *lines,
                        size_t index)
{
    return text->records[lines->lines == text->lines ? index : text->places[index]];
}

static void note_lost(struct weftp_bulk *bulk, const struct weftp_bulk_text *text,
                      const struct weftp_lines *lines)
{
    bulk->spoiled = true;
    for (size_t i = 0; i < lines->count; i++)
        if (lines->lost[i]) bulk->failed[record_at(text, lines, i)] = true;
}

static void deliver(struct weftp_bulk *bulk, const struct weftp_pipeline *pipeline,
                    const struct weftp_slot *slot, struct weftp_thread *thread)
{
    struct weftp_bulk_text *text = bulk->texts[slot->encoding];
    struct weftp_failure failure = {0};
    const struct weftp_lines lines = pick(text, slot);
    if (lines.count == 0) return;
    const size_t lost = weftp_outlet_deliver_many(slot->outlet, thread, &lines,
                                                  &pipeline->encodings[slot->encoding], &failure);
    if (lost > 0) note_lost(bulk, text, &lines);
    if (failure.due) weftp_pipeline_say_failure(pipeline, thread, slot->outlet, &failure);
}

static void count_outcomes(const struct weftp_bulk *bulk, struct weftp_thread_counts *counts)
{
    if (__builtin_expect(!bulk->spoiled, 1)) {
        weftp_count_more(&counts->written, bulk->count);
        return;
    }
    for (size_t i = 0; i < bulk->count; i++)
        weftp_counts_outcome(counts, !bulk->unencoded[i], !bulk->failed[i]);
}

static void clear(struct weftp_bulk *bulk)
{
    for (size_t i = 0; i <= WEFT_SINKS_MAX; i++) {
        struct weftp_bulk_text *text = bulk->texts[i];
        if (!text) continue;
        empty(text);
        weftp_out_clear(&text->out);
        if ((size_t)(text->out.end - text->out.data) > WEFTP_BULK_KEPT)
            weftp_out_deinit(&text->out);
    }
    if (bulk->spoiled) {
        memset(bulk->failed, 0, sizeof bulk->failed);
        memset(bulk->unencoded, 0, sizeof bulk->unencoded);
    }
    bulk->spoiled = false;
    bulk->count = 0;
}

void weftp_bulk_flush(struct weftp_bulk *bulk, const struct weftp_pipeline *pipeline,
                      struct weftp_thread *thread)
{
    if (bulk->count == 0) return;
    for (size_t i = 0; i < pipeline->slot_count; i++)
        if (bulk->texts[pipeline->slots[i].encoding])
            deliver(bulk, pipeline, &pipeline->slots[i], thread);
    count_outcomes(bulk, &thread->counts);
    clear(bulk);
}

void weftp_bulk_lose(const struct weftp_pipeline *pipeline, const struct weftp_gap *gap)
{
    for (size_t i = 0; i < pipeline->slot_count; i++) {
        const struct weftp_slot *slot = &pipeline->slots[i];
        struct weftp_gap wanted = *gap;
        wanted.lost = 0;
        for (size_t level = 0; level < WEFTP_GAP_LEVELS; level++) {
            if (WEFT_LEVEL_TRACE + (int)level * 4 < slot->level) wanted.by_level[level] = 0;
            wanted.lost += wanted.by_level[level];
        }
        if (wanted.lost > 0) weftp_outlet_lose_many(slot->outlet, &wanted);
    }
}

void weftp_bulk_tell(const struct weftp_pipeline *pipeline, struct weftp_thread *thread,
                     int64_t time_ns)
{
    for (size_t i = 0; i < pipeline->slot_count; i++)
        weftp_outlet_tell(pipeline->slots[i].outlet, thread, time_ns,
                          &pipeline->encodings[pipeline->slots[i].encoding]);
}

void weftp_bulk_deinit(struct weftp_bulk *bulk)
{
    for (size_t i = 0; i <= WEFT_SINKS_MAX; i++) {
        struct weftp_bulk_text *text = bulk->texts[i];
        bulk->texts[i] = NULL;
        if (!text) continue;
        for (size_t k = 0; k < MEMOS; k++) free(text->memos[k]);
        weftp_out_deinit(&text->out);
        free(text);
    }
}
