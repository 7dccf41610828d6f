"""What the tests of the mesh start besides the C services: programs by their own words, taps, a collector of spans."""
import http.server
import json
import os
import re
import socket
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(os.path.dirname(HERE))
for folder in ("examples", "servers"):
    sys.path.insert(0, os.path.join(TESTS, folder))
import servers  # noqa: E402
from examples import WITH_PARENT, environment, wait_for  # noqa: E402

STOP_S = 10


class Program:
    """A program with its output in a file; it is ready when `ready` matches in it. Ended by its process id."""

    def __init__(self, folder, name, argv, ready=None, pass_fds=(), **settings):
        self.path = os.path.join(folder, f"{name}.out")
        self.name = name
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen([*WITH_PARENT, *argv], stdin=subprocess.DEVNULL, stdout=out, cwd=folder,
                                            stderr=subprocess.STDOUT, pass_fds=pass_fds, env=environment(**settings))
        if ready:
            self.wait(ready)

    def output(self):
        with open(self.path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def running(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{self.output()[-4000:]}")

    def wait(self, pattern):
        """Until the output matches; returns the match."""
        def look():
            match = re.search(pattern, self.output())
            if not match:
                self.running()
            return match
        return wait_for(look, f"{pattern!r} of {self.name}")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait(STOP_S)


class Spring(Program):
    """The Spring Boot service."""

    def __init__(self, folder, payments_port, *properties):
        argv = [*servers.spring(), f"--billing.payments=http://127.0.0.1:{payments_port}", *properties]
        super().__init__(folder, "billing", argv)
        self.wait(r'"Started App in')
        self.port = int(self.wait(r"Tomcat started on port (\d+)")[1])

    def lines(self):
        return whole_lines(self.path)


def whole_lines(path):
    """The JSON lines of a file, but for a last one that is not whole yet. A file that is not there has none."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in data[:data.rfind(b"\n") + 1].splitlines() if line.startswith(b"{")]


class Tap:
    """A relay in front of a port, which keeps the heads of the requests as they went over the wire."""

    def __init__(self, target):
        self.target = target
        self.received = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:   # stop() has closed it
                return
            threading.Thread(target=self._connection, args=(client,), daemon=True).start()

    def _connection(self, client):
        kept = bytearray()
        self.received.append(kept)
        with client, socket.create_connection(("127.0.0.1", self.target)) as server:
            answers = threading.Thread(target=self._relay, args=(server, client, bytearray()), daemon=True)
            answers.start()
            self._relay(client, server, kept)
            answers.join()

    @staticmethod
    def _relay(source, sink, copy):
        try:
            while True:
                data = source.recv(65536)
                copy += data
                if not data:
                    break
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:   # one of the two has gone
            pass

    def requests(self):
        """Each request's header lines as pairs with lower-case names, in order. Bodies, if any, must not look like requests."""
        found = []
        for kept in self.received:
            text = bytes(kept).decode("latin-1")
            for head in re.findall(r"(?:GET|POST) [^\r\n]* HTTP/1\.1\r\n(.*?)\r\n\r\n", text, re.S):
                pairs = [line.split(":", 1) for line in head.split("\r\n")]
                found.append([(name.lower(), value.strip()) for name, value in pairs])
        return found

    def of(self, name, value):
        """The requests that carry this header with this value (a function of the value also does)."""
        fits = value if callable(value) else lambda text: text == value
        return [dict(pairs) for pairs in self.requests() if any(key == name and fits(text) for key, text in pairs)]

    def stop(self):
        self.listener.shutdown(socket.SHUT_RDWR)   # wakes accept()
        self.listener.close()


class Collector:
    """Takes the spans that Envoy exports: OTLP over HTTP in protobuf, and Zipkin's JSON."""

    def __init__(self):
        spans = self.spans = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = read_body(self.headers, self.rfile)
                spans.extend(otlp_spans(body) if self.path == "/v1/traces" else zipkin_spans(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def of(self, trace):
        return [span for span in list(self.spans) if span["trace"] == trace]

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def read_body(headers, stream):
    if headers.get("Transfer-Encoding") != "chunked":
        return stream.read(int(headers["Content-Length"]))
    body = b""
    while True:
        size = int(stream.readline(), 16)
        body += stream.read(size)
        stream.readline()
        if size == 0:
            return body


def zipkin_spans(body):
    return [{"trace": span["traceId"].rjust(32, "0"), "span": span["id"], "parent": span.get("parentId"),
             "kind": span.get("kind", "").lower()} for span in json.loads(body)]


def protobuf(data):
    """The fields of a message as (number, value): integers, or bytes."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = varint(data, at)
        else:
            size, at = {1: (8, at), 5: (4, at)}.get(kind) or varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def inside(data, number):
    return [value for field, value in protobuf(data) if field == number]


def otlp_spans(body):
    """ExportTraceServiceRequest.resource_spans[].scope_spans[].spans[] (fields 1, 2, 2 of opentelemetry-proto)."""
    spans = [span for resource in inside(body, 1) for scope in inside(resource, 2) for span in inside(scope, 2)]
    kinds = {2: "server", 3: "client"}
    found = []
    for span in spans:
        fields = dict(protobuf(span))
        found.append({"trace": fields[1].hex(), "span": fields[2].hex(), "parent": fields.get(4, b"").hex() or None,
                      "kind": kinds.get(fields.get(6), "")})
    return found
