"""The machine that a run was made on, as [(what, value)]."""
import datetime
import os
import platform
import re
import subprocess

from . import build


def output(*command):
    """The first line that a program prints; empty without it."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=build.ROOT, timeout=20,
                              check=False)
        return done.stdout.decode(errors="replace").split("\n")[0].strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def processor():
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
            text = file.read()
    except OSError:
        text = ""
    def field(name):
        found = re.search(rf"^{name}\s*: (.*)$", text, re.M)
        return found.group(1) if found else "?"
    virtual = ", a virtual machine" if re.search(r"^flags.*\bhypervisor\b", text, re.M) else ""
    return (f"{field('model name')} (family {field('cpu family')}, model {field('model')}), {field('cpu MHz')} MHz, "
            f"cache {field('cache size')}{virtual}")


def file_system(folder):
    return output("stat", "-f", "-c", "%T", folder) or "?"


def commit():
    same = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "src", "sinks", "include", "bench"], cwd=build.ROOT,
                          stderr=subprocess.DEVNULL, check=False).returncode == 0
    changed = "" if same else ", changed since"
    return (output("git", "log", "-1", "--format=%h of %cs") or "?") + changed


def stolen():
    """(stolen, all) jiffies of all processors since the machine started."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            numbers = [int(word) for word in file.readline().split()[1:]]
        return numbers[7], sum(numbers[:8])
    except (OSError, ValueError, IndexError):
        return 0, 0


def describe(folder):
    cpus = len(os.sched_getaffinity(0))
    return [
        ("date", datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")),
        ("processor", processor()),
        ("cores", f"{cpus} that may be used"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("compiler", output("cc", "--version")),
        ("C library", " ".join(platform.libc_ver())),
        ("files on", file_system(folder)),
        ("load before", " ".join(f"{load:.1f}" for load in os.getloadavg())),
        ("weft", commit()),
    ]
