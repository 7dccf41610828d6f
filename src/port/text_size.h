/*
 * The size of a text that is most often short, in line: a call of strlen(3) costs more than its
 * work.
 *
 * Sixteen bytes at a time are looked at, aligned, so that none of another page is, and the first of
 * them always has bytes of the text: those around it are loaded, and their values do not matter.
 * memcheck knows such loads; the sanitizers do not, and under them strlen(3) is called.
 * Pure; any thread; signal-safe. May include: sanitized.
 */
#ifndef WEFTP_PORT_TEXT_SIZE_H
#define WEFTP_PORT_TEXT_SIZE_H

#include "sanitized.h"
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if defined __SSE2__ && !defined WEFTP_SANITIZED
#include <emmintrin.h>

/* One bit for each byte of an aligned chunk that is zero. */
static inline unsigned weftp_zeros(const char *aligned)
{
    const __m128i chunk = _mm_load_si128((const __m128i *)(const void *)aligned);
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(chunk, _mm_setzero_si128()));
}

/* As strlen(3). */
static inline size_t weftp_text_size(const char *text)
{
    const unsigned before = (unsigned)(uintptr_t)text % 16; /* bytes of its first chunk */
    const char *chunk = text - before;
    unsigned zeros = weftp_zeros(chunk) >> before;
    if (zeros == 0) zeros = weftp_zeros(chunk + 16) << 16 >> before;
    if (zeros == 0) return (size_t)(chunk - text) + 32 + strlen(chunk + 32);
    return (unsigned)__builtin_ctz(zeros);
}
#else
static inline size_t weftp_text_size(const char *text)
{
    return strlen(text);
}
#endif

#endif
