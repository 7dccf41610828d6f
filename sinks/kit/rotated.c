#include "rotated.h"

#include "../../src/base/time_text.h"
#include "../../src/port/io.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST_STEP 64

static const char date_form[] = "0000-00-00T000000";

/* ---- names to text ---- */

/* How much of `base` stands in front of what rotation adds. */
static size_t stem_size(const struct weftp_rotation *rotation)
{
    const size_t size = strlen(rotation->base), ext = strlen(rotation->ext);
    const bool ends = size > ext && strcmp(rotation->base + size - ext, rotation->ext) == 0;
    return ends ? size - ext : size;
}

static int check(int size)
{
    return size > 0 && size <= NAME_MAX ? 0 : ENAMETOOLONG;
}

int weftp_rotated_live(const struct weftp_rotation *rotation, struct weftp_rotated_name *name)
{
    return check(snprintf(name->text, sizeof name->text, "%.*s%s", (int)stem_size(rotation),
                          rotation->base, rotation->ext));
}

int weftp_rotated_hidden(const struct weftp_rotation *rotation, struct weftp_rotated_name *name,
                         const char *suffix)
{
    return check(snprintf(name->text, sizeof name->text, ".%.*s%s%s", (int)stem_size(rotation),
                          rotation->base, rotation->ext, suffix));
}

int weftp_rotated_text(const struct weftp_rotation *rotation, const struct weftp_rotated *rotated,
                       struct weftp_rotated_name *name)
{
    char number[16] = "";
    const char *dot = *rotated->date ? "." : "";
    if (rotated->number > 0) snprintf(number, sizeof number, ".%u", (unsigned)rotated->number);
    return check(snprintf(name->text, sizeof name->text, "%.*s%s%s%s%s%s", (int)stem_size(rotation),
                          rotation->base, dot, rotated->date, number, rotation->ext,
                          weftp_codec_suffix(rotated->codec)));
}

void weftp_rotated_at(const struct weftp_rotation *rotation, int64_t born_ns,
                      struct weftp_rotated *rotated)
{
    /* 2026-11-22T13:05:01: what is left of it, colons apart. */
    static const unsigned char sizes[] = {[WEFTP_PERIOD_NONE] = 19,
                                          [WEFTP_PERIOD_MINUTE] = 16,
                                          [WEFTP_PERIOD_HOUR] = 13,
                                          [WEFTP_PERIOD_DAY] = 10};
    char text[WEFTP_TIME_TEXT_MAX];
    char *to = rotated->date;
    *rotated = (struct weftp_rotated){.number = 0};
    weftp_time_text(text, born_ns, WEFTP_TIME_TRIM, NULL);
    for (unsigned i = 0; i < sizes[rotation->period]; i++)
        if (text[i] != ':') *to++ = text[i];
}

/* ---- and back ---- */

/* Two digits, at most `max`. */
static bool is_pair(const char *text, unsigned min, unsigned max)
{
    const unsigned value = (unsigned)(text[0] - '0') * 10 + (unsigned)(text[1] - '0');
    return value >= min && value <= max;
}

/* Whether a date of the right form is one of the calendar. */
static bool is_date(const char *date, size_t size)
{
    static const unsigned char days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!is_pair(date + 5, 1, 12)) return false;
    const unsigned month = (unsigned)(date[5] - '0') * 10 + (unsigned)(date[6] - '0');
    return is_pair(date + 8, 1, days[month - 1]) && (size < 13 || is_pair(date + 11, 0, 23)) &&
           (size < 15 || is_pair(date + 13, 0, 59)) && (size < 17 || is_pair(date + 15, 0, 59));
}

/* A date of any exactness at the front: moves *text behind it. */
static bool take_date(const char **text, char *date)
{
    size_t size = 0;
    while (date_form[size]) {
        const char c = (*text)[size];
        if (date_form[size] == '0' ? c < '0' || c > '9' : c != date_form[size]) break;
        size++;
    }
    if ((size != 10 && size != 13 && size != 15 && size != 17) || !is_date(*text, size))
        return false;
    memcpy(date, *text, size);
    date[size] = '\0';
    *text += size;
    return true;
}

/* A number as weft writes it, without a zero in front. */
static bool take_number(const char **text, uint32_t *number)
{
    const char *at = *text;
    uint32_t value = 0;
    if (*at < '1' || *at > '9') return false;
    while (*at >= '0' && *at <= '9' && value <= WEFTP_ROTATED_NUMBER_MAX / 10)
        value = value * 10 + (uint32_t)(*at++ - '0');
    if (value > WEFTP_ROTATED_NUMBER_MAX) return false;
    *number = value;
    *text = at;
    return true;
}

