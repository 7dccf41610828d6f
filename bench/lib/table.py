"""The report as text: the machine, one table of all ways, the aims."""
from . import rounds

HEAD = (
    ("way", None), ("line B", None),
    ("R10 ns", "best/median"), ("R10 e2e k/s", "best/median"),
    ("2 thr. ns", "best/median"), ("2 thr. k/s", "best/median"),
    ("R0 ns", "best"), ("ESC ns", "best"), ("OFF ns", "best"),
    ("each 2 us: ns", "p50/p99/p99.9"), ("each 10 us: ns", "p50/p99/p99.9"), ("burst: ns", "p50/p99/p99.9"),
    ("alloc.", "/record"), ("RSS MiB", "peak"), ("wakes", "idle 5 s"), ("notes", None),
)

HOW = (
    "ns: of the calling thread a record, in a tight loop; best is the quietest twentieth of any run, or, behind a queue and",
    "with two threads, the quietest run; median is that of the runs' means. e2e: thousands of records a second until the last",
    "byte was handed to the operating system, the flush included. Files are new ones each time; nothing is synced.",
    "Each file was looked at: it has every line, and a line has every value.",
)


def pair(row, key, scale=1.0, digits=0):
    if not row:
        return "-"
    return f"{row[key + '_best'] / scale:.{digits}f}/{row[key + '_median'] / scale:.{digits}f}"


def best(row, key="ns", digits=0):
    return f"{row[key + '_best']:.{digits}f}" if row else "-"


def short(ns):
    return f"{ns / 1000:.0f}k" if ns >= 10_000 else f"{ns:.0f}"


def percentiles(row, what="call"):
    if not row:
        return "-"
    text = "/".join(short(row[f"{what}_{p}_best"]) for p in ("p50", "p99", "p999"))
    return text + "*" if what == "call" and row["late_median"] > 0.05 else text


def fact(report, name, way, form):
    value = report["facts"].get(name, {}).get(way)
    return "-" if value is None else form.format(value)


def cells(report, way, notes):
    got = report["table"].get(way["name"], {})
    r10 = got.get("R10")
    return (way["name"], f"{r10['line_bytes']:.0f}" if r10 else "-",
            pair(r10, "ns"), pair(r10, "records_per_s", 1000), pair(got.get("R10x2"), "ns"),
            pair(got.get("R10x2"), "records_per_s", 1000),
            best(got.get("R0")), best(got.get("ESC")), best(got.get("OFF"), digits=1),
            *(percentiles(got.get(name)) for name in ("pace2", "pace10", "burst")),
            fact(report, "allocations", way["name"], "{:.1f}"),
            f"{r10['rss_max_kib'] / 1024:.1f}" if r10 else "-", fact(report, "wake_ups", way["name"], "{}"),
            ",".join(str(number) for number in notes.get(way["name"], ())))


def clock_row(report):
    """What an empty pair of clock readings costs, in the middle of all ways in C and C++."""
    rows = [measures[name] for way, measures in report["table"].items() for name in ("pace2", "pace10", "burst")
            if name in measures and way in ("weft", "hand_batch")]
    names = ("pace2", "pace10", "burst")
    texts = [percentiles(report["table"].get("hand_batch", {}).get(name), "clock") for name in names]
    return ("(clock alone)",) + ("-",) * 8 + tuple(texts) + ("-",) * 3 + ("",) if rows else None


def numbered(report):
    """Notes: ({way: [number]}, [text])."""
    texts, of = [], {}
    for way in (way for way in report["ways"] if way["name"] in report["table"]):
        for text in filter(None, way["differs"].split("; ")):
            if text not in texts:
                texts.append(text)
            of.setdefault(way["name"], []).append(texts.index(text) + 1)
    return of, texts


def joined(line, widths):
    left = (0, len(HEAD) - 1)
    return "  ".join(cell.ljust(width) if i in left else cell.rjust(width)
                     for i, (cell, width) in enumerate(zip(line, widths))).rstrip()


def ways_table(report):
    of, texts = numbered(report)
    head = [tuple(name for name, _ in HEAD), tuple(under or "" for _, under in HEAD)]
    body = []
    for family in ("floor", "hand", "weft", "peer"):
        ways = [way for way in report["ways"] if way["family"] == family and way["name"] in report["table"]]
        ways.sort(key=lambda way: -report["table"][way["name"]].get("R10", {}).get("records_per_s_best", 0))
        body += [cells(report, way, of) for way in ways] + ([None] if ways else [])
    clock = clock_row(report)
    body = [*([clock, None] if clock else []), *body[:-1]]
    lines = [*head, *(line for line in body if line)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEAD))]
    out = []
    for line in [*head, None, *body]:
        out.append(joined(line, widths) if line else "-" * sum(width + 2 for width in widths))
    out.append("* more than 5 % of the calls came later than their time: this way cannot keep that pace")
    out += [f"{number}  {text}" for number, text in enumerate(texts, 1)]
    return out


def legend(report):
    for way in report["ways"]:
        if way["name"] in report["table"]:
            version = f" {way['version']}" if way["version"] else ""
            yield f"  {way['name']:<16} {way['language']:<5} {way['text']}{version and ' -' + version}"
    for name, why in sorted(report["absent"].items()):
        yield f"  {name:<16} not measured: {why[:160]}"


def aims_text(report):
    for aim in report["aims"]:
        limit = f"(aim: {aim['relation']} {aim['limit']:g} {aim['unit']})".replace(" )", ")")
        if aim["value"] is None:
            yield f"  -       {aim['aim']}: not measured {limit}"
        else:
            value = f"{aim['value']:,.0f}" if aim["value"] >= 100 else f"{aim['value']:.3g}"
            yield f"  {'met   ' if aim['met'] else 'MISSED'}  {aim['aim']}: {value} {aim['unit']} {limit}"


def grow_text(report):
    for series in report.get("grow", ()):
        yield ""
        yield f"{series['what']} (ns of the calling thread a record, best)"
        names = list(series["lines"])
        yield "  " + f"{series['axis']:>14}" + "".join(f"{name:>14}" for name in names)
        for i, x in enumerate(series["x"]):
            values = "".join(f"{series['lines'][name][i]:>14.0f}" for name in names)
            yield f"  {x:>14}{values}"


def render(report):
    """The whole report, lines of text."""
    lines = [f"{what + ':':<12} {value}" for what, value in report["environment"]]
    lines += [f"{'rounds:':<12} {report['rounds']}, interleaved ({rounds.SLOW_ROUNDS} of what must warm up first)"]
    lines += ["", *HOW, ""]
    lines += ways_table(report)
    alone = [f"{name} {report['table'][name]['R10']['ns_best']:.0f}" for name in ("encode", "hand_encode")
             if name in report["table"]]
    if alone:
        lines += ["", "encoding R10 alone, without clock and file, ns: " + ", ".join(alone)]
    if report["instructions"]:
        lines += ["", "instructions a record, R10 (callgrind): " + ", ".join(
            f"{name} {count}" for name, count in report["instructions"].items())]
    if report["facts"].get("memory_kib"):
        each = report["facts"]["thread_kib"]
        lines += ["", "memory in KiB, over an empty program / of a thread more that has logged: " + ", ".join(
            f"{name} {over}/{each[name]:g}" for name, over in report["facts"]["memory_kib"].items())]
    lines += list(grow_text(report))
    lines += ["", "what each is"] + list(legend(report))
    if report["aims"]:
        lines += ["", "aims"] + list(aims_text(report))
    return "\n".join(lines) + "\n"
