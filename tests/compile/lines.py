"""Read what a program logged as strict JSON: one object a line, no key twice, no NaN, nothing else on the stream."""
import json


class BadLine(Exception):
    pass


def _object(pairs):
    keys = [key for key, _ in pairs]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise BadLine(f"key twice: {sorted(twice)}")
    return dict(pairs)


def _constant(name):
    raise BadLine(f"{name} is no JSON")


def parse(output):
    """The records of a whole output (bytes)."""
    text = output.decode("utf-8")  # strict: an invalid byte is an error
    if text and not text.endswith("\n"):
        raise BadLine(f"the output does not end with a newline: {text[-80:]!r}")
    records = []
    for line in text.split("\n")[:-1]:
        try:
            record = json.loads(line, object_pairs_hook=_object, parse_constant=_constant)
        except (BadLine, ValueError) as error:
            raise BadLine(f"{error} in {line!r}") from error
        if not isinstance(record, dict):
            raise BadLine(f"no object: {line!r}")
        records.append(record)
    return records


def values(record, key):
    """All values under a key at any depth, whether nested or written with dots (`labels.key`)."""
    found = []
    for name, value in record.items():
        if name == key or name.endswith("." + key):
            found.append(value)
        if isinstance(value, dict):
            found += values(value, key)
    return found


def has(record, key, wanted):
    return any(value == wanted and isinstance(value, bool) == isinstance(wanted, bool) or value == str(wanted)
               for value in values(record, key))
