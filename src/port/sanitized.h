/*
 * WEFTP_SANITIZED is defined where a sanitizer checks each byte that is read: then nothing may be
 * read beside a text, not even within its own page.
 */
#ifndef WEFTP_PORT_SANITIZED_H
#define WEFTP_PORT_SANITIZED_H

#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define WEFTP_SANITIZED
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define WEFTP_SANITIZED
#endif
#endif

#endif
