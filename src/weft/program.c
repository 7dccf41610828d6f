#include "program.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The members of weft_options that are text. */
static const size_t text_members[] = {
    offsetof(weft_options, level),           offsetof(weft_options, format),
    offsetof(weft_options, sinks),           offsetof(weft_options, service),
    offsetof(weft_options, service_version), offsetof(weft_options, service_env),
    offsetof(weft_options, service_node),    offsetof(weft_options, fields),
    offsetof(weft_options, propagators),     offsetof(weft_options, propagate_keys),
    offsetof(weft_options, trust),           offsetof(weft_options, config),
    offsetof(weft_options, reload_signal),   offsetof(weft_options, config_watch),
    offsetof(weft_options, sigterm),         offsetof(weft_options, capture),
    offsetof(weft_options, overflow),        offsetof(weft_options, queue_dir),
    offsetof(weft_options, crash),           offsetof(weft_options, trace_names),
    offsetof(weft_options, gcp_project)};
#define TEXT_MEMBERS (sizeof text_members / sizeof text_members[0])

static const char **text_member(weft_options *options, size_t index)
{
    return (const char **)(void *)((char *)options + text_members[index]);
}

void weftp_program_free(weft_options *options)
{
    for (size_t i = 0; i < TEXT_MEMBERS; i++) {
        free((void *)(uintptr_t)*text_member(options, i));
        *text_member(options, i) = NULL;
    }
}

weft_status weftp_program_copy(weft_options *out, const weft_options *from)
{
    weft_options copy = WEFT_OPTIONS_INIT;
    memcpy(&copy, from, from->struct_size < sizeof copy ? from->struct_size : sizeof copy);
    copy.struct_size = sizeof copy;
    bool failed = false;
    for (size_t i = 0; i < TEXT_MEMBERS; i++) {
        const char **text = text_member(&copy, i);
        if (!*text) continue;
        *text = strdup(*text);
        failed = failed || !*text;
    }
    if (failed) {
        weftp_program_free(&copy);
        return WEFT_ENOMEM;
    }
    *out = copy;
    return WEFT_OK;
}
