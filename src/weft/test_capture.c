/*
 * weft_test_capture: a pipeline of its own, with one sink that keeps the lines and parses them with yajl when asked.
 */
#include "system.h"

#include <errno.h>
#include <stdlib.h>
#include <weft/test.h>
#include <yajl/yajl_tree.h>

#define RECORDS_MAX 1000000 /* lines past this are lost, and counted as such */

struct captured {
    char *line; /* without its newline; NUL-terminated */
    char *logger;
    int level;
    yajl_val tree; /* NULL: not parsed yet */
};

struct weft_test_capture_state {
    struct weftp_lock lock;
    struct captured *records;
    size_t count, capacity;
    struct weftp_pipeline *pipeline; /* owned by the system while it is published */
};

/* ---- the sink ---- */

static weft_status capture_open(void **self, const struct weft_options_kv *options)
{
    (void)options;
    *self = NULL;
    return WEFT_EINVAL; /* only weft_test_capture makes one */
}

static bool grow(weft_capture *capture)
{
    if (capture->count < capture->capacity) return true;
    const size_t capacity = capture->capacity ? capture->capacity * 2 : 64;
    if (capacity > RECORDS_MAX) return false;
    struct captured *records = realloc(capture->records, capacity * sizeof *records);
    if (!records) return false;
    capture->records = records;
    capture->capacity = capacity;
    return true;
}

static bool keep(weft_capture *capture, const struct weft_line *line)
{
    const bool newline = line->size > 0 && line->data[line->size - 1] == '\n';
    if (!grow(capture)) return false;
    struct captured record = {.level = (int)line->level};
    record.line = strndup(line->data, line->size - (newline ? 1 : 0));
    record.logger = strndup(line->logger, line->logger_size);
    if (!record.line || !record.logger) {
        free(record.line);
        free(record.logger);
        return false;
    }
    capture->records[capture->count++] = record;
    return true;
}

static weft_status capture_write(void *self, const struct weft_line *lines, size_t count,
                                 size_t *written)
{
    weft_capture *capture = self;
    weftp_lock(&capture->lock);
    for (*written = 0; *written < count && keep(capture, &lines[*written]);) ++*written;
    weftp_unlock(&capture->lock);
    return *written == count ? WEFT_OK : WEFT_ENOMEM;
}

static void capture_close(void *self)
{
    (void)self;
}

static const struct weft_sink_type capture_sink = {
    sizeof(struct weft_sink_type), "capture", capture_open, capture_write, NULL, capture_close};

/* ---- making and ending ---- */

static weft_status open_encoder(struct weftp_pipeline *pipeline, const weft_test_options *options)
{
    const struct weft_encoder_type *type =
        weftp_catalog_encoder(&weftp_system.catalog, options->format ? options->format : "ecs");
    static const struct weft_options_kv none[] = {{NULL, NULL}};
    char host[256];
    if (!type) return WEFT_EINVAL;
    weftp_host_name(host, sizeof host);
    const struct weft_encoder_options encoder_options = {.struct_size = sizeof encoder_options,
                                                         .service = options->service,
                                                         .host =
                                                             options->host ? options->host : host,
                                                         .options = none};
    void *self = NULL;
    const weft_status status = type->open(&self, &encoder_options);
    if (!self) return status ? status : WEFT_ENOMEM;
    pipeline->encodings[0] = (struct weftp_encoding){type, self, WEFTP_BUDGET_DEFAULT, NULL};
    pipeline->encoding_count = 1;
    return WEFT_OK;
}

static struct weftp_fake *create_fake(const weft_test_options *options)
{
    struct weftp_fake *fake = calloc(1, sizeof *fake);
    if (!fake) return NULL;
    *fake = (struct weftp_fake){options->time_ns, options->time_step_ns, options->pid, NULL};
    if (!options->thread) return fake;
    fake->thread = strdup(options->thread);
    if (fake->thread) return fake;
    free(fake);
    return NULL;
}

static struct weftp_pipeline *create_pipeline(weft_capture *capture,
                                              const weft_test_options *options)
{
    struct weftp_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline) return NULL;
    pipeline->floor = WEFT_LEVEL_TRACE;
    pipeline->fake = create_fake(options);
    if (!pipeline->fake || open_encoder(pipeline, options) != WEFT_OK) goto fail;
    pipeline->slots[0].outlet = weftp_outlet_create(&capture_sink, capture, "capture:");
    if (!pipeline->slots[0].outlet) goto fail;
    pipeline->slot_count = 1;
    return pipeline;
fail:
    weftp_pipeline_destroy(pipeline);
    return NULL;
}

#define LEVELS_MAX 32 /* settings in weft_test_options.level */

/* One "logger=level" or "level", which is cut up in place. */
static bool parse_level(char *item, struct weftp_level_setting *out)
{
    weft_level level;
    char *equals = strchr(item, '=');
    if (equals) *equals = '\0';
    if (weft_level_parse(equals ? equals + 1 : item, &level) != WEFT_OK) return false;
    *out = (struct weftp_level_setting){equals ? item : "", (int)level};
    return true;
}

