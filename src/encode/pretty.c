/*
 * `pretty`: a line for a person.
 *
 *     06:29:14.123 INFO  orders.http  order accepted  order_id=o-1 items=3  request_id=r-42
 *
 * Time, level, logger, message, the call's fields, then the context; an error's stack below. Static
 * fields are left out: they are the same in every line. Names may repeat here; this is not for
 * machines.
 */
#include "pretty.h"

#include "../base/json_value.h"
#include "../base/number.h"
#include "../base/out.h"
#include "../base/utf8.h"
#include "plan.h"
#include "visible.h"
#include <stdlib.h>

#define VALUE_SIZE_MAX (1U << 20) /* bytes of an object's text */
#define ELLIPSIS       "\xe2\x80\xa6"
#define FIELDS_TRIMMED 64 /* of a line of whose values nothing may be written */

struct pretty {
    bool colour;
};

struct printer {
    struct weft_out *out;
    const struct pretty *pretty;
    bool cut;
};

static const struct {
    const char name[6], colour[8];
} levels[] = {{"TRACE", "\033[90m"}, {"DEBUG", "\033[36m"}, {"INFO ", "\033[32m"},
              {"WARN ", "\033[33m"}, {"ERROR", "\033[31m"}, {"FATAL", "\033[1;31m"}};

static void put_style(const struct printer *printer, const char *sequence)
{
    if (printer->pretty->colour) weftp_out_put(printer->out, sequence, strlen(sequence));
}

static void dim(const struct printer *printer)
{
    put_style(printer, "\033[2m");
}
static void plain(const struct printer *printer)
{
    put_style(printer, "\033[0m");
}

/* How much of a text may be written, the mark included; whether that is not all. */
static size_t cut_size(struct printer *printer, const char *text, size_t size, uint32_t limit)
{
    if (size <= limit) return size;
    printer->cut = true;
    return limit < 3 ? 0 : weftp_utf8_cut(text, size, limit - 3);
}

static void put_text(struct printer *printer, const char *text, size_t size, uint32_t limit)
{
    const size_t shown = cut_size(printer, text, size, limit);
    weftp_visible(printer->out, text, shown);
    if (shown < size) weftp_out_literal(printer->out, ELLIPSIS);
}

static void put_word(struct printer *printer, const char *text, size_t size, uint32_t limit)
{
    const size_t shown = cut_size(printer, text, size, limit);
    if (shown > 0 || size == 0) weftp_visible_word(printer->out, text, shown);
    if (shown < size) weftp_out_literal(printer->out, ELLIPSIS);
}

/* A value that is no string: its JSON, without the quotes that some of them have. */
static void put_json(struct printer *printer, const weft_field *field, uint32_t limit)
{
    const struct weftp_value_style style = {WEFTP_DOUBLE_SHORT, WEFTP_TIME_MICROS, limit};
    struct weft_out text;
    unsigned notes = 0;
    weftp_out_init(&text, VALUE_SIZE_MAX);
    weftp_json_value(&text, field, &style, &notes);
    const size_t size = weftp_out_size(&text);
    if (text.overflow) {
        weftp_out_literal(printer->out, ELLIPSIS);
        printer->cut = true;
    } else if (size >= 2 && text.data[0] == '"') {
        weftp_visible(printer->out, text.data + 1, size - 2);
    } else {
        weftp_visible(printer->out, text.data, size);
    }
    if (notes & WEFTP_NOTE_CUT) printer->cut = true;
    weftp_out_deinit(&text);
}

static void put_field(struct printer *printer, const weft_field *field, uint32_t limit)
{
    const size_t key_size = weftp_field_key_size(field);
    put_word(printer, key_size ? field->key : "_", key_size ? key_size : 1, WEFTP_KEY_SIZE_MAX);
    weftp_out_char(printer->out, '=');
    if (field->type == WEFT_TYPE_STR && field->v.p) {
        put_word(printer, field->v.p, weftp_field_text_size(field), limit);
    } else {
        put_json(printer, field, limit);
    }
}

static void put_gap(struct weft_out *out, size_t index)
{
    weftp_out_put(out, "  ", index == 0 ? 2 : 1);
}

/* `error="type: message"`; the stack comes later. */
static void put_error(struct printer *printer, const weft_field *error, uint32_t limit)
{
    const weft_field *type = weftp_error_part(error, WEFTP_ERROR_TYPE);
    const weft_field *message = weftp_error_part(error, WEFTP_ERROR_MESSAGE);
    weftp_out_literal(printer->out, "error=");
    if (type) put_word(printer, type->v.p, weftp_field_text_size(type), limit);
    if (type && message) weftp_out_literal(printer->out, ": ");
    if (message) put_word(printer, message->v.p, weftp_field_text_size(message), limit);
}

static void put_fields(struct printer *printer, const struct weft_record *record, uint32_t limit)
{
    size_t count = 0;
    for (size_t i = 0; i < record->field_count; i++) {
        const weft_field *field = &record->fields[i];
        if (field->type <= WEFT_TYPE_END_) continue;
        put_gap(printer->out, count);
        if (limit == 0 && count == FIELDS_TRIMMED) {
            weftp_out_literal(printer->out, ELLIPSIS);
            printer->cut = true;
            return;
        }
        count++;
        if (field->type == WEFT_TYPE_ERROR) {
            put_error(printer, field, limit);
        } else {
            put_field(printer, field, limit);
        }
    }
}

