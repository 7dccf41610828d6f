/*
 * The public face of loggers: weft/logger.h.
 */
#include "system.h"

#include <errno.h>

weft_logger *weft_logger_get(const char *name)
{
    const int saved_errno = errno;
    if (weftp_system_state() == WEFTP_STATE_NEW && !weftp_thread_inside()) weftp_system_start();
    struct weftp_logger *logger = weftp_logger_find(name);
    errno = saved_errno;
    return &logger->face;
}

weft_logger *weft_logger_get_cached_(weft_logger **slot, const char *name)
{
    weft_logger *logger = weft_logger_get(name);
    __atomic_store_n(slot, logger, __ATOMIC_RELEASE);
    return logger;
}

static struct weftp_logger *or_root(const weft_logger *logger)
{
    return logger ? weftp_logger_of(logger) : weftp_logger_root();
}

const char *weft_logger_name(const weft_logger *logger)
{
    return or_root(logger)->name;
}

void weft_logger_set_level(weft_logger *logger, weft_level level)
{
    if ((int)level < WEFT_LEVEL_INHERIT || level > WEFT_LEVEL_OFF) return;
    if (weftp_system_state() == WEFTP_STATE_NEW && !weftp_thread_inside()) weftp_system_start();
    weftp_logger_own_level(or_root(logger), (int)level);
}

weft_level weft_logger_get_level(const weft_logger *logger)
{
    return (weft_level)weftp_logger_level(or_root(logger));
}

weft_logger *weft_logger_with_(weft_logger *logger, const weft_field *fields, size_t count)
{
    const int saved_errno = errno;
    if (weftp_system_state() == WEFTP_STATE_NEW && !weftp_thread_inside()) weftp_system_start();
    struct weftp_logger *child = weftp_logger_bind(or_root(logger), fields, count);
    errno = saved_errno;
    return child ? &child->face : &or_root(logger)->face;
}

void weft_logger_release(weft_logger *logger)
{
    if (logger) weftp_logger_unbind(weftp_logger_of(logger));
}
