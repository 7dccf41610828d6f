/*
 * Steps of 16 bytes over text, for the JSON string writer and the UTF-8 reader: SSE2, NEON, or plain C that gives the
 * same answers (WEFTP_SCAN_PLAIN asks for it, so that a test can compare them).
 *
 * A mask has one bit for each byte, the first byte's lowest. A byte is "marked" when it cannot stand in a JSON string
 * as it is, or is not ASCII: below 0x20, the quote, the backslash, 0x80 and above.
 * Pure functions; any thread; signal-safe. Reads and writes exactly the bytes that it says.
 */
#ifndef WEFTP_PORT_SCAN_H
#define WEFTP_PORT_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WEFTP_SCAN_SIZE 16

#if defined __SSE2__ && !defined WEFTP_SCAN_PLAIN
#include <emmintrin.h>

typedef __m128i weftp_chunk;

static inline weftp_chunk weftp_chunk_load(const void *from)
{
    weftp_chunk chunk;
    memcpy(&chunk, from, sizeof chunk);
    return chunk;
}

static inline weftp_chunk weftp_chunk_pair(uint64_t low, uint64_t high)
{
    return _mm_set_epi64x((int64_t)high, (int64_t)low);
}

static inline unsigned weftp_chunk_high(weftp_chunk chunk)
{
    return (unsigned)_mm_movemask_epi8(chunk);
}

/* As signed numbers, bytes of 0x80 and above are below 0x20 too: one comparison finds both. */
static inline unsigned weftp_chunk_marks(weftp_chunk chunk)
{
    const __m128i outside = _mm_cmplt_epi8(chunk, _mm_set1_epi8(0x20));
    const __m128i quote = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(outside, _mm_or_si128(quote, backslash)));
}

/* Bits of the bytes that are not as a run of three-byte sequences has them. Bit 15 means nothing. */
static inline unsigned weftp_chunk_not_three(weftp_chunk chunk)
{
    const char lead = (char)0xE0, tail = (char)0x80, top4 = (char)0xF0, top2 = (char)0xC0;
    const __m128i shape = _mm_setr_epi8(lead, tail, tail, lead, tail, tail, lead, tail, tail, lead,
                                        tail, tail, lead, tail, tail, 0);
    const __m128i bits = _mm_setr_epi8(top4, top2, top2, top4, top2, top2, top4, top2, top2, top4,
                                       top2, top2, top4, top2, top2, 0);
    const __m128i good = _mm_cmpeq_epi8(_mm_and_si128(chunk, bits), shape);
    /* E0 wants bit 5 of the next byte set (else overlong), ED wants it clear (else a surrogate). */
    const __m128i bit5 = _mm_set1_epi8(0x20);
    const __m128i next_set = _mm_cmpeq_epi8(_mm_and_si128(_mm_srli_si128(chunk, 1), bit5), bit5);
    const __m128i overlong = _mm_andnot_si128(next_set, _mm_cmpeq_epi8(chunk, _mm_set1_epi8(lead)));
    const __m128i surrogate =
        _mm_and_si128(next_set, _mm_cmpeq_epi8(chunk, _mm_set1_epi8((char)0xED)));
    return (unsigned)_mm_movemask_epi8(_mm_andnot_si128(_mm_or_si128(overlong, surrogate), good)) ^
           0xFFFFu;
}

#elif defined __aarch64__ && defined __ARM_NEON && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ &&    \
    !defined WEFTP_SCAN_PLAIN
#include <arm_neon.h>

typedef uint8x16_t weftp_chunk;

static inline weftp_chunk weftp_chunk_load(const void *from)
{
    return vld1q_u8((const uint8_t *)from);
}

static inline weftp_chunk weftp_chunk_pair(uint64_t low, uint64_t high)
{
    return vreinterpretq_u8_u64(vcombine_u64(vcreate_u64(low), vcreate_u64(high)));
}

/* Bytes of all ones or zeros to one bit each. */
static inline unsigned weftp_chunk_bits(uint8x16_t yes)
{
    static const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const uint8x16_t bits = vandq_u8(yes, vld1q_u8(bit));
    return vaddv_u8(vget_low_u8(bits)) | (unsigned)vaddv_u8(vget_high_u8(bits)) << 8;
}

static inline unsigned weftp_chunk_high(weftp_chunk chunk)
{
    return weftp_chunk_bits(vcgeq_u8(chunk, vdupq_n_u8(0x80)));
}

static inline unsigned weftp_chunk_marks(weftp_chunk chunk)
{
    const uint8x16_t outside = vcltq_s8(vreinterpretq_s8_u8(chunk), vdupq_n_s8(0x20));
    const uint8x16_t quote = vceqq_u8(chunk, vdupq_n_u8('"'));
    const uint8x16_t backslash = vceqq_u8(chunk, vdupq_n_u8('\\'));
    const uint8x16_t marked = vorrq_u8(outside, vorrq_u8(quote, backslash));
    if (vmaxvq_u8(marked) == 0) return 0;
    return weftp_chunk_bits(marked);
}

