"""Interleaved rounds: every measurement once, then all again, so that a busy spell of the machine meets all of them."""
import sys
import time

from . import process, ways

SLOW_ROUNDS = 2  # of what must warm up anew in each process


def is_wanted(measure, way, only):
    """Whether any part of a list like "R10/weft,zerolog" is in the measurement's name."""
    return any(part in f"{measure.name}/{way.name}" for part in only.split(","))


def plan(all_ways, only):
    """[(way, measure)] of one round, measure by measure, so that what is compared runs close together."""
    pairs = [(way, measure) for measure in ways.MEASURES for way in all_ways if measure in tuple(ways.measures_of(way))]
    return [(way, measure) for way, measure in pairs if is_wanted(measure, way, only)]


def one_round(pairs, share, folder, results, failed):
    for way, measure in pairs:
        try:
            result = process.run(way, measure, share, folder)
        except process.Failed as error:
            if way.family != "peer":
                raise
            failed[way.name, measure.name] = str(error)
            print(f"bench/run: {way.name}, {measure.name} is left out: {error}", file=sys.stderr, flush=True)
            continue
        results.setdefault(way.name, {}).setdefault(measure.name, []).append(result)


def run(pairs, options, folder):
    """Returns ({way's name: {measure's name: [result, ...]}}, {what failed: why}, how many rounds there were)."""
    results, failed = {}, {}
    rounds, share = (1, 0.02) if options.quick else (options.rounds, 1.0)
    end = time.monotonic() + 60 * options.minutes
    for number in range(1, rounds + 1):
        began = time.monotonic()
        wanted = [(way, measure) for way, measure in pairs if (way.name, measure.name) not in failed
                  and not (way.slow_start and number > SLOW_ROUNDS)]
        one_round(wanted, share, folder, results, failed)
        now = time.monotonic()
        print(f"round {number} of {rounds}: {now - began:.0f} s", file=sys.stderr, flush=True)
        if number < rounds and now + (now - began if number != SLOW_ROUNDS else 0) > end:
            print(f"bench/run: no time is left for more rounds (--minutes {options.minutes:g})", file=sys.stderr, flush=True)
            break
    return results, {", ".join(names): why for names, why in failed.items()}, number
