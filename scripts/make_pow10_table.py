#!/usr/bin/env python3
"""Write src/base/pow10_table.c: the powers of ten that src/base/double_text.c multiplies by.

Entry i is 10^(i - 292), scaled by a power of two into [2^127, 2^128) and rounded up to the next
integer above its floor, as two 64-bit halves. Python's integers make it exact. Run it from the
root of the repository; the result is committed, so that a build needs no Python.
"""
from fractions import Fraction

FIRST, LAST = -292, 324


def entry(k):
    value = Fraction(10) ** k
    shift = 127 - (k * 1741647 >> 19)  # 127 - floor(log2(10^k))
    scaled = value * Fraction(2) ** shift
    assert 2**127 <= scaled < 2**128, k
    result = scaled.numerator // scaled.denominator + 1
    assert result < 2**128, k
    return f"{{0x{result >> 64:016X}, 0x{result & (2**64 - 1):016X}}}"


def main():
    entries = [entry(k) for k in range(FIRST, LAST + 1)]
    lines = [
        "/* Made by scripts/make_pow10_table.py: do not edit. */",
        '#include "pow10_table.h"',
        "",
        "/* clang-format off */",
        "const uint64_t weftp_pow10_table[WEFTP_POW10_LAST - WEFTP_POW10_FIRST + 1][2] = {",
    ]
    for i in range(0, len(entries), 2):
        lines.append("    " + ", ".join(entries[i : i + 2]) + ",")
    lines += ["};", ""]
    with open("src/base/pow10_table.c", "w", encoding="ascii") as file:
        file.write("\n".join(lines))


main()