static bool take_suffix(const struct weftp_rotation *rotation, const char *text, uint8_t *codec)
{
    *codec = WEFTP_CODEC_NONE;
    if (*rotation->ext) return strcmp(text, rotation->ext) == 0;
    for (uint8_t i = 0; i < WEFTP_CODECS; i++) {
        *codec = i;
        if (strcmp(text, weftp_codec_suffix(i)) == 0) return true;
    }
    return false;
}

bool weftp_rotated_parse(const struct weftp_rotation *rotation, const char *name,
                         struct weftp_rotated *rotated)
{
    const size_t stem = stem_size(rotation);
    if (strncmp(name, rotation->base, stem) != 0 || name[stem] != '.') return false;
    const char *text = name + stem + 1;
    *rotated = (struct weftp_rotated){.number = 0};
    if (rotation->names == WEFTP_NAMES_NUMBER) {
        if (!take_number(&text, &rotated->number)) return false;
    } else {
        if (!take_date(&text, rotated->date)) return false;
        if (text[0] == '.' && text[1] >= '0' && text[1] <= '9') {
            text++;
            if (!take_number(&text, &rotated->number)) return false;
        }
    }
    return take_suffix(rotation, text, &rotated->codec);
}

/* ---- order ---- */

static int compare_dates(const char *a, const char *b)
{
    char whole_a[sizeof date_form], whole_b[sizeof date_form];
    memcpy(whole_a, date_form, sizeof date_form);
    memcpy(whole_b, date_form, sizeof date_form);
    memcpy(whole_a, a, strlen(a));
    memcpy(whole_b, b, strlen(b));
    const int order = memcmp(whole_b, whole_a, sizeof date_form);
    return order != 0 ? order : (strlen(a) < strlen(b)) - (strlen(a) > strlen(b));
}

int weftp_rotated_compare(const struct weftp_rotated *a, const struct weftp_rotated *b)
{
    const int dates = *a->date ? compare_dates(a->date, b->date) : 0;
    if (dates != 0) return dates;
    /* Numbers alone count upwards from the newest, those of a date from the oldest. */
    const int numbers = (a->number > b->number) - (a->number < b->number);
    if (numbers != 0) return *a->date ? -numbers : numbers;
    return (a->codec > b->codec) - (a->codec < b->codec);
}

bool weftp_rotated_same(const struct weftp_rotated *a, const struct weftp_rotated *b)
{
    return a->number == b->number && strcmp(a->date, b->date) == 0;
}

/* ---- what is there ---- */

static int compare_items(const void *a, const void *b)
{
    return weftp_rotated_compare(a, b);
}

static int add(struct weftp_rotated_list *list, const struct weftp_rotated *rotated)
{
    if (list->count == list->capacity) {
        if (list->count >= WEFTP_ROTATED_MAX) return EOVERFLOW;
        const size_t capacity = list->capacity > 0 ? 2 * list->capacity : LIST_STEP;
        struct weftp_rotated *items = realloc(list->items, capacity * sizeof *items);
        if (!items) return ENOMEM;
        list->items = items;
        list->capacity = capacity;
    }
    list->items[list->count++] = *rotated;
    return 0;
}

static int read_names(const struct weftp_rotation *rotation, DIR *names,
                      struct weftp_rotated_list *list)
{
    for (;;) {
        struct weftp_rotated rotated;
        errno = 0;
        const struct dirent *entry = readdir(names);
        if (!entry) return errno;
        const int err =
            weftp_rotated_parse(rotation, entry->d_name, &rotated) ? add(list, &rotated) : 0;
        if (err != 0) return err;
    }
}

int weftp_rotated_list(const struct weftp_rotation *rotation, int dir,
                       struct weftp_rotated_list *list)
{
    *list = (struct weftp_rotated_list){.count = 0};
    /* A descriptor with a position of its own. */
    const int fd = weftp_io_openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;
    int err = names ? 0 : errno;
    if (names) {
        err = read_names(rotation, names, list);
        closedir(names);
    } else if (fd >= 0) {
        close(fd);
    }
    if (err != 0) weftp_rotated_free(list);
    /* Where there is nothing to sort there is no array. */
    else if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_items);
    return err;
}

void weftp_rotated_free(struct weftp_rotated_list *list)
{
    free(list->items);
    *list = (struct weftp_rotated_list){.count = 0};
}

enum weftp_rotated_kind weftp_rotated_owner(const struct stat *found)
{
    return S_ISREG(found->st_mode) && found->st_nlink == 1 && found->st_uid == geteuid()
               ? WEFTP_ROTATED_OURS
               : WEFTP_ROTATED_FOREIGN;
}

enum weftp_rotated_kind weftp_rotated_kind(int dir, const char *name, struct stat *found)
{
    struct stat own;
    if (!found) found = &own;
    if (fstatat(dir, name, found, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? WEFTP_ROTATED_NONE : WEFTP_ROTATED_FOREIGN;
    return weftp_rotated_owner(found);
}
