/*
 * A raw block of headers: any bytes. The getter is compared with the listing, and a context is
 * taken from the block.
 */
#include "tests/fuzz/propagation_fuzz.h"

#include <weft/adapter/headers.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct listing {
    weft_headers *headers;
    size_t counts[256]; /* by the first byte of the name, for names of one byte */
};

/* Each header that is listed is the one that the getter finds under its name and index. */
static void check(void *arg, const char *name, size_t name_size, const char *value, size_t size)
{
    struct listing *listing = arg;
    must(memchr(name, ':', name_size) == NULL && name_size > 0);
    must(weft_header_value_ok_(value, size));
    if (name_size != 1) return;
    const char text[2] = {name[0], '\0'};
    const unsigned char lower = (unsigned char)weft_ascii_lower_(name[0]);
    size_t found_size = 0;
    const char *found =
        weft_headers_getter()->get(listing->headers, text, listing->counts[lower]++, &found_size);
    must(found == value && found_size == size);
}

/*
 * A block that is written to stays within its bounds, and has exactly one header of the name that
 * was set.
 */
static void write_into(const uint8_t *data, size_t size)
{
    static char block[4096];
    weft_headers_out out;
    weft_headers back;
    size_t value_size = 0;
    if (size > sizeof block / 2) return;
    weft_headers_out_init(&out, block, sizeof block);
    memcpy(block, data, size);
    while (size > 0 && memchr("\r\n \t", block[size - 1], 4))
        size--; /* as its comment demands: whole lines, no empty one */
    for (size_t i = 0; i + 1 < size; i++)
        if (block[i] == '\n' && (block[i + 1] == '\n' || block[i + 1] == '\r')) return;
    if (size > 0 && (block[0] == '\n' || block[0] == '\r')) return;
    if (size > 0) block[size++] = '\n';
    out.size = size;
    must(weft_headers_setter()->set(&out, "a", "value", 5) == WEFT_OK);
    must(out.size <= sizeof block);
    weft_headers_init(&back, out.data, out.size);
    const char *found = weft_headers_getter()->get(&back, "A", 0, &value_size);
    must(found && value_size == 5 && memcmp(found, "value", 5) == 0);
    must(!weft_headers_getter()->get(&back, "A", 1, &value_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_headers headers;
    struct listing listing = {&headers, {0}};
    static struct fuzz_sent sent;
    weft_headers_init(&headers, (const char *)data, size);
    weft_headers_getter()->each(&headers, check, &listing);
    weft_mdc_clear();
    must(weftp_extract(weftp_propagation_current(), weft_headers_getter(), &headers, NULL) ==
         WEFT_OK);
    fuzz_give(&sent);
    weft_mdc_clear();
    write_into(data, size);
    return 0;
}
