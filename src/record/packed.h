/*
 * The packed form of a record: the whole view as bytes without pointers, for what must outlive the
 * call and perhaps the process.
 *
 * Its job: a record to bytes in one pass, and back to a view whose strings lie in the bytes. Not
 * its job: where the bytes are kept, and for how long; checksums (bytes that were changed give
 * another record or are refused, no more).
 *
 *   weftp_packed_size    | any thread, pure
 *   weftp_record_pack    | any thread; never allocates; signal-safe
 *   weftp_packed_needs   | any thread, pure; safe on hostile bytes
 *   weftp_record_unpack  | any thread; allocates for what it keeps, if that; hostile bytes: safe,
 *                        | in linear time, but with WEFTP_UNPACK_TRUSTED
 *   weftp_kept_…         | any thread
 *
 * May include: base, public value headers.
 *
 * Order of the bytes: head, logger, thread, message, site, trace, bound pairs, MDC pairs, fields
 * (children right behind their parent), zeroes up to a multiple of 16. In the machine's own byte
 * order; of this version of the library only.
 */
#ifndef WEFTP_RECORD_PACKED_H
#define WEFTP_RECORD_PACKED_H

#include <weft/sys/encoder.h>

#define WEFTP_PACKED_ALIGN    16
#define WEFTP_PACKED_SIZE_MAX ((size_t)1 << 30)
/*
 * Objects and arrays in each other; deeper than encoders write, so that theirs is the limit. Deeper
 * ones lose their children.
 */
#define WEFTP_PACKED_DEPTH_MAX 12

enum {
    WEFTP_PACK_SITE_BY_ID = 1, /* the site as its id alone, without file, function and line */
    WEFTP_PACK_KEYS = 2        /* the keys themselves, though a template may have them */
};

/*
 * The most bytes that a record takes, a multiple of WEFTP_PACKED_ALIGN; SIZE_MAX: no room would do.
 * Where a template has its keys it takes less.
 */
size_t weftp_packed_size(const struct weft_record *record, unsigned options);

/*
 * Pack a record at `to`, which has `room` bytes and needs no alignment. All that the record points
 * to is copied. Keys of more than 1,024 bytes keep as much as it takes to be cut by the encoder as
 * before. Bytes of the room behind the record may be written, too.
 *
 * @retval WEFT_ELIMIT  It takes more than `room` or WEFTP_PACKED_SIZE_MAX, or has a logger's or
 *                      thread's name of more than 65,535 bytes, or as many pairs; what is at `to`
 *                      is then of no use.
 */
weft_status weftp_record_pack(const struct weft_record *record, unsigned options, void *to,
                              size_t room, size_t *size);

/* What unpacking takes. */
struct weftp_packed_needs {
    size_t size;   /* bytes of this record; the next one may follow them */
    size_t fields; /* nested ones included */
    size_t pairs;
};
/* Read the head of a packed record. WEFT_EINVAL: it is none, or not whole in `size` bytes. */
weft_status weftp_packed_needs(const void *packed, size_t size, struct weftp_packed_needs *needs);

/*
 * By default nothing is believed: bytes from a file, which anybody may have written, are refused or
 * give a view that lies in them, and the site of a record by id is left to the caller. Keys that
 * a record names by a template's number are looked up in the room's lists.
 */
enum {
    /*
     * The bytes are as this process packed them, and it is this process still: less is looked at,
     * and site ids are this process's. Bytes that were changed are then beyond all bounds.
     */
    WEFTP_UNPACK_TRUSTED = 1
};

/* Pairs of records that were unpacked before: see kept.h. Owned; NULL: out of memory. */
struct weftp_kept;
struct weftp_kept *weftp_kept_create(void);
void weftp_kept_destroy(struct weftp_kept *kept); /* NULL does nothing */

struct weftp_key_lists; /* key_list.h */

/* The caller's arrays for unpacking. */
struct weftp_unpack_room {
    unsigned options; /* WEFTP_UNPACK_… */
    weft_field *fields;
    size_t field_count;
    struct weft_pair *pairs;
    size_t pair_count;
    struct weftp_kept *kept; /* NULL: each record is unpacked anew. For WEFTP_UNPACK_TRUSTED only */
    /* Keys of the process that packed. NULL: its records that name a template are refused. */
    const struct weftp_key_lists *lists;
};

/*
 * See to it that a room whose arrays are the heap's has so much of each. False: no memory; the room
 * stays good for what it had. One thread at a time.
 */
bool weftp_unpack_room_grow(struct weftp_unpack_room *room, size_t field_count, size_t pair_count);
/* Free them, and what is kept; the options stay. */
void weftp_unpack_room_deinit(struct weftp_unpack_room *room);

/*
 * A record as it was, borrowed from the packed bytes, the room and what it keeps. Must not be
 * moved: `record` points into it.
 */
struct weftp_unpacked {
    struct weft_record record; /* its site, by id: weftp_site_at's when trusted, else NULL */
    uint32_t site_id;          /* 0: none */
    weft_site site;
    struct weft_trace trace;
};

/*
 * Unpack a record.
 *
 * @retval WEFT_EINVAL  The bytes are not a packed record.
 * @retval WEFT_ELIMIT  The room is less than weftp_packed_needs says.
 */
weft_status weftp_record_unpack(const void *packed, size_t size,
                                const struct weftp_unpack_room *room, struct weftp_unpacked *out);

#endif
