#include "path.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINKS_MAX 16 /* one behind the other; a ring of them is no path */

static char *join(const char *folder, const char *name)
{
    const size_t length = strlen(folder), slash = length > 0 && folder[length - 1] == '/' ? 0 : 1;
    char *joined = malloc(length + slash + strlen(name) + 1);
    if (!joined) return NULL;
    memcpy(joined, folder, length);
    if (slash) joined[length] = '/';
    memcpy(joined + length + slash, name, strlen(name) + 1);
    return joined;
}

/* The real path of the directory that a path begins with; NULL: there is none, or no memory. */
static char *real_folder(const char *path, const char *slash)
{
    char *folder = !slash ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    char *real = folder ? realpath(folder, NULL) : NULL;
    free(folder);
    return real;
}

/* What a link that leads nowhere yet stands for, one step on; NULL: it is no link, or no memory. */
static char *link_target(const char *path)
{
    char text[PATH_MAX];
    const char *slash = strrchr(path, '/');
    const ssize_t size = readlink(path, text, sizeof text - 1);
    if (size <= 0) return NULL;
    text[size] = '\0';
    if (*text == '/' || !slash) return strdup(text);
    char *folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    char *target = folder ? join(folder, text) : NULL;
    free(folder);
    return target;
}

/* The path behind links, of a file that need not be there yet; free it. NULL: no memory. */
static char *follow_links(const char *path)
{
    char *at = strdup(path);
    for (unsigned links = 0; at && links < LINKS_MAX; links++) {
        char *next = link_target(at);
        if (!next) break;
        free(at);
        at = next;
    }
    return at;
}

/* Absolute, without links in its directory, where that is there. */
static char *absolute_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = real_folder(path, slash);
    const char *name = folder && slash ? slash + 1 : path;
    if (!folder && *path == '/') return strdup(path);
    if (!folder) folder = getcwd(NULL, 0);
    char *joined = folder ? join(folder, name) : NULL;
    free(folder);
    return joined;
}

char *weftp_path_resolve(const char *path, bool follow)
{
    char *resolved = follow ? realpath(path, NULL) : NULL;
    if (resolved) return resolved;
    char *target = follow ? follow_links(path) : NULL;
    resolved = absolute_path(target ? target : path);
    free(target);
    return resolved;
}
