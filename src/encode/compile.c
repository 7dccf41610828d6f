#include "compile.h"

#include "../base/json_text.h"
#include "../base/json_value.h"
#include "../base/out.h"
#include "../port/random.h"
#include "entry.h"
#include <stdlib.h>

#define TEXT_SIZE_MAX (1U << 20) /* of all constant text: static fields are at most 8 KiB */

struct compiler {
    struct weftp_program *program;
    const struct weft_encoder_options *given;
    size_t pending; /* offset of constant text that no operation has taken yet */
    bool source;
    const char *project; /* that traces belong to; NULL: none */
    struct weftp_layout_item
        items[WEFTP_OPS_MAX]; /* the layout's, with the names that are wanted */
};

/* Texts are offsets while the buffer may still move. */
static void take_pending(struct compiler *compiler, struct weftp_text *text)
{
    const struct weft_out *out = &compiler->program->text;
    text->offset = (uint32_t)compiler->pending;
    text->size = (uint32_t)(weftp_out_size(out) - compiler->pending);
    compiler->pending = weftp_out_size(out);
}

static void fix_text(const struct weft_out *out, struct weftp_text *text)
{
    text->text = out->data + text->offset;
}

static void add_op(struct compiler *compiler, const struct weftp_layout_item *item, uint32_t when)
{
    struct weftp_program *program = compiler->program;
    if (program->op_count == WEFTP_OPS_MAX) return;
    struct weftp_op *op = &program->ops[program->op_count++];
    op->item = (uint8_t)item->item;
    op->space = (uint8_t)item->space;
    op->when = (uint16_t)when;
    op->name = item->name;
    take_pending(compiler, &op->text);
    op->room = op->text.size + WEFTP_TEXT_PADDING + WEFTP_ITEM_SIZE_MAX;
}

/* Constant text must not hang on an operation that may be skipped or taken back. */
static void flush_pending(struct compiler *compiler)
{
    static const struct weftp_layout_item constant = {WEFTP_ITEM_CONSTANT, NULL, NULL,
                                                      WEFTP_SPACE_TOP};
    if (weftp_out_size(&compiler->program->text) > compiler->pending) {
        add_op(compiler, &constant, 0);
    }
}

static void put_name(struct compiler *compiler, const char *name)
{
    struct weft_out *out = &compiler->program->text;
    weftp_out_char(out, compiler->program->op_count == 0 && weftp_out_size(out) == 0 ? '{' : ',');
    weftp_json_string(out, name, strlen(name));
    weftp_out_char(out, ':');
}

static const char *constant_text(const struct compiler *compiler,
                                 const struct weftp_layout_item *item)
{
    const struct weft_encoder_options *given = compiler->given;
    switch (item->item) {
    case WEFTP_ITEM_CONSTANT: return item->text;
    case WEFTP_ITEM_SERVICE: return given->service;
    case WEFTP_ITEM_SERVICE_VERSION: return given->service_version;
    case WEFTP_ITEM_SERVICE_ENV: return given->service_env;
    case WEFTP_ITEM_SERVICE_NODE:
        return given->service_node ? given->service_node : given->service ? given->host : NULL;
    case WEFTP_ITEM_END:
    case WEFTP_ITEM_TIME:
    case WEFTP_ITEM_LEVEL:
    case WEFTP_ITEM_LEVEL_VALUE:
    case WEFTP_ITEM_MESSAGE:
    case WEFTP_ITEM_LOGGER:
    case WEFTP_ITEM_THREAD:
    case WEFTP_ITEM_TRACE_ID:
    case WEFTP_ITEM_SPAN_ID:
    case WEFTP_ITEM_TRACE_PROJECT:
    case WEFTP_ITEM_TRACE_FLAGS:
    case WEFTP_ITEM_TRACE_SAMPLED:
    case WEFTP_ITEM_TRACE_DATADOG:
    case WEFTP_ITEM_SPAN_DATADOG:
    case WEFTP_ITEM_ERROR_TYPE:
    case WEFTP_ITEM_ERROR_MESSAGE:
    case WEFTP_ITEM_ERROR_STACK:
    case WEFTP_ITEM_EXCEPTION:
    case WEFTP_ITEM_FILE:
    case WEFTP_ITEM_LINE:
    case WEFTP_ITEM_FUNCTION:
    case WEFTP_ITEM_OPEN:
    case WEFTP_ITEM_FIELDS:
    case WEFTP_ITEM_CLOSE: break;
    }
    return NULL;
}

