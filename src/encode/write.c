#include "write.h"

#include "../base/json_text.h"
#include "../base/json_value.h"
#include "entry.h"
#include "levels.h"
#include "trace_names.h"

/* Constant text, sixteen bytes a step: shorter than a call of memcpy for what layouts have. */
static inline char *write_text(char *to, const struct weftp_text *text)
{
    const char *from = text->text;
    char *const end = to + text->size;
    for (; to < end; to += 16, from += 16) memcpy(to, from, 16);
    return end;
}

static char *write_time(const struct weftp_writer *writer, char *to)
{
    *to++ = '"';
    to = weftp_time_text(to, writer->record->time_ns, writer->program->time_style, NULL);
    *to++ = '"';
    return to;
}

/* A text that is always cut at `limit`, or never when it is UINT32_MAX. */
static void put_string(struct weftp_writer *writer, const struct weftp_text *text, uint32_t limit,
                       const char *name)
{
    /* No escape is longer than six bytes, so a short text needs no measuring. */
    if (limit == UINT32_MAX || text->size <= limit / 6) {
        weftp_json_string(writer->out, text->text, text->size);
    } else if (weftp_json_string_cut(writer->out, text->text, text->size, limit)) {
        weftp_cuts_add(writer->cuts, name, strlen(name));
    }
}

static uint32_t clamp_size(size_t size)
{
    return size < UINT32_MAX ? (uint32_t)size : UINT32_MAX - 1;
}

static void put_message(struct weftp_writer *writer, const char *name)
{
    const struct weft_record *record = writer->record;
    const struct weftp_text text = {record->message, clamp_size(record->message_size), 0};
    put_string(writer, &text, writer->limits->message, name);
}

static void put_logger(struct weftp_writer *writer, const char *name)
{
    const struct weft_record *record = writer->record;
    struct weftp_text text = {record->logger, clamp_size(record->logger_size), 0};
    if (text.size == 0) text = (struct weftp_text){"ROOT", 4, 0};
    put_string(writer, &text, WEFTP_LOGGER_SIZE_MAX, name);
}

static void put_thread(struct weftp_writer *writer, const char *name)
{
    const struct weft_record *record = writer->record;
    const struct weftp_text text = {record->thread, clamp_size(record->thread_size), 0};
    put_string(writer, &text, WEFTP_THREAD_SIZE_MAX, name);
}

static struct weftp_text part_text(const weft_field *error, enum weftp_error_part part)
{
    const weft_field *field = weftp_error_part(error, part);
    if (!field) return (struct weftp_text){NULL, 0, 0};
    return (struct weftp_text){field->v.p, clamp_size(weftp_field_text_size(field)), 0};
}

static void put_error_part(struct weftp_writer *writer, enum weftp_error_part part,
                           const char *name)
{
    const struct weftp_text text = part_text(writer->plan->error, part);
    put_string(writer, &text, writer->limits->field, name);
}

/* What an exception is made of. */
struct throwable {
    struct weftp_text type, message, stack;
};

/* Whether the stack says type and message by itself, as the stacks of most languages do. */
static bool tells_itself(const struct throwable *error)
{
    const struct weftp_text *head = error->type.text ? &error->type : &error->message;
    if (!head->text) return true;
    return error->stack.size >= head->size &&
           memcmp(error->stack.text, head->text, head->size) == 0;
}

/* As Java prints a throwable: "type: message", and the stack. */
static void put_throwable(struct weft_out *out, const struct throwable *error)
{
    weftp_out_char(out, '"');
    if (!error->stack.text || !tells_itself(error)) {
        if (error->type.text) weftp_json_escape(out, error->type.text, error->type.size);
        if (error->type.text && error->message.text) weftp_out_literal(out, ": ");
        if (error->message.text) weftp_json_escape(out, error->message.text, error->message.size);
        weftp_out_literal(out, "\\n");
    }
    if (error->stack.text) weftp_json_escape(out, error->stack.text, error->stack.size);
    weftp_out_char(out, '"');
}

static void put_exception(struct weftp_writer *writer, const char *name)
{
    const uint32_t limit = writer->limits->field;
    const weft_field *field = writer->plan->error;
    const struct throwable error = {part_text(field, WEFTP_ERROR_TYPE),
                                    part_text(field, WEFTP_ERROR_MESSAGE),
                                    part_text(field, WEFTP_ERROR_STACK)};
    const struct weftp_text *most = error.stack.text     ? &error.stack
                                    : error.message.text ? &error.message
                                                         : &error.type;
    struct weft_out *out = writer->out;
    const size_t before = weftp_out_size(out);
    put_throwable(out, &error);
    if (out->overflow || weftp_out_size(out) - before - 2 <= limit) return;
    out->cur = out->data + before;
    put_string(writer, most, limit, name);
    weftp_cuts_add(writer->cuts, name, strlen(name));
}

static void put_c_string(struct weft_out *out, const char *text)
{
    if (text)
        weftp_json_string(out, text, strlen(text));
    else
        weftp_out_literal(out, "null");
}

