/*
 * The loaded image - program or library - that an address lies in, and what of it stays as it is.
 *
 * Its job: tell memory that cannot change while an image is loaded from any other. Where the system
 * cannot tell without a lock of the loader, there is no image.
 *
 *   all functions | any thread; no lock, no memory, no system call
 *
 * May include: libc only.
 */
#ifndef WEFTP_PORT_IMAGE_H
#define WEFTP_PORT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct weftp_image {
    uintptr_t bias;       /* what its own addresses are moved by */
    const void *segments; /* the loader's table */
    size_t count;
};

/* Find the image that has `data` among what it may write. False: none, or not known. */
bool weftp_image_find(struct weftp_image *image, const void *data);
/* Whether bytes are of the image's file and never written: the same ones while it is loaded. */
bool weftp_image_has_constant(const struct weftp_image *image, const void *at, size_t size);

#endif
