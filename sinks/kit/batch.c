#include "batch.h"

#include <stdlib.h>
#include <string.h>

#define LINE_SIZE_USUAL 128 /* lines that are shorter fill the list before they fill the bytes */

bool weftp_batch_init(struct weftp_batch *batch, size_t capacity)
{
    const size_t count_max = capacity / LINE_SIZE_USUAL + 16;
    *batch = (struct weftp_batch){
        .data = malloc(capacity),
        .capacity = capacity,
        .lines = malloc(count_max * sizeof *batch->lines),
        .count_max = count_max,
    };
    if (batch->data && batch->lines) return true;
    weftp_batch_deinit(batch);
    return false;
}

void weftp_batch_deinit(struct weftp_batch *batch)
{
    free(batch->data);
    free(batch->lines);
    *batch = (struct weftp_batch){.data = NULL};
}

void weftp_batch_remove(struct weftp_batch *batch, size_t count)
{
    size_t gone = 0;
    if (count == 0) return;
    if (count == batch->count) {
        batch->count = batch->size = 0;
        return;
    }
    for (size_t i = 0; i < count; i++) gone += batch->lines[i].iov_len;
    batch->size -= gone;
    batch->count -= count;
    memmove(batch->data, batch->data + gone, batch->size);
    memmove(batch->lines, batch->lines + count, batch->count * sizeof *batch->lines);
    for (size_t i = 0; i < batch->count; i++)
        batch->lines[i].iov_base = (char *)batch->lines[i].iov_base - gone;
}
