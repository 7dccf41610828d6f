/*
 * The JSON string writer on any bytes: the fast and the scalar twin give the same, a strict reader
 * takes it, and a cut keeps to its limit. The first byte is the limit.
 */
#include "src/base/json_text.h"
#include "src/base/utf8.h"
#include <stdlib.h>
#include <yajl/yajl_parse.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds) abort();
}

static void check_reads(const struct weft_out *out)
{
    require(!out->overflow && weftp_utf8_valid(out->data, weftp_out_size(out)));
    const yajl_handle parser = yajl_alloc(NULL, NULL, NULL);
    require(parser);
    require(yajl_parse(parser, (const unsigned char *)out->data, weftp_out_size(out)) ==
            yajl_status_ok);
    require(yajl_complete_parse(parser) == yajl_status_ok);
    yajl_free(parser);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    const uint32_t limit = data[0];
    const char *text = (const char *)data + 1;
    size--;

    struct weft_out fast, scalar, cut;
    weftp_out_init(&fast, 32u << 20);
    weftp_out_init(&scalar, 32u << 20);
    weftp_out_init(&cut, 4096);
    weftp_json_string(&fast, text, size);
    weftp_out_char(&scalar, '"');
    weftp_json_escape_scalar(&scalar, text, size);
    weftp_out_char(&scalar, '"');
    require(weftp_out_size(&fast) == weftp_out_size(&scalar));
    require(memcmp(fast.data, scalar.data, weftp_out_size(&fast)) == 0);
    check_reads(&fast);

    const bool was_cut = weftp_json_string_cut(&cut, text, size, limit);
    require(was_cut == (weftp_out_size(&fast) - 2 > limit));
    require(weftp_out_size(&cut) - 2 <= limit);
    check_reads(&cut);
    weftp_out_deinit(&fast);
    weftp_out_deinit(&scalar);
    weftp_out_deinit(&cut);
    return 0;
}