/* When a part of a line is there; 0: never in this instance. */
static uint32_t when_of(const struct compiler *compiler, const struct weftp_layout_item *item)
{
    switch (item->item) {
    case WEFTP_ITEM_TRACE_ID:
    case WEFTP_ITEM_TRACE_PROJECT:
    case WEFTP_ITEM_TRACE_FLAGS:
    case WEFTP_ITEM_TRACE_SAMPLED:
    case WEFTP_ITEM_TRACE_DATADOG: return WEFTP_WHEN_TRACE;
    case WEFTP_ITEM_SPAN_ID:
    case WEFTP_ITEM_SPAN_DATADOG: return WEFTP_WHEN_SPAN;
    case WEFTP_ITEM_ERROR_TYPE: return WEFTP_WHEN_ERROR_TYPE;
    case WEFTP_ITEM_ERROR_MESSAGE: return WEFTP_WHEN_ERROR_MESSAGE;
    case WEFTP_ITEM_ERROR_STACK: return WEFTP_WHEN_ERROR_STACK;
    case WEFTP_ITEM_EXCEPTION: return WEFTP_WHEN_ERROR;
    case WEFTP_ITEM_FILE:
    case WEFTP_ITEM_LINE:
    case WEFTP_ITEM_FUNCTION: return compiler->source ? WEFTP_WHEN_SOURCE : 0;
    case WEFTP_ITEM_CONSTANT:
    case WEFTP_ITEM_SERVICE:
    case WEFTP_ITEM_SERVICE_VERSION:
    case WEFTP_ITEM_SERVICE_ENV:
    case WEFTP_ITEM_SERVICE_NODE: return constant_text(compiler, item) ? WEFTP_WHEN_ALWAYS : 0;
    case WEFTP_ITEM_END:
    case WEFTP_ITEM_TIME:
    case WEFTP_ITEM_LEVEL:
    case WEFTP_ITEM_LEVEL_VALUE:
    case WEFTP_ITEM_MESSAGE:
    case WEFTP_ITEM_LOGGER:
    case WEFTP_ITEM_THREAD:
    case WEFTP_ITEM_OPEN:
    case WEFTP_ITEM_FIELDS:
    case WEFTP_ITEM_CLOSE: break;
    }
    return WEFTP_WHEN_ALWAYS;
}

/* The opening quote of a part of the trace, and the project that the id belongs to. */
static void put_before_trace(struct compiler *compiler, const struct weftp_layout_item *item)
{
    struct weft_out *out = &compiler->program->text;
    const char *project = compiler->project;
    if (item->text) weftp_out_put(out, item->text, strlen(item->text));
    if (item->item != WEFTP_ITEM_TRACE_PROJECT || !project) return;
    weftp_out_literal(out, "projects/");
    weftp_json_escape(out, project, strlen(project));
    weftp_out_literal(out, "/traces/");
}

static void compile_item(struct compiler *compiler, const struct weftp_layout_item *item)
{
    const uint32_t when = when_of(compiler, item);
    if (!when) return;
    const char *text = constant_text(compiler, item);
    if (text) {
        put_name(compiler, item->name);
        weftp_json_string(&compiler->program->text, text, strlen(text));
    } else if (when == WEFTP_WHEN_ALWAYS && item->item != WEFTP_ITEM_OPEN) {
        if (item->name) put_name(compiler, item->name);
        add_op(compiler, item, 0);
    } else {
        flush_pending(compiler);
        put_name(compiler, item->name);
        if (weftp_trace_item_is(item->item)) put_before_trace(compiler, item);
        add_op(compiler, item, when == WEFTP_WHEN_ALWAYS ? 0 : when);
    }
}

