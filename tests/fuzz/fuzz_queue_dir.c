/*
 * Bytes that claim to be what a dead process left: a sites file (its size comes first, in 4 bytes,
 * little endian) and a ring file. Whatever they are, reading them ends, and every entry lies in
 * memory as a whole.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/queue/salvage.h"
#include "src/record/packed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/tmp/weft-fuzz-XXXXXX";
static int dir = -1;
static char id[WEFTP_SESSION_ID_SIZE + 1];

static volatile uint32_t seen; /* what was read is of use */

static void check(bool good)
{
    if (!good) abort();
}

static void clean_up(void)
{
    (void)weftp_session_remove(dir, id);
    (void)rmdir(folder);
}

static void begin(void)
{
    char why[128];
    check(mkdtemp(folder) != NULL);
    dir = weftp_session_dir(folder, false, why, sizeof why);
    check(dir >= 0 && atexit(clean_up) == 0);
    const int lock = weftp_session_begin(dir, id);
    check(lock >= 0);
    close(lock);
}

static void put(enum weftp_session_kind kind, const uint8_t *bytes, size_t size)
{
    char name[WEFTP_SESSION_NAME_SIZE];
    weftp_session_name(name, id, kind, 0);
    const int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    check(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

/* Every byte of it, so that a sanitizer sees where it lies. */
static uint32_t sum(const void *bytes, size_t size)
{
    uint32_t total = 0;
    for (size_t i = 0; i < size; i++) total += ((const uint8_t *)bytes)[i];
    return total;
}

static void take(struct weftp_salvage *salvage)
{
    const struct weftp_ring_entry *entry;
    struct weftp_salvage_ring *ring;
    struct weftp_ring_losses losses;
    struct weftp_packed_needs needs;
    do {
        while ((entry = weftp_salvage_next(salvage, &ring)) != NULL) {
            const size_t whole = weftp_ring_entry_size(entry);
            seen += sum(entry, whole);
            if (weftp_ring_entry_kind(entry) == WEFTP_RING_GAP)
                (void)weftp_salvage_losses(ring, entry, &losses);
            else if (!weftp_packed_needs(entry + 1, whole - sizeof *entry, &needs))
                check(needs.size <= whole);
        }
        weftp_salvage_commit(salvage);
    } while (weftp_salvage_more(salvage));
    for (size_t i = 0; i < salvage->ring_count; i++)
        check(salvage->rings[i].taken == salvage->rings[i].head);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct weftp_salvage salvage;
    bool any = false;
    if (dir < 0) begin();
    size_t sites = 0;
    for (size_t i = 0; i < 4 && i < size; i++) sites |= (size_t)data[i] << 8 * i;
    const size_t head = size < 4 ? size : 4;
    if (sites > size - head) sites = size - head;
    put(WEFTP_SESSION_SITES, data + head, sites);
    put(WEFTP_SESSION_RING, data + head + sites, size - head - sites);
    check(weftp_salvage_begin(&salvage, dir, id) == WEFT_OK);
    for (uint32_t i = 0; i < salvage.site_count; i++) {
        const weft_site *site = weftp_salvage_site(&salvage, i);
        if (site) check(strlen(site->file) + strlen(site->func) < size);
    }
    check(weftp_salvage_rings(&salvage, &any) == WEFT_OK && any);
    take(&salvage);
    (void)weftp_salvage_end(&salvage, false);
    return 0;
}
