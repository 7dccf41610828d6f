/*
 * Steps of 16 bytes over text, for the JSON string writer and the UTF-8 reader: SSE2, NEON, or
 * plain C that gives the same answers (WEFTP_SCAN_PLAIN asks for it, so that a test can compare
 * them).
 *
 * A mask has one bit for each byte, the first byte's lowest. A byte is "marked" when it cannot
 * stand in a JSON string as it is, or is not ASCII: below 0x20, the quote, the backslash, 0x80 and
 * above. Pure functions; any thread; signal-safe. Reads and writes exactly the bytes that it says.
 */
#ifndef WEFTP_PORT_SCAN_H
#define WEFTP_PORT_SCAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define WEFTP_SCAN_SIZE 16

/* Masks of bytes that lead a sequence, that lead one of three or more bytes, that continue one. */
struct weftp_utf8_bits {
    unsigned lead, lead3, tail;
    unsigned wrong; /* C0, C1, F0 and above; E0 or ED whose next byte does not go with it */
};

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

/* As signed numbers, bytes of 0x80 and above are below 0x20 too: one subtraction gives both the sign that is asked for. */
static inline unsigned weftp_chunk_marks(weftp_chunk chunk)
{
    const __m128i outside = _mm_subs_epi8(chunk, _mm_set1_epi8(0x20));
    const __m128i quote = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('"'));
    const __m128i backslash = _mm_cmpeq_epi8(chunk, _mm_set1_epi8('\\'));
    return (unsigned)_mm_movemask_epi8(_mm_or_si128(outside, _mm_or_si128(quote, backslash)));
}

/* Tell the bytes of a chunk apart as UTF-8 does. The byte behind the last one counts as 0. */
static inline struct weftp_utf8_bits weftp_chunk_utf8(weftp_chunk chunk)
{
    /* As signed numbers: continuations are -128 to -65, leads from -64 on, ASCII from 0 on. */
    const unsigned high = (unsigned)_mm_movemask_epi8(chunk);
    const unsigned tail = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(chunk, _mm_set1_epi8(-64)));
    const unsigned to_c1 = (unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(chunk, _mm_set1_epi8(-62)));
    const unsigned from_e0 = (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(chunk, _mm_set1_epi8(-33)));
    const unsigned from_f0 = (unsigned)_mm_movemask_epi8(_mm_cmpgt_epi8(chunk, _mm_set1_epi8(-17)));
    /* E0 wants bit 5 of the next byte set (else overlong), ED wants it clear (else a surrogate). */
    const __m128i bit5 = _mm_set1_epi8(0x20);
    const __m128i next = _mm_cmpeq_epi8(_mm_and_si128(_mm_srli_si128(chunk, 1), bit5), bit5);
    const __m128i e0 = _mm_cmpeq_epi8(chunk, _mm_set1_epi8((char)0xE0));
    const __m128i ed = _mm_cmpeq_epi8(chunk, _mm_set1_epi8((char)0xED));
    const __m128i second = _mm_or_si128(_mm_andnot_si128(next, e0), _mm_and_si128(next, ed));
    const unsigned wrong = (unsigned)_mm_movemask_epi8(second);
    return (struct weftp_utf8_bits){high & ~tail, high & from_e0, tail,
                                    wrong | (to_c1 & ~tail) | (high & from_f0)};
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

static inline struct weftp_utf8_bits weftp_chunk_utf8(weftp_chunk chunk)
{
    const unsigned high = weftp_chunk_high(chunk);
    const unsigned lead = weftp_chunk_bits(vcgeq_u8(chunk, vdupq_n_u8(0xC0)));
    const unsigned from_e0 = weftp_chunk_bits(vcgeq_u8(chunk, vdupq_n_u8(0xE0)));
    const unsigned from_c2 = weftp_chunk_bits(vcgeq_u8(chunk, vdupq_n_u8(0xC2)));
    const uint8x16_t from_f0 = vcgeq_u8(chunk, vdupq_n_u8(0xF0));
    const uint8x16_t next = vtstq_u8(vextq_u8(chunk, vdupq_n_u8(0), 1), vdupq_n_u8(0x20));
    const uint8x16_t overlong = vbicq_u8(vceqq_u8(chunk, vdupq_n_u8(0xE0)), next);
    const uint8x16_t surrogate = vandq_u8(vceqq_u8(chunk, vdupq_n_u8(0xED)), next);
    const unsigned wrong = weftp_chunk_bits(vorrq_u8(from_f0, vorrq_u8(overlong, surrogate)));
    return (struct weftp_utf8_bits){lead, from_e0, high & ~lead, wrong | (lead & ~from_c2)};
}

#else
#define WEFTP_SCAN_BYTES

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

