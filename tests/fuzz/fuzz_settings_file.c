/*
 * The configuration file: whatever it holds, a load succeeds, complaints are plain text, and a
 * second load of the same bytes says the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/utf8.h"
#include "src/config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const formats[] = {"ecs", "logstash", "logback", "pretty", NULL};
static const char *const sinks[] = {"stdout", "stderr", "file", "memory", "callback", NULL};
static const char *const propagators[] = {"tracecontext", "baggage", "xrequestid", NULL};
static const struct weftp_known known = {formats, sinks, propagators};

/* What was complained about, as one number. */
static void check_complaint(void *arg, const char *text)
{
    uint64_t *sum = arg;
    const size_t size = strlen(text);
    if (size == 0 || size >= WEFTP_COMPLAINT_SIZE || !weftp_utf8_valid(text, size)) abort();
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) abort();
        *sum = *sum * 31 + (unsigned char)text[i];
    }
}

static void check_settings(const struct weftp_settings *s)
{
    if (s->level_count == 0 || s->level_count > WEFTP_LEVEL_RULES_MAX || *s->levels[0].logger)
        abort();
    for (size_t i = 0; i < s->level_count; i++)
        if (s->levels[i].level < 1 || s->levels[i].level > 127) abort();
    if (s->sink_count == 0 || s->sink_count > WEFT_SINKS_MAX) abort();
    if (s->field_count > WEFTP_STATIC_FIELDS_MAX || s->trust == WEFT_TRUST_DEFAULT) abort();
    if (s->line_bytes_max &&
        (s->line_bytes_max < WEFTP_LINE_BYTES_LEAST || s->line_bytes_max > WEFTP_LINE_BYTES_MOST))
        abort();
}

/* Load from a file in memory; its name is the descriptor's. Returns the sum of the complaints. */
static uint64_t load(const struct weftp_settings *previous, const char *path,
                     struct weftp_settings **out)
{
    uint64_t sum = 0;
    weft_options options = WEFT_OPTIONS_INIT;
    options.config = path;
    if (weftp_settings_reload(out, previous, &options, &known, check_complaint, &sum) != WEFT_OK)
        abort();
    check_settings(*out);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weftp_settings *first = NULL, *second = NULL;
    char path[64];
    clearenv();
    const int fd = memfd_create("config", MFD_CLOEXEC);
    if (fd < 0 || fchmod(fd, 0600) != 0 || write(fd, data, size) != (ssize_t)size) abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const uint64_t sum = load(NULL, path, &first);
    if (load(first, path, &second) != sum || second->level_count != first->level_count) abort();
    weftp_settings_free(first);
    weftp_settings_free(second);
    close(fd);
    return 0;
}
