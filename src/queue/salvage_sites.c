/*
 * A dead process's sites file: the texts of its call sites, and the keys of its templates. An entry
 * that is not sound is passed over, if its size can be right; where it cannot, that is the end.
 */
#include "../record/sites.h"
#include "salvage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- what the entries say ---- */

static bool is_site(uint32_t id)
{
    return id > 0 && id <= WEFTP_SITES_MAX;
}

/* The number of a template; 0: it is none. */
static uint32_t number_of(uint32_t id)
{
    const uint32_t number = id & ~WEFTP_SESSION_TEMPLATE;
    return id & WEFTP_SESSION_TEMPLATE && number <= WEFTP_TEMPLATES_MAX ? number : 0;
}

/* So long must the tables be. */
static bool measure(struct weftp_salvage *salvage, const char *bytes,
                    const struct weftp_session_entry *entry)
{
    const uint32_t number = number_of(entry->id);
    (void)bytes;
    if (is_site(entry->id) && entry->id >= salvage->site_count) salvage->site_count = entry->id + 1;
    if (number >= salvage->lists.count) salvage->lists.count = number + 1;
    return true;
}

static bool take_site(struct weftp_salvage *salvage, const char *bytes, size_t size)
{
    struct weftp_session_site head;
    if (size < sizeof head) return false;
    memcpy(&head, bytes, sizeof head);
    if (sizeof head + head.file_size + head.func_size + 2 > size) return false;
    const char *file = bytes + sizeof head, *func = file + head.file_size + 1;
    weft_site *site = &salvage->sites[head.entry.id];
    if (file[head.file_size] != '\0' || func[head.func_size] != '\0' || site->file) return false;
    *site = (weft_site){.file = file,
                        .func = func,
                        .line = head.line,
                        .level = head.level,
                        .flags = head.flags,
                        .id = head.entry.id};
    return true;
}

/* The list stays where it is. */
static bool take_template(struct weftp_salvage *salvage, uint32_t number, const char *bytes,
                          size_t size)
{
    const char *list = bytes + sizeof(struct weftp_session_entry);
    const char **place = &salvage->lists.by_number[number];
    if (*place || weftp_key_list_check(list, size - sizeof(struct weftp_session_entry)) == 0)
        return false;
    *place = list;
    return true;
}

static bool take(struct weftp_salvage *salvage, const char *bytes,
                 const struct weftp_session_entry *entry)
{
    const uint32_t number = number_of(entry->id);
    if (number > 0) return take_template(salvage, number, bytes, entry->size);
    return is_site(entry->id) && take_site(salvage, bytes, entry->size);
}

/* ---- the file ---- */

/* Whether there is an entry, sound or not, that is all there. */
static bool read_entry(const char *bytes, size_t left, struct weftp_session_entry *entry)
{
    if (left < sizeof *entry) return false;
    memcpy(entry, bytes, sizeof *entry);
    return entry->size > sizeof *entry && entry->size % 8 == 0 && entry->size <= left &&
           entry->size <= WEFTP_SESSION_ENTRY_MAX;
}

/* Returns how many bytes are of no use. */
static size_t each_entry(struct weftp_salvage *salvage, size_t size,
                         bool (*use)(struct weftp_salvage *salvage, const char *bytes,
                                     const struct weftp_session_entry *entry))
{
    struct weftp_session_entry entry;
    const char *bytes = salvage->site_bytes;
    size_t damaged = 0, left = size;
    for (; read_entry(bytes, left, &entry); bytes += entry.size, left -= entry.size)
        if (entry.check != weftp_session_entry_check(bytes, entry.size) ||
            !use(salvage, bytes, &entry))
            damaged += entry.size;
    return damaged + left;
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

/* Read the file into memory; *size: its bytes. WEFT_ENOMEM. */
static weft_status read_bytes(struct weftp_salvage *salvage, int fd, size_t *size)
{
    struct stat info;
    size_t wanted = fstat(fd, &info) == 0 && info.st_size > 0 ? (size_t)info.st_size : 0;
    if (wanted > WEFTP_SESSION_SITES_MAX) wanted = WEFTP_SESSION_SITES_MAX;
    salvage->site_bytes = malloc(wanted + 1);
    if (!salvage->site_bytes) return WEFT_ENOMEM;
    *size = read_whole(fd, salvage->site_bytes, wanted);
    return WEFT_OK;
}

/* What stands there is not what a process wrote; else it may be had another time. */
static bool is_gone(int err)
{
    return err == ENOENT || err == ELOOP || err == EPERM || err == ENXIO;
}

weft_status weftp_salvage_read_sites(struct weftp_salvage *salvage)
{
    char name[WEFTP_SESSION_NAME_SIZE];
    size_t size = 0;
    weftp_session_name(name, salvage->id, WEFTP_SESSION_SITES, 0);
    const int fd = weftp_session_open(salvage->dir, name, O_RDONLY);
    if (fd < 0) return is_gone(errno) ? WEFT_OK : WEFT_EIO;
    const weft_status status = read_bytes(salvage, fd, &size);
    close(fd);
    if (status) return status;
    (void)each_entry(salvage, size, measure);
    salvage->sites = calloc((size_t)salvage->site_count + 1, sizeof *salvage->sites);
    salvage->lists.by_number =
        calloc((size_t)salvage->lists.count + 1, sizeof *salvage->lists.by_number);
    if (!salvage->sites || !salvage->lists.by_number) return WEFT_ENOMEM;
    salvage->damaged_bytes += each_entry(salvage, size, take);
    return WEFT_OK;
}

const weft_site *weftp_salvage_site(const struct weftp_salvage *salvage, uint32_t id)
{
    if (id >= salvage->site_count || !salvage->sites[id].file) return NULL;
    return &salvage->sites[id];
}
