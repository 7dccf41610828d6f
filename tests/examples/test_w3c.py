"""w3c_service: what goes out for what came in, by the rules of W3C Trace Context Level 2."""
import http.client
import http.server
import json
import re
import tempfile
import threading
import unittest

from examples import Service, label

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-0([0-3])")


class Peer(http.server.BaseHTTPRequestHandler):
    """Whom the service calls: keeps the headers, in order."""
    seen = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Peer.seen.append((self.path, self.headers.items(), json.loads(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class W3C(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="weft-examples-")
        cls.addClassCleanup(cls.folder.cleanup)
        cls.service = Service(cls.folder.name, "w3c_service", WEFT_PROPAGATORS="tracecontext")
        cls.addClassCleanup(cls.service.stop)
        cls.peer = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Peer)
        cls.addClassCleanup(cls.peer.server_close)
        cls.addClassCleanup(cls.peer.shutdown)
        threading.Thread(target=cls.peer.serve_forever, daemon=True).start()

    def url(self, path="/peer"):
        return f"http://127.0.0.1:{self.peer.server_port}{path}"

    def post(self, calls, headers=()):
        """Have the service make calls; returns its status."""
        body = calls if isinstance(calls, bytes) else json.dumps(calls).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=30)
        connection.putrequest("POST", "/test")
        connection.putheader("Content-Length", str(len(body)))
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        status = connection.getresponse().status
        connection.close()
        return status

    def sent(self, *headers, count=1):
        """What the service's calls carry when it is called with these headers: (trace, span, flags), tracestate or None."""
        Peer.seen.clear()
        self.assertEqual(self.post([{"url": self.url(), "arguments": []}] * count, headers), 200)
        self.assertEqual(len(Peer.seen), count)
        result = []
        for _, got, _ in Peer.seen:
            parents = [value for name, value in got if name.lower() == "traceparent"]
            states = [value for name, value in got if name.lower() == "tracestate"]
            self.assertEqual(len(parents), 1)
            self.assertLessEqual(len(states), 1)
            match = PARENT.fullmatch(parents[0])
            self.assertIsNotNone(match, parents[0])
            self.assertNotEqual(match[1], "0" * 32)
            self.assertNotEqual(match[2], "0" * 16)
            result.append((match[1], match[2], int(match[3]), states[0] if states else None))
        return result

    def goes_on(self, *headers):
        """The trace goes on, with a span of its own; returns flags and tracestate."""
        (trace, span, flags, state), = self.sent(*headers)
        self.assertEqual(trace, TRACE)
        self.assertNotEqual(span, SPAN)
        return flags, state

    def begins_anew(self, *headers):
        (trace, _, _, state), = self.sent(*headers)
        self.assertNotEqual(trace, TRACE)
        self.assertNotEqual(trace, "12345678901234567890123456789012")
        self.assertIsNone(state)

    @staticmethod
    def parent(version="00", trace=TRACE, span=SPAN, flags="01", more=""):
        return ("traceparent", f"{version}-{trace}-{span}-{flags}{more}")

    def test_both_headers_go_on(self):
        self.assertEqual(self.goes_on(self.parent(), ("tracestate", "foo=1,bar=2")), (1, "foo=1,bar=2"))
        self.assertEqual(self.goes_on(("TraceParent", self.parent()[1]), ("TRACESTATE", "foo=1")), (1, "foo=1"))
        self.assertEqual(self.goes_on(self.parent(flags="00")), (0, None))

    def test_each_call_has_a_span_of_its_own(self):
        calls = self.sent(self.parent(), count=3)
        self.assertEqual({trace for trace, _, _, _ in calls}, {TRACE})
        self.assertEqual(len({span for _, span, _, _ in calls}), 3)

    def test_without_headers_a_trace_begins(self):
        self.begins_anew()
        self.begins_anew(("tracestate", "foo=1"))

    def test_malformed_parents(self):
        for header in (self.parent(version="ff"), self.parent(version="0g"), self.parent(trace="0" * 32), self.parent(span="0" * 16),
                       self.parent(trace=TRACE.upper()), self.parent(trace=TRACE[:-1]), self.parent(trace=TRACE + "0"),
                       self.parent(span=SPAN[:-1]), self.parent(span=SPAN + "0"), self.parent(flags="1"), self.parent(flags="0g"),
                       self.parent(more="-x"), self.parent(more="."), ("traceparent", ""), ("traceparent", "."), ("traceparent", "00")):
            with self.subTest(header=header):
                self.begins_anew(header, ("tracestate", "foo=1"))

    def test_two_parents(self):
        self.begins_anew(self.parent(), self.parent(trace="12345678901234567890123456789012"))
        self.begins_anew(self.parent(), self.parent())

    def test_a_later_version(self):
        self.assertEqual(self.goes_on(self.parent(version="cc")), (1, None))
        self.assertEqual(self.goes_on(self.parent(version="cc", more="-what.the.future.holds"))[0], 1)
        self.begins_anew(self.parent(version="cc", more=".what"))

    def test_white_space_around(self):
        for value in (f" {self.parent()[1]}", f"\t{self.parent()[1]}", f"{self.parent()[1]} ", f"\t {self.parent()[1]} \t"):
            self.assertEqual(self.goes_on(("traceparent", value))[0], 1)

    def test_flags(self):
        self.assertEqual(self.goes_on(self.parent(flags="ff"))[0], 3)  # sampled and random; the others are not known
        self.assertEqual(self.goes_on(self.parent(flags="02"))[0], 2)
        self.assertEqual(self.goes_on(self.parent(flags="fc"))[0], 0)

    def test_several_states_are_one_list(self):
        self.assertEqual(self.goes_on(self.parent(), ("tracestate", "foo=1,"), ("tracestate", "bar=2 , rojo=1"))[1],
                         "foo=1,bar=2,rojo=1")

    def test_malformed_states_leave_the_parent(self):
        for state in ("foo =1", "FOO=1", "foo.bar=1", "foo", "foo=", "foo=b=r", "foo=bär", "z" * 257 + "=1", "foo=" + "v" * 257):
            with self.subTest(state=state):
                self.assertEqual(self.goes_on(self.parent(), ("tracestate", state.encode("utf-8").decode("latin-1"))), (1, None))

    def test_keys_of_level_2_and_duplicates(self):
        for state in ("foo@=1", "foo@@bar=1", "0foo=1", "foo-_*/bar=1", "z" * 256 + "=1", "t" * 240 + "@" + "v" * 15 + "=1",
                      "foo=1,foo=1", "foo=1,foo=2", "foo= 1"):
            with self.subTest(state=state):
                self.assertEqual(self.goes_on(self.parent(), ("tracestate", state))[1], state)

    def test_thirty_two_members(self):
        full = ",".join(f"bar{i:02d}={i:02d}" for i in range(1, 33))
        self.assertEqual(self.goes_on(self.parent(), ("tracestate", full))[1], full)
        self.assertIsNone(self.goes_on(self.parent(), ("tracestate", full + ",bar33=33"))[1])

    def test_calls_of_calls(self):
        Peer.seen.clear()
        own = f"http://127.0.0.1:{self.service.port}/test"
        self.assertEqual(self.post([{"url": own, "arguments": [{"url": self.url("/deep"), "arguments": []}]}], [self.parent()]), 200)
        (path, got, body), = Peer.seen
        self.assertEqual((path, body), ("/deep", []))
        self.assertIn(TRACE, dict((name.lower(), value) for name, value in got)["traceparent"])

    def test_a_call_has_its_record(self):
        (_, span, _, _), = self.sent(self.parent())
        line = self.service.wait_line("POST /peer 200")
        lines = [one for one in self.service.lines() if one["message"] == "POST /peer 200" and one.get("span.id") == span]
        self.assertEqual(len(lines), 1)
        self.assertEqual((line["log.logger"], lines[0]["trace.id"]), ("http.client", TRACE))
        self.assertEqual(label(lines[0], "server.address"), f"127.0.0.1:{self.peer.server_port}")

    def test_bad_bodies(self):
        for body in (b"", b"{}", b"[1]", b'[{"url":1,"arguments":[]}]', b'[{"url":"x"}]', b"[[["):
            with self.subTest(body=body):
                self.assertEqual(self.post(body), 400)
        self.assertEqual(self.post(b"[" + b" " * 70000 + b"]"), 413)


if __name__ == "__main__":
    unittest.main()
