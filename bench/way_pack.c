/*
 * What a queue adds to a record: packing it on the caller's thread, and unpacking it on the
 * worker's, through the internal interfaces. The memory is warm, and no queue is there.
 */
#include "bench.h"
#include "shape.h"

#include "src/record/packed.h"
#include "src/record/pair.h"
#include "src/record/sites.h"
#include "src/record/templates.h"

#include <string.h>

#define ROOM  65536 /* records are packed behind each other, as in a ring */
#define PLACE 4096  /* that the last of them must find */

/* What stays the same from record to record. */
struct scene {
    struct weftp_pair_set *mdc;
    struct weftp_kept *kept;
    size_t at, size; /* of the next record, of the last one */
    weft_field fields[16];
    struct weft_pair pairs[16];
    _Alignas(16) char ring[ROOM];
};
static struct scene scene;

static bool scene_open(const struct bench_job *job)
{
    static const struct weftp_pair_limits limits = WEFTP_PAIR_LIMITS_DEFAULT;
    const weft_field mdc[] = {weft_str("request_id", WORKLOAD_REQUEST_ID),
                              weft_str("user", WORKLOAD_USER), weft_str("tenant", WORKLOAD_TENANT)};
    memset(scene.ring, 1, sizeof scene.ring);
    return job->threads == 1 &&
           weftp_pairs_build(&scene.mdc, NULL, mdc, 3, &limits, true, NULL) == WEFT_OK;
}

/* As the calls of the library make it. */
static struct weft_record record_make(uint64_t i, const char *message)
{
    static weft_site site = {__FILE__, "record_make", __LINE__, WEFT_LEVEL_INFO, 0, 0, 0};
    weftp_site_register(&site);
    return (struct weft_record){.struct_size = sizeof(struct weft_record),
                                .site = &site,
                                .time_ns = BENCH_TIME_NS(i),
                                .pid = 4242,
                                .tid = 4242,
                                .level = WEFT_LEVEL_INFO,
                                .logger = WORKLOAD_LOGGER,
                                .logger_size = sizeof WORKLOAD_LOGGER - 1,
                                .thread = SHAPE_THREAD,
                                .thread_size = sizeof SHAPE_THREAD - 1,
                                .message = message,
                                .message_size = strlen(message),
                                .mdc = scene.mdc->pairs,
                                .mdc_count = scene.mdc->count};
}

static size_t pack(const struct weft_record *record)
{
    size_t size = 0;
    if (ROOM - scene.at < PLACE) scene.at = 0;
    if (weftp_record_pack(record, WEFTP_PACK_SITE_BY_ID, scene.ring + scene.at, ROOM - scene.at,
                          &size))
        return 0;
    bench_keep(scene.ring + scene.at);
    scene.at += size;
    return size;
}

static size_t pack_one(enum bench_kind kind, uint64_t i)
{
    const char *message = kind == BENCH_ESC ? workload.esc_message : WORKLOAD_MESSAGE;
    struct weft_record record = record_make(i, message);
    if (kind != BENCH_R10) return pack(&record);
    const weft_field fields[] = {WORKLOAD_FIELDS(i)};
    record.fields = fields;
    record.field_count = sizeof fields / sizeof *fields;
    weft_site *site = (weft_site *)(uintptr_t)record.site;
    weftp_template_know(site, fields, record.field_count);
    return pack(&record);
}

static void pack_run(enum bench_kind kind, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) pack_one(kind, i);
}

static bool pack_open(const struct bench_job *job)
{
    return scene_open(job);
}

/* Fill the ring with records, for unpacking them over and over. */
static bool unpack_open(const struct bench_job *job)
{
    if (!scene_open(job)) return false;
    scene.kept = weftp_kept_create();
    for (uint64_t i = 0; ROOM - scene.at >= PLACE; i++) scene.size = pack_one(job->kind, i);
    return true;
}

static void unpack_run(enum bench_kind kind, uint64_t records)
{
    (void)kind;
    struct weftp_packed_needs needs;
    struct weftp_unpacked view;
    const struct weftp_unpack_room room = {.options = WEFTP_UNPACK_TRUSTED,
                                           .fields = scene.fields,
                                           .field_count = 16,
                                           .pairs = scene.pairs,
                                           .pair_count = 16,
                                           .kept = scene.kept};
    for (uint64_t i = 0, at = 0; i < records; i++) {
        if (ROOM - at < PLACE) at = 0;
        if (weftp_packed_needs(scene.ring + at, scene.size, &needs) != WEFT_OK ||
            weftp_record_unpack(scene.ring + at, needs.size, &room, &view) != WEFT_OK)
            return;
        bench_keep(&view);
        at += needs.size;
    }
}

static bool pack_close(void)
{
    weftp_pairs_unref(scene.mdc);
    weftp_kept_destroy(scene.kept);
    scene.kept = NULL;
    return true;
}

/* Not a line, but as many bytes as a record takes. */
static size_t packed_line(enum bench_kind kind, char *to, size_t size)
{
    const struct bench_job job = {.threads = 1};
    if (!pack_open(&job)) return 0;
    scene.at = 0;
    const size_t packed = pack_one(kind, 0);
    const size_t got = packed < size ? packed : 0;
    memcpy(to, scene.ring, got);
    pack_close();
    scene.at = 0;
    return got;
}

const struct bench_way bench_way_pack = {
    "pack",     "a record into a queue's memory", false, pack_open, NULL, pack_run, pack_close,
    packed_line};
const struct bench_way bench_way_unpack = {
    "unpack",   "a view of a packed record", false, unpack_open, NULL, unpack_run, pack_close,
    packed_line};
