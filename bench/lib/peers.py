"""The peers that bench/peers/install has put into its folder."""
import json
import os
import pathlib

from . import ways

HERE = pathlib.Path(__file__).resolve().parent.parent / "peers"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "weft-bench")


def known():
    """{name: what its peers.json says, with the folder that it is in}, in the order of the files."""
    found = {}
    for file in sorted(HERE.glob("*/peers.json")):
        for name, peer in json.loads(file.read_text(encoding="utf-8")).items():
            found[name] = {**peer, "folder": file.parent}
    return found


def text_of(cache, name, file):
    try:
        return (pathlib.Path(cache) / name / file).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def state(cache, name):
    """The version that is installed, or why none is."""
    if not os.access(os.path.join(cache, name, "run"), os.X_OK):
        return "absent: " + (text_of(cache, name, "absent") or "not installed (bench/peers/install)")
    return text_of(cache, name, "version") or "installed"


def installed(cache):
    """([Way], {name: why it is not there})."""
    found, absent = [], {}
    for name, peer in known().items():
        says = state(cache, name)
        if says.startswith("absent: "):
            absent[name] = says[len("absent: "):]
            continue
        program = os.path.join(cache, name, "run")
        for way, properties in peer["ways"].items():
            found.append(ways.Way(way, (program, "--way", way), version=says, family="peer", language=peer["language"],
                                  **properties))
    return found, absent
