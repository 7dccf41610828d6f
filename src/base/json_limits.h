/* What every writer of JSON values keeps to, and what it notes on the way. */
#ifndef WEFTP_BASE_JSON_LIMITS_H
#define WEFTP_BASE_JSON_LIMITS_H

/* Objects and arrays in each other; deeper ones are written as the string "[too deep]". */
#define WEFTP_DEPTH_MAX 8
/* Bytes of raw JSON that are parsed; a longer text is taken for a string. */
#define WEFTP_JSON_RAW_SIZE_MAX (16u << 20)

/* What happened on the way, or'ed into *notes. */
enum {
    WEFTP_NOTE_CUT = 1,    /* a value was cut by the limit, or nesting or a key by its maximum */
    WEFTP_NOTE_RENAMED = 2 /* a key was taken, NULL or empty */
};

#endif
