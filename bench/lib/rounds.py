"""Interleaved rounds: every measurement once, then all again, so that a busy spell of the machine meets all of them."""
import sys
import time

from . import process, ways


def plan(all_ways, only):
    """[(way, measure)] of one round, measure by measure, so that what is compared runs close together."""
    pairs = [(way, measure) for measure in ways.MEASURES for way in all_ways if measure in tuple(ways.measures_of(way))]
    return [(way, measure) for way, measure in pairs if only in f"{measure.name}/{way.name}"]


def run(pairs, options, folder):
    """Returns ({way's name: {measure's name: [result, ...]}}, {way's name: why it failed})."""
    results, failed = {}, {}
    rounds, share = (1, 0.02) if options.quick else (options.rounds, 1.0)
    for number in range(1, rounds + 1):
        began = time.monotonic()
        for way, measure in pairs:
            if way.name in failed or (way.slow_start and number > max(1, rounds // 2)):
                continue
            try:
                result = process.run(way, measure, share, folder)
            except process.Failed as error:
                if way.family != "peer":
                    raise
                failed[way.name] = str(error)
                print(f"bench/run: {way.name} is left out: {error}", file=sys.stderr, flush=True)
                continue
            results.setdefault(way.name, {}).setdefault(measure.name, []).append(result)
        print(f"round {number} of {rounds}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    return results, failed
