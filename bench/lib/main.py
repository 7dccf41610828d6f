"""From the arguments to the report."""
import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile

from . import aims, build, environment, facts, grow, markdown, peers, picture, process, rounds, summary, table, ways


def arguments(text):
    parser = argparse.ArgumentParser(prog="bench/run", description=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="interleaved runs of each measurement (default 7)")
    parser.add_argument("--minutes", type=float, default=8, help="no round begins that would end later (default 8)")
    parser.add_argument("--quick", action="store_true", help="one short round without peers, no judgement of times")
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument("--only", default="", help="only measurements whose name contains this, or one of these with commas, as R10/,weft_async")
    parser.add_argument("--grow", action="store_true", help="with --only: also how a call grows (--only - : nothing else)")
    parser.add_argument("--program", help="a weft_bench that is built already")
    parser.add_argument("--dir", default=None, help="where files are written (default: beside weft_bench)")
    parser.add_argument("--peers", default=peers.CACHE, help="what bench/peers/install filled (default: %(default)s)")
    parser.add_argument("--out", default=None, help="a folder for report.txt, report.md, report.svg and report.json")
    return parser.parse_args()


def same_lines(program):
    """The ways that imitate weft must write its line, the time aside."""
    for kind in ("R10", "R0", "ESC"):
        lines = {}
        for way in ("weft", "encode", "snprintf", "hand_write"):
            done = subprocess.run([program, "--way", way, "--kind", kind, "--line"], stdout=subprocess.PIPE,
                                  env=process.environment_of(ways.Way(way, (), "")), check=False)
            line = json.loads(done.stdout)
            line.pop("@timestamp")
            lines[way] = json.dumps(line, sort_keys=True), len(done.stdout)
        if len(set(lines.values())) != 1:
            sys.exit(f"bench/run: the ways write different lines for {kind}: {json.dumps(lines, indent=1)}")


def measure(options, program, folder):
    own, extra = ways.own_ways(program), ways.encoders(program)
    others, absent = ([], {}) if options.quick else peers.installed(options.peers)
    all_ways = own + others
    steal, total = environment.stolen()
    report = {"environment": environment.describe(folder), "ways": [dataclasses.asdict(way) for way in all_ways]}
    pairs = [pair for pair in extra if rounds.is_wanted(pair[1], pair[0], options.only)]
    pairs += rounds.plan(all_ways, options.only)
    results, failed, report["rounds"] = rounds.run(pairs, options, folder)
    report["absent"] = {**absent, **failed}
    report["table"] = summary.rows(results, all_ways)
    report["facts"], report["instructions"] = {}, {}
    if not options.only:
        report["facts"] = facts.all_of(all_ways, own, options, folder)
        if not options.quick:
            report["instructions"] = facts.instructions([way for way in own if way.name != "snprintf"], folder)
    if options.grow or not options.only:
        report["grow"] = grow.run(own, options, folder)
    steal, total = environment.stolen()[0] - steal, environment.stolen()[1] - total
    report["environment"].append(("stolen", f"{100 * steal / max(total, 1):.1f} % of the time, by other virtual machines"))
    report["aims"] = [] if options.quick else aims.judge(report)
    return report


def publish(report, options):
    text = table.render(report)
    if options.out:
        os.makedirs(options.out, exist_ok=True)
        files = {"report.txt": text, "report.svg": picture.render(report), "report.md": markdown.render(report),
                 "report.json": json.dumps(report, indent=1)}
        for name, content in files.items():
            with open(os.path.join(options.out, name), "w", encoding="utf-8") as file:
                file.write(content)
    sys.stdout.write(json.dumps(report, indent=1) + "\n" if options.json else text)


def main(text):
    options = arguments(text)
    program = os.path.abspath(options.program) if options.program else build.weft_bench()
    same_lines(program)
    try:
        with tempfile.TemporaryDirectory(prefix="weft-bench-", dir=options.dir or os.path.dirname(program)) as folder:
            report = measure(options, program, folder)
    except process.Failed as error:  # of weft, or of what it is read against
        sys.exit(f"bench/run: {error}")
    publish(report, options)
    allocating = [way for way, count in report["facts"].get("allocations", {}).items()
                  if way.startswith("weft") and count > 0.001]
    if allocating:
        sys.exit(f"bench/run: {', '.join(allocating)} allocates on the way of a record")
    return 0