/* Say what was cut, in the objects that the layout has for that. */
static char *write_marks(struct weftp_writer *writer, char *to, enum weftp_space space)
{
    const struct weftp_layout *layout = writer->program->scheme.layout;
    struct weft_out *out = writer->out;
    out->cur = to;
    if (space == layout->marked_space) weftp_out_literal(out, ",\"truncated\":true");
    if (space == layout->cut_names_space) {
        weftp_out_literal(out, ",\"truncated_fields\":");
        weftp_cuts_write(out, writer->told);
    }
    return weftp_place_now(out);
}

static char *write_fields(struct weftp_writer *writer, char *to, enum weftp_space space)
{
    const struct weftp_text *statics = &writer->program->statics[space];
    to = weftp_write_list(writer, to, space);
    if (to && statics->size && !writer->plan->with_statics) {
        to = weftp_room_at(writer->out, to, statics->size + WEFTP_TEXT_PADDING);
        if (to) to = write_text(to, statics);
    }
    return to && writer->told ? write_marks(writer, to, space) : to;
}

/* The comma of the first member becomes the brace; without a member the object is taken back. */
static char *close_object(struct weftp_writer *writer, char *to, const struct weftp_op *op)
{
    char *opened = writer->out->data + writer->opened;
    if (to == opened) return to - op->text.size;
    *opened = '{';
    to = weftp_room_at(writer->out, to, 1);
    if (to) *to++ = '}';
    return to;
}

static bool has_fields(const struct weftp_writer *writer, enum weftp_space space)
{
    return writer->plan->lists[space].first || writer->told || writer->program->statics[space].size;
}

/* Items that make room for themselves. */
static void put_item(struct weftp_writer *writer, const struct weftp_op *op)
{
    struct weft_out *out = writer->out;
    const struct weft_record *record = writer->record;
    switch ((int)op->item) {
    case WEFTP_ITEM_TRACE_ID:
        weftp_json_string(out, record->trace->trace_id, strnlen(record->trace->trace_id, 32));
        break;
    case WEFTP_ITEM_SPAN_ID:
        weftp_json_string(out, record->trace->span_id, strnlen(record->trace->span_id, 16));
        break;
    case WEFTP_ITEM_ERROR_TYPE: put_error_part(writer, WEFTP_ERROR_TYPE, op->name); break;
    case WEFTP_ITEM_ERROR_MESSAGE: put_error_part(writer, WEFTP_ERROR_MESSAGE, op->name); break;
    case WEFTP_ITEM_ERROR_STACK: put_error_part(writer, WEFTP_ERROR_STACK, op->name); break;
    case WEFTP_ITEM_EXCEPTION: put_exception(writer, op->name); break;
    case WEFTP_ITEM_FILE: put_c_string(out, record->site->file); break;
    case WEFTP_ITEM_FUNCTION: put_c_string(out, record->site->func); break;
    default: break;
    }
}

/* Write an operation whose text is written. */
static char *write_item(struct weftp_writer *writer, char *to, const struct weftp_op *op)
{
    switch ((int)op->item) {
    case WEFTP_ITEM_CONSTANT: return to;
    case WEFTP_ITEM_TIME: return write_time(writer, to);
    case WEFTP_ITEM_LEVEL: return weftp_level_text_put(to, writer->record->level);
    case WEFTP_ITEM_LEVEL_VALUE: return weftp_level_value_put(to, writer->record->level);
    case WEFTP_ITEM_LINE: return weftp_u64_text(to, writer->record->site->line);
    case WEFTP_ITEM_OPEN: writer->opened = (size_t)(to - writer->out->data); return to;
    case WEFTP_ITEM_FIELDS: return write_fields(writer, to, op->space);
    default: break;
    }
    if (weftp_trace_item_is((enum weftp_item)op->item))
        return weftp_trace_text(to, (enum weftp_item)op->item, writer->record->trace);
    writer->out->cur = to;
    switch ((int)op->item) {
    case WEFTP_ITEM_MESSAGE: put_message(writer, op->name); break;
    case WEFTP_ITEM_LOGGER: put_logger(writer, op->name); break;
    case WEFTP_ITEM_THREAD: put_thread(writer, op->name); break;
    default: put_item(writer, op); break;
    }
    return weftp_place_now(writer->out);
}

void weftp_write_line(struct weftp_writer *writer)
{
    const struct weftp_op *op = writer->program->ops, *end = op + writer->program->op_count;
    const uint32_t present = writer->plan->present;
    struct weft_out *out = writer->out;
    char *to = weftp_out_reserve(out, 1); /* an empty buffer has no place yet */
    for (; op < end && to; op++) {
        if (op->when && !(present & op->when)) continue;
        if (op->item == WEFTP_ITEM_CLOSE) {
            to = close_object(writer, to, op);
            continue;
        }
        if (op->skip && !has_fields(writer, op->space)) {
            op += op->skip;
            continue;
        }
        to = weftp_room_at(out, to, op->room);
        if (!to) return;
        to = write_item(writer, write_text(to, &op->text), op);
    }
    if (to) out->cur = to;
}
