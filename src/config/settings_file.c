#include "../port/errno_text.h"
#include "settings_json.h"
#include "settings_load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the file's bytes ---- */

static const char kept[] = "the configuration in force stays";

/* The file is of no use: a load that insists on it ends here. */
static void refuse_file(struct weftp_load *load)
{
    if (load->strict && !load->status) load->status = WEFT_EINVAL;
}

/* Say why the whole file is not read; the complaint is about the one who named it. */
static void say_file(struct weftp_load *load, const char *reason, const char *more)
{
    const char *path = load->settings->config;
    struct weftp_shown shown;
    weftp_say(load, &load->origins[WEFTP_SETTING_CONFIG], "\"%s\" %s%s; %s",
              weftp_show(&shown, weftp_span(path, strlen(path)), NULL), reason, more,
              load->strict ? kept : "going on without the file");
    refuse_file(load);
}

/* Why a file is not to be trusted or not to be read; NULL: it is fine. */
static const char *file_fault(const struct stat *info)
{
    if (S_ISDIR(info->st_mode)) return "is a directory";
    if (S_ISFIFO(info->st_mode)) return "is a FIFO";
    if (!S_ISREG(info->st_mode)) return "is not a regular file";
    if (info->st_uid != 0 && info->st_uid != geteuid())
        return "belongs neither to root nor to the user of this program";
    if (info->st_mode & S_IWOTH) return "can be written by everybody";
    if (info->st_size > (off_t)WEFTP_CONFIG_FILE_MAX) return "is larger than 1 MiB";
    return NULL;
}

/*
 * Open the file; -1 after saying why not. Never waits: neither for the other end of a FIFO nor for
 * a device.
 */
static int open_file(struct weftp_load *load)
{
    struct stat info;
    const int fd = open(load->settings->config, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        say_file(load, "cannot be opened: ", weftp_errno_text(errno));
        return -1;
    }
    const char *fault = fstat(fd, &info) == 0 ? file_fault(&info) : weftp_errno_text(errno);
    weftp_file_mark_of(&load->settings->config_mark, &info);
    if (!fault) return fd;
    say_file(load, fault, "");
    close(fd);
    return -1;
}

/*
 * Read all of it; the size, or -1 with errno set. A file that grows meanwhile is read up to one
 * byte too many.
 */
