#include "write.h"

#include "../base/json_text.h"
#include "../base/json_value.h"
#include "entry.h"

/* Constant text, sixteen bytes a step: shorter than a call of memcpy for what layouts have. */
static void put_text(struct weft_out *out, const struct weftp_text *text)
{
    char *to = weftp_out_reserve(out, text->size + WEFTP_TEXT_PADDING);
    if (!to) return;
    for (uint32_t i = 0; i < text->size; i += 16) memcpy(to + i, text->text + i, 16);
    out->cur = to + text->size;
}

static void put_time(struct weftp_writer *writer)
{
    char *to = weftp_out_reserve(writer->out, WEFTP_TIME_TEXT_MAX + 2);
    if (!to) return;
    *to++ = '"';
    to = weftp_time_text(to, writer->record->time_ns, writer->program->time_style, NULL);
    *to++ = '"';
    writer->out->cur = to;
}

struct level_text {
    char name[8];
    uint8_t name_size;
    uint8_t value_size;
    char value[6];
};

/* The names in their quotes, and logback's numbers, for each step of four. */
static const struct level_text levels[] = {
    {"\"TRACE\"", 7, 4, "5000"}, {"\"DEBUG\"", 7, 5, "10000"}, {"\"INFO\"", 6, 5, "20000"},
    {"\"WARN\"", 6, 5, "30000"}, {"\"ERROR\"", 7, 5, "40000"}, {"\"FATAL\"", 7, 5, "40000"}};

