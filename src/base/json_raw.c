#include "json_raw.h"

#include "json_text.h"
#include "key_set.h"
#include <setjmp.h>
#include <stdlib.h>
#include <yajl/yajl_parse.h>

/* An object or array that is being written. */
struct level {
    struct weftp_key_set keys;
    bool is_object, has_member;
};

/* Memory of yajl, in a list, so that all of it can be freed when a parse is left in the middle. */
struct link {
    struct link *previous, *next;
};

struct block {
    struct link link;
    size_t capacity; /* bytes */
    _Alignas(max_align_t) unsigned char bytes[];
};

struct rewriter {
    struct weft_out *out;
    unsigned notes;
    unsigned open;      /* levels in use */
    unsigned open_max;  /* at most WEFTP_DEPTH_MAX */
    unsigned skipped;   /* objects and arrays that are open below the deepest that is written */
    struct link blocks; /* head of the list */
    jmp_buf no_memory;
    struct level levels[WEFTP_DEPTH_MAX];
};

/*
 * Memory. yajl 2.1 uses what its allocator returns unseen, so that the only way to survive a
 * failure is not to return.
 */

/* NOLINTBEGIN(clang-analyzer-unix.Malloc): the analyzer takes the link behind a block for the block itself */
static struct block *block_of(void *bytes)
{
    return (struct block *)((unsigned char *)bytes - offsetof(struct block, bytes));
}

static void unlink_block(struct block *block)
{
    block->link.previous->next = block->link.next;
    if (block->link.next) block->link.next->previous = block->link.previous;
}
/* NOLINTEND(clang-analyzer-unix.Malloc) */

/* Doubles a block that grows: yajl's stack of open objects asks for 128 bytes more at a time. */
static void *resize(void *context, void *bytes, size_t size)
{
    struct rewriter *r = context;
    struct block *block = bytes ? block_of(bytes) : NULL;
    if (block && size <= block->capacity) return bytes;
    const size_t capacity = block && size < block->capacity * 2 ? block->capacity * 2 : size;
    if (block) unlink_block(block);
    struct block *resized = realloc(block, sizeof *block + capacity);
    if (!resized) {
        free(block);
        longjmp(r->no_memory, 1);
    }
    resized->capacity = capacity;
    resized->link = (struct link){&r->blocks, r->blocks.next};
    if (r->blocks.next) r->blocks.next->previous = &resized->link;
    r->blocks.next = &resized->link;
    return resized->bytes;
}

static void *allocate(void *context, size_t size)
{
    return resize(context, NULL, size);
}

static void release(void *context, void *bytes)
{
    (void)context;
    if (!bytes) return;
    struct block *block = block_of(bytes);
    unlink_block(block);
    free(block);
}

static void release_all(struct rewriter *r)
{
    while (r->blocks.next) release(r, ((struct block *)r->blocks.next)->bytes);
    while (r->open > 0) weftp_key_set_deinit(&r->levels[--r->open].keys);
}

/* What yajl reports. Each answers whether to go on. */

static int go_on(const struct rewriter *r)
{
    return !r->out->overflow;
}

/* The comma in front of an array's element or an object's key. */
static void put_comma(struct rewriter *r)
{
    struct level *level = &r->levels[r->open - 1];
    if (level->has_member) weftp_out_char(r->out, ',');
    level->has_member = true;
}

/* Whether a value is to be written, with what goes before it. */
static bool begin_value(struct rewriter *r)
{
    if (r->skipped) return false;
    if (r->open > 0 && !r->levels[r->open - 1].is_object) put_comma(r);
    return true;
}

static int on_null(void *context)
{
    struct rewriter *r = context;
    if (begin_value(r)) weftp_out_literal(r->out, "null");
    return go_on(r);
}

static int on_boolean(void *context, int value)
{
    struct rewriter *r = context;
    if (begin_value(r)) weftp_out_put(r->out, value ? "true" : "false", value ? 4 : 5);
    return go_on(r);
}

static int on_number(void *context, const char *text, size_t size)
{
    struct rewriter *r = context;
    if (begin_value(r)) weftp_out_put(r->out, text, size);
    return go_on(r);
}

static int on_string(void *context, const unsigned char *text, size_t size)
{
    struct rewriter *r = context;
    if (begin_value(r)) weftp_json_string(r->out, (const char *)text, size);
    return go_on(r);
}

static int on_key(void *context, const unsigned char *text, size_t size)
{
    struct rewriter *r = context;
    if (r->skipped) return 1;
    put_comma(r);
    weftp_key_set_put(&r->levels[r->open - 1].keys, r->out, (const char *)text, size, &r->notes);
    return go_on(r);
}

