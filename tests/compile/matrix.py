#!/usr/bin/env -S python3 -B
"""Compile the public headers, or call_matrix.c, in every way that users do; all warnings are errors.

  matrix.py headers --include DIR COMPILER...   each header alone, twice in a row
  matrix.py calls   --include DIR COMPILER...   call_matrix.c

A compiler is a C compiler's name (gcc, clang); its C++ twin is used as well. One that is not there is left out, and is an
error when TESTS_REQUIRE_ALL is set.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
COMMON = "-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wformat=2 -Wundef -Wpointer-arith -Wcast-align -Werror".split()
C_ONLY = "-Wvla -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition -Wdeclaration-after-statement".split()
CXX_ONLY = "-Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wzero-as-null-pointer-constant".split()
C_STANDARDS = ["c99", "c11", "c17", "c2x"]
CXX_STANDARDS = ["c++11", "c++14", "c++17", "c++20", "c++2b"]
TWIN = {"gcc": "g++", "clang": "clang++"}


def is_cxx(standard):
    return standard.startswith("c++")


def command(compiler, standard, flags):
    """The command line of one compilation, without its source."""
    own = [TWIN[compiler], "-x", "c++"] if is_cxx(standard) else [compiler, "-x", "c"]
    own += ["-std=" + standard] + COMMON + flags
    if standard == "c99":
        own.append("-D_POSIX_C_SOURCE=200809L")  # strict C99 has no struct timespec
    return own


def supported(compiler, standards):
    def works(standard):
        return subprocess.run(command(compiler, standard, ["-fsyntax-only", "-"]), input="extern int anchor;\n", text=True,
                              capture_output=True).returncode == 0
    return [standard for standard in standards if works(standard)]


def headers_jobs(args, compiler, standards):
    jobs = []
    for path in sorted(args.include.glob("weft/**/*.h")):
        name = path.relative_to(args.include).as_posix()
        foreign = re.findall(r"^#\s*include\s*<((?!weft/)[^>]+/[^>]+|microhttpd.h)>", path.read_text(), re.M)
        missing = [f for f in foreign if not has_header(compiler, f)]
        if missing:
            left_out(f"{name} with {compiler}: no {missing[0]}")
            continue
        source = f"#include <{name}>\n#include <{name}>\nextern int weft_test_anchor;\n"
        for standard in standards:
            flags = ["-fsyntax-only", "-I", str(args.include)]
            if is_cxx(standard):
                flags += [f for f in CXX_ONLY if f != "-Wzero-as-null-pointer-constant"]
            else:
                flags += [f for f in C_ONLY if f != "-Wdeclaration-after-statement"]
            jobs.append((f"{compiler} {standard} {name}", command(compiler, standard, flags + ["-"]), source))
            if compiler == "gcc" and standard in ("c11", "c++17"):
                # The optimiser's warnings about inline functions, as users get them who call these.
                flags = ["-O3", "-fkeep-inline-functions", "-c", "-o", "/dev/null", "-I", str(args.include), "-"]
                jobs.append((f"{compiler} {standard} -O3 {name}", command(compiler, standard, flags), source))
    return jobs


def has_header(compiler, name):
    return subprocess.run([compiler, "-E", "-x", "c", "-"], input=f"#include <{name}>\n", text=True,
                          capture_output=True).returncode == 0


def calls_jobs(args, compiler, standards):
    variants = [[], ["-DEXPR"], ["-DEXPR", "-DNEST"], ["-DWEFT_STATEMENT"]]
    jobs = []
    for standard in standards:
        for variant in variants:
            for level in ["-O0", "-O2", "-Os"]:
                flags = [level, "-I", str(args.include)] + variant
                flags += [] if is_cxx(standard) else ["-Wvla", "-Wstrict-prototypes"]
                if standard == "c99":
                    flags.append("-DNOKV")
                # The optimiser finds warnings of its own: -O2 is compiled in full, the others where they differ most.
                whole = level == "-O2" or (not variant and standard in ("c11", "c++17"))
                flags += ["-c", "-o", "/dev/null"] if whole else ["-fsyntax-only"]
                jobs.append((f"{compiler} {standard} {level} {' '.join(variant)}",
                             command(compiler, standard, flags + [str(HERE / "call_matrix.c")]), None))
    return jobs


def left_out(what):
    print("left out:", what)
    if os.environ.get("TESTS_REQUIRE_ALL"):
        sys.exit("TESTS_REQUIRE_ALL is set: nothing may be left out")


def run(job):
    name, argv, source = job
    done = subprocess.run(argv, input=source, text=True, capture_output=True)
    return name, argv, done.returncode, done.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["headers", "calls"])
    parser.add_argument("--include", type=pathlib.Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("compiler", nargs="+", choices=sorted(TWIN))
    args = parser.parse_args()

    jobs = []
    for compiler in args.compiler:
        if not shutil.which(compiler):
            left_out(compiler)
            continue
        standards = supported(compiler, C_STANDARDS)
        if shutil.which(TWIN[compiler]):
            standards += supported(compiler, CXX_STANDARDS)
        else:
            left_out(TWIN[compiler])
        for least in ("c11", "c++17"):
            if least not in standards:
                left_out(f"{compiler} -std={least}")
        jobs += (headers_jobs if args.what == "headers" else calls_jobs)(args, compiler, standards)
    if not jobs:
        return 77

    failed = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name, argv, code, errors in pool.map(run, jobs):
            if code != 0:
                failed += 1
                if failed <= 5:
                    print(f"FAIL {name}\n  {' '.join(argv)}\n{errors[:2000]}")
    print(f"{len(jobs) - failed} of {len(jobs)} compilations passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
