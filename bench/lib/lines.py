"""Nobody wins by losing: each file must hold every line, and what is said of a line is looked up in it."""
import json
import mmap
import os

# What R10 carries, wherever a format puts it; a peer that writes text must still show each of these.
VALUES = ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "Maria Schneider", "visa-4242", "EUR", "/api/v1/orders/checkout")
CONTEXT = ("7f1c0d52-3e0b-4b8e-9a64-5c1f2a7be310", "u-1029384", "acme-eu")
MESSAGE = "order accepted"
ESC_BEGINS = "주문이 접수됨 고객님\t\"a\" \"bc\""


class Wrong(ValueError):
    """A file does not hold what was logged."""


def check(path, expected, way, kind):
    """Count the lines, look into some; returns the mean size of a line."""
    size = os.path.getsize(path)
    if not size:
        raise Wrong("nothing was written")
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = count(data)
        if found != expected:
            raise Wrong(f"{found} lines in the file, {expected} records were logged")
        last = data.rfind(b"\n", 0, size - 1) + 1
        middle = data.rfind(b"\n", 0, size // 2) + 1
        for line in (data[middle:data.find(b"\n", middle)], data[last:size - 1]):
            look_at(line, way, kind)
    return size / found


def count(data):
    lines, at, step = 0, 0, 1 << 22
    while at < len(data):
        lines += data[at:at + step].count(b"\n")
        at += step
    return lines


def look_at(raw, way, kind):
    text = raw.decode("utf-8")
    wanted = CONTEXT + (VALUES if kind == "R10" else ())
    missing = [value for value in wanted if value not in text.replace("\\/", "/")]
    if missing and kind != "GROW":
        raise Wrong(f"{missing[0]} is not in the line: {text[:200]}")
    if not way.json or (kind == "ESC" and not way.escapes):
        return
    try:
        line = json.loads(text)
    except ValueError as error:
        raise Wrong(f"no JSON ({error}): {text[:200]}") from None
    if kind == "ESC" and not any(value.startswith(ESC_BEGINS) for value in texts(line)):
        raise Wrong(f"the message came back changed: {text[:200]}")


def texts(value):
    """All strings in it, wherever they are."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
