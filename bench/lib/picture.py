"""The report as one SVG picture: three charts of bars over all ways, five of lines for how weft grows."""
import math
from xml.sax.saxutils import escape

COLOURS = {"floor": "#9aa0a6", "hand": "#5f6368", "weft": "#d1495b", "peer": "#3b7ea1"}
GREY = "#5f6368"
LINE_COLOURS = {"weft": "#8d99ae", "weft_64k": "#3b7ea1", "weft_async": "#d1495b"}
WIDTH, MARGIN, ROW, LABEL = 1240, 30, 19, 128
FONT = "font-family='DejaVu Sans, Verdana, sans-serif'"
# title, measure, the key of the row, scale to what is shown, unit, whether more is better
BARS = (
    ("R10 to a file, one thread, until the last byte is written", "R10", "records_per_s_best", 1e-3, "k records/s", True),
    ("what R10 costs the calling thread, one call each 2 µs: p50, p99, p99.9", "pace2", "call_", 1, "ns", False),
    ("R10 to one file, two threads, until the last byte is written", "R10x2", "records_per_s_best", 1e-3, "k records/s",
     True),
    ("ESC (a message of 1,000 bytes, 50 to escape), one thread", "ESC", "records_per_s_best", 1e-3, "k records/s", True),
)


def text(x, y, content, size=12, anchor="start", colour="#202124", weight="normal"):
    return (f"<text x='{x:.1f}' y='{y:.1f}' font-size='{size}' text-anchor='{anchor}' fill='{colour}' "
            f"font-weight='{weight}' {FONT}>{escape(content)}</text>")


def rectangle(x, y, width, height, colour, opacity=1.0):
    return (f"<rect x='{x:.1f}' y='{y:.1f}' width='{max(width, 0.5):.1f}' height='{height:.1f}' fill='{colour}' "
            f"fill-opacity='{opacity}'/>")


def number(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:.1f}"


def log_steps(low, high):
    """The powers of ten that a logarithmic axis names."""
    step, steps = 10 ** len(str(int(low))) / 10, []
    while step <= high * 1.0001:
        if step >= low:
            steps.append(step)
        step *= 10
    return steps


def position(value, low, high, size):
    """Where a value is on a logarithmic axis."""
    return size * (math.log(value) - math.log(low)) / max(math.log(high) - math.log(low), 1e-9)


def bar_rows(report, measure, key, more_is_better):
    rows = []
    for way in report["ways"]:
        row = report["table"].get(way["name"], {}).get(measure)
        if row:
            values = [row[key + p + "_best"] for p in ("p50", "p99", "p999")] if key == "call_" else [row[key]]
            rows.append((way, values))
    rows.sort(key=lambda item: item[1][0], reverse=more_is_better)
    return rows


def bars(report, chart, x, y, width):
    """One chart; returns (its elements, its height)."""
    title, measure, key, scale, unit, more = chart
    rows = bar_rows(report, measure, key, more)
    if not rows:
        return [], 0
    out = [text(x, y + 12, title, 13, weight="bold"),
           text(x, y + 28, f"{unit}, {'more' if more else 'less'} is better"
                + (", logarithmic, the clock's own cost included" if key == "call_" else ""), 11, colour=GREY)]
    top, room = y + 38, width - LABEL - (120 if key == "call_" else 62)
    most = max(max(values) for _, values in rows) * scale
    for index, (way, values) in enumerate(rows):
        line, colour = top + index * ROW, COLOURS[way["family"]]
        note = " †" if way["differs"] else ""
        out.append(text(x + LABEL - 6, line + 13, way["name"] + note, 11, "end",
                        weight="bold" if way["family"] == "weft" else "normal"))
        if key == "call_":
            out += [rectangle(x + LABEL, line + 3, position(max(value, 10.1), 10, most, room), ROW - 6, colour, opacity)
                    for value, opacity in zip(reversed(values), (0.25, 0.45, 1.0))]
            label = " / ".join(number(value) if value < 10_000 else f"{value / 1000:.0f}k" for value in values)
            out.append(text(x + width, line + 13, label, 9.5, "end"))
        else:
            out.append(rectangle(x + LABEL, line + 3, values[0] * scale / most * room, ROW - 6, colour))
            out.append(text(x + LABEL + values[0] * scale / most * room + 4, line + 13, number(values[0] * scale), 10))
    return out, 38 + len(rows) * ROW


