#!/usr/bin/env -S python3 -B
"""A stand-in for Kong Gateway, which no package registry has: the part of it that touches a request's ids, as its
documentation and source describe it. NOT Kong: what is proven with it is that weft fits that description.

    kong.py --port-file FILE --upstream PORT [--correlation-header NAME]

What it does to each request, which it passes on to 127.0.0.1:PORT:
 - core: X-Kong-Request-Id, 32 hex digits, made anew whatever the caller sent; also on the response
 - plug-in correlation-id: Kong-Request-ID (or NAME) as the caller sent it, unchecked; `uuid#counter` where it is empty or
   absent
 - plug-in opentelemetry, header_type preserve, W3C: goes on with a traceparent of version 00, also in upper case; else
   begins a trace, sampled; its own span is the parent of the service's
One line for each request on stdout, as the plug-in file-log writes it.
"""
import argparse
import http.client
import http.server
import itertools
import json
import re
import secrets
import sys
import time
import uuid

PARENT = re.compile(r"^00-([0-9a-fA-F]{32})-([0-9a-fA-F]{16})-([0-9a-fA-F]{2})$")
HOP_BY_HOP = {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
              "upgrade", "host", "content-length"}
COUNTER = itertools.count(1)
GENERATOR_ID = uuid.uuid4()
UPSTREAM_S = 10


class Ids:
    """The ids of one request, and the headers that carry them upstream."""

    def __init__(self, headers, correlation_header):
        self.request = secrets.token_hex(16)
        self.correlation = headers.get(correlation_header) or f"{GENERATOR_ID}#{next(COUNTER)}"
        match = PARENT.match(headers.get("traceparent", ""))
        self.trace, self.parent, flags = match.groups() if match else (secrets.token_hex(16), None, "01")
        self.trace = self.trace.lower()
        self.span = secrets.token_hex(8)
        self.upstream = {"X-Kong-Request-Id": self.request, correlation_header: self.correlation,
                         "traceparent": f"00-{self.trace}-{self.span}-{flags.lower()}"}


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        begun = time.time()
        options = self.server.options
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        ids = Ids(self.headers, options.correlation_header)
        replaced = HOP_BY_HOP | {name.lower() for name in ids.upstream}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in replaced}
        headers.update(ids.upstream)
        connection = http.client.HTTPConnection("127.0.0.1", options.upstream, timeout=UPSTREAM_S)
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.reply(answer, content, ids)
        self.log(ids, answer.status, len(content), begun)

    do_GET = do_POST

    def reply(self, answer, content, ids):
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("X-Kong-Request-Id", ids.request)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log(self, ids, status, size, begun):
        took_ms = round((time.time() - begun) * 1000)
        line = {"request": {"id": ids.request, "method": self.command, "uri": self.path.partition("?")[0], "size": 0},
                "response": {"status": status, "size": size},
                "latencies": {"kong": 0, "proxy": took_ms, "request": took_ms, "receive": 0},
                "started_at": round(begun * 1000), "client_ip": self.client_address[0],
                "trace_id": {"w3c": ids.trace}, "correlation_id": ids.correlation,
                "stand_in": {"span_id": ids.span, "parent_span_id": ids.parent}}  # Kong's lines do not have these two
        print(json.dumps(line), flush=True)

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        """Nothing on stderr."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--port-file", required=True)
    parser.add_argument("--upstream", type=int, required=True)
    parser.add_argument("--correlation-header", default="Kong-Request-ID")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    server.daemon_threads = True
    server.options = parser.parse_args()
    with open(server.options.port_file, "w", encoding="ascii") as file:
        file.write(f"{server.server_port}\n")
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
