/*
 * The log calls: from arguments to a record in the pipeline. The way of a record begins here.
 */
#include "../mdc/mdc.h"
#include "../port/text_size.h"
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

/* In line, though prints use them as well: tens of instructions a record. */
#define IN_LINE inline __attribute__((always_inline))

static IN_LINE bool enter(struct call *call)
{
    const enum weftp_enter entered = weftp_thread_enter(&call->thread);
    if (__builtin_expect(entered != WEFTP_ENTER_OK, 0)) {
        count_shared(entered == WEFTP_ENTER_REENTRANT ? &weftp_system.dropped_reentrant
                                                      : &weftp_system.dropped_start);
        return false;
    }
    call->pipeline = weftp_system_pipeline();
    if (__builtin_expect(call->pipeline != NULL, 1)) return true;
    weftp_thread_leave(call->thread);
    count_shared(&weftp_system.dropped_shutdown);
    return false;
}

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

static IN_LINE bool call_begin(struct call *call, const weft_logger *logger, int level)
{
    if (!is_wanted(call, logger, level)) return false;
    if (__builtin_expect(weftp_system_attention() != 0, 0)) weftp_system_attend();
    return enter(call);
}

/* Where a record is from: when, and which thread's. */
struct origin {
    int64_t time_ns, pid, tid;
    const char *thread;
    size_t thread_size;
};

/* What a test has set in the place of the real world. */
static void set_fake(struct origin *origin, const struct call *call)
{
    const struct weftp_fake *fake = call->pipeline->fake;
    if (fake->time_ns != INT64_MIN)
        origin->time_ns = __atomic_fetch_add(&call->pipeline->fake->time_ns, fake->time_step_ns,
                                             __ATOMIC_RELAXED);
    if (fake->pid) origin->pid = fake->pid;
    if (fake->thread) {
        origin->thread = fake->thread;
        origin->thread_size = strlen(fake->thread);
    }
}

static IN_LINE struct origin origin_of(const struct call *call)
{
    struct weftp_thread *thread = call->thread;
    struct origin origin = {.time_ns = weftp_clock_realtime_ns(&thread->clock)};
    weftp_thread_refresh(thread, origin.time_ns);
    origin.tid = thread->id;
    origin.thread = thread->name;
    origin.thread_size = thread->name_size;
    if (__builtin_expect(call->pipeline->fake != NULL, 0)) set_fake(&origin, call);
    return origin;
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

/* Each member is named, so that nothing is cleared first. */
static IN_LINE void submit(const struct call *call, const struct content *content)
{
    struct weftp_mdc_view mdc;
    weftp_mdc_view(&mdc); /* first: it is a call, over which little is to be kept */
    const struct origin origin = origin_of(call);
    const struct weftp_logger *logger = call->logger;
    const struct weftp_pair_set *bound = logger->bound;
    struct weft_record record = {.struct_size = sizeof record,
                                 .time_ns = origin.time_ns,
                                 .pid = origin.pid,
                                 .tid = origin.tid,
                                 .level = call->level,
                                 .flags = content->flags,
                                 .logger = logger->name,
                                 .logger_size = logger->name_size,
                                 .thread = origin.thread,
                                 .thread_size = origin.thread_size,
                                 .message = content->message,
                                 .message_size = content->message_size,
                                 .site = content->site,
                                 .fields = content->fields,
                                 .field_count = content->count,
                                 .bound = bound ? bound->pairs : NULL,
                                 .bound_count = bound ? bound->count : 0,
                                 .mdc = mdc.pairs,
                                 .mdc_count = mdc.count,
                                 .trace = mdc.trace};
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
                                        .message_size = msg ? weftp_text_size(msg) : 0,
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
        const struct origin origin = origin_of(&call);
        struct weft_record record = {.struct_size = sizeof record,
                                     .time_ns = origin.time_ns,
                                     .pid = origin.pid,
                                     .tid = print->thread_id,
                                     .level = call.level,
                                     .flags = WEFTP_RECORD_PRINTED,
                                     .logger = call.logger->name,
                                     .logger_size = call.logger->name_size,
                                     .thread = thread,
                                     .thread_size = sizeof thread - 1,
                                     .message = print->text,
                                     .message_size = print->size,
                                     .fields = fields,
                                     .field_count = print->partial ? 1 : 0};
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