def lines(series, x, y, width, height):
    """A chart of lines with two logarithmic axes."""
    out = [text(x, y + 12, series["what"], 12, weight="bold"), text(x, y + 26, "ns a record", 10, colour=GREY)]
    values = [value for line in series["lines"].values() for value in line if value]
    if not values:
        return out
    low, high = 10 ** len(str(int(min(values)))) / 10, max(values) * 1.1
    left, top, wide, tall = x + 44, y + 34, width - 60, height - 70
    xs = [max(value, 0.5) for value in series["x"]]
    for step in log_steps(low, high):
        at = top + tall - position(step, low, high, tall)
        out.append(f"<line x1='{left}' y1='{at:.1f}' x2='{left + wide}' y2='{at:.1f}' stroke='#dadce0'/>")
        out.append(text(left - 5, at + 4, number(step), 9, "end", GREY))
    for value, place in zip(series["x"], xs):
        out.append(text(left + position(place, xs[0], xs[-1], wide), top + tall + 14, f"{value:,}", 9, "middle", GREY))
    out.append(text(left + wide / 2, top + tall + 28, series["axis"], 10, "middle", GREY))
    for name, line in series["lines"].items():
        points = " ".join(f"{left + position(place, xs[0], xs[-1], wide):.1f},"
                          f"{top + tall - position(value, low, high, tall):.1f}"
                          for place, value in zip(xs, line) if value)
        out.append(f"<polyline points='{points}' fill='none' stroke='{LINE_COLOURS[name]}' stroke-width='2'/>")
    return out


def head(report):
    about = dict(report["environment"])
    out = [text(MARGIN, 34, "weft beside other loggers: the same record, machine and run", 19, weight="bold")]
    about_lines = (("processor",), ("cores", "kernel", "compiler", "C library"), ("weft", "date", "stolen"))
    for index, names in enumerate(about_lines):
        content = " · ".join(f"{name} {about[name]}" if name in ("weft", "cores", "stolen") else about[name]
                             for name in names if name in about)
        out.append(text(MARGIN, 54 + 15 * index, content, 11, colour=GREY))
    place = MARGIN
    for family, label in (("weft", "weft"), ("hand", "written by hand for this record: the limit"),
                          ("floor", "no library"), ("peer", "peers")):
        out += [rectangle(place, 94, 11, 11, COLOURS[family]), text(place + 16, 104, label, 11)]
        place += 40 + 6.6 * len(label)
    out.append(text(place, 104, "† not the same work: see the table's notes", 11))
    return out


def legend(report, y):
    out, place = [], MARGIN
    texts = {way["name"]: way["text"] for way in report["ways"]}
    for name, colour in LINE_COLOURS.items():
        label = f"{name}: {texts.get(name, '')}"
        out += [rectangle(place, y - 9, 11, 11, colour), text(place + 16, y, label, 11)]
        place += 40 + 6.4 * len(label)
    return out


def grow_charts(report, y):
    series, out = report.get("grow", ()), []
    if not series:
        return out, 0
    out += [text(MARGIN, y + 16, "how a call of weft grows", 15, weight="bold"), *legend(report, y + 36)]
    width = (WIDTH - 2 * MARGIN) / 3
    for index, one in enumerate(series):
        out += lines(one, MARGIN + index % 3 * width, y + 52 + index // 3 * 240, width - 14, 232)
    return out, 60 + 240 * ((len(series) + 2) // 3)


def render(report):
    """The picture, as text of an SVG file."""
    out, y = head(report), 124
    width = (WIDTH - 3 * MARGIN) / 2
    for left in range(0, len(BARS), 2):
        heights = []
        for column, chart in enumerate(BARS[left:left + 2]):
            elements, height = bars(report, chart, MARGIN + column * (width + MARGIN), y, width)
            out += elements
            heights.append(height)
        y += max(heights) + 24
    elements, height = grow_charts(report, y)
    out += elements
    y += height + 10
    return (f"<svg xmlns='http://www.w3.org/2000/svg' width='{WIDTH}' height='{y:.0f}' viewBox='0 0 {WIDTH} {y:.0f}'>\n"
            f"<rect width='100%' height='100%' fill='#ffffff'/>\n" + "\n".join(out) + "\n</svg>\n")
