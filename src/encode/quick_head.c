#include "quick_head.h"

/* Whether an id that is present has its full length: those are compared as blocks. */
static bool is_full(const char *id, size_t size)
{
    return strnlen(id, size + 1) == size;
}

static bool has_plain_trace(const struct weft_trace *trace, uint32_t present)
{
    if (present & WEFTP_WHEN_TRACE && !is_full(trace->trace_id, 32)) return false;
    return !(present & WEFTP_WHEN_SPAN) || is_full(trace->span_id, 16);
}

void weftp_quick_head_learn(struct weftp_quick_head *head, const struct weftp_quick_head_key *key,
                            const char *text, size_t size)
{
    const struct weft_record *record = key->record;
    head->program = 0;
    if (size > WEFTP_QUICK_HEAD_MAX || record->thread_size > WEFTP_QUICK_NAME_MAX ||
        record->logger_size > WEFTP_QUICK_NAME_MAX || !has_plain_trace(record->trace, key->present))
        return;
    head->program = key->program;
    head->run = key->run;
    head->present = key->present;
    head->size = (uint32_t)size;
    head->thread_size = (uint32_t)record->thread_size;
    head->logger_size = (uint32_t)record->logger_size;
    memcpy(head->text, text, size);
    if (record->thread_size) memcpy(head->thread, record->thread, record->thread_size);
    if (record->logger_size) memcpy(head->logger, record->logger, record->logger_size);
    if (key->present & WEFTP_WHEN_TRACE) memcpy(head->trace_id, record->trace->trace_id, 32);
    if (key->present & WEFTP_WHEN_SPAN) memcpy(head->span_id, record->trace->span_id, 16);
}
