#include "settings_json.h"

#include "../base/utf8.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

/*
 * Memory for yajl, which does not look whether its allocations succeed: one block, taken before it
 * starts, that is larger than all it can ask for. Blocks are never given back; the last one grows
 * in place.
 */
struct arena {
    char *data;
    size_t size, used, last;
};

#define ARENA_ALIGN 16U

/*
 * Copies of a string while it is decoded double up to twice its size: together four times; two such
 * buffers exist.
 */
static size_t arena_need(size_t text_size)
{
    return 8 * text_size + ((size_t)64 << 10);
}

static void *arena_malloc(void *arg, size_t size)
{
    struct arena *arena = arg;
    size = (size + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    /*
     * Cannot be, see arena_need. yajl would die of the NULL, which is better than a write beyond
     * the end.
     */
    assert(size <= arena->size && arena->used + ARENA_ALIGN + size <= arena->size);
    if (size > arena->size || arena->used + ARENA_ALIGN + size > arena->size) return NULL;
    char *block = arena->data + arena->used + ARENA_ALIGN;
    memcpy(block - ARENA_ALIGN, &size, sizeof size);
    arena->last = arena->used;
    arena->used += ARENA_ALIGN + size;
    return block;
}

static void *arena_realloc(void *arg, void *block, size_t size)
{
    struct arena *arena = arg;
    size_t old = 0;
    if (block) memcpy(&old, (char *)block - ARENA_ALIGN, sizeof old);
    if (block && size <= old) return block;
    if (block && (char *)block == arena->data + arena->last + ARENA_ALIGN)
        arena->used = arena->last;
    char *moved = arena_malloc(arena, size);
    if (moved && block && moved != block) memcpy(moved, block, old);
    return moved;
}

static void arena_free(void *arg, void *block)
{
    (void)arg;
    (void)block;
}

/* One parse under way. */
struct parse {
    yajl_handle yajl;
    const char *text;
    size_t size;
    size_t start; /* bytes of a byte order mark */
    size_t end;   /* of the last token that was taken */
    size_t key_at;
    char *key; /* of the member whose value comes next; owned */
    size_t key_size;
    bool finishing; /* all text has been handed over */
    size_t nodes, depth;
    struct weftp_json *root, *open; /* open: the innermost object or array */
    weft_status status;
    struct weftp_json_error *error;
};

/*
 * Where the token that yajl reports begins: after white space, ',' and ':' that follow the one
 * before.
 */
static size_t token_start(const struct parse *parse, size_t token_end)
{
    size_t at = parse->end;
    while (at + 1 < token_end && memchr(" \t\r\n,:", parse->text[at], 6)) at++;
    return at;
}

/* Step over a token; returns where it began. */
static size_t take_token(struct parse *parse)
{
    const size_t end =
        parse->finishing ? parse->size : parse->start + yajl_get_bytes_consumed(parse->yajl);
    const size_t at = token_start(parse, end);
    parse->end = end;
    return at;
}

static int fail(struct parse *parse, size_t at, const char *reason)
{
    parse->status = WEFT_EINVAL;
    parse->error->at = at;
    (void)snprintf(parse->error->reason, sizeof parse->error->reason, "%s", reason);
    return 0;
}

static void append(struct parse *parse, struct weftp_json *node)
{
    struct weftp_json *parent = parse->open;
    node->parent = parent;
    if (!parent) {
        parse->root = node;
    } else if (parent->last) {
        parent->last->next = node;
        parent->last = node;
    } else {
        parent->first = parent->last = node;
    }
}

/* Add a value to the tree; 0 ends the parse. */
static int add(struct parse *parse, enum weftp_json_kind kind, const char *text, size_t size)
{
    const size_t at = take_token(parse);
    if (++parse->nodes > WEFTP_JSON_NODES_MAX)
        return fail(parse, at, "too many values: at most 4,096");
    struct weftp_json *node = calloc(1, sizeof *node + parse->key_size + size + 2);
    if (!node) {
        parse->status = WEFT_ENOMEM;
        return 0;
    }
    node->kind = kind;
    node->at = at;
    node->key_at = parse->key_at;
    if (parse->key) {
        memcpy(node->bytes, parse->key, parse->key_size);
        node->key = weftp_span(node->bytes, parse->key_size);
    }
    node->text = weftp_span(node->bytes + parse->key_size + 1, size);
    if (size) memcpy(node->bytes + parse->key_size + 1, text, size);
    free(parse->key);
    parse->key = NULL;
    parse->key_size = 0;
    append(parse, node);
    return 1;
}

static int open_container(struct parse *parse, enum weftp_json_kind kind)
{
    if (parse->depth == WEFTP_JSON_DEPTH_MAX)
        return fail(parse, take_token(parse),
                    "too deep: at most 8 objects and arrays in each other");
    if (!add(parse, kind, NULL, 0)) return 0;
    parse->open = parse->open ? parse->open->last : parse->root;
    parse->depth++;
    return 1;
}

static int close_container(struct parse *parse)
{
    (void)take_token(parse);
    parse->open = parse->open->parent;
    parse->depth--;
    return 1;
}

static int on_null(void *arg)
{
    return add(arg, WEFTP_JSON_NULL, NULL, 0);
}
static int on_bool(void *arg, int value)
{
    return add(arg, WEFTP_JSON_BOOL, value ? "true" : "false", value ? 4 : 5);
}
static int on_number(void *arg, const char *text, size_t size)
{
    return add(arg, WEFTP_JSON_NUMBER, text, size);
}
static int on_string(void *arg, const unsigned char *text, size_t size)
{
    return add(arg, WEFTP_JSON_STRING, (const char *)text, size);
}
static int on_start_map(void *arg)
{
    return open_container(arg, WEFTP_JSON_OBJECT);
}
static int on_start_array(void *arg)
{
    return open_container(arg, WEFTP_JSON_ARRAY);
}
static int on_end(void *arg)
{
    return close_container(arg);
}

static int on_key(void *arg, const unsigned char *text, size_t size)
{
    struct parse *parse = arg;
    parse->key_at = take_token(parse);
    parse->key = malloc(size + 1);
    if (!parse->key) {
        parse->status = WEFT_ENOMEM;
        return 0;
    }
    memcpy(parse->key, text, size);
    parse->key_size = size;
    return 1;
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_bool,
    .yajl_number = on_number,
    .yajl_string = on_string,
    .yajl_start_map = on_start_map,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_start_array,
    .yajl_end_array = on_end,
};

/*
 * Keep yajl's own words for what is wrong, without the point and the newline at their end, and
 * where it is.
 */
static void keep_error(struct parse *parse)
{
    const size_t end =
        parse->finishing ? parse->size : parse->start + yajl_get_bytes_consumed(parse->yajl);
    unsigned char *words = yajl_get_error(parse->yajl, 0, NULL, 0);
    words[strcspn((char *)words, ".\n")] = '\0';
    (void)fail(parse, parse->finishing ? parse->size : token_start(parse, end),
               (const char *)words);
    yajl_free_error(parse->yajl, words);
}

static void run(struct parse *parse, yajl_alloc_funcs *memory)
{
    const unsigned char *text = (const unsigned char *)parse->text + parse->start;
    parse->yajl = yajl_alloc(&callbacks, memory, parse);
    yajl_status result = yajl_parse(parse->yajl, text, parse->size - parse->start);
    if (result == yajl_status_ok) {
        parse->finishing = true;
        result = yajl_complete_parse(parse->yajl);
    }
    if (result == yajl_status_error) keep_error(parse);
    yajl_free(parse->yajl);
}

/*
 * yajl lets some ill-formed UTF-8 pass, and takes form feeds and vertical tabs for white space; so
 * all of it is looked at first. False: the error is set.
 */
static bool is_clean(struct parse *parse)
{
    const unsigned char *text = (const unsigned char *)parse->text;
    for (size_t at = 0; at < parse->size;) {
        const int step = weftp_utf8_step(text + at, parse->size - at);
        const bool is_space = text[at] == '\t' || text[at] == '\n' || text[at] == '\r';
        if (step < 0) return fail(parse, at, "not UTF-8");
        if (text[at] < 0x20 && !is_space) return fail(parse, at, "a control character");
        at += (size_t)step;
    }
    return true;
}

weft_status weftp_json_parse(struct weftp_json **out, const char *text, size_t size,
                             struct weftp_json_error *error)
{
    static const char mark[] = "\xEF\xBB\xBF";
    struct parse parse = {.text = text, .size = size, .error = error};
    if (size >= 3 && memcmp(text, mark, 3) == 0) parse.start = parse.end = 3;
    if (!is_clean(&parse)) return WEFT_EINVAL;
    struct arena arena = {.size = arena_need(size)};
    arena.data = malloc(arena.size);
    if (!arena.data) return WEFT_ENOMEM;
    yajl_alloc_funcs memory = {arena_malloc, arena_realloc, arena_free, &arena};
    run(&parse, &memory);
    free(arena.data);
    free(parse.key);
    if (parse.status == WEFT_OK)
        *out = parse.root;
    else
        weftp_json_free(parse.root);
    return parse.status;
}

void weftp_json_free(struct weftp_json *node)
{
    /* As deep as the tree, which is limited; siblings one after the other. */
    while (node) {
        struct weftp_json *next = node->next;
        weftp_json_free(node->first);
        free(node);
        node = next;
    }
}

void weftp_json_place(const char *text, size_t at, unsigned *line, unsigned *column)
{
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == '\n') {
            ++*line;
            *column = 1;
        } else if ((c & 0xC0) != 0x80) {
            ++*column;
        }
    }
}
