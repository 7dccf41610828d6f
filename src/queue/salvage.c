#include "salvage.h"

#include "../record/packed_form.h"
#include "../record/sites.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* ---- sites ---- */

/* The entry there; 0: there is none that is whole and sound. */
static uint32_t site_at(const char *bytes, size_t size, struct weftp_session_site *head)
{
    if (size < sizeof *head) return 0;
    memcpy(head, bytes, sizeof *head);
    const size_t needed = sizeof *head + (size_t)head->file_size + head->func_size + 2;
    if (head->size % 8 != 0 || head->size > size || head->size < needed) return 0;
    const struct weftp_session_site *whole = (const void *)bytes;
    if (head->check != weftp_session_site_check(whole, head->size)) return 0;
    const char *file = bytes + sizeof *head, *func = file + head->file_size + 1;
    if (file[head->file_size] != '\0' || func[head->func_size] != '\0') return 0;
    return head->id > 0 && head->id <= WEFTP_SITES_MAX ? head->size : 0;
}

static void take_sites(struct weftp_salvage *salvage, size_t size)
{
    struct weftp_session_site head;
    const char *bytes = salvage->site_bytes;
    size_t at = 0;
    for (uint32_t step; (step = site_at(bytes + at, size - at, &head)) != 0; at += step) {
        if (head.id >= salvage->site_count) continue;
        const char *file = bytes + at + sizeof head;
        salvage->sites[head.id] = (weft_site){.file = file,
                                              .func = file + head.file_size + 1,
                                              .line = head.line,
                                              .level = head.level,
                                              .flags = head.flags,
                                              .id = head.id};
    }
    salvage->damaged_bytes += size - at;
}

/* How long a table of all ids is. */
static uint32_t count_sites(const char *bytes, size_t size)
{
    struct weftp_session_site head;
    uint32_t count = 0;
    size_t at = 0;
    for (uint32_t step; (step = site_at(bytes + at, size - at, &head)) != 0; at += step)
        if (head.id >= count) count = head.id + 1;
    return count;
}

static size_t read_whole(int fd, char *to, size_t size)
{
    size_t done = 0;
    while (done < size) {
        const ssize_t got = pread(fd, to + done, size - done, (off_t)done);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        done += (size_t)got;
    }
    return done;
}

/* Without the file, records are without their places; so it is no failure. WEFT_ENOMEM. */
static weft_status read_sites(struct weftp_salvage *salvage)
{
    struct stat info;
    char name[WEFTP_SESSION_NAME_SIZE];
    weftp_session_name(name, salvage->id, WEFTP_SESSION_SITES, 0);
    const int fd = weftp_session_open(salvage->dir, name, O_RDONLY);
    if (fd < 0) return WEFT_OK;
    size_t size = fstat(fd, &info) == 0 && info.st_size > 0 ? (size_t)info.st_size : 0;
    if (size > WEFTP_SALVAGE_SITES_BYTES_MAX) size = WEFTP_SALVAGE_SITES_BYTES_MAX;
    salvage->site_bytes = malloc(size + 1);
    if (salvage->site_bytes) size = read_whole(fd, salvage->site_bytes, size);
    close(fd);
    if (!salvage->site_bytes) return WEFT_ENOMEM;
    salvage->site_count = count_sites(salvage->site_bytes, size);
    salvage->sites = calloc((size_t)salvage->site_count + 1, sizeof *salvage->sites);
    if (!salvage->sites) return WEFT_ENOMEM;
    take_sites(salvage, size);
    return WEFT_OK;
}

const weft_site *weftp_salvage_site(const struct weftp_salvage *salvage, uint32_t id)
{
    if (id >= salvage->site_count || !salvage->sites[id].file) return NULL;
    return &salvage->sites[id];
}

/* ---- one session ---- */

/* Sound, and yet not what this version writes. */
static bool is_foreign(const struct weftp_session_face *face)
{
    return face->version != WEFTP_SESSION_VERSION || face->byte_order != 0x01020304 ||
           face->packed != WEFTP_PACKED_VERSION;
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
    return read_sites(salvage);
}

bool weftp_salvage_end(struct weftp_salvage *salvage, bool remove)
{
    bool gone = false;
    weftp_salvage_free_rings(salvage);
    free(salvage->heap);
    free(salvage->rings);
    free(salvage->site_bytes);
    free(salvage->sites);
    if (salvage->lock >= 0) {
        gone = remove && weftp_session_remove(salvage->dir, salvage->id);
        close(salvage->lock);
    }
    *salvage = (struct weftp_salvage){.lock = -1};
    return gone;
}
