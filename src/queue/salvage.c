#include "salvage.h"

#include "../record/packed_form.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- which sessions there are ---- */

static bool read_face(int fd, struct weftp_session_face *face)
{
    if (pread(fd, face, sizeof *face, 0) != (ssize_t)sizeof *face) return false;
    return memcmp(face->magic, WEFTP_SESSION_MAGIC, sizeof face->magic) == 0 &&
           face->check == weftp_session_check(face);
}

struct listing {
    int dir;
    struct weftp_salvage_found *found;
    size_t count, capacity;
    bool no_memory;
};

static void read_start(struct listing *listing, struct weftp_salvage_found *found)
{
    struct weftp_session_face face;
    char name[WEFTP_SESSION_NAME_SIZE];
    weftp_session_name(name, found->id, WEFTP_SESSION_FACE, 0);
    const int fd = weftp_session_open(listing->dir, name, O_RDONLY);
    if (fd < 0) return;
    if (read_face(fd, &face)) found->start_ns = face.start_ns;
    close(fd);
}

static bool list_one(void *arg, const struct weftp_session_name *file)
{
    struct listing *listing = arg;
    if (file->kind != WEFTP_SESSION_FACE) return true;
    if (listing->count == listing->capacity) {
        const size_t capacity = listing->capacity * 2 + 16;
        struct weftp_salvage_found *more =
            realloc(listing->found, capacity * sizeof *listing->found);
        listing->no_memory = !more;
        if (!more) return false;
        listing->found = more;
        listing->capacity = capacity;
    }
    struct weftp_salvage_found *found = &listing->found[listing->count++];
    memcpy(found->id, file->id, sizeof found->id);
    found->start_ns = 0;
    read_start(listing, found);
    return listing->count < WEFTP_SALVAGE_LIST_MAX;
}

static int by_start(const void *a, const void *b)
{
    const struct weftp_salvage_found *left = a, *right = b;
    if (left->start_ns != right->start_ns) return left->start_ns < right->start_ns ? -1 : 1;
    return strcmp(left->id, right->id);
}

weft_status weftp_salvage_list(int dir, struct weftp_salvage_found **out, size_t *count)
{
    struct listing listing = {.dir = dir};
    weft_status status = weftp_session_list(dir, list_one, &listing);
    if (!status && listing.no_memory) status = WEFT_ENOMEM;
    if (status) {
        free(listing.found);
        return status;
    }
    if (listing.count > 1) qsort(listing.found, listing.count, sizeof *listing.found, by_start);
    *out = listing.found;
    *count = listing.count;
    return WEFT_OK;
}

/* ---- one session ---- */

/* Sound, and yet not what this version reads. */
static bool is_foreign(const struct weftp_session_face *face)
{
    return (face->version != WEFTP_SESSION_VERSION && face->version != WEFTP_SESSION_OLD) ||
           face->byte_order != 0x01020304 || face->packed != WEFTP_PACKED_VERSION;
}

/* The other byte order's check is none that could be verified here. */
static bool is_swapped(const struct weftp_session_face *face)
{
    return memcmp(face->magic, WEFTP_SESSION_MAGIC, sizeof face->magic) == 0 &&
           face->byte_order == 0x04030201;
}

weft_status weftp_salvage_begin(struct weftp_salvage *salvage, int dir, const char *id)
{
    *salvage = (struct weftp_salvage){.dir = dir};
    memcpy(salvage->id, id, WEFTP_SESSION_ID_SIZE);
    salvage->lock = weftp_session_claim(dir, id);
    if (salvage->lock < 0) return WEFT_ENOTFOUND;
    struct weftp_session_face *face = &salvage->face;
    salvage->known = read_face(salvage->lock, face);
    if (salvage->known ? is_foreign(face) : is_swapped(face)) return WEFT_EINVAL;
    if (!salvage->known) salvage->damaged_bytes += sizeof *face;
    return weftp_salvage_read_sites(salvage);
}

bool weftp_salvage_end(struct weftp_salvage *salvage, bool remove)
{
    bool gone = false;
    weftp_salvage_free_rings(salvage);
    free(salvage->heap);
    free(salvage->rings);
    free(salvage->site_bytes);
    free(salvage->sites);
    free(salvage->lists.by_number);
    if (salvage->lock >= 0) {
        gone = remove && weftp_session_remove(salvage->dir, salvage->id);
        close(salvage->lock);
    }
    *salvage = (struct weftp_salvage){.lock = -1};
    return gone;
}
