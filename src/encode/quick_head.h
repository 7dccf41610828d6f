/*
 * The head of a line behind the message - the names of thread and logger, the trace, and what is constant between them -
 * which stays the same over many records: remembered as text beside the buffer.
 *
 * Its job: the text, and whether it is this record's: all that it was made of is kept with it and compared.
 * Threads: one per memory. May include: names.
 */
#ifndef WEFTP_ENCODE_QUICK_HEAD_H
#define WEFTP_ENCODE_QUICK_HEAD_H

#include "names.h"
#include <string.h>
#include <weft/sys/encoder.h>

#define WEFTP_QUICK_NAME_MAX 64  /* bytes of a name; longer ones are not remembered */
#define WEFTP_QUICK_HEAD_MAX 512 /* bytes of the text */

struct weftp_quick_head {
    uint64_t program; /* the id of the one that made it; 0: nothing is known */
    uint32_t present; /* of WEFTP_WHEN_TRACE and WEFTP_WHEN_SPAN */
    uint32_t run;     /* which of its runs of operations */
    uint32_t size, thread_size, logger_size;
    char thread[WEFTP_QUICK_NAME_MAX], logger[WEFTP_QUICK_NAME_MAX];
    char trace_id[32], span_id[16];
    char text[WEFTP_QUICK_HEAD_MAX + 32]; /* with room for copies by steps */
};

/* What a head is made of. The numbers stand in another order than above, or the compiler would compare them as one, which waits
 * for both to be written. */
struct weftp_quick_head_key {
    uint64_t program;
    uint32_t run, present;
    const struct weft_record *record;
};

/* Whether two texts of one size are the same: without a call where they are short. */
static inline __attribute__((always_inline)) bool weftp_quick_same_text(const char *a,
                                                                        const char *b, size_t size)
{
    if (size > 16 || size < 4) return memcmp(a, b, size) == 0;
    if (size >= 8) {
        uint64_t first[2], last[2];
        memcpy(&first[0], a, 8);
        memcpy(&first[1], b, 8);
        memcpy(&last[0], a + size - 8, 8);
        memcpy(&last[1], b + size - 8, 8);
        return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
    }
    uint32_t first[2], last[2];
    memcpy(&first[0], a, 4);
    memcpy(&first[1], b, 4);
    memcpy(&last[0], a + size - 4, 4);
    memcpy(&last[1], b + size - 4, 4);
    return ((first[0] ^ first[1]) | (last[0] ^ last[1])) == 0;
}

/* Whether the ids of a trace are the same, of those that are present. */
static inline bool weftp_quick_same_trace(const struct weftp_quick_head *head,
                                          const struct weft_trace *trace, uint32_t present)
{
    if (present & WEFTP_WHEN_TRACE &&
        (trace->trace_id[32] || memcmp(head->trace_id, trace->trace_id, 32) != 0))
        return false;
    return !(present & WEFTP_WHEN_SPAN) ||
           (!trace->span_id[16] && memcmp(head->span_id, trace->span_id, 16) == 0);
}

/* Whether the text is the one that is wanted. */
static inline bool weftp_quick_head_fits(const struct weftp_quick_head *head,
                                         const struct weftp_quick_head_key *key)
{
    const struct weft_record *record = key->record;
    return head->program == key->program && head->run == key->run &&
           head->present == key->present && head->thread_size == record->thread_size &&
           head->logger_size == record->logger_size &&
           weftp_quick_same_text(head->thread, record->thread, head->thread_size) &&
           weftp_quick_same_text(head->logger, record->logger, head->logger_size) &&
           (__builtin_expect(key->present == 0, 1) ||
            weftp_quick_same_trace(head, record->trace, key->present));
}

/* Remember a text that was just made; not when it or a name is too long, or a trace has ids of odd lengths. */
void weftp_quick_head_learn(struct weftp_quick_head *head, const struct weftp_quick_head_key *key,
                            const char *text, size_t size);

#endif
