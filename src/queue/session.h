/*
 * A session: one process's files in a directory of rings, and how they are told from each other.
 *
 *   weft-ID.session   who it is; locked (flock) for as long as the process lives
 *   weft-ID.sites     the text of each call site, once
 *   weft-ID-N.ring    one ring, or several in a row: each a face (ring.h) and its data
 *   weft-ID.new       a session file that is not locked yet
 *
 * Its job: names, the file's form, which directory will do, making, finding, locking, removing. Not
 * its job: what is in the rings (store.h writes, salvage.h reads).
 *
 * A session file has its lock before it has its name, and is the last one to go: files without one
 * are nobody's. Whether a process lives is asked of the lock, never of a process id. All files are
 * made with O_EXCL and mode 0600, and opened with O_NOFOLLOW. In the machine's byte order.
 *
 * Threads: any; pure but for the file system. Signals: unsafe. May include: port, base, record.
 */
#ifndef WEFTP_QUEUE_SESSION_H
#define WEFTP_QUEUE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <weft/status.h>

#define WEFTP_SESSION_ID_SIZE   32 /* hexadecimal digits: 128 random bits */
#define WEFTP_SESSION_HOST_SIZE 64
#define WEFTP_SESSION_NAME_SIZE 64 /* bytes of a file's name with its NUL */
#define WEFTP_SESSION_VERSION   1  /* of all the files */
#define WEFTP_SESSION_MAGIC     "weftsess"

/* What the session file holds, and nothing else. */
struct weftp_session_face {
    char magic[8];
    uint32_t version;
    uint32_t byte_order; /* 0x01020304 */
    uint32_t packed;     /* version of packed records */
    uint32_t check;      /* of all the rest */
    int64_t pid;
    int64_t start_ns; /* since 1970 */
    char id[WEFTP_SESSION_ID_SIZE];
    char host[WEFTP_SESSION_HOST_SIZE]; /* cut; zeros behind it */
};

enum weftp_session_kind {
    WEFTP_SESSION_FACE,
    WEFTP_SESSION_SITES,
    WEFTP_SESSION_RING,
    WEFTP_SESSION_NEW
};

/* One file's name, read. */
struct weftp_session_name {
    enum weftp_session_kind kind;
    char id[WEFTP_SESSION_ID_SIZE + 1];
    uint32_t number; /* of a ring */
};

/* In front of each site's text in the sites file: file and function, each with a NUL, and zeros up to a multiple of 8. */
struct weftp_session_site {
    uint32_t size;  /* bytes with this head */
    uint32_t check; /* weftp_session_site_check of all that follows this word */
    uint32_t id, line;
    int16_t level;
    uint16_t flags;
    uint16_t file_size, func_size;
};

void weftp_session_name(char name[WEFTP_SESSION_NAME_SIZE], const char *id,
                        enum weftp_session_kind kind, uint32_t number);
/* False: it is the name of something else. */
bool weftp_session_name_read(const char *name, struct weftp_session_name *out);

/* What the check words of a session file and of a site must be; `size`: bytes of the whole entry. */
uint32_t weftp_session_check(const struct weftp_session_face *face);
uint32_t weftp_session_site_check(const struct weftp_session_site *entry, size_t size);

/*
 * Open a directory for sessions. It must belong to the effective user, and nobody else may have any
 * right to it; the last part of its path must not be a symbolic link. `make`: where only that part
 * is missing, it is made (0700).
 *
 * @return  A descriptor, or -1 with errno: `why` then says the reason in a few words.
 */
int weftp_session_dir(const char *path, bool make, char *why, size_t why_size);

/*
 * Make this process's session file, locked. `id` is new. Returns the descriptor that holds the lock,
 * or -1 with errno.
 */
int weftp_session_begin(int dir, char id[WEFTP_SESSION_ID_SIZE + 1]);
/*
 * Take the lock of a session whose process is gone. Returns the descriptor that holds it, or -1: it
 * lives, somebody else has it in hands, it is gone, or there are no locks here.
 */
int weftp_session_claim(int dir, const char *id);
/* Remove a session's files; its lock is held by the caller. False: some are still there. */
bool weftp_session_remove(int dir, const char *id);
/* Remove files of sessions that never came to be. */
void weftp_session_sweep(int dir);
/* Open a file of a session that must be a regular file of this user. -1 and errno. */
int weftp_session_open(int dir, const char *name, int flags);

/* Call `each` for every file of any session until it returns false. WEFT_ENOMEM or WEFT_EIO: not all were seen. */
weft_status weftp_session_list(int dir,
                               bool (*each)(void *arg, const struct weftp_session_name *file),
                               void *arg);

#endif