static int open_level(struct rewriter *r, bool is_object)
{
    if (!begin_value(r)) {
        r->skipped++;
        return 1;
    }
    if (r->open == r->open_max) {
        weftp_out_literal(r->out, "\"[too deep]\"");
        r->notes |= WEFTP_NOTE_CUT;
        r->skipped = 1;
        return go_on(r);
    }
    struct level *level = &r->levels[r->open++];
    weftp_key_set_init(&level->keys);
    level->is_object = is_object;
    level->has_member = false;
    weftp_out_char(r->out, is_object ? '{' : '[');
    return go_on(r);
}

static int close_level(struct rewriter *r)
{
    if (r->skipped) {
        r->skipped--;
        return 1;
    }
    struct level *level = &r->levels[--r->open];
    weftp_key_set_deinit(&level->keys);
    weftp_out_char(r->out, level->is_object ? '}' : ']');
    return go_on(r);
}

static int on_object(void *context)
{
    return open_level(context, true);
}
static int on_array(void *context)
{
    return open_level(context, false);
}
static int on_end(void *context)
{
    return close_level(context);
}

static const yajl_callbacks callbacks = {
    .yajl_null = on_null,
    .yajl_boolean = on_boolean,
    .yajl_number =
        on_number, /* its presence keeps yajl from reading numbers, so that no digit is lost */
    .yajl_string = on_string,
    .yajl_start_map = on_object,
    .yajl_map_key = on_key,
    .yajl_end_map = on_end,
    .yajl_start_array = on_array,
    .yajl_end_array = on_end,
};

/* Escapes of lone surrogates: yajl makes a question mark or ill-formed UTF-8 of them. */

/*
 * The code unit of a \uXXXX at `at`; 0 when there is none, or it is NUL, which does not matter
 * here.
 */
static unsigned code_unit(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') return 0;
    unsigned unit = 0;
    for (int i = 2; i < 6; i++) {
        const char c = at[i];
        const int digit = c >= '0' && c <= '9'                     ? c - '0'
                          : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                   : -1;
        if (digit < 0) return 0;
        unit = unit * 16 + (unsigned)digit;
    }
    return unit;
}

static bool is_surrogate(unsigned unit, unsigned first)
{
    return unit >= first && unit < first + 0x400;
}

/* The next escape of a lone surrogate; `end` when there is none. */
static const char *find_lone(const char *at, const char *end)
{
    while (at < end && (at = memchr(at, '\\', (size_t)(end - at))) != NULL) {
        const unsigned unit = code_unit(at, end);
        if (is_surrogate(unit, 0xDC00)) return at;
        if (is_surrogate(unit, 0xD800)) {
            if (!is_surrogate(code_unit(at + 6, end), 0xDC00)) return at;
            at += 12;
        } else {
            at += end - at < 2 ? 1 : 2;
        }
    }
    return end;
}

/* Parse the text, with U+FFFD in the place of each lone surrogate. */
static yajl_status parse_text(yajl_handle parser, const char *text, size_t size)
{
    static const unsigned char replacement[] = "\\ufffd";
    const char *end = text + size;
    yajl_status status = yajl_status_ok;
    while (status == yajl_status_ok && text < end) {
        const char *lone = find_lone(text, end);
        status = yajl_parse(parser, (const unsigned char *)text, (size_t)(lone - text));
        if (status != yajl_status_ok || lone == end) break;
        status = yajl_parse(parser, replacement, 6);
        text = lone + 6;
    }
    return status == yajl_status_ok ? yajl_complete_parse(parser) : status;
}

static bool rewrite(struct rewriter *r, const char *text, size_t size)
{
    if (setjmp(r->no_memory)) return false;
    yajl_alloc_funcs memory = {allocate, resize, release, r};
    const yajl_handle parser = yajl_alloc(&callbacks, &memory, r);
    if (!parser) return false;
    yajl_config(parser, yajl_dont_validate_strings, 1); /* our writer repairs them */
    const bool ok = parse_text(parser, text, size) == yajl_status_ok;
    yajl_free(parser);
    return ok && !r->out->overflow;
}

/*
 * yajl takes vertical tabs and form feeds for white space; they have no place in JSON, strings
 * included.
 */
static bool has_odd_space(const char *text, size_t size)
{
    return memchr(text, '\v', size) || memchr(text, '\f', size);
}

bool weftp_json_rewrite(struct weft_out *out, const char *text, size_t size, unsigned depth,
                        unsigned *notes)
{
    if (size == 0 || size > WEFTP_JSON_RAW_SIZE_MAX || has_odd_space(text, size)) return false;
    struct rewriter r;
    r.out = out;
    r.notes = r.open = r.skipped = 0;
    r.open_max = depth < WEFTP_DEPTH_MAX ? WEFTP_DEPTH_MAX - depth : 0;
    r.blocks.next = NULL;
    const size_t start = weftp_out_size(out);
    const bool ok = rewrite(&r, text, size);
    release_all(&r);
    if (!ok) weftp_out_rewind(out, start);
    if (ok && notes) *notes |= r.notes;
    return ok;
}
