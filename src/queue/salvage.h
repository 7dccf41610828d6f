/*
 * What a dead process left in a directory of rings: a session that nobody's lock holds any more.
 *
 * Its job: find dead sessions and take their locks; read their rings entry by entry, merged by time;
 * the texts of their call sites and the keys of their templates; keep progress; remove them. Not its job: what an entry means.
 *
 *   all functions | any thread; one at a time for each struct
 *
 * Every byte of the files may be anything: they are read into memory, never mapped, each size is
 * compared with what there is, and what does not agree is counted as damaged and passed over. An
 * entry is one if it lies between tail and head of its ring and its check is right; behind one that
 * is not, nothing of the ring is read any more.
 *
 * Use: begin; while (weftp_salvage_rings): { take entries with next; when it has none, deal with
 * those that there were, commit, and go on if there is more }; end. Memory: a window of each ring, and the
 * sites file.
 * May include: port, base, record.
 */
#ifndef WEFTP_QUEUE_SALVAGE_H
#define WEFTP_QUEUE_SALVAGE_H

#include "../record/key_list.h"
#include "ring.h"
#include "session.h"
#include <weft/sys/encoder.h>

#define WEFTP_SALVAGE_RINGS_MAX 4096 /* read beside each other; more: one after the other */
#define WEFTP_SALVAGE_WINDOW                                                                       \
    ((size_t)64 << 10) /* bytes of a ring in memory, or its largest entry */
#define WEFTP_SALVAGE_WINDOW_LEAST ((size_t)8 << 10) /* where there are many */
#define WEFTP_SALVAGE_LIST_MAX     4096              /* sessions that are listed at a time */

/* A session that may be dead. */
struct weftp_salvage_found {
    char id[WEFTP_SESSION_ID_SIZE + 1];
    int64_t start_ns; /* 0: not known */
};

struct weftp_salvage_ring {
    uint32_t number;    /* of its file */
    uint64_t at;        /* of its face in the file */
    uint32_t face_size; /* bytes */
    uint32_t capacity, key;
    uint32_t stored; /* the tail, as it is in the file */
    uint32_t taken;  /* all before this position is taken */
    uint32_t head;
    char *window; /* owned; bytes of the ring from the position `from` */
    size_t window_capacity, window_size;
    uint32_t from;
    uint64_t told[WEFTP_RING_LEVELS]; /* losses that somebody was told of */
    struct weftp_ring_losses lost;    /* all, also those that no entry tells of */
    struct weftp_salvage_ring *next;  /* of those whose next entry is not in memory */
};

/* Begin with zeros. */
struct weftp_salvage {
    int dir; /* the caller's */
    int lock;
    char id[WEFTP_SESSION_ID_SIZE + 1];
    bool known; /* `face` is what the process wrote */
    struct weftp_session_face face;
    struct weftp_salvage_ring *rings; /* owned */
    size_t ring_count, ring_capacity;
    uint32_t *heap; /* rings whose next entry is in memory, the oldest first; owned */
    size_t heap_count;
    struct weftp_salvage_ring *hungry;
    char *site_bytes; /* owned */
    weft_site *sites; /* by id; file NULL: not known; owned */
    uint32_t site_count;
    struct weftp_key_lists lists; /* of its templates; they lie in site_bytes; the array is owned */
    uint64_t damaged_bytes;
    bool stuck; /* a file could not be read, or progress not be stored */
};

/*
 * List sessions, those that began first in front, into *out (free it). Those of living processes
 * are among them. WEFT_ENOMEM, WEFT_EIO.
 */
weft_status weftp_salvage_list(int dir, struct weftp_salvage_found **out, size_t *count);

/*
 * Take a session. To be ended whatever is returned.
 *
 * @retval WEFT_ENOTFOUND  Its process lives, or it is gone, or in somebody's hands.
 * @retval WEFT_EINVAL     It was written by another version, or on a machine of the other byte order.
 * @retval WEFT_ENOMEM     Try again later.
 * @retval WEFT_EIO        So, too: its sites could not be read now, without which its records are
 *                         nothing.
 */
weft_status weftp_salvage_begin(struct weftp_salvage *salvage, int dir, const char *id);
/*
 * Open the rings that are left, WEFTP_SALVAGE_RINGS_MAX at the most. *any: there are some; when all
 * is dealt with, removed and asked for again, there are none. WEFT_ENOMEM, WEFT_EIO.
 */
weft_status weftp_salvage_rings(struct weftp_salvage *salvage, bool *any);
/*
 * Take the oldest entry of those that are in memory; NULL: all are taken, or what follows must be
 * read first. It stays where it is until weftp_salvage_more.
 */
const struct weftp_ring_entry *weftp_salvage_next(struct weftp_salvage *salvage,
                                                  struct weftp_salvage_ring **ring);
/*
 * Losses that the dead process told nobody of, as a GAP entry says; NULL: in all, at the end of the
 * ring. False: none.
 */
bool weftp_salvage_losses(struct weftp_salvage_ring *ring, const struct weftp_ring_entry *gap,
                          struct weftp_ring_losses *losses);
/* All that was taken is dealt with: store that in the files. */
void weftp_salvage_commit(struct weftp_salvage *salvage);
/* Read on; all entries that were taken are forgotten. False: the rings are at their end. */
bool weftp_salvage_more(struct weftp_salvage *salvage);
/* Remove the files of the rings that are open: they are at their end. */
void weftp_salvage_drop_rings(struct weftp_salvage *salvage);
/* The text of a call site; NULL: it is not known. Stays until the end. */
const weft_site *weftp_salvage_site(const struct weftp_salvage *salvage, uint32_t id);
/* Remove the session if asked to, and let it go. False: files are left. */
bool weftp_salvage_end(struct weftp_salvage *salvage, bool remove);

/* Between salvage.c and salvage_rings.c: free them. */
void weftp_salvage_free_rings(struct weftp_salvage *salvage);
/* Between salvage.c and salvage_sites.c. No file is no failure. WEFT_ENOMEM, WEFT_EIO. */
weft_status weftp_salvage_read_sites(struct weftp_salvage *salvage);

#endif
