#include "image.h"

#include <dlfcn.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>

/* glibc has a look-up without locks since 2.35; others would have to stop the loader. */
#if defined(__GLIBC__) && defined(__GLIBC_PREREQ) && !defined(WEFT_NO_IMAGES)
#if __GLIBC_PREREQ(2, 35)
#define HAS_IMAGES 1
#endif
#endif

#ifdef HAS_IMAGES

#define FIRST_PAGE 4096 /* of a library's file, which is in memory where there are headers */

/* A program that was built here may run with an older one; then there are no images. */
#pragma weak _dl_find_object

/* The program's own: where its headers are, the kernel says. */
static bool find_program(struct weftp_image *image)
{
    image->segments = (const void *)(uintptr_t)getauxval(AT_PHDR);
    image->count = getauxval(AT_PHNUM);
    return image->segments && getauxval(AT_PHENT) == sizeof(ElfW(Phdr));
}

/* A library begins with its headers, unless it was linked in an unusual way. */
static bool find_library(struct weftp_image *image, const char *start)
{
    const ElfW(Ehdr) *head = (const void *)start;
    if (memcmp(head->e_ident, ELFMAG, SELFMAG) != 0) return false;
    if (head->e_phentsize != sizeof(ElfW(Phdr)) || head->e_phoff % sizeof(ElfW(Addr))) return false;
    if (head->e_phoff + (size_t)head->e_phnum * sizeof(ElfW(Phdr)) > FIRST_PAGE) return false;
    image->segments = start + head->e_phoff;
    image->count = head->e_phnum;
    return true;
}

/* Whether bytes are of a segment that may be written, or of the file's part of one that may not. */
static bool has(const struct weftp_image *image, const void *at, size_t size, bool writable)
{
    const ElfW(Phdr) *segments = image->segments;
    const uintptr_t address = (uintptr_t)at - image->bias;
    bool found = false;
    for (size_t i = 0; i < image->count; i++) {
        const ElfW(Phdr) *segment = &segments[i];
        if (segment->p_type != PT_LOAD) continue;
        const size_t whole = writable ? segment->p_memsz : segment->p_filesz;
        const uintptr_t before = address - segment->p_vaddr;
        if (address < segment->p_vaddr || before >= whole || size > whole - before) continue;
        if (writable != ((segment->p_flags & PF_W) != 0)) return false;
        found = true;
    }
    return found;
}

bool weftp_image_find(struct weftp_image *image, const void *data)
{
    struct dl_find_object object;
    if (!_dl_find_object || _dl_find_object((void *)(uintptr_t)data, &object) != 0) return false;
    const struct link_map *map = object.dlfo_link_map;
    if (!map || !map->l_name) return false;
    image->bias = map->l_addr;
    const bool found = !map->l_prev && map->l_name[0] == '\0'
                           ? find_program(image)
                           : find_library(image, object.dlfo_map_start);
    return found && has(image, data, 1, true);
}

bool weftp_image_has_constant(const struct weftp_image *image, const void *at, size_t size)
{
    return has(image, at, size, false);
}

#else

bool weftp_image_find(struct weftp_image *image, const void *data)
{
    (void)image;
    (void)data;
    return false;
}

bool weftp_image_has_constant(const struct weftp_image *image, const void *at, size_t size)
{
    (void)image;
    (void)at;
    (void)size;
    return false;
}

#endif
