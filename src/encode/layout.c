#include "layout.h"

#include "../base/json_limits.h"
#include "../base/number.h"
#include "../base/out.h"
#include "../base/utf8.h"
#include "compile.h"
#include "entry.h"
#include "quick.h"
#include <stdlib.h>

#define BOOT_ID_SIZE 32 /* digits */

/* An option with two values. Returns false for a value that is neither. */
static bool choose(const char *value, const char *off, const char *on, bool *out)
{
    const bool is_on = strcmp(value, on) == 0;
    if (!is_on && strcmp(value, off) != 0) return false;
    *out = is_on;
    return true;
}

static weft_status read_options(struct weftp_compile_options *options,
                                const struct weftp_layout *layout)
{
    bool good = true;
    const struct weft_options_kv *kv = options->given->options;
    options->mdc_strings = layout->mdc_strings;
    for (; kv && kv->key; kv++) {
        const char *value = kv->value ? kv->value : "";
        if (strcmp(kv->key, "mdc_types") == 0) {
            good &= choose(value, "native", "string", &options->mdc_strings);
        } else if (strcmp(kv->key, "source") == 0) {
            good &= choose(value, "off", "on", &options->source);
        } else if (strcmp(kv->key, "trace") == 0) {
            good &= weftp_trace_names_find(value, &options->trace);
        } else if (strcmp(kv->key, "time") == 0 && layout->epoch_option) {
            good &= choose(value, "iso", "epoch", &options->epoch);
        }
    }
    return good ? WEFT_OK : WEFT_EINVAL;
}

void weftp_layout_number(const void *self, const struct weft_line *line, const char *boot_id,
                         struct weft_out *out)
{
    static const char end[] = "}\n";
    const struct weftp_program *program = self;
    weftp_out_put(out, line->data, line->size - (sizeof end - 1));
    char *to = weftp_out_reserve(out, WEFT_NUMBER_SIZE_MAX + sizeof end);
    if (!to) return;
    memcpy(to, program->boot_id.text, program->boot_id.size);
    to += program->boot_id.size;
    *to++ = '"';
    memcpy(to, boot_id, BOOT_ID_SIZE);
    to += BOOT_ID_SIZE;
    *to++ = '"';
    memcpy(to, program->seq.text, program->seq.size);
    to = weftp_u64_text(to + program->seq.size, line->seq);
    memcpy(to, end, sizeof end - 1);
    out->cur = to + sizeof end - 1;
}

weft_status weftp_layout_open(void **self, const struct weftp_layout *layout,
                              const struct weft_encoder_options *given)
{
    struct weftp_compile_options options = {.given = given};
    const weft_status option_status = read_options(&options, layout);
    struct weftp_program *program = calloc(1, sizeof *program);
    if (!program) return WEFT_ENOMEM;
    const weft_status status = weftp_program_init(program, layout, &options);
    if (status) {
        weftp_layout_close(program);
        return status;
    }
    *self = program;
    return option_status;
}

void weftp_layout_close(void *self)
{
    if (!self) return;
    weftp_program_deinit(self);
    free(self);
}

/* Keys and fields that the plan itself had no room for are told of like values that were cut. */
static void add_plan_cuts(const struct weftp_plan *plan, struct weftp_cuts *cuts)
{
    const struct weft_record *record = plan->record;
    if (plan->key_cut) {
        const char *key = plan->key_cut->key;
        weftp_cuts_add(cuts, key, weftp_utf8_cut(key, strlen(key), WEFTP_CUT_NAME_MAX));
    }
    for (size_t i = plan->left_out_from; i < record->field_count; i++) {
        const weft_field *field = &record->fields[i];
        if (field->type <= WEFT_TYPE_END_ || !field->key) continue;
        weftp_cuts_add(cuts, field->key, strnlen(field->key, WEFTP_CUT_NAME_MAX));
        if (cuts->count > WEFTP_CUT_NAMES_MAX) return;
    }
    if (plan->left_out && cuts->count == 0) weftp_cuts_add(cuts, "\xe2\x80\xa6", 3);
}

/* Write the line; `told` is what an earlier try had to cut. */
static void encode_once(struct weftp_writer *writer, const struct weftp_cuts *told)
{
    struct weftp_plan plan;
    writer->plan = &plan;
    writer->told = told;
    writer->cuts->count = 0;
    weftp_plan_make(&plan, &writer->program->scheme, writer->record, writer->limits, told != NULL);
    weftp_write_line(writer);
    if (plan.left_out || plan.key_cut) add_plan_cuts(&plan, writer->cuts);
    if (plan.renamed) writer->out->notes |= WEFTP_NOTE_RENAMED;
    if (told) writer->out->notes |= WEFTP_NOTE_CUT;
    weftp_plan_free(&plan);
}

static inline bool is_unlimited(const struct weft_limits *limits)
{
    return !limits || (limits->field & limits->bound & limits->message & limits->mdc) == UINT32_MAX;
}

/*
 * What a line says about cuts may stand before the values that are cut, and takes names that others
 * could have. So a line with cuts is written twice: they are rare, and the second time all is
 * known. A function of its own: the quick way has no use for its frame.
 */
static __attribute__((noinline)) void encode_planned(const struct weftp_program *program,
                                                     const struct weft_record *record,
                                                     const struct weft_limits *limits,
                                                     struct weft_out *out)
{
    static const struct weft_limits all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    struct weftp_cuts cuts, cuts_again;
    struct weftp_writer writer = {.program = program,
                                  .record = record,
                                  .limits = limits ? limits : &all,
                                  .out = out,
                                  .cuts = &cuts};
    const size_t start = weftp_out_size(out);
    encode_once(&writer, NULL);
    if (cuts.count == 0 || out->overflow) return;
    out->cur = out->data + start;
    writer.cuts = &cuts_again;
    encode_once(&writer, &cuts);
}

void weftp_layout_encode(const void *self, const struct weft_record *record,
                         const struct weft_limits *limits, struct weft_out *out)
{
    if (is_unlimited(limits) && weftp_quick_encode(self, record, out)) return;
    encode_planned(self, record, limits, out);
}
