#!/usr/bin/env -S python3 -B
"""Build a consumer project against weft, run its programs, and check what they print.

  consume.py NAME --build DIR [--prefix INSTALLED_TREE] [--source WEFT] [--cc CC] [--cxx CXX]

NAME is one of the functions below whose names begin with "consume_".
"""
import argparse
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

import lines

HERE = pathlib.Path(__file__).resolve().parent
ANY = object()

CONSUMER = [
    ("order accepted", {"request_id": "r-42", "order_id": "o-1", "items": 3}),
    ("in thread", {"request_id": "r-42"}),
    ("in scope", {"request_id": "r-42", "step": "pay", "ok": True}),
    ("took 7 ms", {"request_id": "r-42", "step": None}),
]
CXX = [
    ("order accepted", {"request_id": "r-42", "order_id": "o-1", "items": 3, "part": "o", "vector": "abc"}),
    ("about to throw", {"request_id": "r-42", "step": "pay", "attempt": 2}),
    ("caught", {"request_id": "r-42", "step": None}),
    ("generic", {"value": "text"}),
    ("generic", {"value": 7}),
    ("in thread", {"request_id": "r-42"}),
    ("took 7 ms", {"request_id": "r-42"}),
    ("from other file", {"request_id": "r-42", "file": "other", "deep": 1.5}),
]


def module_lines(round_number, request):
    inside = {"round": round_number, "module_step": "inside", "request_id": request}
    return [("from module", inside)] * 3 + [(f"module round {round_number}", {"module_step": "inside", "request_id": request})]


def host_lines():
    expected = [("before", {"request_id": "r-42"})]
    for number in range(3):
        expected += module_lines(number, "r-42")
        expected.append(("after", {"request_id": "r-42", "from_module": "stays", "round": number, "module_step": None}))
    expected += module_lines(9, "r-42")
    expected += [("thread after module", {"from_module": "stays"}), ("last", {"request_id": "r-42"})]
    return expected


def bare_host_lines():
    return [line for number in range(5) for line in module_lines(number, None)]


def sh(argv, **more):
    print("+", shlex.join(str(word) for word in argv), flush=True)
    return subprocess.run([str(word) for word in argv], check=True, **more)


