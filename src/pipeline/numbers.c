#include "numbers.h"

#include "thread.h"

#include <stdlib.h>

/* A text of the largest size that lines come in, and their numbers. */
#define TEXT_MAX (WEFTP_LINE_SIZE_MAX + (size_t)WEFTP_NUMBERS_LINES * WEFT_NUMBER_SIZE_MAX)

struct weftp_numbers *weftp_numbers_create(bool apart)
{
    struct weftp_numbers *numbers = calloc(1, sizeof *numbers);
    if (!numbers) return NULL;
    numbers->apart = apart;
    weftp_out_init(&numbers->text, TEXT_MAX);
    weftp_numbers_begin(numbers);
    return numbers;
}

void weftp_numbers_destroy(struct weftp_numbers *numbers)
{
    if (!numbers) return;
    weftp_out_deinit(&numbers->text);
    free(numbers);
}

void weftp_numbers_begin(struct weftp_numbers *numbers)
{
    numbers->generation = weftp_boot_id(numbers->boot_id);
    if (numbers->apart) weftp_boot_draw(numbers->boot_id);
}

struct weft_line *weftp_numbers_put(struct weftp_numbers *numbers,
                                    const struct weftp_encoding *encoding,
                                    const struct weft_line *lines, size_t count)
{
    struct weft_out *text = &numbers->text;
    if ((size_t)(text->end - text->data) > WEFTP_NUMBERS_KEPT) weftp_out_deinit(text);
    weftp_out_clear(text);
    numbers->failed = true;
    for (size_t i = 0; i < count; i++) {
        const size_t before = weftp_out_size(text);
        encoding->number(encoding->self, &lines[i], numbers->boot_id, text);
        if (text->overflow) return NULL;
        numbers->lines[i] = lines[i];
        numbers->lines[i].size = weftp_out_size(text) - before;
    }
    numbers->failed = false;
    weftp_lines_locate(numbers->lines, count, text->data);
    return numbers->lines;
}
