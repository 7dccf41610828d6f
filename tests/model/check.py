#!/usr/bin/env -S python3 -B
"""Check a model with spin: as it is, and that it fails with each thing taken away that the argument rests on.

    check.py MODEL.pml [--cc CC] [--holds SWITCH]... [--fails SWITCH]...

Without a switch the model must hold. Exit code 0: all came out as said; 1: not; 77: there is no spin here.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SECONDS_MAX = 60
DEPTH_MAX = 1000000  # steps of one run of the model


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def errors_of(options, switch, folder):
    """How many errors spin finds, and how many states it saw; the search is exhaustive or is no answer."""
    run(["spin", "-a", *([f"-D{switch}"] if switch else []), str(options.model)], folder)
    run([options.cc, "-O0", "-w", "-DSAFETY", "-o", "pan", "pan.c"], folder)
    said = subprocess.run(["./pan", f"-m{DEPTH_MAX}"], cwd=folder, capture_output=True, text=True, timeout=SECONDS_MAX).stdout
    errors = re.search(r"errors: (\d+)", said)
    states = re.search(r"(\d+) states, stored", said)
    if not errors or not states or "max search depth too small" in said:
        sys.exit(f"{switch or 'as it is'}: no answer from spin\n{said}")
    return int(errors.group(1)), int(states.group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=lambda path: pathlib.Path(path).resolve())
    parser.add_argument("--cc", default="cc")
    parser.add_argument("--holds", action="append", default=[])
    parser.add_argument("--fails", action="append", default=[])
    options = parser.parse_args()
    if not shutil.which("spin"):
        print("skipped: there is no spin; Debian's package is named spin", file=sys.stderr)
        return 77
    wrong = 0
    wanted = [("", True)] + [(switch, True) for switch in options.holds] + [(switch, False) for switch in options.fails]
    with tempfile.TemporaryDirectory() as folder:
        for switch, holds in wanted:
            errors, states = errors_of(options, switch, folder)
            right = (errors == 0) == holds
            wrong += not right
            print(f"{'ok' if right else 'WRONG':5} {switch or 'as it is':16} errors {errors}, states {states}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
