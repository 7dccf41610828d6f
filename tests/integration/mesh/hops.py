"""Lines of Envoy, of weft and of logback-json to hops, hops to a tree, and the tree to text.

A hop is one line that a request, a call or a proxy's attempt leaves at its end: who, which span below which, when, how long.
"""
import collections
import datetime

Hop = collections.namedtuple("Hop", "service kind what status span parent request_id begin_s took_ms attempt")
Note = collections.namedtuple("Note", "service level text span request_id time_s")
Read = collections.namedtuple("Read", "hops notes")


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def number(text):
    return None if text in (None, "", "-") else int(text)


# ---- weft, in the format ecs ----

def weft_line(line):
    labels = line.get("labels", {})
    kind = {"http.access": "request", "http.client": "call"}.get(line["log.logger"])
    end = seconds(line["@timestamp"])
    if not kind:
        return Note(line["service.name"], line["log.level"], line["message"], line.get("span.id"), labels.get("request_id"), end)
    took_ns = line["event.duration"]
    return Hop(line["service.name"], kind, line["message"], line.get("http.response.status_code"), line.get("span.id"),
               labels.get("parent_span_id"), labels.get("request_id"), end - took_ns / 1e9, took_ns / 1e6, None)


# ---- logback-json, as the service billing writes it ----

def java_line(line, service="billing"):
    mdc = line.get("mdc", {})
    kind = {"billing.access": "request", "billing.client": "call"}.get(line["logger"])
    end = seconds(line["timestamp"])
    if not kind:
        return Note(service, line["level"], line["message"], mdc.get("spanId"), mdc.get("request_id"), end)
    took_ms = float(mdc["took_ms"])
    return Hop(service, kind, line["message"], number(mdc["status"]), mdc.get("spanId"), mdc.get("parent_span_id"),
               mdc.get("request_id"), end - took_ms / 1e3, took_ms, None)


# ---- Envoy, as envoy.py sets it up ----

def padded(trace):
    """Of 64 bits, Envoy writes 16 digits where others write 32."""
    return trace.rjust(32, "0") if trace else None


def sent(line):
    """(trace, span, parent) as they stand in the headers that went upstream."""
    if "sent.trace" in line:
        return padded(line["sent.trace"]), line["sent.span"], line["sent.parent"]
    parts = (line.get("sent.traceparent") or "").split("-")
    return (parts[1], parts[2], None) if len(parts) == 4 else (None, None, None)


def caller_span(line):
    parts = (line["caller"] or "").split("-")
    if len(parts) == 4:
        return parts[2] if parts[1] == line["trace.id"] else None
    return line["caller"] or None


def own_span(line):
    """Zipkin's tracer does not say its span. It stands in the headers: as the span, or with a span for each attempt as the
    parent of that."""
    if line["span.id"]:
        return line["span.id"]
    _, span, parent = sent(line)
    return parent if parent and parent != caller_span(line) else span


def envoy_line(line, accesses):
    trace, span, _ = sent(line)
    kind, parent = "proxy", None
    if line["log.logger"] == "envoy.attempt":
        kind = "attempt"
        same = [one for one in accesses if (one["service.name"], padded(one["trace.id"]), one["request_id"]) ==
                (line["service.name"], trace, line["request_id"])]
        parent = own_span(same[0]) if same else None
    else:
        span, parent = own_span(line), caller_span(line)
    flags = line["flags"]
    what = line["message"] + ("" if flags in (None, "", "-") else f" {flags}")
    return Hop(line["service.name"], kind, what, number(line["http.response.status_code"]), span, parent, line["request_id"],
               seconds(line["@timestamp"]), line["duration_ms"], number(line["attempt"]) if kind == "attempt" else None)


# ---- one trace ----

def read(trace, weft=(), java=(), envoy=(), attempts=()):
    """The hops and notes of one trace, from lists of lines of each kind."""
    found = [weft_line(line) for line in weft if line.get("trace.id") == trace]
    found += [java_line(line) for line in java if line.get("mdc", {}).get("traceId") == trace]
    accesses = [line for line in envoy if padded(line["trace.id"]) == trace]
    found += [envoy_line(line, accesses) for line in accesses]
    found += [envoy_line(line, accesses) for line in attempts if sent(line)[0] == trace]
    return Read([one for one in found if isinstance(one, Hop)], [one for one in found if isinstance(one, Note)])


def tree(hops):
    """Depth first, as (depth, hop); children by time. A hop whose parent is none of these is a root."""
    children = collections.defaultdict(list)
    spans = {hop.span for hop in hops}
    for hop in sorted(hops, key=lambda one: one.begin_s):
        children[hop.parent if hop.parent in spans else None].append(hop)
    placed = []

    def walk(parent, depth):
        for hop in children[parent]:
            placed.append((depth, hop))
            walk(hop.span, depth + 1)
    walk(None, 0)
    return placed


def shape(hops):
    """The tree as short texts: two spaces for each level, service, kind, status."""
    return [f"{'  ' * depth}{hop.service} {hop.kind}{hop.attempt or ''} {hop.status}" for depth, hop in tree(hops)]


def same_id(one, other):
    """Request ids, but for the digit of a UUID that Envoy rewrites to say why a request is traced."""
    def plain(text):
        return text[:14] + text[15:] if text and len(text) == 36 else text
    return plain(one) == plain(other)


def render(found, notes=True):
    """For a person: one line for a hop, with its times from the start of the first; its notes below it."""
    placed = tree(found.hops)
    if not placed:
        return []
    start = min(hop.begin_s for _, hop in placed)
    text = []
    for depth, hop in placed:
        name = f"{'  ' * depth}{hop.service} " + {"request": "", "call": "calls"}.get(hop.kind, hop.kind) + str(hop.attempt or "")
        text.append(f"{(hop.begin_s - start) * 1e3:8.1f} {hop.took_ms:8.1f}  {name.rstrip():<34} {hop.what:<28} {hop.span}")
        own = sorted((note for note in found.notes if notes and note.span == hop.span), key=lambda note: note.time_s)
        text += [f"{(note.time_s - start) * 1e3:8.1f} {'':8}  {'  ' * depth}  · {note.text}" for note in own]
    return text
