/*
 * A session: one process's files in a directory of rings, and how they are told from each other.
 *
 *   weft-ID.session   who it is; locked (flock) for as long as the process lives
 *   weft-ID.sites     the text of each call site, and the keys of each template, once
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
#define WEFTP_SESSION_VERSION   2  /* of all the files */
#define WEFTP_SESSION_OLD       1  /* the same, without templates: read, too */
#define WEFTP_SESSION_MAGIC     "weftsess"
/* Bytes of a sites file; what would be behind them is not written, and not read. */
#define WEFTP_SESSION_SITES_MAX ((size_t)64 << 20)
#define WEFTP_SESSION_ENTRY_MAX ((size_t)8448) /* bytes of an entry of that file */

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

/* What each entry of the sites file begins with; it ends with zeros up to a multiple of 8. */
struct weftp_session_entry {
    uint32_t size;  /* bytes of the whole, this head included */
    uint32_t check; /* weftp_session_entry_check of all that follows this word */
    uint32_t id;    /* of a site: 1 to WEFTP_SITES_MAX; or a template's number and the bit */
};
#define WEFTP_SESSION_TEMPLATE 0x80000000u /* that bit; the list of its keys (key_list.h) follows */

/* A site: its file and function follow, each with a NUL. */
struct weftp_session_site {
    struct weftp_session_entry entry;
    uint32_t line;
    int16_t level;
    uint16_t flags;
    uint16_t file_size, func_size;
};

void weftp_session_name(char name[WEFTP_SESSION_NAME_SIZE], const char *id,
                        enum weftp_session_kind kind, uint32_t number);
/* False: it is the name of something else. */
bool weftp_session_name_read(const char *name, struct weftp_session_name *out);

/* What the check words of a session file and of an entry of the sites file must be. */
uint32_t weftp_session_check(const struct weftp_session_face *face);
/* `size`: bytes of the whole entry, which are all there. */
uint32_t weftp_session_entry_check(const void *entry, size_t size);

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