/* CLOSE takes back the text of its OPEN; OPEN knows whether fields are all that is in between. */
static void link_objects(struct weftp_program *program)
{
    struct weftp_op *open = NULL;
    for (uint32_t i = 0; i < program->op_count; i++) {
        struct weftp_op *op = &program->ops[i];
        if (op->item == WEFTP_ITEM_OPEN) open = op;
        if (op->item != WEFTP_ITEM_CLOSE || !open) continue;
        op->text = open->text;
        if (op - open == 2) open->skip = 2;
    }
}

static void compile_items(struct compiler *compiler)
{
    static const struct weftp_layout_item end = {WEFTP_ITEM_CONSTANT, NULL, NULL, WEFTP_SPACE_TOP};
    const struct weftp_layout *layout = compiler->program->scheme.layout;
    for (const struct weftp_layout_item *item = compiler->items; item->item; item++) {
        compile_item(compiler, item);
    }
    weftp_out_literal(&compiler->program->text, "}\n");
    add_op(compiler, &end, 0);
    link_objects(compiler->program);
    put_name(compiler, layout->boot_id_name);
    take_pending(compiler, &compiler->program->boot_id);
    put_name(compiler, layout->seq_name);
    take_pending(compiler, &compiler->program->seq);
}

static void reserve_name(struct weftp_names *names, const char *key, enum weftp_space space,
                         uint32_t when)
{
    const struct weftp_name name = {.key = key,
                                    .key_size = (uint32_t)strlen(key),
                                    .when = (uint16_t)when,
                                    .space = (uint8_t)space};
    weftp_names_add(names, &name);
}

/* The object that a list's fields stand in. */
static enum weftp_space object_of(const struct weftp_layout *layout, enum weftp_space space)
{
    return layout->space_names[space] ? space : WEFTP_SPACE_TOP;
}

static void add_known(struct weftp_names *names, const struct weftp_known_field *known,
                      enum weftp_space space)
{
    const struct weftp_name name = {.key = known->name,
                                    .key_size = (uint32_t)strlen(known->name),
                                    .space = (uint8_t)space,
                                    .type = (uint8_t)known->type};
    weftp_names_add(names, &name);
}

/*
 * The fields that the format defines. Keys with a dot are looked up anyway; those without one are
 * found where they would go otherwise, under a name that is never taken.
 */
static weft_status know_names(struct weftp_scheme *scheme, const struct weftp_known_field *known)
{
    uint32_t count = 0;
    while (known && known[count].name) count++;
    const weft_status status = weftp_names_init(&scheme->known, count);
    for (uint32_t i = 0; i < count && !status; i++) {
        add_known(&scheme->known, &known[i], WEFTP_SPACE_TOP);
        if (strchr(known[i].name, '.')) continue;
        add_known(&scheme->names, &known[i], WEFTP_SPACE_LABELS);
        add_known(&scheme->names, &known[i], WEFTP_SPACE_NUMBERS);
        add_known(&scheme->names, &known[i], WEFTP_SPACE_CUSTOM);
    }
    return status;
}

static weft_status reserve_names(struct compiler *compiler, const struct weftp_layout *layout)
{
    struct weftp_names *names = &compiler->program->scheme.names;
    const weft_status status =
        weftp_names_init(names, WEFTP_PLAN_RESERVED_MAX + (uint32_t)compiler->given->field_count);
    if (status) return status;
    for (const struct weftp_layout_item *item = compiler->items; item->item; item++) {
        const enum weftp_space space =
            item->item == WEFTP_ITEM_OPEN ? WEFTP_SPACE_TOP : object_of(layout, item->space);
        const uint32_t when = when_of(compiler, item);
        if (item->name && when) reserve_name(names, item->name, space, when);
    }
    if (compiler->given->numbered) {
        reserve_name(names, layout->boot_id_name, WEFTP_SPACE_TOP, WEFTP_WHEN_ALWAYS);
        reserve_name(names, layout->seq_name, WEFTP_SPACE_TOP, WEFTP_WHEN_ALWAYS);
    }
    reserve_name(names, "truncated", object_of(layout, layout->marked_space), WEFTP_WHEN_MARKED);
    reserve_name(names, "truncated_fields", object_of(layout, layout->cut_names_space),
                 WEFTP_WHEN_MARKED);
    return know_names(&compiler->program->scheme, layout->known);
}