static inline struct weftp_utf8_bits weftp_chunk_utf8(weftp_chunk chunk)
{
    struct weftp_utf8_bits bits = {0, 0, 0, 0};
    for (unsigned i = 0; i < WEFTP_SCAN_SIZE; i++) {
        const unsigned c = chunk.bytes[i];
        const unsigned next = i + 1 < WEFTP_SCAN_SIZE ? chunk.bytes[i + 1] & 0x20u : 0;
        const unsigned wrong =
            c == 0xC0 || c == 0xC1 || c >= 0xF0 || (c == 0xE0 && !next) || (c == 0xED && next);
        bits.lead |= (unsigned)(c >= 0xC0) << i;
        bits.lead3 |= (unsigned)(c >= 0xE0) << i;
        bits.tail |= (unsigned)(c >= 0x80 && c < 0xC0) << i;
        bits.wrong |= wrong << i;
    }
    return bits;
}

#endif

/* The bytes of a text of 1 to 15, and zeros behind them. */
static inline weftp_chunk weftp_chunk_load_short(const unsigned char *from, size_t size)
{
#ifdef WEFTP_SCAN_BYTES
    weftp_chunk chunk = {{0}};
    memcpy(chunk.bytes, from, size);
    return chunk;
#else
    /* Two pieces that may overlap, the second one moved to its place: all of these are little-endian. */
    uint64_t low, high = 0;
    if (size >= 8) {
        memcpy(&low, from, 8);
        memcpy(&high, from + size - 8, 8);
        high = high >> 8 * (15 - size) >> 8;
    } else if (size >= 4) {
        uint32_t first, last;
        memcpy(&first, from, 4);
        memcpy(&last, from + size - 4, 4);
        low = first | (uint64_t)last << 8 * (size - 4);
    } else {
        low = from[0] | (uint64_t)from[size / 2] << 8 * (size / 2) |
              (uint64_t)from[size - 1] << 8 * (size - 1);
    }
    return weftp_chunk_pair(low, high);
#endif
}

/*
 * How many bytes of a chunk are whole, well-formed sequences of one to three bytes, from the first
 * byte on: 0 also for a sequence of four, which is left to the caller.
 */
static inline unsigned weftp_chunk_good(weftp_chunk chunk)
{
    const struct weftp_utf8_bits bits = weftp_chunk_utf8(chunk);
    const unsigned wanted = bits.lead << 1 | bits.lead3 << 2; /* where continuations must be */
    const unsigned wrong = ((bits.tail ^ wanted) & 0xFFFFu) | bits.wrong;
    unsigned count = (unsigned)__builtin_ctz(wrong | 1u << WEFTP_SCAN_SIZE);
    count -= wanted >> count & 1; /* back to the lead of a sequence that is not whole */
    count -= wanted >> count & 1;
    return count;
}

/* The mask of the marked bytes among 16. */
static inline unsigned weftp_scan_marks(const void *from)
{
    return weftp_chunk_marks(weftp_chunk_load(from));
}

/* Copy 16 bytes; the mask of the marked ones. */
static inline unsigned weftp_scan_copy(void *to, const void *from)
{
    const weftp_chunk chunk = weftp_chunk_load(from);
    memcpy(to, &chunk, sizeof chunk);
    return weftp_chunk_marks(chunk);
}

/*
 * Copy bytes of `size`, 16 or more, up to the step that has the first marked one, the last step over the one before. Returns
 * how many are copied and not marked: all, or those of whole steps.
 */
static inline size_t weftp_scan_copy_long(char *to, const char *from, size_t size)
{
    const size_t last = size - WEFTP_SCAN_SIZE;
    size_t i = 0;
    for (; i < last; i += WEFTP_SCAN_SIZE)
        if (__builtin_expect(weftp_scan_copy(to + i, from + i) != 0, 0)) return i;
    return __builtin_expect(weftp_scan_copy(to + last, from + last) != 0, 0) ? i : size;
}

#define WEFTP_SCAN_TEXT_MAX 80 /* bytes that a short text's copy writes and reads */
#define WEFTP_SCAN_PAGE     4096

/*
 * Copy a text up to its first marked byte, as which its NUL counts, or as far as it is short; returns how many bytes. Reads
 * beside the text, but no page that it does not reach: see watched.h.
 */
static inline size_t weftp_scan_copy_text(char *to, const char *text)
{
    if ((uintptr_t)text % WEFTP_SCAN_PAGE > WEFTP_SCAN_PAGE - WEFTP_SCAN_TEXT_MAX) return 0;
    for (size_t i = 0; i < WEFTP_SCAN_TEXT_MAX; i += WEFTP_SCAN_SIZE) {
        const unsigned marks = weftp_scan_copy(to + i, text + i);
        if (marks) return i + (unsigned)__builtin_ctz(marks);
    }
    return WEFTP_SCAN_TEXT_MAX;
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
