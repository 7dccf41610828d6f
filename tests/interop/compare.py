#!/usr/bin/env -S python3 -B
"""Random contexts from one of OpenTelemetry's SDKs to weft and back, in each format.

    compare.py FILTER python|js [CONTEXTS]      FILTER: the program interop_context_filter; 10,000 contexts

What the SDK writes for a context must be read by weft as it is, and what weft writes for a call must be read by the SDK as
the same trace, under another span, with the same tracestate and baggage. Exit code 1: some context differs; 77: the SDK
cannot be had here.
"""
import json
import random
import string
import subprocess
import sys

import sdks

FORMATS = ("tracecontext", "baggage", "b3", "b3multi", "jaeger", "xray", "ot", "gcp")
LOW = (1 << 64) - 1
KEY = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
STATE_VALUE = string.ascii_letters + string.digits + "!#$%&'()*+-./:;<>?@[]^_`{|}~"
TEXT = string.ascii_letters + string.digits + " ,;=%+\"\\/&<>\t'()äß€漢😀"


def word(rng, letters, most):
    return "".join(rng.choice(letters) for _ in range(rng.randint(1, most)))


def state(rng):
    """A tracestate, or none."""
    keys = {rng.choice(string.ascii_lowercase) + word(rng, string.ascii_lowercase + string.digits + "_-*/", 12)
            for _ in range(rng.choice((0, 0, 1, 2, 5)))}
    return ",".join(f"{key}={word(rng, STATE_VALUE, 12)}" for key in sorted(keys))


def contexts(form, count):
    """Random contexts, some with short ids; OpenTracing's propagators send the lower half of the trace id alone."""
    rng = random.Random(form)
    for _ in range(count):
        trace_id = rng.getrandbits(rng.choice((128, 128, 64, rng.randint(1, 128)))) or 1
        if form == "ot":
            trace_id = trace_id & LOW or 1
        span_id = rng.getrandbits(rng.choice((64, 64, rng.randint(1, 64)))) or 1
        yield {"format": form, "trace": f"{trace_id:032x}", "span": f"{span_id:016x}", "sampled": rng.getrandbits(1),
               "state": state(rng) if form == "tracecontext" else "",
               "baggage": {word(rng, KEY, 12): word(rng, TEXT, 20) for _ in range(rng.randint(1, 6))} if form == "baggage"
               else {}}


def through_sdk(command, items):
    text = "".join(json.dumps(item) + "\n" for item in items)
    done = subprocess.run(command, input=text, stdout=subprocess.PIPE, encoding="utf-8", check=True)
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(items)
    return answers


def through_weft(program, form, requests):
    """For each request what weft read, as text, and the headers of its call."""
    text = "".join("\x1f".join(f"{name}\x1e{value}" for name, value in request["headers"]) + "\n" for request in requests)
    done = subprocess.run([program, form], input=text.encode(), stdout=subprocess.PIPE, check=True)
    lines = done.stdout.decode().split("\n")[:-1]
    assert len(lines) == len(requests)
    for line in lines:
        head, *headers = line.split("\x1f")
        yield head, [header.split("\x1e") for header in headers]


def same_baggage(sdk, sent, got):
    if sdk == "python":  # it cuts white space off once it has decoded a value
        sent, got = ({key: value.strip() for key, value in entries.items()} for entries in (sent, got))
    return got == sent


def fault(sdk, sent, head, got):
    """What is wrong; None: nothing."""
    if sent["format"] == "baggage":
        return None if same_baggage(sdk, sent["baggage"], got["baggage"]) else f"baggage came back as {got['baggage']}"
    if head != f"{sent['trace']} {sent['span']} {sent['sampled']}":
        return f"weft read {head}"
    if (got["trace"], got["sampled"], got["state"]) != (sent["trace"], sent["sampled"], sent["state"]):
        return f"the SDK read {got}"
    if got["span"] in (None, "0" * 16, sent["span"]):
        return f"the SDK read the span {got['span']}"
    return None


def compare(program, sdk, count):
    """How many contexts differ."""
    command = sdks.SDKS[sdk]()
    sent = {form: list(contexts(form, count)) for form in FORMATS}
    written = iter(through_sdk(command, [item for form in FORMATS for item in sent[form]]))
    passed = [(item, request, *answer) for form in FORMATS
              for item, request, answer in passing(program, form, sent[form], written)]
    back = through_sdk(command, [{"format": item["format"], "headers": headers} for item, _, _, headers in passed])
    faults = {form: [] for form in FORMATS}
    for (item, request, head, headers), got in zip(passed, back):
        why = fault(sdk, item, head, got)
        if why:
            faults[item["format"]].append((item, request["headers"], headers, why))
    for form, found in faults.items():
        print(f"{form:14} {count} contexts, {len(found)} differ")
        for item, request, headers, why in found[:3]:
            print(f"    {item}\n      wrote {request}, weft wrote {headers}: {why}")
    return sum(len(found) for found in faults.values())


def passing(program, form, items, written):
    requests = [next(written) for _ in items]
    return zip(items, requests, through_weft(program, form, requests))


def main():
    if len(sys.argv) not in (3, 4) or sys.argv[2] not in sdks.SDKS:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return 1 if compare(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else 10_000) else 0
    except sdks.servers.Missing as missing:
        print(f"SKIPPED: {missing}", file=sys.stderr)
        return 77


if __name__ == "__main__":
    sys.exit(main())
