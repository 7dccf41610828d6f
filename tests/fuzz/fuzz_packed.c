/*
 * Bytes that claim to be a packed record: whatever they are, they are refused or give a view that
 * lies in them, that an encoder can read, and that packs again to bytes that unpack.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/out.h"
#include "src/encode/registry.h"
#include "src/record/packed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

static void *allocate(size_t size)
{
    void *p = malloc(size ? size : 1);
    check(p != NULL);
    return p;
}

static void encode(const struct weft_record *record)
{
    const struct weft_encoder_options options = {.struct_size = sizeof options, .host = "h"};
    const struct weft_limits limits = {256, 256, 256, 256};
    struct weft_out out;
    weftp_out_init(&out, 1 << 20);
    for (size_t i = 0; weftp_encoders_builtin[i]; i++) {
        const struct weft_encoder_type *type = weftp_encoders_builtin[i];
        void *self = NULL;
        check(type->open(&self, &options) == WEFT_OK);
        weftp_out_clear(&out);
        type->encode(self, record, &limits, &out);
        type->close(self);
    }
    weftp_out_deinit(&out);
}

/* Unpack into arrays of exactly the size that is asked for, and go on with the view. */
static void unpack(const char *bytes, size_t size, bool again)
{
    struct weftp_packed_needs needs;
    struct weftp_unpacked view;
    size_t packed_size;
    if (weftp_packed_needs(bytes, size, &needs) != WEFT_OK) {
        check(!again);
        return;
    }
    check(needs.size <= size && needs.fields <= size && needs.pairs <= size);
    const struct weftp_unpack_room room = {
        .options = again ? WEFTP_UNPACK_TRUSTED : 0, /* what was packed here may be trusted */
        .fields = allocate(needs.fields * sizeof(weft_field)),
        .field_count = needs.fields,
        .pairs = allocate(needs.pairs * sizeof(struct weft_pair)),
        .pair_count = needs.pairs,
    };
    const weft_status status = weftp_record_unpack(bytes, size, &room, &view);
    check(status == WEFT_OK || (status == WEFT_EINVAL && !again));
    if (status == WEFT_OK) encode(&view.record);
    if (status == WEFT_OK && !again) {
        packed_size = weftp_packed_size(&view.record, 0);
        char *copy = allocate(packed_size);
        check(weftp_record_pack(&view.record, 0, copy, packed_size, &packed_size) == WEFT_OK);
        unpack(copy, packed_size, true);
        free(copy);
    }
    free(room.fields);
    free(room.pairs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = allocate(size);
    if (size) memcpy(bytes, data, size);
    unpack(bytes, size, false);
    free(bytes);
    return 0;
}
