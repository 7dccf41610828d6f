"""orders and payments behind nginx, HAProxy and the stand-in for Kong: the proxy's id is on every line of the request."""
import re
import tempfile
import unittest

import chain as mesh
import proxies
from examples import Service, http, label
from parts import Tap, servers

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
PARENT = f"traceparent: 00-{TRACE}-{SPAN}-01".encode()
UUID_COUNTER = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}#\d+$"


class Behind(unittest.TestCase):
    """A proxy in front of orders, which calls payments; both with the default settings or `settings`."""

    def start(self, proxy, *options, **settings):
        temporary = tempfile.TemporaryDirectory(prefix="weft-mesh-")
        self.addCleanup(temporary.cleanup)
        folder = temporary.name
        self.payments = self.keep(Service(folder, "payments", **settings))
        self.to_payments = self.keep(Tap(self.payments.port))
        self.orders = self.keep(Service(folder, "orders", "--payments", f"http://127.0.0.1:{self.to_payments.port}",
                                        "--invoices", folder, **settings))
        self.to_orders = self.keep(Tap(self.orders.port))
        return self.keep(proxy(folder, self.to_orders.port, *options))

    def keep(self, part):
        self.addCleanup(mesh.end, part)
        return part

    def order(self, proxy, *headers):
        status, answer, _ = http(proxy.where, "/orders?user=ann&amount=3", headers)
        self.assertEqual(status, 201)
        return answer["x-request-id"]

    def assert_on_every_line(self, request_id, trace=None):
        self.payments.wait_line("POST /charges 200", request_id=request_id)
        self.orders.wait_line("POST /orders 201", request_id=request_id)
        self.orders.wait_line("invoice written", request_id=request_id)
        for service in (self.orders, self.payments):
            lines = [line for line in service.lines() if label(line, "request_id") == request_id]
            self.assertGreaterEqual(len(lines), 3)
            self.assertEqual(len({line["trace.id"] for line in lines}), 1)
            if trace:
                self.assertEqual(lines[0]["trace.id"], trace)

    def access(self):
        return next(line for line in self.orders.lines() if line["log.logger"] == "http.access")

    def test_nginx(self):
        proxy = self.start(proxies.nginx)
        reply_id = self.order(proxy, PARENT, b"x-request-id: the-callers")
        self.assertRegex(reply_id, r"^[0-9a-f]{32}$")
        line = proxy.line_of(request_id=reply_id)
        self.assertEqual((line["message"], line["caller"]), ("POST /orders 201", f"00-{TRACE}-{SPAN}-01"))
        self.assert_on_every_line(reply_id, TRACE)
        # nginx has no span: the caller's is the parent.
        self.assertEqual(label(self.access(), "parent_span_id"), SPAN)
        self.assertNotIn("the-callers", str(self.orders.lines()))

    def test_haproxy(self):
        proxy = self.start(proxies.haproxy)
        reply_id = self.order(proxy, PARENT, b"x-request-id: the-callers")
        self.assertRegex(reply_id, r"^[0-9A-F]*:[0-9A-F]+_[0-9A-F]*:[0-9A-F]+_[0-9A-F]+_[0-9A-F]+:[0-9A-F]+$")
        self.assertEqual(proxy.line_of(request_id=reply_id)["message"], "POST /orders 201")
        self.assert_on_every_line(reply_id, TRACE)

    def test_haproxys_own_header_counts_which_is_behind_a_callers(self):
        proxy = self.start(proxies.haproxy, "X-Unique-ID", "", WEFT_PROPAGATORS="tracecontext,baggage,haproxy")
        reply_id = self.order(proxy, b"X-Unique-ID: the-callers")
        came, = self.to_orders.requests()
        values = [value for name, value in came if name == "x-unique-id"]
        self.assertEqual((len(values), values[0], reply_id), (2, "the-callers", values[1]))
        proxy.line_of(request_id=reply_id)

    def test_haproxy_takes_it_away_when_it_is_told_to(self):
        proxy = self.start(proxies.haproxy, "X-Unique-ID", "http-request del-header x-unique-id",
                           WEFT_PROPAGATORS="tracecontext,baggage,haproxy")
        reply_id = self.order(proxy, PARENT, b"X-Unique-ID: the-callers")
        proxy.line_of(request_id=reply_id)
        self.assert_on_every_line(reply_id, TRACE)
        gone, = self.to_payments.requests()
        self.assertEqual([value for name, value in gone if name == "x-unique-id"], [reply_id])

    def test_kong(self):
        proxy = self.start(proxies.kong, WEFT_PROPAGATORS="tracecontext,baggage,kong")
        reply_id = self.order(proxy, PARENT)
        self.assertRegex(reply_id, UUID_COUNTER)
        line = proxy.line_of(correlation_id=reply_id)
        self.assertEqual(line["trace_id"], {"w3c": TRACE})
        self.assert_on_every_line(reply_id, TRACE)
        self.assertEqual(label(self.access(), "parent_span_id"), line["stand_in"]["span_id"])
        gone = dict(self.to_payments.requests()[0])
        self.assertEqual((gone["kong-request-id"], gone["x-kong-request-id"]), (reply_id, line["request"]["id"]))

    def test_kong_with_the_usual_header(self):
        proxy = self.start(proxies.kong, "--correlation-header", "X-Request-Id")
        reply_id = self.order(proxy)
        self.assertRegex(reply_id, UUID_COUNTER)
        self.assert_on_every_line(reply_id, proxy.line_of(correlation_id=reply_id)["trace_id"]["w3c"])

    def test_kong_passes_on_what_weft_refuses(self):
        proxy = self.start(proxies.kong, "--correlation-header", "X-Request-Id")
        reply_id = self.order(proxy, b"x-request-id: a b; DROP")
        proxy.line_of(correlation_id="a b; DROP")
        self.assertTrue(re.match(r"^[0-9a-f-]{36}$", reply_id), reply_id)
        self.assert_on_every_line(reply_id)
        self.assertEqual(label(self.access(), "request_id_rejected"), "a b; DROP")


if __name__ == "__main__":
    mesh.main(lambda: servers.need("nginx", "nginx-light"), lambda: servers.need("haproxy", "haproxy"))
