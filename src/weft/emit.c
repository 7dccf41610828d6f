/*
 * The log calls: from arguments to a record in the pipeline. The way of a record begins here.
 */
#include "../mdc/mdc.h"
#include "system.h"

#include <errno.h>
#include <stdio.h>
#include <weft/log.h>

#define LEVEL_MASK 255

/* A call under way. */
struct call {
    struct weftp_thread *thread;
    const struct weftp_pipeline *pipeline;
    const struct weftp_logger *logger;
    int level;
};

static void count_shared(uint64_t *counter)
{
    __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* Before the start or after the end. Returns whether the call may go on. */
static bool call_begin_cold(void)
{
    if (weftp_system_state() == WEFTP_STATE_SHUT || weftp_thread_inside()) return false;
    if (weftp_system_holds()) { /* from inside of the start itself */
        count_shared(&weftp_system.dropped_reentrant);
        return false;
    }
    if (weftp_system_start() == WEFT_OK) return true;
    count_shared(&weftp_system.dropped_start);
    return false;
}

static bool enter(struct call *call)
{
    switch (weftp_thread_enter(&call->thread)) {
    case WEFTP_ENTER_OK: break;
    case WEFTP_ENTER_REENTRANT: count_shared(&weftp_system.dropped_reentrant); return false;
    case WEFTP_ENTER_NO_MEMORY: count_shared(&weftp_system.dropped_start); return false;
    }
    call->pipeline = weftp_system_pipeline();
    if (__builtin_expect(call->pipeline != NULL, 1)) return true;
    weftp_thread_leave(call->thread);
    count_shared(&weftp_system.dropped_shutdown);
    return false;
}

/* In line, as each was before prints came to use it as well: twenty instructions a record. */
#define IN_LINE inline __attribute__((always_inline))

static IN_LINE bool is_wanted(struct call *call, const weft_logger *logger, int level)
{
    call->logger = logger ? weftp_logger_of(logger) : weftp_logger_root();
    call->level = level;
    const int state = weftp_system_state();
    if (__builtin_expect(state == WEFTP_STATE_NEW, 0) && !call_begin_cold()) return false;
    if (level < weftp_logger_level(call->logger) || level >= WEFT_LEVEL_OFF) return false;
    if (__builtin_expect(state == WEFTP_STATE_SHUT, 0)) {
        count_shared(&weftp_system.dropped_shutdown);
        return false;
    }
    return true;
}

static bool call_begin(struct call *call, const weft_logger *logger, int level)
{
    if (!is_wanted(call, logger, level)) return false;
    if (__builtin_expect(weftp_system_attention() != 0, 0)) weftp_system_attend();
    return enter(call);
}

static IN_LINE void set_origin(struct weft_record *record, struct call *call)
{
    const struct weftp_fake *fake = call->pipeline->fake;
    record->time_ns = weftp_clock_realtime_ns(&call->thread->clock);
    weftp_thread_refresh(call->thread, record->time_ns);
    record->tid = call->thread->id;
    record->thread = call->thread->name;
    record->thread_size = call->thread->name_size;
    if (__builtin_expect(!fake, 1)) return;
    if (fake->time_ns != INT64_MIN)
        record->time_ns = __atomic_fetch_add(&call->pipeline->fake->time_ns, fake->time_step_ns,
                                             __ATOMIC_RELAXED);
    if (fake->pid) record->pid = fake->pid;
    if (fake->thread) {
        record->thread = fake->thread;
        record->thread_size = strlen(fake->thread);
    }
}

static void set_context(struct weft_record *record, const struct weftp_logger *logger)
{
    struct weftp_mdc_view mdc;
    weftp_mdc_view(&mdc);
    record->mdc = mdc.pairs;
    record->mdc_count = mdc.count;
    record->trace = mdc.trace;
    if (!logger->bound) return;
    record->bound = logger->bound->pairs;
    record->bound_count = logger->bound->count;
}

/* What the caller said. */
struct content {
    const weft_site *site;
    const char *message;
    size_t message_size;
    const weft_field *fields;
    size_t count; /* of fields before an END */
    uint32_t flags;
};

static void submit(struct call *call, const struct content *content)
{
    struct weft_record record = {.struct_size = sizeof record,
                                 .level = call->level,
                                 .flags = content->flags,
                                 .logger = call->logger->name,
                                 .logger_size = call->logger->name_size,
                                 .message = content->message,
                                 .message_size = content->message_size,
                                 .site = content->site,
                                 .fields = content->fields,
                                 .field_count = content->count};
    set_origin(&record, call);
    set_context(&record, call->logger);
    weftp_pipeline_submit(call->pipeline, call->thread, &record);
}

static void call_end(const struct call *call)
{
    weftp_thread_leave(call->thread);
    if (__builtin_expect(call->level >= WEFT_LEVEL_FATAL, 0)) weft_flush(WEFTP_EXIT_TIMEOUT_MS);
}

void weft_emit_(weft_site *site, weft_logger *logger, int level, const char *msg,
                const weft_field *fields, size_t count)
{
    const int saved_errno = errno;
    struct call call;
    if (call_begin(&call, logger, level & LEVEL_MASK)) {
        const struct content content = {.site = site,
                                        .message = msg ? msg : "",
                                        .message_size = msg ? strlen(msg) : 0,
                                        .fields = fields,
                                        .count = fields ? count : 0,
                                        .flags = (uint32_t)level & WEFT_CONST_MSG_};
        submit(&call, &content);
        call_end(&call);
    }
    errno = saved_errno;
}

/* Who printed is not known: neither the thread nor its context. */
void weftp_emit_print(const struct weftp_print *print)
{
    static const char thread[] = "weft-capture";
    const int saved_errno = errno;
    const weft_field fields[] = {weft_bool("partial", true)};
    struct call call;
    if (is_wanted(&call, print->logger, print->level) && enter(&call)) {
        struct weft_record record = {.struct_size = sizeof record,
                                     .level = call.level,
                                     .flags = WEFTP_RECORD_PRINTED,
                                     .logger = call.logger->name,
                                     .logger_size = call.logger->name_size,
                                     .message = print->text,
                                     .message_size = print->size,
                                     .fields = fields,
                                     .field_count = print->partial ? 1 : 0};
        set_origin(&record, &call);
        record.tid = print->thread_id;
        record.thread = thread;
        record.thread_size = sizeof thread - 1;
        weftp_pipeline_submit(call.pipeline, call.thread, &record);
        call_end(&call);
    }
    errno = saved_errno;
}

void weft_log_fields(weft_logger *logger, weft_level level, const char *msg,
                     const weft_field *fields, size_t count)
{
    if ((int)level >= 0 && (int)level <= WEFT_LEVEL_OFF)
        weft_emit_(NULL, logger, (int)level, msg, fields, count);
}

/*
 * Format into the thread's buffer, in the C locale, so that a comma of the user's locale never gets into a number.
 * What cannot be formatted is logged as its format.
 */
WEFT_PRINTF_(2, 0)
static const char *format_text(struct call *call, const char *format, va_list args, size_t *size)
{
    struct weft_out *text = &call->thread->text;
    const locale_t before = weftp_system.locale ? uselocale(weftp_system.locale) : (locale_t)0;
    va_list again;
    va_copy(again, args);
    weftp_out_clear(text);
    char *to = weftp_out_reserve(text, 256);
    size_t room = to ? (size_t)(text->end - to) : 0;
    int needed = vsnprintf(to, room, format, args);
    if (needed >= 0 && (size_t)needed >= room) {
        const size_t all =
            (size_t)needed + 1 < WEFTP_TEXT_SIZE_MAX ? (size_t)needed + 1 : WEFTP_TEXT_SIZE_MAX;
        to = weftp_out_reserve(text, all);
        room = to ? all : 0;
        needed = vsnprintf(to, room, format, again);
    }
    va_end(again);
    if (before) uselocale(before);
    if (needed < 0 || !to) {
        weftp_count(&call->thread->counts.truncated);
        *size = strlen(format);
        return format;
    }
    *size = (size_t)needed < room ? (size_t)needed : room - 1;
    if ((size_t)needed >= room) weftp_count(&call->thread->counts.truncated);
    return to;
}

void weft_vlogf(weft_logger *logger, weft_level level, weft_site *site, const char *format,
                va_list args)
{
    const int saved_errno = errno;
    struct call call;
    if ((int)level >= 0 && (int)level <= WEFT_LEVEL_OFF && call_begin(&call, logger, (int)level)) {
        struct content content = {.site = site, .message = ""};
        errno = saved_errno; /* for %m */
        if (format) content.message = format_text(&call, format, args, &content.message_size);
        submit(&call, &content);
        call_end(&call);
    }
    errno = saved_errno;
}

void weft_emitf_(weft_site *site, weft_logger *logger, int level, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    weft_vlogf(logger, (weft_level)(level & LEVEL_MASK), site, format, args);
    va_end(args);
}
