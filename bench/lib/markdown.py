"""The report's tables as Markdown, for documents: what is in docs/performance.md between its marks."""
WAYS_HEAD = ("way", "R10, ns", "R10, thousands a second", "two threads", "R0, ns", "ESC, ns", "off, ns",
             "each 2 us, ns: p50 / p99 / p99.9", "allocations", "")


def grid(head, rows, numbers_from=1):
    """Lines of a table; columns from `numbers_from` on stand to the right."""
    rule = ["---" if i < numbers_from or not name else "--:" for i, name in enumerate(head)]
    return ["| " + " | ".join(head) + " |", "|" + "|".join(rule) + "|"] + ["| " + " | ".join(row) + " |" for row in rows]


def number(value, digits=0):
    return f"{value:,.{digits if value < 10 else 0}f}"


def cell(row, key="ns_best", scale=1, digits=0):
    return number(row[key] / scale, digits) if row else ""


def way_row(report, way):
    got = report["table"][way["name"]]
    paced = got.get("pace2")
    allocations = report["facts"].get("allocations", {}).get(way["name"])
    version = way["version"].split(",")[0].split(" (")[0]
    return (f"`{way['name']}` {version}".strip(), cell(got["R10"]), cell(got["R10"], "records_per_s_best", 1000),
            cell(got.get("R10x2"), "records_per_s_best", 1000), cell(got.get("R0")), cell(got.get("ESC")),
            cell(got.get("OFF"), digits=1),
            " / ".join(number(paced[f"call_{p}_best"]) for p in ("p50", "p99", "p999")) if paced else "",
            "" if allocations is None else f"{allocations:.1f}", way["differs"])


def ways_table(report):
    ways = [way for way in report["ways"] if "R10" in report["table"].get(way["name"], {}) and way["family"] != "floor"]
    ways.sort(key=lambda way: -report["table"][way["name"]]["R10"]["records_per_s_best"])
    return grid(WAYS_HEAD, [way_row(report, way) for way in ways])


def aims_table(report):
    words = {"<=": "at most", ">=": "at least"}
    rows = []
    for aim in report["aims"]:
        limit = f"{words[aim['relation']]} {aim['limit']:g} {'times' if aim['unit'] == 'x' else aim['unit']}".strip()
        value = "not measured" if aim["value"] is None else number(aim["value"], 2)
        rows.append((f"{aim['aim']}: {limit}", value if aim["met"] is None else f"{'yes' if aim['met'] else 'no'}: {value}"))
    return grid(("aim", "reached"), rows, 2)


def grow_tables(report):
    for series in report.get("grow", ()):
        rows = [(f"`{name}`", *(number(value) for value in values)) for name, values in series["lines"].items()]
        yield ["", f"{series['what'][0].upper()}{series['what'][1:]}, ns of the calling thread:", ""]
        yield grid((series["axis"], *(f"{x:,}" for x in series["x"])), rows)


def render(report):
    """All tables, one behind the other, each with a line of what it is."""
    lines = [*ways_table(report), "", *aims_table(report)]
    if report["instructions"]:
        lines += ["", "Instructions per R10 record: " + ", ".join(
            f"`{name}` {number(count)}" for name, count in report["instructions"].items()) + "."]
    if report["facts"].get("memory_kib"):
        each = report["facts"]["thread_kib"]
        lines += ["", "Memory over an empty program, and of a thread more that has logged, KiB: " + ", ".join(
            f"`{name}` {number(over)} and {number(each[name])}"
            for name, over in report["facts"]["memory_kib"].items()) + "."]
    for part in grow_tables(report):
        lines += part
    lines += ["", *(f"{what}: {value}  " for what, value in report["environment"]), f"rounds: {report['rounds']}"]
    return "\n".join(line.rstrip() if line.endswith("|") else line for line in lines) + "\n"