static const struct level_text *level_of(const struct weft_record *record)
{
    const int step = (record->level - WEFT_LEVEL_TRACE) / 4;
    return &levels[step < 0 ? 0 : step > 5 ? 5 : step];
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

/* An error without a stack, as Java prints a throwable without frames. */
static void put_throwable(struct weft_out *out, const struct weftp_text *type,
                          const struct weftp_text *message)
{
    weftp_out_char(out, '"');
    if (type->text) weftp_json_escape(out, type->text, type->size);
    if (type->text && message->text) weftp_out_literal(out, ": ");
    if (message->text) weftp_json_escape(out, message->text, message->size);
    weftp_out_literal(out, "\\n\"");
}

static void put_exception(struct weftp_writer *writer, const char *name)
{
    const weft_field *error = writer->plan->error;
    const uint32_t limit = writer->limits->field;
    const struct weftp_text stack = part_text(error, WEFTP_ERROR_STACK);
    if (stack.text) {
        put_string(writer, &stack, limit, name);
        return;
    }
    const struct weftp_text type = part_text(error, WEFTP_ERROR_TYPE);
    const struct weftp_text message = part_text(error, WEFTP_ERROR_MESSAGE);
    struct weft_out *out = writer->out;
    const size_t before = weftp_out_size(out);
    put_throwable(out, &type, &message);
    if (out->overflow || weftp_out_size(out) - before - 2 <= limit) return;
    out->cur = out->data + before;
    put_string(writer, message.text ? &message : &type, limit, name);
    weftp_cuts_add(writer->cuts, name, strlen(name));
}

static void put_c_string(struct weft_out *out, const char *text)
{
    if (text)
        weftp_json_string(out, text, strlen(text));
    else
        weftp_out_literal(out, "null");
}

static void put_line_number(struct weftp_writer *writer)
{
    char *to = weftp_out_reserve(writer->out, WEFTP_INTEGER_TEXT_MAX);
    if (to) writer->out->cur = weftp_u64_text(to, writer->record->site->line);
}

/* Ids are text of our own making: hexadecimal digits. */
static void put_id(struct weft_out *out, const char *id, size_t size_max)
{
    const size_t size = strnlen(id, size_max);
    weftp_json_string(out, id, size);
}

/* Say what was cut, in the objects that the layout has for that. */
static void put_marks(struct weftp_writer *writer, enum weftp_space space)
{
    const struct weftp_layout *layout = writer->program->scheme.layout;
    struct weft_out *out = writer->out;
    if (space == layout->marked_space) weftp_out_literal(out, ",\"truncated\":true");
    if (space == layout->cut_names_space) {
        weftp_out_literal(out, ",\"truncated_fields\":");
        weftp_cuts_write(out, writer->told);
    }
}

static void put_fields(struct weftp_writer *writer, enum weftp_space space)
{
    weftp_write_list(writer, space);
    if (!writer->plan->with_statics) put_text(writer->out, &writer->program->statics[space]);
    if (writer->told) put_marks(writer, space);
}

/* The comma of the first member becomes the brace; without a member the object is taken back. */
static void close_object(struct weftp_writer *writer, const struct weftp_op *op)
{
    struct weft_out *out = writer->out;
    if (out->overflow) return;
    if (weftp_out_size(out) == writer->opened) {
        out->cur -= op->text.size;
        return;
    }
    out->data[writer->opened] = '{';
    weftp_out_char(out, '}');
}

static void put_item(struct weftp_writer *writer, const struct weftp_op *op)
{
    struct weft_out *out = writer->out;
    const struct weft_record *record = writer->record;
    switch ((enum weftp_item)op->item) {
    case WEFTP_ITEM_TIME: put_time(writer); break;
    case WEFTP_ITEM_LEVEL:
        weftp_out_put(out, level_of(record)->name, level_of(record)->name_size);
        break;
    case WEFTP_ITEM_LEVEL_VALUE:
        weftp_out_put(out, level_of(record)->value, level_of(record)->value_size);
        break;
    case WEFTP_ITEM_MESSAGE: put_message(writer, op->name); break;
    case WEFTP_ITEM_LOGGER: put_logger(writer, op->name); break;
    case WEFTP_ITEM_THREAD: put_thread(writer, op->name); break;
    case WEFTP_ITEM_TRACE_ID: put_id(out, record->trace->trace_id, 32); break;
    case WEFTP_ITEM_SPAN_ID: put_id(out, record->trace->span_id, 16); break;
    case WEFTP_ITEM_ERROR_TYPE: put_error_part(writer, WEFTP_ERROR_TYPE, op->name); break;
    case WEFTP_ITEM_ERROR_MESSAGE: put_error_part(writer, WEFTP_ERROR_MESSAGE, op->name); break;
    case WEFTP_ITEM_ERROR_STACK: put_error_part(writer, WEFTP_ERROR_STACK, op->name); break;
    case WEFTP_ITEM_EXCEPTION: put_exception(writer, op->name); break;
    case WEFTP_ITEM_FILE: put_c_string(out, record->site->file); break;
    case WEFTP_ITEM_LINE: put_line_number(writer); break;
    case WEFTP_ITEM_FUNCTION: put_c_string(out, record->site->func); break;
    case WEFTP_ITEM_OPEN: writer->opened = weftp_out_size(out); break;
    case WEFTP_ITEM_FIELDS: put_fields(writer, op->space); break;
    case WEFTP_ITEM_CLOSE: close_object(writer, op); break;
    case WEFTP_ITEM_END:
    case WEFTP_ITEM_CONSTANT:
    case WEFTP_ITEM_SERVICE:
    case WEFTP_ITEM_SERVICE_VERSION:
    case WEFTP_ITEM_SERVICE_ENV:
    case WEFTP_ITEM_SERVICE_NODE: break;
    }
}

void weftp_write_line(struct weftp_writer *writer)
{
    const struct weftp_program *program = writer->program;
    const uint32_t present = writer->plan->present;
    for (uint32_t i = 0; i < program->op_count; i++) {
        const struct weftp_op *op = &program->ops[i];
        if (op->when && !(present & op->when)) continue;
        if (op->item != WEFTP_ITEM_CLOSE) put_text(writer->out, &op->text);
        put_item(writer, op);
    }
}
