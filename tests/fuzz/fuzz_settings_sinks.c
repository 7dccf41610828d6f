/*
 * WEFT_SINKS: whatever it holds, there is at least one sink, all sinks are different, and nothing
 * that is shown acts on a terminal. The same text as WEFT_LEVEL and WEFT_FIELDS, too.
 */
#include <stdlib.h>
#include <string.h>

#include "src/base/utf8.h"
#include "src/config/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const sinks[] = {"stdout", "stderr", "file", "memory", "callback", NULL};
static const struct weftp_known known = {NULL, sinks, NULL};

static void check_text(const char *text, size_t size)
{
    if (!weftp_utf8_valid(text, size)) abort();
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)text[i] < 0x20 || text[i] == 0x7F) abort();
}

static void check_complaint(void *arg, const char *text)
{
    (void)arg;
    if (strlen(text) >= WEFTP_COMPLAINT_SIZE) abort();
    check_text(text, strlen(text));
}

static void check_sink(const struct weftp_sink_setting *sink)
{
    check_text(sink->url, strlen(sink->url));
    if (!*sink->scheme || !sink->options || sink->level < 0 || sink->level > 127) abort();
    for (const struct weft_options_kv *option = sink->options; option->key; option++)
        if (!*option->key || !option->value) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weftp_settings *settings = NULL;
    char *text = malloc(size + 1);
    if (!text) return 0;
    if (size) memcpy(text, data, size);
    text[size] = '\0';
    clearenv();
    setenv("WEFT_SINKS", text, 1);
    setenv("WEFT_LEVEL", text, 1);
    setenv("WEFT_FIELDS", text, 1);
    free(text);
    if (weftp_settings_load(&settings, NULL, &known, check_complaint, NULL) != WEFT_OK) abort();
    if (settings->sink_count == 0 || settings->sink_count > WEFT_SINKS_MAX) abort();
    for (size_t i = 0; i < settings->sink_count; i++) {
        check_sink(&settings->sinks[i]);
        for (size_t j = 0; j < i; j++)
            if (weftp_sink_setting_equal(&settings->sinks[i], &settings->sinks[j])) abort();
    }
    for (size_t i = 0; i < settings->row_count; i++)
        if (settings->rows[i].value)
            check_text(settings->rows[i].value, strlen(settings->rows[i].value));
    weftp_settings_free(settings);
    return 0;
}
