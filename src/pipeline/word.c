#include "word.h"

void weftp_own_record(struct weft_record *record, const struct weftp_thread *thread,
                      const struct weftp_word *word)
{
    *record = (struct weft_record){.struct_size = sizeof *record,
                                   .time_ns = word->time_ns,
                                   .pid = weftp_process_id(),
                                   .tid = thread->id,
                                   .level = word->level,
                                   .logger = "weft",
                                   .logger_size = 4,
                                   .thread = thread->name,
                                   .thread_size = thread->name_size,
                                   .message = word->message,
                                   .message_size = strlen(word->message),
                                   .fields = word->fields,
                                   .field_count = word->count};
}
