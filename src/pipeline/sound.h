/*
 * Whether a record that came from a file may be printed as it is. Encoders copy two things of a
 * record unseen, since whoever made them in this process has checked them: the ready text of its
 * pairs, and its trace ids. A file may say anything.
 *
 * Threads: any. Allocates: yes (yajl). May include: base, public value headers.
 */
#ifndef WEFTP_PIPELINE_SOUND_H
#define WEFTP_PIPELINE_SOUND_H

#include <stdbool.h>
#include <weft/sys/encoder.h>

/*
 * False: a trace id is no lower-case hex, or a pair's text is not what our writer makes of it, one
 * key and one value on one line; also when memory gave out.
 *
 * @param record  Unpacked with all checks: sizes are right, texts end with NUL.
 */
bool weftp_record_is_sound(const struct weft_record *record);

#endif