def clean_environment():
    """The user's, without what would configure weft or a sanitizer's preload."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("WEFT_", "OTEL_", "LD_"))}


def run_and_check(program, expected, library_path=None):
    environment = clean_environment()
    if library_path:
        environment["LD_LIBRARY_PATH"] = str(library_path)
    print("run", program, flush=True)
    done = subprocess.run([str(program)], capture_output=True, env=environment, timeout=60)
    if done.stderr:
        sys.exit(f"{program} wrote to stderr: {done.stderr!r}")
    if done.returncode != 0:
        sys.exit(f"{program} ended with {done.returncode}; it wrote {done.stdout!r}")
    records = lines.parse(done.stdout)
    messages = [record.get("message") for record in records]
    if messages != [message for message, _ in expected]:
        sys.exit(f"{program} logged {messages}, not {[message for message, _ in expected]}")
    for record, (message, wanted) in zip(records, expected):
        for key, value in wanted.items():
            good = not lines.values(record, key) if value is None else lines.has(record, key, value)
            if not good:
                sys.exit(f"{program}, {message!r}: {key} should be {value!r} in {record}")


def check_needed(program, links_weft):
    dynamic = subprocess.run(["readelf", "-dW", program], check=True, capture_output=True, text=True).stdout
    if ("[libweft.so.0]" in dynamic) != links_weft:
        sys.exit(f"{program} should {'' if links_weft else 'not '}need libweft.so.0:\n{dynamic}")


def cmake(args, folder, *more):
    shutil.rmtree(args.build, ignore_errors=True)
    # No CMAKE_BUILD_TYPE: the consumer has none, and weft must not give it one.
    environment = clean_environment()
    environment.pop("CMAKE_BUILD_TYPE", None)
    compilers = [f"-DCMAKE_C_COMPILER={args.cc}", f"-DCMAKE_CXX_COMPILER={args.cxx}"]
    if shutil.which("ccache"):
        compilers.append("-DCMAKE_C_COMPILER_LAUNCHER=ccache")
    sh(["cmake", "-S", HERE / folder, "-B", args.build, "-G", args.generator, "--no-warn-unused-cli", *compilers, *more],
       env=environment)
    sh(["cmake", "--build", args.build], env=environment)


def consume_find_package(args):
    cmake(args, "find_package", f"-DCMAKE_PREFIX_PATH={args.prefix}")
    check_needed(args.build / "consumer", True)
    check_needed(args.build / "consumer_static", False)
    run_and_check(args.build / "consumer", CONSUMER)
    run_and_check(args.build / "consumer_static", CONSUMER)


def consume_cxx(args):
    cmake(args, "cxx", f"-DCMAKE_PREFIX_PATH={args.prefix}")
    run_and_check(args.build / "consumer", CXX)


def consume_module(args):
    cmake(args, "module", f"-DCMAKE_PREFIX_PATH={args.prefix}")
    check_needed(args.build / "bare_host", False)
    run_and_check(args.build / "host", host_lines())
    run_and_check(args.build / "bare_host", bare_host_lines())


def consume_examples(args):
    """The examples' folder as a user copies it: a project of its own, against the installed tree."""
    cmake(args, args.source / "examples", f"-DCMAKE_PREFIX_PATH={args.prefix}")
    done = subprocess.run([str(args.build / "minimal")], capture_output=True, env=clean_environment(), timeout=60)
    if done.returncode != 0 or done.stderr or not lines.parse(done.stdout):
        sys.exit(f"minimal ended with {done.returncode}: {done.stdout!r} {done.stderr!r}")


def subdirectory(args, how):
    cmake(args, "subdirectory", f"-DWEFT_SOURCE={args.source}", f"-DHOW={how}")
    check_needed(args.build / "consumer", True)
    check_needed(args.build / "consumer_static", False)
    run_and_check(args.build / "consumer", CONSUMER)
    run_and_check(args.build / "consumer_static", CONSUMER)
    # A guest forces no installation: installing the host project installs nothing of weft.
    target = args.build / "installed"
    sh(["cmake", "--install", args.build, "--prefix", target])
    leftovers = [path for path in target.rglob("*weft*")] if target.exists() else []
    if leftovers:
        sys.exit(f"installing the host project installed {leftovers}")


def consume_add_subdirectory(args):
    subdirectory(args, "add_subdirectory")


def consume_fetch_content(args):
    subdirectory(args, "FetchContent")


def pkg_config(prefix, *words):
    found = list(prefix.glob("**/pkgconfig"))
    environment = dict(clean_environment(), PKG_CONFIG_PATH=":".join(str(path) for path in found))
    done = subprocess.run(["pkg-config", *words, "weft"], check=True, capture_output=True, text=True, env=environment)
    return shlex.split(done.stdout)


def consume_pkg_config(args):
    """In a tree that was moved after its installation, as packages and staging folders are."""
    shutil.rmtree(args.build, ignore_errors=True)
    args.build.mkdir(parents=True)
    moved = args.build / "moved tree"
    shutil.copytree(args.prefix, moved, symlinks=True)
    library = next(moved.glob("**/libweft.so")).parent
    source = HERE / "consumer.c"

    words = pkg_config(moved, "--cflags", "--libs")
    if "-lyajl" in words or "-lz" in words:
        sys.exit(f"a shared link must not name what only weft needs: {words}")
    shared = args.build / "consumer"
    sh([args.cc, "-std=c11", "-Wall", "-Wextra", "-Werror", source, "-o", shared, *words])
    check_needed(shared, True)
    run_and_check(shared, CONSUMER, library)

    # -lweft would take the shared library where both are: -l: names the archive.
    words = ["-l:libweft.a" if word == "-lweft" else word for word in pkg_config(moved, "--static", "--cflags", "--libs")]
    static = args.build / "consumer_static"
    sh([args.cc, "-std=c11", "-Wall", "-Wextra", "-Werror", source, "-o", static, *words])
    check_needed(static, False)
    run_and_check(static, CONSUMER)

    version = pkg_config(moved, "--modversion")
    if version != ["0.1.0"]:
        sys.exit(f"weft.pc says version {version}")


