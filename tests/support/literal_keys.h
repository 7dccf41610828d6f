/* Whether calls have templates (record/templates.h) here. */
#ifndef TEST_SUPPORT_LITERAL_KEYS_H
#define TEST_SUPPORT_LITERAL_KEYS_H

#include "src/port/image.h"
#include <weft/weft.h>

/*
 * Where the system cannot tell images, or the compiler did not measure the keys, there are no
 * templates, and nothing to see.
 */
static inline bool has_templates(void)
{
    static weft_site site = {"literal_keys.h", "probe", 1, 0, 0, 0, 0};
    struct weftp_image image;
    return weft_int("probe", 1).key_size > 0 && weftp_image_find(&image, &site);
}

#endif
