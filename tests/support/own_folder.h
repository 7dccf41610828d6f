/*
 * A folder for all cases of a test program, and the path of the one file that they are about:
 * define OWN_FILE, its name, before this is included.
 */
#ifndef WEFT_TESTS_SUPPORT_OWN_FOLDER_H
#define WEFT_TESTS_SUPPORT_OWN_FOLDER_H

#include "child.h"

static char *folder, path[128];

static inline int own_folder_make(void **state)
{
    (void)state;
    folder = test_folder();
    snprintf(path, sizeof path, "%s/" OWN_FILE, folder);
    return 0;
}

static inline int own_folder_remove(void **state)
{
    (void)state;
    test_folder_remove(folder);
    return 0;
}

#endif