static weft_status set_levels(const char *level)
{
    struct weftp_level_setting settings[LEVELS_MAX];
    size_t count = 0;
    char *text = strdup(level ? level : "trace");
    if (!text) return WEFT_ENOMEM;
    char *rest = text;
    weft_status status = WEFT_OK;
    while (rest && status == WEFT_OK) {
        char *item = strsep(&rest, ",");
        if (count == LEVELS_MAX || !parse_level(item, &settings[count++])) status = WEFT_EINVAL;
    }
    if (!status) status = weftp_loggers_configure(settings, count, WEFT_LEVEL_TRACE);
    free(text);
    return status;
}

static void capture_free(weft_capture *capture)
{
    weft_test_reset(capture);
    weftp_lock_deinit(&capture->lock);
    free(capture->records);
    free(capture);
}

weft_capture *weft_test_capture(const weft_test_options *options)
{
    static const weft_test_options defaults = WEFT_TEST_OPTIONS_INIT;
    if (!options) options = &defaults;
    if (weftp_thread_inside() || weftp_system_start() != WEFT_OK) return NULL;
    weft_capture *capture = calloc(1, sizeof *capture);
    if (!capture) return NULL;
    weftp_lock_init(&capture->lock);
    weftp_system_lock();
    if (!weftp_system.real) capture->pipeline = create_pipeline(capture, options);
    if (capture->pipeline && set_levels(options->level) != WEFT_OK) {
        weftp_pipeline_destroy(capture->pipeline);
        capture->pipeline = NULL;
    }
    if (capture->pipeline) {
        weftp_system.real = weftp_system.pipeline;
        weftp_system_publish(capture->pipeline, false);
    }
    weftp_system_unlock();
    if (capture->pipeline) return capture;
    capture_free(capture);
    return NULL;
}

void weft_test_release(weft_capture *capture)
{
    if (!capture) return;
    weftp_system_lock();
    struct weftp_pipeline *real = weftp_system.real;
    weftp_system.real = NULL;
    weftp_system_publish(real, true);
    weftp_system_levels();
    weftp_system_unlock();
    capture_free(capture);
}

void weft_test_reset(weft_capture *capture)
{
    if (!capture) return;
    weftp_lock(&capture->lock);
    for (size_t i = 0; i < capture->count; i++) {
        yajl_tree_free(capture->records[i].tree);
        free(capture->records[i].line);
        free(capture->records[i].logger);
    }
    capture->count = 0;
    weftp_unlock(&capture->lock);
}

/* ---- looking ---- */

size_t weft_test_count(weft_capture *capture)
{
    if (!capture) return 0;
    weftp_lock(&capture->lock);
    const size_t count = capture->count;
    weftp_unlock(&capture->lock);
    return count;
}

static struct captured *record_at(weft_capture *capture, size_t index)
{
    return index < weft_test_count(capture) ? &capture->records[index] : NULL;
}

const char *weft_test_line(weft_capture *capture, size_t index)
{
    const struct captured *record = record_at(capture, index);
    return record ? record->line : NULL;
}

weft_level weft_test_level(weft_capture *capture, size_t index)
{
    const struct captured *record = record_at(capture, index);
    return record ? (weft_level)record->level : WEFT_LEVEL_OFF;
}

const char *weft_test_logger(weft_capture *capture, size_t index)
{
    const struct captured *record = record_at(capture, index);
    return record ? record->logger : NULL;
}

const char *weft_test_message(weft_capture *capture, size_t index)
{
    return weft_test_value(capture, index, "message");
}

static yajl_val member(yajl_val object, const char *name, size_t size)
{
    for (size_t i = 0; i < YAJL_GET_OBJECT(object)->len; i++) {
        const char *key = YAJL_GET_OBJECT(object)->keys[i];
        if (strlen(key) == size && memcmp(key, name, size) == 0)
            return YAJL_GET_OBJECT(object)->values[i];
    }
    return NULL;
}

static yajl_val element(yajl_val array, const char *digits)
{
    const unsigned long index = strtoul(digits, NULL, 10);
    return index < YAJL_GET_ARRAY(array)->len ? YAJL_GET_ARRAY(array)->values[index] : NULL;
}

static yajl_val walk(yajl_val at, const char *path)
{
    while (at && *path) {
        const size_t size = strcspn(path, "/");
        if (YAJL_IS_OBJECT(at))
            at = member(at, path, size);
        else
            at = YAJL_IS_ARRAY(at) ? element(at, path) : NULL;
        path += size + (path[size] == '/');
    }
    return at;
}

static const char *text_of(yajl_val value)
{
    if (YAJL_IS_STRING(value)) return YAJL_GET_STRING(value);
    if (YAJL_IS_NUMBER(value)) return YAJL_GET_NUMBER(value);
    if (YAJL_IS_TRUE(value)) return "true";
    if (YAJL_IS_FALSE(value)) return "false";
    return YAJL_IS_NULL(value) ? "null" : NULL;
}

const char *weft_test_value(weft_capture *capture, size_t index, const char *path)
{
    char error[128];
    struct captured *record = record_at(capture, index);
    if (!record || !path) return NULL;
    if (!record->tree) record->tree = yajl_tree_parse(record->line, error, sizeof error);
    const yajl_val value = record->tree ? walk(record->tree, path) : NULL;
    return value ? text_of(value) : NULL;
}

size_t weft_test_find(weft_capture *capture, size_t from, const char *message)
{
    const size_t count = weft_test_count(capture);
    for (size_t i = from; i < count; i++) {
        const char *text = weft_test_message(capture, i);
        if (text && message && strcmp(text, message) == 0) return i;
    }
    return SIZE_MAX;
}