def consume_install(args):
    """Install the build tree, through DESTDIR and without, and check what came."""
    for path in (args.prefix, args.build):
        shutil.rmtree(path, ignore_errors=True)
    sh(["cmake", "--install", args.weft_build, "--prefix", args.prefix], stdout=subprocess.DEVNULL)
    sh(["cmake", "--install", args.weft_build, "--prefix", "/opt/weft"], stdout=subprocess.DEVNULL,
       env=dict(os.environ, DESTDIR=str(args.build)))
    trees = [sorted(path.relative_to(top).as_posix() for path in top.rglob("*") if not path.is_dir())
             for top in (args.prefix, args.build / "opt/weft")]
    if trees[0] != trees[1]:
        sys.exit(f"DESTDIR makes a difference: {set(trees[0]) ^ set(trees[1])}")
    wanted = {"include/" + path.relative_to(args.source / "include").as_posix()
              for path in (args.source / "include").rglob("*.h")}
    got = {name for name in trees[0] if name.startswith("include/")}
    if got != wanted:
        sys.exit(f"headers that are only in one of source and installed tree: {got ^ wanted}")
    for name in ("libweft.a", "libweft.so", "libweft.so.0", "weft.pc", "weftConfig.cmake", "weftConfigVersion.cmake"):
        if not any(path.endswith("/" + name) for path in trees[0]):
            sys.exit(f"{name} is not installed: {trees[0]}")
    for path in args.prefix.rglob("*"):
        if path.suffix in (".pc", ".cmake") and str(args.weft_build) in path.read_text():
            sys.exit(f"{path} names the build folder")


def consume_run(args):
    """Run a program that was built already (--program) and parse what it prints; the messages are its own affair."""
    done = subprocess.run([str(args.program)], capture_output=True, env=clean_environment(), timeout=60)
    if done.returncode != 0:
        sys.exit(f"{args.program} ended with {done.returncode}: {done.stdout[-500:]!r} {done.stderr!r}")
    records = lines.parse(done.stdout)
    messages = [record.get("message") for record in records]
    print(len(records), "records")
    if messages[0] != "zero" or messages[-1] != "sixty-four" or "off" in messages or "off 1" in messages:
        sys.exit(f"unexpected messages: {messages}")
    for name, number in (("k00", 3), ("k93", 6), ("k153", 6)):
        if not lines.has(records[-1], name, number):
            sys.exit(f"{name} is not {number} in {records[-1]}")
    for word in args.expect:
        if word not in messages:
            sys.exit(f"{word!r} was not logged: {messages}")
    if messages.count("recursive") != 3 or messages.count("loop") != 2:
        sys.exit(f"calls were lost: {messages}")


def main():
    known = {name[len("consume_"):]: function for name, function in globals().items() if name.startswith("consume_")}
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=sorted(known))
    parser.add_argument("--build", type=pathlib.Path)
    parser.add_argument("--weft-build", type=pathlib.Path)
    parser.add_argument("--prefix", type=pathlib.Path)
    parser.add_argument("--source", type=pathlib.Path, default=HERE.parent.parent)
    parser.add_argument("--program", type=pathlib.Path)
    parser.add_argument("--expect", action="append", default=[])
    parser.add_argument("--generator", default="Ninja")
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--cxx", default="c++")
    args = parser.parse_args()
    try:
        known[args.name](args)
    except (lines.BadLine, UnicodeDecodeError, subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        sys.exit(f"FAIL {args.name}: {error}")
    print("ok")


if __name__ == "__main__":
    main()
