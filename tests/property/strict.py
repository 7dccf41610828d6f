"""Read lines of JSON strictly: every line one object, no key twice, no NaN, no raw control byte,
one newline at the end.

usage: strict.py FILE    exits with 1 and says which line is bad and why
"""
import json
import sys


def unique(pairs):
    members = dict(pairs)
    if len(members) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError("twice: %r" % [key for key in members if keys.count(key) > 1])
    return members


def refuse(constant):
    raise ValueError("no number: " + constant)


def check(line):
    if not line.endswith(b"\n"):
        raise ValueError("no newline at the end")
    if any(byte < 0x20 for byte in line[:-1]):
        raise ValueError("raw control byte")
    value = json.loads(line.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    if not isinstance(value, dict):
        raise ValueError("no object")


def main():
    with open(sys.argv[1], "rb") as lines:
        count = 0
        for count, line in enumerate(lines, 1):
            try:
                check(line)
            except ValueError as error:
                sys.exit("line %d: %s\n%r" % (count, error, line))
    print("%d lines are strict JSON" % count)


if __name__ == "__main__":
    main()
