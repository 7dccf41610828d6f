/*
 * The name and the English text of an errno value, whatever the locale. Static text; any thread;
 * signal-safe.
 */
#ifndef WEFTP_PORT_ERRNO_TEXT_H
#define WEFTP_PORT_ERRNO_TEXT_H

/* "ENOENT"; NULL when the system has no such error. */
const char *weftp_errno_name(int err);
/* "No such file or directory"; "unknown error" when the system has no such error. Never NULL. */
const char *weftp_errno_text(int err);

#endif
