#!/usr/bin/env -S python3 -B
"""OpenTelemetry's SDKs for the tests, installed into the cache of tests/servers/servers.py.

    tests/interop/sdks.py python js     install what is not there yet; prints where each is

Exit code 0: all are there; 77: a program that is needed to install one is missing, or the network is, and stderr says which.
"""
import os
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "servers"))

import servers  # noqa: E402

PYTHON_PACKAGES = [
    "opentelemetry-api==1.45.2", "opentelemetry-sdk==1.45.2", "opentelemetry-propagator-aws-xray==1.0.2",
    "opentelemetry-propagator-b3==1.45.1", "opentelemetry-propagator-gcp==1.15.0", "opentelemetry-propagator-jaeger==1.45.1",
    "opentelemetry-propagator-ot-trace==0.66b1",
]


def install_python(folder):
    servers.run("OpenTelemetry's Python SDK from PyPI, about 10 MB",
                [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", folder,
                 *PYTHON_PACKAGES])


def python():
    """The command that starts sdk.py."""
    key = servers.digest([*PYTHON_PACKAGES, sys.version])
    folder = servers.installed("otel-python", key, install_python)
    return ["env", f"PYTHONPATH={folder}", "PYTHONDONTWRITEBYTECODE=1", sys.executable, os.path.join(HERE, "sdk.py")]


def install_js(folder):
    npm = servers.need("npm", "npm")
    for name in os.listdir(os.path.join(HERE, "js")):
        shutil.copy(os.path.join(HERE, "js", name), folder)
    # The propagator of Google Cloud asks for an older core than the others; it works with theirs.
    servers.run("OpenTelemetry's JS SDK from npm, about 16 MB",
                [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps", "--loglevel=error"],
                cwd=folder)


def js():
    """The command that starts sdk.mjs: the copy beside its modules."""
    node = servers.need("node", "nodejs")
    key = servers.digest([servers.read(path) for path in servers.recipe_files(os.path.join(HERE, "js"))])
    return [node, os.path.join(servers.installed("otel-js", key, install_js), "sdk.mjs")]


SDKS = {"python": python, "js": js}


def main():
    names = sys.argv[1:]
    if not names or not set(names) <= set(SDKS):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        for name in names:
            print(f"{name}: {' '.join(SDKS[name]())}")
    except servers.Missing as missing:
        servers.say(f"NOT INSTALLED: {missing}")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
