/*
 * Attributes and language bridging: the only #if block on a compiler in the public headers.
 * Everything that ends in an underscore is private to weft's own macros.
 */
#ifndef WEFT_PORT_H
#define WEFT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WEFT_EXTERN_C_BEGIN extern "C" {
#define WEFT_EXTERN_C_END   }
#define WEFT_CAST_(type, x) static_cast<type>(x)
#else
#define WEFT_EXTERN_C_BEGIN
#define WEFT_EXTERN_C_END
#define WEFT_CAST_(type, x) ((type)(x))
#endif

#if !defined __GNUC__
#error "weft needs gcc or clang: it uses their statement expressions, atomics and attributes"
#endif

#define WEFT_API              __attribute__((visibility("default")))
#define WEFT_PRINTF_(f, a)    __attribute__((__format__(__printf__, f, a)))
#define WEFT_UNLIKELY_(x)     __builtin_expect(!!(x), 0)
#define WEFT_LOAD_RELAXED_(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define WEFT_LOAD_ACQUIRE_(p) __atomic_load_n((p), __ATOMIC_ACQUIRE)

/* The size of an array that is not known: it ends with an END field; a string: it ends with NUL. */
#define WEFT_SIZE_UNKNOWN_ UINT32_MAX

#endif