static inline unsigned weftp_chunk_not_three(weftp_chunk chunk)
{
    static const uint8_t shape[16] = {0xE0, 0x80, 0x80, 0xE0, 0x80, 0x80, 0xE0, 0x80,
                                      0x80, 0xE0, 0x80, 0x80, 0xE0, 0x80, 0x80, 0};
    static const uint8_t bits[16] = {0xF0, 0xC0, 0xC0, 0xF0, 0xC0, 0xC0, 0xF0, 0xC0,
                                     0xC0, 0xF0, 0xC0, 0xC0, 0xF0, 0xC0, 0xC0, 0};
    const uint8x16_t good = vceqq_u8(vandq_u8(chunk, vld1q_u8(bits)), vld1q_u8(shape));
    const uint8x16_t next_set = vtstq_u8(vextq_u8(chunk, vdupq_n_u8(0), 1), vdupq_n_u8(0x20));
    const uint8x16_t overlong = vbicq_u8(vceqq_u8(chunk, vdupq_n_u8(0xE0)), next_set);
    const uint8x16_t surrogate = vandq_u8(vceqq_u8(chunk, vdupq_n_u8(0xED)), next_set);
    return weftp_chunk_bits(vbicq_u8(good, vorrq_u8(overlong, surrogate))) ^ 0xFFFFu;
}

#else

typedef struct weftp_chunk {
    unsigned char bytes[WEFTP_SCAN_SIZE];
} weftp_chunk;

static inline weftp_chunk weftp_chunk_load(const void *from)
{
    weftp_chunk chunk;
    memcpy(&chunk, from, sizeof chunk);
    return chunk;
}

static inline weftp_chunk weftp_chunk_pair(uint64_t low, uint64_t high)
{
    weftp_chunk chunk;
    memcpy(chunk.bytes, &low, sizeof low);
    memcpy(chunk.bytes + sizeof low, &high, sizeof high);
    return chunk;
}

static inline unsigned weftp_chunk_high(weftp_chunk chunk)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < WEFTP_SCAN_SIZE; i++) mask |= (unsigned)(chunk.bytes[i] >> 7) << i;
    return mask;
}

static inline unsigned weftp_chunk_marks(weftp_chunk chunk)
{
    unsigned mask = 0;
    for (unsigned i = 0; i < WEFTP_SCAN_SIZE; i++) {
        const unsigned char c = chunk.bytes[i];
        mask |= (unsigned)(c < 0x20 || c == '"' || c == '\\' || c >= 0x80) << i;
    }
    return mask;
}

static inline unsigned weftp_chunk_not_three(weftp_chunk chunk)
{
    for (unsigned i = 0; i < 15; i += 3) {
        const unsigned char *at = chunk.bytes + i;
        const int bad = (at[0] & 0xF0) != 0xE0 || (at[1] & 0xC0) != 0x80 ||
                        (at[2] & 0xC0) != 0x80 || (at[0] == 0xE0 && at[1] < 0xA0) ||
                        (at[0] == 0xED && at[1] >= 0xA0);
        if (bad) return 1u << i;
    }
    return 1u << 15;
}

#endif

/* The mask of the bytes >= 0x80 among 16. */
static inline unsigned weftp_scan_high(const void *from)
{
    return weftp_chunk_high(weftp_chunk_load(from));
}

/* The mask of the marked bytes among 16. */
static inline unsigned weftp_scan_marks(const void *from)
{
    return weftp_chunk_marks(weftp_chunk_load(from));
}

/* How many of 16 bytes are well-formed three-byte sequences from the first on: 0, 3, 6, 9, 12 or 15. */
static inline unsigned weftp_scan_three(const void *from)
{
    const unsigned bad = weftp_chunk_not_three(weftp_chunk_load(from)) | 1u << 15;
    return (unsigned)__builtin_ctz(bad) / 3 * 3;
}

static inline unsigned weftp_scan_copy_three(void *to, const void *from)
{
    const weftp_chunk chunk = weftp_chunk_load(from);
    memcpy(to, &chunk, sizeof chunk);
    return (unsigned)__builtin_ctz(weftp_chunk_not_three(chunk) | 1u << 15) / 3 * 3;
}

/* Copy 16 bytes; the mask of the marked ones. */
static inline unsigned weftp_scan_copy(void *to, const void *from)
{
    const weftp_chunk chunk = weftp_chunk_load(from);
    memcpy(to, &chunk, sizeof chunk);
    return weftp_chunk_marks(chunk);
}

/* Copy `size` bytes, 1 to 15, as two pieces that may overlap; 0 when none is marked. */
static inline unsigned weftp_scan_copy_short(char *to, const char *from, size_t size)
{
    if (size >= 8) {
        uint64_t first, last;
        memcpy(&first, from, 8);
        memcpy(&last, from + size - 8, 8);
        memcpy(to, &first, 8);
        memcpy(to + size - 8, &last, 8);
        return weftp_chunk_marks(weftp_chunk_pair(first, last));
    }
    if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + size - 4, 4);
        memcpy(to, &first, 4);
        memcpy(to + size - 4, &last, 4);
        const uint64_t both = first | (uint64_t)last << 32;
        return weftp_chunk_marks(weftp_chunk_pair(both, both));
    }
    const unsigned char first = (unsigned char)from[0], middle = (unsigned char)from[size / 2];
    const unsigned char last = (unsigned char)from[size - 1];
    to[0] = (char)first;
    to[size / 2] = (char)middle;
    to[size - 1] = (char)last;
    const uint64_t blanks = UINT64_C(0x2020202020000000);
    const uint64_t all = blanks | first | (uint64_t)middle << 8 | (uint64_t)last << 16;
    return weftp_chunk_marks(weftp_chunk_pair(all, all));
}

#endif
