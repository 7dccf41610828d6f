/* The scratch folder of a test program as a tmpfs of 1 MB, where it may mount one. */
#ifndef WEFT_TESTS_SUPPORT_SMALL_DISK_H
#define WEFT_TESTS_SUPPORT_SMALL_DISK_H

#include "sinks.h"

#include <sched.h>
#include <sys/mount.h>

static bool mounted; /* false: cases that need it skip */

/* A private mount namespace: the mount goes with the process, whatever happens to it. */
static inline int mount_small(void **state)
{
    if (scratch_make(state) != 0) return -1;
    mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
              mount("none", scratch, "tmpfs", 0, "size=1m") == 0;
    if (!mounted) fprintf(stderr, "SKIPPED: no tmpfs can be mounted here, which needs root\n");
    return 0;
}

static inline int unmount_small(void **state)
{
    if (mounted && umount(scratch) != 0) return -1;
    return scratch_remove(state);
}

#endif
