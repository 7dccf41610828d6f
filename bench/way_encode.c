/*
 * weft's encoder alone: a record to a line, no file, through the internal interfaces. The time
 * comes from the number of the record.
 */
#include "bench.h"
#include "shape.h"

#include "src/base/out.h"
#include "src/encode/registry.h"
#include "src/record/pair.h"
#include "src/record/templates.h"

#include <stdlib.h>
#include <string.h>

/* What stays the same from record to record. */
struct scene {
    const struct weft_encoder_type *type;
    void *encoder;
    struct weftp_pair_set *mdc;
    struct weft_out out; /* of the one thread that this is measured on */
};
static struct scene scene;

static bool scene_open(void)
{
    static const struct weft_options_kv no_options[] = {{NULL, NULL}};
    static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;
    const struct weft_encoder_options options = {
        .struct_size = sizeof options, .host = "localhost", .options = no_options};
    const weft_field mdc[] = {weft_str("request_id", WORKLOAD_REQUEST_ID),
                              weft_str("user", WORKLOAD_USER), weft_str("tenant", WORKLOAD_TENANT)};
    weftp_out_init(&scene.out, 65536);
    scene.type = weftp_encoder_builtin("ecs");
    return scene.type && scene.type->open(&scene.encoder, &options) == WEFT_OK &&
           weftp_pairs_build(&scene.mdc, NULL, mdc, 3, &limits, true, NULL) == WEFT_OK;
}

static void encode(struct weft_out *out, int64_t time_ns, const char *message,
                   const weft_field *fields, size_t count)
{
    static const struct weft_limits all = {UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    static weft_site sites[2] = {{.file = __FILE__, .func = "with fields", .line = 1},
                                 {.file = __FILE__, .func = "without fields", .line = 2}};
    weft_site *site = &sites[count == 0]; /* as calls have them */
    weftp_template_know(site, fields, count);
    const struct weft_record record = {.struct_size = sizeof record,
                                       .site = site,
                                       .time_ns = time_ns,
                                       .pid = 4242,
                                       .tid = 4242,
                                       .level = WEFT_LEVEL_INFO,
                                       .logger = WORKLOAD_LOGGER,
                                       .logger_size = sizeof WORKLOAD_LOGGER - 1,
                                       .thread = SHAPE_THREAD,
                                       .thread_size = sizeof SHAPE_THREAD - 1,
                                       .message = message,
                                       .message_size = strlen(message),
                                       .fields = fields,
                                       .field_count = count,
                                       .mdc = scene.mdc->pairs,
                                       .mdc_count = scene.mdc->count};
    weftp_out_clear(out);
    scene.type->encode(scene.encoder, &record, &all, out);
    bench_keep(out->data);
}

static void encode_one(enum bench_kind kind, uint64_t i, struct weft_out *out)
{
    if (kind == BENCH_R10) {
        const weft_field fields[] = {WORKLOAD_FIELDS(i)};
        encode(out, BENCH_TIME_NS(i), WORKLOAD_MESSAGE, fields, sizeof fields / sizeof *fields);
    } else {
        encode(out, BENCH_TIME_NS(i), kind == BENCH_ESC ? workload.esc_message : WORKLOAD_MESSAGE,
               NULL, 0);
    }
}

static bool encode_open(const struct bench_job *job)
{
    return job->threads == 1 && scene_open();
}

static void encode_run(enum bench_kind kind, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) encode_one(kind, i, &scene.out);
}

static bool encode_close(void)
{
    scene.type->close(scene.encoder);
    free(scene.mdc);
    weftp_out_deinit(&scene.out);
    return true;
}

static size_t encode_line(enum bench_kind kind, char *to, size_t size)
{
    if (!scene_open()) return 0;
    encode_one(kind, 0, &scene.out);
    const size_t got = weftp_out_size(&scene.out) < size ? weftp_out_size(&scene.out) : 0;
    memcpy(to, scene.out.data, got);
    encode_close();
    return got;
}

const struct bench_way bench_way_encode = {
    "encode",   "weft's ECS encoder alone", false, encode_open, NULL, encode_run, encode_close,
    encode_line};
