#include "pipe_lock.h"

#include "wait.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LOCKS            16
#define CLOSE_WAIT_MS    1000
#define EDEADLK_PAUSE_NS 1000000

/* By inode: two pipes share one only by chance, and then only wait for each other. */
static pthread_mutex_t locks[LOCKS] = {
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
    PTHREAD_MUTEX_INITIALIZER,
};

static int set_lock(int fd, int command, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1};
    int result;
    do {
        result = fcntl(fd, command, &lock);
    } while (result < 0 && errno == EINTR);
    return result;
}

static bool is_held_elsewhere(int err)
{
    return err == EAGAIN || err == EACCES;
}

/* A system that has no such locks leaves the mutex: better than nothing. */
static bool try_lock(int fd, pthread_mutex_t *mutex)
{
    if (pthread_mutex_trylock(mutex) != 0) return false;
    if (set_lock(fd, F_SETLK, F_WRLCK) == 0 || !is_held_elsewhere(errno)) return true;
    pthread_mutex_unlock(mutex);
    return false;
}

static int bytes_waiting(int fd)
{
    int bytes = 0;
    return ioctl(fd, FIONREAD, &bytes) == 0 ? bytes : 0;
}

/* A reader that has gone drains nothing: then the write shall fail, not the wait go on. */
static bool is_broken(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLOUT};
    return poll(&poll_fd, 1, 0) == 1 && (poll_fd.revents & (POLLERR | POLLNVAL)) != 0;
}

/*
 * Until it is ours: the kernel wakes us when it is let go. With two pipes and threads that hold one
 * and wait for the other it may see a deadlock where there is none: then we ask again and again.
 */
static bool lock_blocking(int fd, pthread_mutex_t *mutex)
{
    pthread_mutex_lock(mutex);
    while (set_lock(fd, F_SETLKW, F_WRLCK) < 0 && errno == EDEADLK) {
        if (is_broken(fd)) {
            pthread_mutex_unlock(mutex);
            errno = EPIPE;
            return false;
        }
        weftp_sleep_ns(EDEADLK_PAUSE_NS);
    }
    return true;
}

static bool lock_in_time(int fd, pthread_mutex_t *mutex, uint32_t timeout_ms)
{
    struct weftp_wait wait;
    weftp_wait_start(&wait, timeout_ms);
    while (weftp_wait_pause(&wait)) {
        if (try_lock(fd, mutex)) return true;
    }
    errno = EAGAIN;
    return false;
}

bool weftp_pipe_blocks(int fd)
{
    const int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

bool weftp_pipe_lock(int fd, uint64_t key, uint32_t timeout_ms)
{
    pthread_mutex_t *mutex = &locks[key % LOCKS];
    if (try_lock(fd, mutex)) return true;
    return weftp_pipe_blocks(fd) ? lock_blocking(fd, mutex) : lock_in_time(fd, mutex, timeout_ms);
}

void weftp_pipe_unlock(int fd, uint64_t key)
{
    const int err = errno;
    set_lock(fd, F_SETLK, F_UNLCK);
    pthread_mutex_unlock(&locks[key % LOCKS]);
    errno = err;
}

void weftp_pipe_close(int fd, uint64_t key)
{
    pthread_mutex_t *mutex = &locks[key % LOCKS];
    struct weftp_wait wait;
    bool held = pthread_mutex_trylock(mutex) == 0;
    weftp_wait_start(&wait, CLOSE_WAIT_MS);
    while (!held && weftp_wait_pause(&wait)) held = pthread_mutex_trylock(mutex) == 0;
    close(fd);
    if (held) pthread_mutex_unlock(mutex);
}

/*
 * A pipe holds pages, not bytes. Small writes share one, but two neighbours may leave half of both
 * unused, so `used` bytes occupy at most twice their pages and two more.
 */
static bool has_room(size_t used, size_t need_pages, size_t pages, size_t page_size)
{
    return used == 0 || need_pages + 2 * used / page_size + 2 <= pages;
}

bool weftp_pipe_wait_room(int fd, size_t size, uint32_t timeout_ms, bool *waited)
{
    *waited = false;
    const int capacity = fcntl(fd, F_GETPIPE_SZ);
    const long page = sysconf(_SC_PAGESIZE);
    if (capacity <= 0 || page <= 0) return true;
    const size_t page_size = (size_t)page, pages = (size_t)capacity / page_size;
    const size_t need_pages = size / page_size + 2;
    if (need_pages > pages) return true;
    if (has_room((size_t)bytes_waiting(fd), need_pages, pages, page_size)) return true;
    struct weftp_wait wait;
    weftp_wait_start(&wait, timeout_ms);
    *waited = true;
    while (weftp_wait_pause(&wait)) {
        if (has_room((size_t)bytes_waiting(fd), need_pages, pages, page_size)) return true;
        if (is_broken(fd)) return true;
    }
    return false;
}

void weftp_pipe_lock_forked(void)
{
    /* Whoever held one in the parent is not here; the child is alone and may make them anew. */
    for (size_t i = 0; i < LOCKS; i++) pthread_mutex_init(&locks[i], NULL);
}
