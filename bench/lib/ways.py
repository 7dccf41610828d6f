"""The ways to get a record out that are compared, and the measures that are taken of each."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Way:
    """One row of the table. A program of any language takes the arguments of weft_bench and prints one JSON object."""
    name: str
    command: tuple  # the program and the arguments that choose the way
    text: str
    family: str = "weft"  # weft, hand, floor or peer
    version: str = ""
    language: str = "C"
    differs: str = ""  # what is not the same work
    environment: tuple = ()  # (name, value) pairs
    slow_start: bool = False  # a virtual machine that must warm up: fewer and longer runs
    off_records: int = 0  # 0: it has no level to turn off
    threads: bool = True  # can log from two threads
    json: bool = True  # its lines are JSON
    escapes: bool = True  # also with a message that needs escaping
    queue: bool = False  # another thread does the work: a short batch says nothing of the rate
    extra_lines: int = 0  # that begin its file
    to_file: bool = True  # False: nothing is written


@dataclasses.dataclass(frozen=True)
class Measure:
    """One column or more: how a way is run."""
    name: str
    arguments: tuple
    records: int


MEASURES = (
    Measure("R10", ("--kind", "R10"), 100_000),
    Measure("R10x2", ("--kind", "R10", "--threads", "2"), 100_000),
    Measure("R0", ("--kind", "R0"), 100_000),
    Measure("ESC", ("--kind", "ESC"), 40_000),
    Measure("OFF", ("--kind", "OFF"), 0),
    Measure("pace2", ("--kind", "R10", "--pace", "2000"), 100_000),
    Measure("pace10", ("--kind", "R10", "--pace", "10000"), 30_000),
    Measure("burst", ("--kind", "R10", "--pace", "0"), 100_000),
)
LATENCIES = ("pace2", "pace10", "burst")
COUNT = Measure("count", ("--kind", "R10", "--count"), 20_000)

ASYNC = (("WEFT_ASYNC", "on"),)


def own_ways(program):
    """weft's ways, and what they are read against; all are in weft_bench."""
    def way(name, text, *arguments, **more):
        return Way(name, (program, "--way", *(arguments or (name,))), text, **more)

    return [
        way("weft", "one write(2) a record", "weft", off_records=100_000_000),
        way("weft_64k", "buffer_bytes=64k", "weft", "--options", "buffer_bytes=64k", off_records=100_000_000),
        way("weft_async", "WEFT_ASYNC=on, rings of 256 KiB", "weft", environment=ASYNC, queue=True, off_records=100_000_000),
        way("hand_write", "a hand-written encoder, one write(2) a record", family="hand"),
        way("hand_batch", "the same, 64 KiB for each thread: the limit", family="hand"),
        way("hand_mutex", "the same, 64 KiB under a lock", family="hand"),
        way("write", "the bare write(2) of the same bytes", family="floor", differs="encodes nothing"),
        way("snprintf", "the same line by snprintf, one write(2)", family="floor"),
    ]


def encoders(program):
    """Without a file: measured for the aims, not in the table of ways."""
    return [
        (Way("encode", (program, "--way", "encode"), "weft's encoder alone", to_file=False),
         Measure("R10", ("--kind", "R10"), 200_000)),
        (Way("hand_encode", (program, "--way", "hand_encode"), "the hand-written encoder alone", to_file=False),
         Measure("R10", ("--kind", "R10"), 400_000)),
        (Way("empty", (program, "--way", "empty"), "the loop around OFF", to_file=False),
         Measure("OFF", ("--kind", "OFF"), 100_000_000)),
    ]


def measures_of(way):
    for measure in MEASURES:
        if measure.name == "OFF" and not way.off_records:
            continue
        if measure.name == "R10x2" and not way.threads:
            continue
        yield measure
