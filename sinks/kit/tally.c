#include "tally.h"

#include "../../src/base/parse.h"
#include "../../src/port/io.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_SIZE 64 /* always the whole of it: what is shorter was cut */

/* "weft COUNT DATE NUMBER", filled up with spaces, newline. */
static bool take(char *line, struct weftp_tally *tally)
{
    char *rest = line, *word[4];
    uint64_t count = 0, number = 0;
    if (line[LINE_SIZE - 1] != '\n') return false;
    line[LINE_SIZE - 1] = '\0';
    for (unsigned i = 0; i < 4; i++) {
        word[i] = rest;
        rest += strcspn(rest, " ");
        if (*rest) *rest++ = '\0';
    }
    if (strcmp(word[0], "weft") != 0 || !weftp_parse_u64(word[1], &count) ||
        !weftp_parse_u64(word[3], &number) || strlen(word[2]) > WEFTP_ROTATED_DATE_MAX ||
        count > UINT32_MAX || number > WEFTP_ROTATED_NUMBER_MAX)
        return false;
    tally->count = (uint32_t)count;
    tally->newest = (struct weftp_rotated){.number = (uint32_t)number};
    memcpy(tally->newest.date, word[2], strlen(word[2]));
    return true;
}

/* With a name more than ours, what is in it may be somebody's. */
static bool is_ours(int lock)
{
    struct stat found;
    return fstat(lock, &found) == 0 && found.st_nlink <= 1;
}

void weftp_tally_read(int lock, struct weftp_tally *tally)
{
    char line[LINE_SIZE];
    const int flags = fcntl(lock, F_GETFL);
    *tally = (struct weftp_tally){.known = false};
    tally->known = is_ours(lock) && flags >= 0 && (flags & O_ACCMODE) == O_RDWR &&
                   pread(lock, line, sizeof line, 0) == LINE_SIZE && take(line, tally);
}

void weftp_tally_write(int lock, const struct weftp_tally *tally)
{
    char line[LINE_SIZE];
    const int size = snprintf(line, sizeof line, "weft %u %s %u", (unsigned)tally->count,
                              tally->newest.date, (unsigned)tally->newest.number);
    if (!is_ours(lock)) return;
    for (size_t i = (size_t)size; i < LINE_SIZE; i++) line[i] = ' ';
    line[LINE_SIZE - 1] = '\n';
    /* Where it cannot be written (a full disk) none is better than an old one. */
    if (weftp_io_pwrite_masked(lock, line, LINE_SIZE, 0) != LINE_SIZE) (void)!ftruncate(lock, 0);
}
