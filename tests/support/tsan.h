/*
 * Whether the thread sanitizer is on: it allows no new threads in the child of a process with
 * several, and slows things down.
 */
#ifndef WEFT_TESTS_SUPPORT_TSAN_H
#define WEFT_TESTS_SUPPORT_TSAN_H

#if defined __SANITIZE_THREAD__
#define UNDER_TSAN true
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN true
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN false
#endif

#endif
