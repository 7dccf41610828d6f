/*
 * Powers of ten as 128-bit numbers, for double_text.c: weftp_pow10_table[k - WEFTP_POW10_FIRST] is
 * floor(10^k * 2^(127 - floor(log2(10^k)))) + 1, high half first. Constant; any thread.
 */
#ifndef WEFTP_BASE_POW10_TABLE_H
#define WEFTP_BASE_POW10_TABLE_H

#include <stdint.h>

#define WEFTP_POW10_FIRST (-292)
#define WEFTP_POW10_LAST  324

extern const uint64_t weftp_pow10_table[WEFTP_POW10_LAST - WEFTP_POW10_FIRST + 1][2];

#endif
