"""Run one measurement, and check that what it logged is there."""
import json
import os
import subprocess
import time

from . import lines

TIMEOUT_S = 60


class Failed(Exception):
    """A way could not be measured; the text says why."""


def environment_of(way):
    """What weft and others read is not taken from the caller's environment."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WEFT_", "OTEL_"))}
    clean.update(way.environment)
    return clean


def arguments_of(way, measure, share, path):
    records = way.off_records if measure.name == "OFF" and way.off_records else measure.records
    to = ["--to", path] if way.to_file else []
    return [*way.command, *measure.arguments, "--records", str(max(200, int(records * share))), *to]


def run(way, measure, share, folder):
    """The JSON object of one process; its lines were counted, and some of them parsed."""
    path = os.path.join(folder, "bench.log")
    command, began = arguments_of(way, measure, share, path), time.monotonic()
    try:
        done = subprocess.run(command, env=environment_of(way), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              stdin=subprocess.DEVNULL, timeout=TIMEOUT_S, check=False)
        if done.returncode:
            raise Failed(f"exit code {done.returncode}: {done.stderr.decode(errors='replace').strip()[-300:]}")
        result = json.loads(done.stdout)
        result["seconds"] = time.monotonic() - began
        if way.to_file and measure.name != "OFF":
            result["line_bytes"] = lines.check(path, int(result["lines"]) + way.extra_lines, way, result["kind"])
        return result
    except subprocess.TimeoutExpired:
        raise Failed(f"not done after {TIMEOUT_S} s") from None
    except (ValueError, KeyError, OSError) as error:
        raise Failed(str(error)) from error
    finally:
        remove(folder)


def remove(folder):
    """Every measurement begins with an empty folder."""
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))


def switches(pid):
    """Voluntary context switches of every thread of a process; its first one sleeps meanwhile, without any."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="ascii", errors="replace") as status:
            total += next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt"))
    return total


def wake_ups(ways, seconds, folder):
    """{way's name: voluntary context switches in so many idle seconds}; all ways idle at the same time."""
    started = []
    for way in ways:
        path = os.path.join(folder, way.name + ".log")
        command = [*way.command, "--kind", "R10", "--records", "1000", "--to", path, "--hold", str(seconds + 30)]
        started.append((way, subprocess.Popen(command, env=environment_of(way), stdout=subprocess.PIPE,
                                              stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL)))
    try:
        for _, process in started:
            process.stdout.readline()
        time.sleep(1.5)  # lingering threads go to sleep
        before = {way.name: switches(process.pid) for way, process in started if process.poll() is None}
        time.sleep(seconds)
        return {way.name: switches(process.pid) - before[way.name] for way, process in started
                if way.name in before and process.poll() is None}
    finally:
        for _, process in started:
            process.kill()
            process.wait()
            process.stdout.close()
        remove(folder)
