"""What the tests of the examples share: strict JSON lines, programs, services, raw HTTP."""
import json
import os
import shutil
import socket
import subprocess
import time

PROGRAMS = os.environ["WEFT_EXAMPLES"]
WAIT_S = 30
# Should a test be killed, what it has started ends as well.
WITH_PARENT = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _unique(pairs):
    keys = [key for key, _ in pairs]
    twins = {key for key in keys if keys.count(key) > 1}
    if twins:
        raise ValueError(f"keys that stand twice: {sorted(twins)}")
    return dict(pairs)


def _no_constant(text):
    raise ValueError(f"{text} is not JSON")


def parse(output):
    """Bytes to a list of objects; raises unless each line is exactly one object with unique keys, in UTF-8."""
    if output and not output.endswith(b"\n"):
        raise ValueError("the last line is not whole")
    lines = output.decode("utf-8").split("\n")[:-1]
    return [json.loads(line, object_pairs_hook=_unique, parse_constant=_no_constant) for line in lines]


def label(line, key):
    """A user's field or MDC entry, wherever ECS puts it by its type."""
    for place in ("labels", "numeric_labels", "custom"):
        if key in line.get(place, {}):
            return line[place][key]
    return line.get(key)


def environment(**settings):
    """This process's environment without any WEFT_ or OTEL_ variable, plus `settings`."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("WEFT_", "OTEL_", "NO_COLOR"))}
    clean.update(settings)
    return clean


def run(name, *args, **settings):
    """Run a program to its end; returns its lines, parsed."""
    done = subprocess.run([os.path.join(PROGRAMS, name), *args], env=environment(**settings), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=WAIT_S, check=True)
    if done.stderr:
        raise AssertionError(f"{name} wrote to stderr: {done.stderr!r}")
    return parse(done.stdout)


def wait_for(condition, what):
    """Poll until condition() is true; the deadline only ends a test that has failed."""
    end = time.monotonic() + WAIT_S
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {WAIT_S} s in vain for {what}")
        time.sleep(0.005)


class Service:
    """One of the example services on a free loopback port, its stdout in a file."""

    def __init__(self, folder, name, *args, **settings):
        self.path = os.path.join(folder, f"{name}.log")
        port_file = os.path.join(folder, f"{name}.port")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen(
                [*WITH_PARENT, os.path.join(PROGRAMS, name), "--port", "0", "--port-file", port_file, *args], stdout=out,
                env=environment(**settings))
        self.port = int(wait_for(lambda: self._port(port_file), f"the port of {name}"))

    def _port(self, path):
        if self.process.poll() is not None:
            raise AssertionError(f"the service ended with {self.process.returncode}")
        try:
            with open(path, encoding="ascii") as file:
                text = file.read()
        except FileNotFoundError:
            return None
        return text.strip() if text.endswith("\n") else None

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(WAIT_S)

    def lines(self):
        with open(self.path, "rb") as file:
            data = file.read()
        return parse(data[:data.rfind(b"\n") + 1])

    def wait_line(self, message, **labels):
        """Wait for a line with this message and these labels; returns it."""
        def look():
            return [line for line in self.lines() if line["message"] == message
                    and all(label(line, key) == value for key, value in labels.items())]
        return wait_for(look, f"the line {message!r} {labels}")[-1]


def connect(where):
    """To a port of the loopback interface, or to a path."""
    if isinstance(where, int):
        return socket.create_connection(("127.0.0.1", where), timeout=WAIT_S)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(WAIT_S)
    connection.connect(where)
    return connection


def http(where, target, headers=(), method="POST"):
    """One request with these raw header lines (bytes); returns (status, headers as a dict of lower-case names, body)."""
    head = [f"{method} {target} HTTP/1.1".encode(), b"Host: localhost", b"Connection: close", b"Content-Length: 0", *headers]
    with connect(where) as connection:
        connection.sendall(b"\r\n".join(head) + b"\r\n\r\n")
        answer = b""
        while True:
            piece = connection.recv(65536)
            if not piece:
                break
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    pairs = [line.split(":", 1) for line in rest]
    return int(first.split()[1]), {name.lower(): value.strip() for name, value in pairs}, body
