/*
 * Raw JSON from anybody: what is taken comes out as one valid value on one line, and comes out the
 * same when it is written once more; what is refused leaves nothing behind.
 */
#include "src/base/json_raw.h"
#include "src/base/json_value.h"
#include "src/base/utf8.h"
#include <stdlib.h>
#include <yajl/yajl_parse.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

static void check_reads(const char *text, size_t size)
{
    require(weftp_utf8_valid(text, size));
    require(memchr(text, '\n', size) == NULL);
    const yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    require(parser);
    require(yajl_parse(parser, (const unsigned char *)text, size) == yajl_status_ok);
    require(yajl_complete_parse(parser) == yajl_status_ok);
    yajl_free(parser);
}

/* As a field, under a limit: always one valid value. */
static void check_field(const char *text, size_t size, uint32_t limit)
{
    struct weft_out out;
    weftp_out_init(&out, 32u << 20);
    const struct weftp_value_style style = {WEFTP_DOUBLE_SHORT, WEFTP_TIME_MICROS, limit};
    weft_field field = weft_strn("k", text, size);
    field.type = WEFT_TYPE_JSON;
    weftp_json_value(&out, &field, &style, NULL);
    check_reads(out.data, weftp_out_size(&out));
    require(weftp_out_size(&out) <= (size_t)limit + 2);
    weftp_out_clear(&out);
    weftp_json_value_as_string(&out, &field, &style, NULL);
    check_reads(out.data, weftp_out_size(&out));
    weftp_out_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    struct weft_out once, twice;
    weftp_out_init(&once, 32u << 20);
    weftp_out_init(&twice, 32u << 20);
    weftp_out_char(&once, '<');
    unsigned notes = 0;
    if (weftp_json_rewrite(&once, text, size, size % 4, &notes)) {
        const size_t written = weftp_out_size(&once) - 1;
        check_reads(once.data + 1, written);
        notes = 0;
        require(weftp_json_rewrite(&twice, once.data + 1, written, 0, &notes));
        require(notes == 0 && weftp_out_size(&twice) == written);
        require(memcmp(twice.data, once.data + 1, written) == 0);
    } else {
        require(weftp_out_size(&once) == 1);
    }
    check_field(text, size, size > 0 ? data[0] : 0);
    weftp_out_deinit(&once);
    weftp_out_deinit(&twice);
    return 0;
}
