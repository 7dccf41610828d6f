/*
 * The options of file: and gzip:, read into an appender.
 *
 * Its job: which there are, what they accept, what they mean together. Not its job: reading values
 * (options.h).
 * Threads: any; nothing is kept.
 * May include: kit.
 */
#ifndef WEFTP_SINKS_KIT_APPENDER_OPTIONS_H
#define WEFTP_SINKS_KIT_APPENDER_OPTIONS_H

#include "appender.h"

enum weftp_appender_kind { WEFTP_APPENDS_LINES, WEFTP_APPENDS_GZIP };

/*
 * Fill in what an appender is told before it is opened. *level: of compressing what is written,
 * for gzip:.
 * @retval WEFT_EINVAL  live.file.error names the first option that is bad; its default holds.
 */
weft_status weftp_appender_options(struct weftp_appender *appender,
                                   const struct weft_options_kv *options,
                                   enum weftp_appender_kind kind, unsigned *level);

#endif
