/*
 * The keys of a template as bytes, for files that are read when the process is gone.
 *
 * Its job: a template to a list, whether bytes are a list, and the fields of a packed record that
 * names one. Not its job: where lists are kept, and whose numbers they have.
 *
 *   function     | by
 *   -------------|------------------------------------------------------------
 *   size, lay    | any thread, pure
 *   check        | any thread, pure; safe on hostile bytes
 *   unpack       | any thread, pure; safe on hostile bytes, with a list that was checked
 *
 * A list: how many keys, as a byte; of each the type of its field and its size, a byte each, and
 * the key with a NUL. May include: templates, the packed form.
 */
#ifndef WEFTP_RECORD_KEY_LIST_H
#define WEFTP_RECORD_KEY_LIST_H

#include "templates.h"

/* Bytes. */
#define WEFTP_KEY_LIST_MAX (1 + WEFTP_TEMPLATE_FIELDS_MAX * (2 + WEFTP_TEMPLATE_KEY_MAX + 1))

/* Those of another process, by the numbers of its templates. */
struct weftp_key_lists {
    const char **by_number; /* [0] to [count - 1]; NULL: not known */
    uint32_t count;
};

size_t weftp_key_list_size(const struct weftp_template *known);
/* Lay a template's list at `to`, which has room for weftp_key_list_size. */
void weftp_key_list_lay(char *to, const struct weftp_template *known);

/* The size of the list that the bytes begin with; 0: they begin with none, or not with the whole. */
size_t weftp_key_list_check(const char *bytes, size_t size);

/*
 * Unpack the fields of a record that names a template. Their keys lie in the list, their texts in
 * the bytes.
 *
 * @param lists  NULL: there are none.
 * @param count  Fields, and room for them.
 * @return       Where the fields' bytes end; NULL: there is no such list, or it is one of other
 *               fields, or the bytes are none of them.
 */
const char *weftp_key_list_unpack(const struct weftp_key_lists *lists, uint32_t number,
                                  const char *at, const char *end, weft_field *fields,
                                  uint32_t count);

#endif
