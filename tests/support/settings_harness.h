/*
 * For tests of the settings: an environment of one's own, a folder of one's own for files, and what
 * was complained about.
 */
#ifndef WEFT_TESTS_SETTINGS_HARNESS_H
#define WEFT_TESTS_SETTINGS_HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/config/settings.h"
#include <cmocka.h>

static const char *const harness_formats[] = {"ecs", "logstash", "logback", "pretty", NULL};
static const char *const harness_sinks[] = {"stdout", "stderr", "file", "memory", "callback", NULL};
static const char *const harness_propagators[] = {"tracecontext", "baggage", "xrequestid",
                                                  "verbatim", NULL};
static const struct weftp_known harness_known = {harness_formats, harness_sinks,
                                                 harness_propagators};

#define TOLD_MAX (WEFTP_COMPLAINTS_MAX + 8)
static struct told {
    size_t count;
    char text[TOLD_MAX][WEFTP_COMPLAINT_SIZE];
} told;
static char harness_folder[64];

static void harness_complain(void *arg, const char *text)
{
    assert_ptr_equal(arg, &told);
    assert_true(told.count < TOLD_MAX);
    assert_true(strlen(text) < WEFTP_COMPLAINT_SIZE);
    for (const char *at = text; *at; at++) assert_true((unsigned char)*at >= 0x20 && *at != 0x7F);
    (void)snprintf(told.text[told.count++], WEFTP_COMPLAINT_SIZE, "%s", text);
}

/* Load with what is in the environment now; the settings are the caller's. */
static inline struct weftp_settings *load_again(const struct weftp_settings *previous,
                                                const weft_options *program)
{
    struct weftp_settings *settings = NULL;
    told.count = 0;
    assert_int_equal(weftp_settings_reload(&settings, previous, program, &harness_known,
                                           harness_complain, &told),
                     WEFT_OK);
    assert_non_null(settings);
    return settings;
}

static inline struct weftp_settings *load_program(const weft_options *program)
{
    return load_again(NULL, program);
}

/* One variable, everything else unset. */
static inline struct weftp_settings *load_variable(const char *variable, const char *value)
{
    clearenv();
    setenv(variable, value, 1);
    return load_program(NULL);
}

/* A file, "x.json", everything else unset. */
static inline void write_file(const char *text, size_t size)
{
    FILE *file = fopen("x.json", "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod("x.json", 0644), 0);
}

static inline struct weftp_settings *load_json(const char *text)
{
    clearenv();
    write_file(text, strlen(text));
    setenv("WEFT_CONFIG", "x.json", 1);
    return load_program(NULL);
}

static inline void assert_told(size_t index, const char *text)
{
    assert_true(index < told.count);
    assert_string_equal(told.text[index], text);
}

/* Exactly this was said, nothing else. */
static inline void assert_told_only(const char *text)
{
    if (told.count != 1)
        for (size_t i = 0; i < told.count; i++) print_message("told: %s\n", told.text[i]);
    assert_int_equal(told.count, 1);
    assert_told(0, text);
}

static inline void assert_told_nothing(void)
{
    for (size_t i = 0; i < told.count; i++) print_message("told: %s\n", told.text[i]);
    assert_int_equal(told.count, 0);
}

/* The level rules as "info,orders.db=5". */
static inline const char *levels_of(const struct weftp_settings *settings)
{
    static char text[1024];
    size_t size = 0;
    for (size_t i = 0; i < settings->level_count; i++) {
        const struct weftp_level_rule *rule = &settings->levels[i];
        const int n = snprintf(text + size, sizeof text - size, "%s%s%s%d", i ? "," : "",
                               rule->logger, *rule->logger ? "=" : "", rule->level);
        assert_true(n > 0 && (size_t)n < sizeof text - size);
        size += (size_t)n;
    }
    return text;
}

/* The static fields as "a=1,b=2". */
static inline const char *fields_of(const struct weftp_settings *settings)
{
    static char text[16384];
    size_t size = 0;
    text[0] = '\0';
    for (size_t i = 0; i < settings->field_count; i++) {
        const weft_field *field = &settings->fields[i];
        assert_int_equal(field->type, WEFT_TYPE_STR);
        assert_int_equal(strlen(field->key), field->key_size);
        assert_int_equal(strlen(field->v.p), field->size);
        const int n = snprintf(text + size, sizeof text - size, "%s%s=%s", i ? "," : "", field->key,
                               (const char *)field->v.p);
        assert_true(n > 0 && (size_t)n < sizeof text - size);
        size += (size_t)n;
    }
    return text;
}

static inline const char *names_of(char *const *names, size_t count)
{
    static char text[4096];
    size_t size = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count; i++)
        size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", i ? "," : "", names[i]);
    return text;
}

static inline int harness_setup(void **state)
{
    (void)state;
    (void)snprintf(harness_folder, sizeof harness_folder, "/tmp/weft-settings-XXXXXX");
    return mkdtemp(harness_folder) && chdir(harness_folder) == 0 ? 0 : -1;
}

static inline int harness_teardown(void **state)
{
    (void)state;
    (void)unlink("x.json");
    return chdir("/") == 0 && rmdir(harness_folder) == 0 ? 0 : -1;
}

#endif