#define STATIC_KEY_MAX (3 * 128 + 8) /* a key of a pair, repaired, with a suffix */

/* From now on fields that take one of these names make the static field give way. */
static weft_status keep_static_names(struct weftp_program *program, const struct weftp_plan *plan)
{
    if (plan->count == 0) return WEFT_OK;
    program->static_keys = malloc((size_t)plan->count * STATIC_KEY_MAX);
    if (!program->static_keys) return WEFT_ENOMEM;
    for (uint32_t i = 0; i < plan->count; i++) {
        char text[WEFTP_ENTRY_TEXT_MAX];
        const struct weftp_entry *entry = &plan->entries_now[i];
        const size_t size = weftp_entry_text(entry, text);
        char *key = program->static_keys + (size_t)i * STATIC_KEY_MAX;
        memcpy(key, text, size < STATIC_KEY_MAX ? size : STATIC_KEY_MAX);
        const struct weftp_name name = {.key = key,
                                        .key_size = (uint32_t)size,
                                        .when = WEFTP_WHEN_STATIC,
                                        .space = (uint8_t)entry->space};
        weftp_names_add(&program->scheme.names, &name);
    }
    return WEFT_OK;
}

/* Print the static fields of each list, and reserve the names that they got. */
static weft_status compile_statics(struct compiler *compiler)
{
    static const struct weft_record empty;
    static const struct weft_limits all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    struct weftp_program *program = compiler->program;
    struct weftp_plan *plan = malloc(sizeof *plan);
    if (!plan) return WEFT_ENOMEM;
    struct weftp_cuts cuts = {0};
    struct weftp_writer writer = {program, &empty, &all, &program->text, plan, &cuts, NULL, 0};
    weftp_plan_statics(plan, &program->scheme, &empty);
    char *to = weftp_place_now(&program->text);
    for (unsigned space = 0; space < WEFTP_SPACE_COUNT; space++) {
        to = weftp_write_list(&writer, to, (enum weftp_space)space);
        if (to) program->text.cur = to;
        take_pending(compiler, &program->statics[space]);
    }
    const weft_status status =
        plan->left_out || !to ? WEFT_ENOMEM : keep_static_names(program, plan);
    weftp_plan_free(plan);
    free(plan);
    return status;
}

/* The object of ECS that a value goes to when nothing else is said. */
static enum weftp_space group_of(enum weft_type type)
{
    switch (type) {
    case WEFT_TYPE_INT:
    case WEFT_TYPE_UINT:
    case WEFT_TYPE_DOUBLE:
    case WEFT_TYPE_DURATION: return WEFTP_SPACE_NUMBERS;
    case WEFT_TYPE_JSON:
    case WEFT_TYPE_ERRNO:
    case WEFT_TYPE_OBJ:
    case WEFT_TYPE_ARR:
    case WEFT_TYPE_ERROR: return WEFTP_SPACE_CUSTOM;
    case WEFT_TYPE_NONE:
    case WEFT_TYPE_END_:
    case WEFT_TYPE_STR:
    case WEFT_TYPE_BOOL:
    case WEFT_TYPE_NULL:
    case WEFT_TYPE_BYTES:
    case WEFT_TYPE_TIME: break;
    }
    return WEFTP_SPACE_LABELS;
}

static struct weftp_row make_row(const struct weftp_layout *layout, enum weftp_space list)
{
    const enum weftp_space object = object_of(layout, list);
    const struct weftp_row row = {
        .list = (uint8_t)list, .object = (uint8_t)object, .salt = weftp_space_salt(object)};
    return row;
}

/* Types whose values may be no field of their own, or nothing at all. */
static bool is_odd_type(const struct weftp_layout *layout, enum weft_type type)
{
    const uint32_t pointers = 1U << WEFT_TYPE_STR | 1U << WEFT_TYPE_BYTES | 1U << WEFT_TYPE_JSON |
                              1U << WEFT_TYPE_OBJ | 1U << WEFT_TYPE_ARR | 1U << WEFT_TYPE_NULL;
    if (type <= WEFT_TYPE_END_ || type == WEFT_TYPE_ERROR || type == WEFT_TYPE_DOUBLE) return true;
    return layout->nulls_left_out && pointers >> type & 1;
}