static ssize_t read_all(int fd, char *to)
{
    size_t size = 0;
    while (size <= WEFTP_CONFIG_FILE_MAX) {
        const ssize_t n = read(fd, to + size, WEFTP_CONFIG_FILE_MAX + 1 - size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return -1;
        if (n == 0) break;
        size += (size_t)n;
    }
    return (ssize_t)size;
}

/* The file's text, owned; NULL after saying why not, or without memory. */
static char *read_file(struct weftp_load *load, size_t *size)
{
    const int fd = open_file(load);
    if (fd < 0) return NULL;
    char *text = malloc(WEFTP_CONFIG_FILE_MAX + 1);
    if (!text) load->status = WEFT_ENOMEM;
    const ssize_t n = text ? read_all(fd, text) : -1;
    const int err = errno;
    close(fd);
    if (n >= 0 && n <= (ssize_t)WEFTP_CONFIG_FILE_MAX) {
        *size = (size_t)n;
        return text;
    }
    if (text && n < 0)
        say_file(load, "cannot be read: ", weftp_errno_text(err));
    else if (text)
        say_file(load, "is larger than 1 MiB", "");
    free(text);
    return NULL;
}

/* ---- its members ---- */

struct file {
    struct weftp_load *load;
    const char *text;
};

/* The item of a value in the file. */
static struct weftp_item make_item(const struct file *file, const struct weftp_setting *setting,
                                   const char *name, const struct weftp_json *node)
{
    struct weftp_item item = {
        .setting = setting, .origin = {name, WEFTP_SOURCE_FILE, 0, 0}, .text = node->text};
    weftp_json_place(file->text, node->at, &item.origin.line, &item.origin.column);
    return item;
}

static struct weftp_origin key_origin(const struct file *file, const char *name,
                                      const struct weftp_json *node)
{
    struct weftp_origin origin = {name, WEFTP_SOURCE_FILE, 0, 0};
    weftp_json_place(file->text, node->key_at, &origin.line, &origin.column);
    return origin;
}

static bool is_scalar(const struct weftp_json *node)
{
    return node->kind == WEFTP_JSON_STRING || node->kind == WEFTP_JSON_NUMBER ||
           node->kind == WEFTP_JSON_BOOL;
}

static bool is_same_key(const struct weftp_json *a, const struct weftp_json *b)
{
    return a->key.size == b->key.size && memcmp(a->key.text, b->key.text, a->key.size) == 0;
}

/*
 * The first member of the same object that has the same key as this one; itself when it is the
 * first.
 */
static const struct weftp_json *first_twin(const struct weftp_json *node)
{
    const struct weftp_json *twin = node->parent->first;
    while (twin != node && !is_same_key(twin, node)) twin = twin->next;
    return twin;
}

/* Say that a key stands twice. False: it does not. */
static bool is_twin(const struct file *file, const char *name, const struct weftp_json *node)
{
    const struct weftp_json *twin = first_twin(node);
    if (twin == node) return false;
    const struct weftp_origin origin = key_origin(file, name, node),
                              first = key_origin(file, name, twin);
    struct weftp_shown shown;
    weftp_say(file->load, &origin,
              "the key \"%s\" stands here a second time; the one of line %u, column %u holds",
              weftp_show(&shown, node->key, NULL), first.line, first.column);
    return true;
}

/* Take one element of an array or one member of an object. */
static void take_part(const struct file *file, const struct weftp_json *node,
                      const struct weftp_item *whole)
{
    struct weftp_item item = make_item(file, whole->setting, whole->origin.name, node);
    struct weftp_shown shown;
    item.key = node->key;
    if (node->kind == WEFTP_JSON_NULL) return;
    if (node->key.text && is_twin(file, whole->origin.name, node)) return;
    if (is_scalar(node)) {
        weftp_load_part(file->load, &item);
        return;
    }
    if (!node->key.text) {
        weftp_say(file->load, &item.origin, "an element has to be a string; ignored");
        return;
    }
    weftp_say(file->load, &item.origin, "the value of \"%s\" has to be a string; ignored",
              weftp_show(&shown, node->key, NULL));
}

static void take_value(const struct file *file, const struct weftp_json *node,
                       const struct weftp_item *item)
{
    const struct weftp_setting *setting = item->setting;
    const bool is_list = node->kind == WEFTP_JSON_ARRAY && setting->separators;
    const bool is_pairs = node->kind == WEFTP_JSON_OBJECT && setting->flags & WEFTP_SETTING_PAIRS;
    struct weftp_holds holds;
    if (is_scalar(node)) {
        weftp_load_text(file->load, item);
        return;
    }
    if (!is_list && !is_pairs) {
        const char *accepted = setting->flags & WEFTP_SETTING_PAIRS
                                   ? "a string, an array of strings or an object"
                               : setting->separators ? "a string or an array of strings"
                                                     : "a string, a number or a boolean";
        weftp_say(file->load, &item->origin, "this has to be %s; %s", accepted,
                  weftp_holds(file->load, setting, &holds));
        return;
    }
    for (const struct weftp_json *part = node->first; part; part = part->next)
        take_part(file, part, item);
    if (node->first) weftp_load_commit(file->load, item);
}

static void say_unknown_key(const struct file *file, const struct weftp_json *node)
{
    const struct weftp_origin origin = key_origin(file, NULL, node);
    const char *nearest = weftp_setting_nearest_key(node->key);
    struct weftp_shown shown;
    char names[1024];
    struct weftp_text list = {names, sizeof names - 1, 0};
    weftp_show(&shown, node->key, NULL);
    if (nearest) {
        weftp_say(file->load, &origin, "\"%s\" is no key of weft; did you mean \"%s\"? ignored",
                  shown.text, nearest);
        return;
    }
    for (size_t i = 0; i < WEFTP_SETTING_LATER_FIRST; i++) {
        const struct weftp_setting *setting = &weftp_settings_table[i];
        if (!setting->key || setting->flags & WEFTP_SETTING_NOT_IN_FILE) continue;
        if (list.size > 0) weftp_text_str(&list, " ");
        weftp_text_str(&list, setting->key);
    }
    names[list.size < list.room ? list.size : list.room] = '\0';
    weftp_say(file->load, &origin, "\"%s\" is no key of weft; there are: %s; ignored", shown.text,
              names);
}

static void take_member(const struct file *file, const struct weftp_json *node)
{
    const char *name = NULL;
    const struct weftp_setting *setting = weftp_setting_by_key(node->key, &name);
    if (!setting) {
        say_unknown_key(file, node);
        return;
    }
    if (is_twin(file, name, node)) return;
    const struct weftp_item item = make_item(file, setting, name, node);
    if (setting->flags & WEFTP_SETTING_NOT_IN_FILE) {
        weftp_say(file->load, &item.origin, "this cannot be set in the file itself; ignored");
        return;
    }
    if (node->kind != WEFTP_JSON_NULL) take_value(file, node, &item);
}

static void take_text(struct weftp_load *load, const char *text, size_t size)
{
    const struct file file = {load, text};
    struct weftp_json *root = NULL;
    struct weftp_json_error error = {0, ""};
    struct weftp_origin origin = {NULL, WEFTP_SOURCE_FILE, 0, 0};
    const weft_status status = weftp_json_parse(&root, text, size, &error);
    if (status == WEFT_ENOMEM) load->status = status;
    if (status == WEFT_OK && root->kind != WEFTP_JSON_OBJECT) {
        error = (struct weftp_json_error){root->at, "the file has to hold one JSON object"};
    }
    if (*error.reason) {
        weftp_json_place(text, error.at, &origin.line, &origin.column);
        weftp_say(load, &origin, "%s; %s", error.reason,
                  load->strict ? kept : "the whole file is ignored");
        refuse_file(load);
    } else if (root && !load->status) {
        for (const struct weftp_json *node = root->first; node && !load->status; node = node->next)
            take_member(&file, node);
    }
    weftp_json_free(root);
}

void weftp_load_file(struct weftp_load *load)
{
    size_t size = 0;
    if (load->status || !load->settings->config) return;
    char *text = read_file(load, &size);
    if (text) take_text(load, text, size);
    free(text);
}
