#include "out.h"

#include <stdlib.h>

/* The first allocation: most lines fit, so that most buffers grow once. */
#define FIRST_SIZE 512

void weftp_out_init(struct weft_out *out, size_t max)
{
    out->data = out->cur = out->end = NULL;
    out->max = max;
    out->overflow = false;
    out->notes = 0;
    memset(&out->clock, 0, sizeof out->clock);
    out->memo = NULL;
}

void weftp_out_deinit(struct weft_out *out)
{
    free(out->data);
    free(out->memo);
    weftp_out_init(out, out->max);
}

/*
 * From now on nothing fits: the room that is left is given up, not the memory, so that offsets into
 * the content stay good. The allocator knows the true size; the next grow gets the room back.
 */
static bool overflow(struct weft_out *out)
{
    out->end = out->cur;
    out->overflow = true;
    return false;
}

bool weftp_out_grow(struct weft_out *out, size_t need)
{
    const size_t size = weftp_out_size(out), room = (size_t)(out->end - out->data);
    if (out->overflow || size > out->max || need > out->max - size) return overflow(out);
    size_t wanted = room < FIRST_SIZE / 2 ? FIRST_SIZE : room > out->max / 2 ? out->max : room * 2;
    if (wanted < size + need) wanted = size + need;
    if (wanted > out->max) wanted = out->max;
    char *data = realloc(out->data, wanted);
    if (!data && wanted > size + need) {
        wanted = size + need;
        data = realloc(out->data, wanted);
    }
    if (!data) return overflow(out);
    out->data = data;
    out->cur = data + size;
    out->end = data + wanted;
    return true;
}
