"""How a call of weft grows: with fields, context, threads, sinks and the length of the message."""
from . import process, ways

FIELDS = (0, 1, 2, 4, 8, 16, 32, 64)
CONTEXT = (0, 1, 2, 4, 8, 16, 32)
THREADS = (1, 2, 4, 8, 16, 32, 64)
SINKS = (1, 2, 4, 8)
MESSAGE = (10, 100, 1_000, 10_000, 65_536)
# what, the name of the axis, the option of weft_bench, its values
SERIES = (
    ("cost against the number of fields", "fields", "--fields", FIELDS),
    ("cost against the number of MDC entries", "MDC entries", "--mdc", CONTEXT),
    ("cost against the length of the message", "bytes", "--message", MESSAGE),
    ("cost against the number of sinks", "sinks", "--sinks", SINKS),
    ("cost against the number of threads (R10)", "threads", "--threads", THREADS),
)
ROUNDS = 3
BYTES_MAX = 24_000_000  # that one point writes


def point(option, value):
    """The measure of one point: about as many bytes as the others, so that each takes a similar time."""
    if option == "--threads":
        return ways.Measure("grow", ("--kind", "R10", option, str(value)), max(500, 60_000 // value))
    shape = {"--fields": 0, "--mdc": 0, "--message": 14, "--sinks": 1, option: value}
    line = 200 + 25 * shape["--fields"] + 25 * shape["--mdc"] + shape["--message"]
    records = max(200, min(60_000, BYTES_MAX // (line * shape["--sinks"])))
    arguments = ["--kind", "GROW"]
    for name, number in shape.items():
        arguments += [name, str(number)]
    return ways.Measure("grow", tuple(arguments), records)


def run(own, options, folder):
    """[{what, axis, x, lines: {way: [ns]}}]; threads: of the whole process, so that many threads on few cores compare."""
    measured = [way for way in own if way.name in ("weft_64k", "weft_async", "weft")]
    rounds, share = (1, 0.02) if options.quick else (ROUNDS, 1.0)
    found = []
    for what, axis, option, values in SERIES:
        series = {"what": what, "axis": axis, "x": list(values),
                  "lines": {way.name: [None] * len(values) for way in measured}}
        for _ in range(rounds):
            for index, value in enumerate(values):
                for way in measured:
                    result = process.run(way, point(option, value), share, folder)
                    keep_best(series["lines"][way.name], index, result, option)
        found.append(series)
    return found


def keep_best(line, index, result, option):
    # Threads share the processors: what counts is how much all of them get done. A queue counts until it is empty.
    ns = 1e9 / result["records_per_s"] if option == "--threads" else result["ns_per_call"]
    line[index] = ns if line[index] is None else min(line[index], ns)