static void choose_places(struct weftp_scheme *scheme)
{
    const struct weftp_layout *layout = scheme->layout;
    for (unsigned space = 0; space < WEFTP_SPACE_COUNT; space++) {
        scheme->objects[space] = (uint8_t)object_of(layout, (enum weftp_space)space);
    }
    for (unsigned i = 0; i <= WEFT_TYPE_ERROR; i++) {
        const enum weft_type type = (enum weft_type)i;
        const enum weftp_space group = layout->grouped ? group_of(type) : WEFTP_SPACE_TOP;
        const enum weftp_space context = !layout->grouped      ? layout->mdc_space
                                         : scheme->mdc_strings ? WEFTP_SPACE_LABELS
                                                               : group;
        scheme->rows[0][i] = make_row(layout, group);
        scheme->rows[1][i] = make_row(layout, context);
        scheme->rows[0][i].odd = scheme->rows[1][i].odd = is_odd_type(layout, type);
    }
}

static const char *project_of(const struct weft_encoder_options *given)
{
    const size_t end = offsetof(struct weft_encoder_options, trace_project) + sizeof(char *);
    const char *project = given->struct_size < end ? NULL : given->trace_project;
    return project && strlen(project) <= WEFTP_TRACE_PROJECT_MAX ? project : NULL;
}

weft_status weftp_program_init(struct weftp_program *program, const struct weftp_layout *layout,
                               const struct weftp_compile_options *options)
{
    struct compiler compiler = {.program = program,
                                .given = options->given,
                                .source = options->source,
                                .project = project_of(options->given)};
    struct weftp_scheme *scheme = &program->scheme;
    weftp_trace_names_apply(layout, options->trace, compiler.items, WEFTP_OPS_MAX);
    weftp_random_bytes(&program->id, sizeof program->id);
    program->id |= 1; /* never 0, which is nobody's */
    scheme->layout = layout;
    scheme->statics = options->given->fields;
    scheme->static_count = options->given->field_count;
    scheme->mdc_strings = options->mdc_strings;
    scheme->source = options->source;
    program->time_style = options->epoch ? WEFTP_TIME_EPOCH_MS : layout->time_style;
    if (layout->double_style != WEFTP_DOUBLE_SHORT) {
        program->restyled_types |= 1U << WEFT_TYPE_DOUBLE;
    }
    if (layout->time_value_style != WEFTP_TIME_MICROS) {
        program->restyled_types |= 1U << WEFT_TYPE_TIME;
    }
    choose_places(scheme);
    program->shapes = calloc(1, sizeof *program->shapes);
    weftp_out_init(&program->text, TEXT_SIZE_MAX);
    compile_items(&compiler);
    weft_status status = reserve_names(&compiler, layout);
    if (!status) status = compile_statics(&compiler);
    if (status) return status;
    if (!weftp_out_reserve(&program->text, WEFTP_TEXT_PADDING)) return WEFT_ENOMEM;
    memset(program->text.cur, 0, WEFTP_TEXT_PADDING);
    for (uint32_t i = 0; i < program->op_count; i++)
        fix_text(&program->text, &program->ops[i].text);
    for (unsigned i = 0; i < WEFTP_SPACE_COUNT; i++) fix_text(&program->text, &program->statics[i]);
    fix_text(&program->text, &program->boot_id);
    fix_text(&program->text, &program->seq);
    weftp_quick_compile(program);
    return WEFT_OK;
}

void weftp_program_deinit(struct weftp_program *program)
{
    weftp_names_deinit(&program->scheme.names);
    weftp_names_deinit(&program->scheme.known);
    weftp_quick_free(&program->quick);
    if (program->shapes) weftp_shapes_free(program->shapes);
    free(program->shapes);
    free(program->static_keys);
    weftp_out_deinit(&program->text);
}
