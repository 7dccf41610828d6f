#include "complaints.h"

#include "system.h"

#include <stdlib.h>

/* Those of the settings in force, so that a reload does not say them again. Under the system's lock. */
static struct weftp_complaints said;

static bool is_said(const char *text)
{
    for (size_t i = 0; i < said.count; i++)
        if (strcmp(said.texts[i], text) == 0) return true;
    return false;
}

void weftp_complaints_forget(struct weftp_complaints *complaints)
{
    for (size_t i = 0; i < complaints->count; i++) free(complaints->texts[i]);
    complaints->count = 0;
}

void weftp_complaints_keep(void *arg, const char *text)
{
    struct weftp_complaints *complaints = arg;
    if (!is_said(text)) __atomic_fetch_add(&weftp_system.config_errors, 1, __ATOMIC_RELAXED);
    if (complaints->count == WEFTP_COMPLAINTS_KEPT) return;
    char *copy = strdup(text);
    if (copy) complaints->texts[complaints->count++] = copy;
}

void weftp_complaints_say(const struct weftp_complaints *complaints)
{
    for (size_t i = 0; i < complaints->count; i++) {
        const struct weftp_word word = {.level = WEFT_LEVEL_WARN, .message = complaints->texts[i]};
        if (!is_said(complaints->texts[i])) weftp_system_say(&word);
    }
}

void weftp_complaints_settle(const struct weftp_complaints *complaints)
{
    weftp_complaints_say(complaints);
    weftp_complaints_forget(&said);
    said = *complaints;
}

void weftp_complaints_end(void)
{
    weftp_complaints_forget(&said);
}
