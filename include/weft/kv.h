/*
 * weft_kv(key, value): the field maker that the type of the value names, by _Generic in C11 and by overload in C++
 * (also std::string, std::string_view and whatever else has data() and size()). Not there in C99.
 */
#ifndef WEFT_KV_H
#define WEFT_KV_H

#include "field.h"

#ifdef __cplusplus
#define WEFT_ADDRESS_(p) reinterpret_cast<uintptr_t>(p)
#else
#define WEFT_ADDRESS_(p) (uintptr_t)(p)
#endif

/* A pointer, as the number that it is; NULL as null. */
static inline weft_field weft_ptr_(const char *key, const void *value)
{
    weft_field field = weft_field_(key, value ? WEFT_TYPE_UINT : WEFT_TYPE_NULL, 0);
    field.v.u = WEFT_ADDRESS_(value);
    return field;
}
static inline weft_field weft_ldouble_(const char *key, long double value)
{
    return weft_double(key, WEFT_CAST_(double, value));
}

#ifndef __cplusplus
#if __STDC_VERSION__ >= 201112L
#define weft_kv(key, ...)                                                                          \
    _Generic((__VA_ARGS__),                                                                        \
        bool: weft_bool,                                                                           \
        char: weft_int, signed char: weft_int, short: weft_int, int: weft_int,                     \
        long: weft_int, long long: weft_int,                                                       \
        unsigned char: weft_uint, unsigned short: weft_uint, unsigned: weft_uint,                  \
        unsigned long: weft_uint, unsigned long long: weft_uint,                                   \
        float: weft_double, double: weft_double, long double: weft_ldouble_,                       \
        char *: weft_str, const char *: weft_str,                                                  \
        void *: weft_ptr_, const void *: weft_ptr_,                                                \
        struct timespec: weft_time)(key, __VA_ARGS__)
#endif
#else
/* clang-format off */
extern "C++" {
#define WEFT_KV_(type, maker) \
    inline weft_field weft_kv(const char *key, type value) { return maker(key, value); }
WEFT_KV_(bool, weft_bool)
WEFT_KV_(char, weft_int) WEFT_KV_(signed char, weft_int) WEFT_KV_(short, weft_int)
WEFT_KV_(int, weft_int) WEFT_KV_(long, weft_int) WEFT_KV_(long long, weft_int)
WEFT_KV_(unsigned char, weft_uint) WEFT_KV_(unsigned short, weft_uint)
WEFT_KV_(unsigned, weft_uint) WEFT_KV_(unsigned long, weft_uint) WEFT_KV_(unsigned long long, weft_uint)
WEFT_KV_(float, weft_double) WEFT_KV_(double, weft_double) WEFT_KV_(long double, weft_ldouble_)
WEFT_KV_(const char *, weft_str) WEFT_KV_(const void *, weft_ptr_)
WEFT_KV_(struct timespec, weft_time)
#undef WEFT_KV_
template <class T> weft_field weft_kv(const char *key, const T *value) = delete; /* only char and void */
inline weft_field weft_kv(const char *key, decltype(nullptr)) { return weft_null(key); }
template <class T>
inline auto weft_kv(const char *key, const T &value) -> decltype(weft_strn(key, value.data(), value.size()))
{
    return weft_strn(key, value.data(), value.size());
}
} /* extern "C++" */
/* clang-format on */
#endif

#endif
