"""What is measured once: allocations, idle wake-ups, memory, instructions."""
import os
import re
import shutil
import subprocess
import sys

from . import process, ways

IDLE_S = 5
MEMORY_THREADS = 33


def allocations(all_ways, share, folder):
    counted = {}
    for way in all_ways:
        try:
            result = process.run(way, ways.COUNT, share, folder)
        except process.Failed as error:
            print(f"bench/run: {way.name}: allocations were not counted: {error}", file=sys.stderr, flush=True)
            continue
        if "allocations_per_record" in result:
            counted[way.name] = result["allocations_per_record"]
    return counted


def memory(own, share, folder):
    """({way: KiB over an empty program}, {way: KiB of a thread more}) of the ways in weft_bench."""
    over, each = {}, {}
    for way in own:
        held = {}
        for threads in (1, MEMORY_THREADS):  # each logs so much that a ring is touched to its end
            measure = ways.Measure("memory", ("--kind", "R10", "--memory", "--threads", str(threads)), 66_000 // threads)
            result = process.run(way, measure, share, folder)
            held[threads] = result["threads_kib"]
            if threads == 1:
                over[way.name] = result["rss_over_empty_kib"]
        each[way.name] = round((held[MEMORY_THREADS] - held[1]) / (MEMORY_THREADS - 1), 1)
    return over, each


def instructions(own, folder):
    """{way: instructions a record}: two runs under callgrind, so that start and end do not count."""
    counted = {}
    if not shutil.which("valgrind"):
        return counted
    for way in own:
        totals = [instructions_of(way, records, folder) for records in (2000, 12000)]
        if None not in totals:
            counted[way.name] = round((totals[1] - totals[0]) / 10500)  # a twentieth more warms up
    return counted


def instructions_of(way, records, folder):
    out = os.path.join(folder, "callgrind.out")
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--log-file=/dev/null", *way.command,
               "--kind", "R10", "--records", str(records), "--to", "/dev/null"]
    done = subprocess.run(command, env=process.environment_of(way), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          stdin=subprocess.DEVNULL, check=False)
    try:
        with open(out, encoding="ascii", errors="replace") as file:
            found = re.findall(r"^(?:summary|totals): (\d+)", file.read(), re.M)
    except OSError:
        found = []
    process.remove(folder)
    return int(found[-1]) if found and not done.returncode else None


def all_of(all_ways, own, options, folder):
    share = 0.05 if options.quick else 1.0
    weft = [way for way in own if way.family == "weft"]
    over, each = memory(weft + [way for way in own if way.family == "hand"], share, folder)
    facts = {"allocations": allocations(all_ways, share, folder), "memory_kib": over, "thread_kib": each}
    facts["wake_ups"] = {} if options.quick else process.wake_ups(all_ways, IDLE_S, folder)
    return facts