static void put_context(struct printer *printer, const struct weft_record *record,
                        const struct weft_limits *limits)
{
    size_t count = 0;
    for (size_t i = 0; i < record->bound_count; i++) {
        put_gap(printer->out, count++);
        put_field(printer, &record->bound[i].field, limits->bound);
    }
    for (size_t i = 0; i < record->mdc_count; i++) {
        put_gap(printer->out, count++);
        put_field(printer, &record->mdc[i].field, limits->mdc);
    }
    if (record->trace && record->trace->trace_id[0]) {
        put_gap(printer->out, count);
        weftp_out_literal(printer->out, "trace_id=");
        weftp_visible(printer->out, record->trace->trace_id, strnlen(record->trace->trace_id, 32));
    }
}

/* One line of a stack, tabs as blanks, without the CR of a line that ends in CR LF. */
static void put_stack_line(struct printer *printer, const char *text, size_t size)
{
    weftp_out_literal(printer->out, "\n    ");
    for (; size > 0 && *text == '\t'; text++, size--) weftp_out_literal(printer->out, "    ");
    if (size > 0 && text[size - 1] == '\r') size--;
    weftp_visible(printer->out, text, size);
}

static void put_stack(struct printer *printer, const weft_field *stack, uint32_t limit)
{
    const char *text = stack->v.p;
    const size_t whole = weftp_field_text_size(stack);
    size_t size = cut_size(printer, text, whole, limit);
    const bool is_cut = size < whole;
    while (size > 0) {
        const char *end = memchr(text, '\n', size);
        const size_t line = end ? (size_t)(end - text) : size;
        put_stack_line(printer, text, line);
        text += line + (end != NULL);
        size -= line + (end != NULL);
    }
    if (is_cut) weftp_out_literal(printer->out, ELLIPSIS);
}

static void put_stacks(struct printer *printer, const struct weft_record *record, uint32_t limit)
{
    for (size_t i = 0; i < record->field_count; i++) {
        const weft_field *field = &record->fields[i];
        if (field->type != WEFT_TYPE_ERROR) continue;
        const weft_field *stack = weftp_error_part(field, WEFTP_ERROR_STACK);
        if (stack) put_stack(printer, stack, limit);
    }
}

static void put_head(struct printer *printer, const struct weft_record *record)
{
    const int step = (record->level - WEFT_LEVEL_TRACE) / 4;
    const size_t level = step < 0 ? 0 : step > 5 ? 5 : (size_t)step;
    char *to = weftp_out_reserve(printer->out, WEFTP_TIME_TEXT_MAX + 1);
    if (!to) return;
    to = weftp_time_text(to, record->time_ns, WEFTP_TIME_CLOCK, NULL);
    *to++ = ' ';
    printer->out->cur = to;
    put_style(printer, levels[level].colour);
    weftp_out_put(printer->out, levels[level].name, 5);
    plain(printer);
    weftp_out_char(printer->out, ' ');
    if (record->logger_size == 0) weftp_out_literal(printer->out, "ROOT");
    put_text(printer, record->logger, record->logger_size, WEFTP_LOGGER_SIZE_MAX);
    weftp_out_literal(printer->out, "  ");
}

static void pretty_encode(const void *self, const struct weft_record *record,
                          const struct weft_limits *limits, struct weft_out *out)
{
    static const struct weft_limits all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    struct printer printer = {out, self, false};
    if (!limits) limits = &all;
    put_head(&printer, record);
    put_text(&printer, record->message, record->message_size, limits->message);
    dim(&printer);
    put_fields(&printer, record, limits->field);
    put_context(&printer, record, limits);
    put_stacks(&printer, record, limits->field);
    plain(&printer);
    weftp_out_char(out, '\n');
    if (printer.cut) out->notes |= WEFTP_NOTE_CUT;
}

/* Behind the last field, before what ends its style; a stack comes below. */
static void pretty_number(const void *self, const struct weft_line *line, const char *boot_id,
                          struct weft_out *out)
{
    static const char end[] = "\033[0m\n";
    const char *newline = memchr(line->data, '\n', line->size);
    size_t size = newline ? (size_t)(newline - line->data) : line->size;
    char seq[WEFTP_INTEGER_TEXT_MAX];
    (void)self;
    if (line->size >= sizeof end - 1 && size == line->size - 1 &&
        memcmp(line->data + line->size - (sizeof end - 1), end, sizeof end - 1) == 0)
        size = line->size - (sizeof end - 1);
    weftp_out_put(out, line->data, size);
    weftp_out_literal(out, "  seq=");
    weftp_out_put(out, seq, (size_t)(weftp_u64_text(seq, line->seq) - seq));
    weftp_out_literal(out, " boot_id=");
    weftp_out_put(out, boot_id, strlen(boot_id));
    weftp_out_put(out, line->data + size, line->size - size);
}

static weft_status pretty_open(void **self, const struct weft_encoder_options *options)
{
    struct pretty *pretty = calloc(1, sizeof *pretty);
    weft_status status = WEFT_OK;
    if (!pretty) return WEFT_ENOMEM;
    pretty->colour = options->terminal;
    for (const struct weft_options_kv *kv = options->options; kv && kv->key; kv++) {
        if (strcmp(kv->key, "colour") != 0) continue;
        const char *value = kv->value ? kv->value : "";
        if (strcmp(value, "always") == 0) {
            pretty->colour = true;
        } else if (strcmp(value, "never") == 0) {
            pretty->colour = false;
        } else if (strcmp(value, "auto") != 0) {
            status = WEFT_EINVAL;
        }
    }
    *self = pretty;
    return status;
}

static void pretty_close(void *self)
{
    free(self);
}

static const char *const accepted[] = {"colour=auto|always|never", NULL};

const struct weft_encoder_type weftp_encoder_pretty = {sizeof weftp_encoder_pretty,
                                                       "pretty",
                                                       pretty_open,
                                                       pretty_encode,
                                                       pretty_close,
                                                       accepted,
                                                       pretty_number};
