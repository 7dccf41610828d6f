/*
 * The path of a file, as it is found again later.
 *
 * Its job: text. Not its job: opening what is there, and who may put a link there (logfile.h).
 * Threads: any; reads the working directory. Signals: unsafe (allocates).
 * May include: port.
 */
#ifndef WEFTP_SINKS_KIT_PATH_H
#define WEFTP_SINKS_KIT_PATH_H

#include <stdbool.h>

/*
 * The path as it must be found again after chdir(2): absolute, and without links in its directory.
 * With `follow` a link at its end is replaced by what it stands for, which need not be there yet.
 * Free it. NULL: no memory.
 */
char *weftp_path_resolve(const char *path, bool follow);

#endif
