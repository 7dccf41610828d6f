"""What weft wants to reach, judged by the figures of the same run."""


class Figures:
    """Looks up what was measured; KeyError when it was not."""

    def __init__(self, report):
        self.table, self.facts = report["table"], report["facts"]

    def ns(self, way, measure="R10"):
        return self.table[way][measure]["ns_best"]

    def rate(self, way, measure="R10"):
        return self.table[way][measure]["records_per_s_best"]

    def call(self, way, percentile, measure="pace2"):
        return self.table[way][measure][f"call_{percentile}_best"]

    def fact(self, name, way):
        return self.facts[name][way]

    def beside(self, way, peers, percentile):
        """A way's paced call beside the best that any of these peers reached; KeyError when none was measured."""
        there = [self.call(peer, percentile) for peer in peers if peer in self.table]
        if not there:
            raise KeyError(peers[0])
        return self.call(way, percentile) / min(there)


QUILL = ("quill", "quill_bounded")
WEFT = ("weft", "weft_64k", "weft_async")
# what, "<=" or ">=", the limit, its unit, how it is computed from Figures
AIMS = (
    ("sync, buffer_bytes=64k, R10, beside hand_batch", "<=", 1.3, "x", lambda f: f.ns("weft_64k") / f.ns("hand_batch")),
    ("the same, as many times as quick as zerolog with a buffer", ">=", 3, "x",
     lambda f: f.ns("zerolog_64k") / f.ns("weft_64k")),
    ("sync, one write a record, beside the bare write and hand's encoding", "<=", 1.12, "x",
     lambda f: f.ns("weft") / (f.ns("write") + f.ns("hand_encode"))),
    ("the same, as many times as quick as zerolog", ">=", 2, "x", lambda f: f.ns("zerolog") / f.ns("weft")),
    ("async caller, one call each 2 us, p50, clock included", "<=", 80, "ns", lambda f: f.call("weft_async", "p50")),
    ("async caller, one call each 2 us, p99", "<=", 150, "ns", lambda f: f.call("weft_async", "p99")),
    ("async caller, one call each 2 us, p99.9", "<=", 250, "ns", lambda f: f.call("weft_async", "p999")),
    ("async caller's p50, beside quill", "<=", 1, "x", lambda f: f.beside("weft_async", QUILL, "p50")),
    ("async caller's p99, beside quill", "<=", 1, "x", lambda f: f.beside("weft_async", QUILL, "p99")),
    ("async caller's p99.9, beside quill", "<=", 1, "x", lambda f: f.beside("weft_async", QUILL, "p999")),
    ("async end to end, one thread, R10, beside hand_batch", ">=", 0.9, "x",
     lambda f: f.rate("weft_async") / f.rate("hand_batch")),
    ("async end to end, two threads to one file, beside hand_batch with two", ">=", 0.75, "x",
     lambda f: f.rate("weft_async", "R10x2") / f.rate("hand_batch", "R10x2")),
    ("sync, buffer_bytes=64k, two threads to one file, beside hand_batch with two", ">=", 0.75, "x",
     lambda f: f.rate("weft_64k", "R10x2") / f.rate("hand_batch", "R10x2")),
    ("ESC, sync, buffer_bytes=64k, beside hand_batch", ">=", 0.8, "x",
     lambda f: f.rate("weft_64k", "ESC") / f.rate("hand_batch", "ESC")),
    ("ESC, async, beside hand_batch", ">=", 0.8, "x",
     lambda f: f.rate("weft_async", "ESC") / f.rate("hand_batch", "ESC")),
    ("a call that is off, the loop around it subtracted", "<=", 0.6, "ns",
     lambda f: f.ns("weft", "OFF") - f.ns("empty", "OFF")),
    ("allocations a record, of every way of weft", "<=", 0, "",
     lambda f: round(max(f.fact("allocations", way) for way in WEFT), 3)),
    ("voluntary context switches in 5 idle seconds, async", "<=", 0, "", lambda f: f.fact("wake_ups", "weft_async")),
    ("memory over an empty program, async, one thread", "<=", 2048, "KiB",
     lambda f: f.fact("memory_kib", "weft_async")),
    ("memory of a thread more, async, with its ring of 256 KiB", "<=", 264, "KiB",
     lambda f: f.fact("thread_kib", "weft_async")),
    ("memory of a thread more, sync", "<=", 8, "KiB", lambda f: f.fact("thread_kib", "weft")),
)


def judge(report):
    """[{aim, value or None, met or None}]"""
    figures, judged = Figures(report), []
    for aim, relation, limit, unit, value_of in AIMS:
        try:
            value = value_of(figures)
            met = value <= limit if relation == "<=" else value >= limit
        except (KeyError, ZeroDivisionError):
            value = met = None
        judged.append({"aim": aim, "relation": relation, "limit": limit, "unit": unit, "value": value, "met": met})
    return judged
