/*
 * Complaints about settings: they come before there is a pipeline to say them with, so they are kept until one is
 * published; and what the settings in force were blamed for is not said again by a reload.
 *
 * Threads: the holder of the system's lock. May include: everything.
 */
#ifndef WEFTP_WEFT_COMPLAINTS_H
#define WEFTP_WEFT_COMPLAINTS_H

#include "../config/settings.h"

#define WEFTP_COMPLAINTS_KEPT ((size_t)2 * WEFTP_COMPLAINTS_MAX) /* of settings and of wiring */

/* Those of one configuration. Begin with count 0. */
struct weftp_complaints {
    char *texts[WEFTP_COMPLAINTS_KEPT]; /* owned */
    size_t count;
};

/* Count one and keep a copy: a weftp_complain, whose arg is a struct weftp_complaints. */
void weftp_complaints_keep(void *arg, const char *text);
/* Say those that the settings in force were not blamed for. */
void weftp_complaints_say(const struct weftp_complaints *complaints);
/* Say them as weftp_complaints_say does; the settings that they are about are in force now. Takes what it owns. */
void weftp_complaints_settle(const struct weftp_complaints *complaints);
void weftp_complaints_forget(struct weftp_complaints *complaints);
/* Free those of the settings in force. */
void weftp_complaints_end(void);

#endif
