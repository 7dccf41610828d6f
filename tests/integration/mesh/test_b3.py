"""The same chain with B3 headers, as Istio's proxies sent them (Envoy with Zipkin's tracer), and an application that does
no more than Istio asks of it."""
import tempfile
import unittest

import chain as mesh
from envoy import Envoy, Listener, Setup
from examples import Service, http, label
from parts import Collector, Tap, servers

SPAN = "00f067aa0ba902b7"


def b3(trace, sampled="1"):
    return [("x-b3-traceid", trace), ("x-b3-spanid", SPAN), ("x-b3-sampled", sampled)]


class B3(mesh.Case):
    kind = "b3"

    def sampled(self, trace):
        chain = self.chain
        return [{head["x-b3-sampled"] for head in tap.of("x-b3-traceid", trace)}
                for tap in (chain.to_orders, chain.to_sidecar, chain.to_payments)]

    def test_caller_with_ids(self):
        trace, request_id = self.ids()
        status, _ = self.chain.order("12.50", [*b3(trace), ("x-request-id", request_id)])
        self.assertEqual(status, 201)
        found = self.chain.complete(trace, mesh.PLACED)
        self.assertEqual(self.root(found).parent, SPAN)
        self.assert_one_request(found, request_id)
        self.assertEqual(self.sampled(trace), [{"1"}] * 3)
        self.assert_exported(found, trace)

    def test_caller_without_ids(self):
        _, reply_id = self.chain.order("3")
        trace = self.chain.trace_of(reply_id)
        found = self.chain.complete(trace, mesh.PLACED)
        self.assertFalse(self.root(found).parent)
        self.assert_one_request(found, reply_id)
        self.assertEqual(self.sampled(trace), [{"1"}] * 3)

    def test_not_sampled(self):
        trace, request_id = self.ids()
        self.chain.order("4", [*b3(trace, "0"), ("x-request-id", request_id)])
        self.assert_one_request(self.chain.complete(trace, mesh.PLACED), request_id)
        _, reply_id = self.chain.order("4", listener="unsampled")
        other = self.chain.trace_of(reply_id)
        self.assert_one_request(self.chain.complete(other, mesh.PLACED), reply_id)
        self.assertEqual(self.sampled(trace) + self.sampled(other), [{"0"}] * 6)
        self.assertEqual(self.chain.collector.of(trace) + self.chain.collector.of(other), [])

    def test_retry(self):
        trace, request_id = self.ids()
        status, _ = self.chain.order(mesh.TWICE, [*b3(trace), ("x-request-id", request_id)])
        self.assertEqual(status, 201)
        found = self.chain.complete(trace, mesh.PLACED_TWICE)
        self.assert_one_request(found, request_id)
        self.assert_exported(found, trace)

    def test_trace_id_of_64_bits(self):
        status, _ = self.chain.order("5", b3("463ac35c9f6413ad"))
        self.assertEqual(status, 201)
        found = self.chain.complete("0" * 16 + "463ac35c9f6413ad", mesh.PLACED)
        self.assertEqual(self.root(found).parent, SPAN)
        self.assertEqual(len(self.chain.to_sidecar.of("x-b3-traceid", "463ac35c9f6413ad")), 1)   # as short as it came

    def test_single_header(self):
        status, _ = self.chain.order("5", [("b3", f"463ac35c9f6413aebbbbbbbbbbbbbbbb-{SPAN}-1")])
        self.assertEqual(status, 201)
        came, = self.chain.to_orders.of("b3", lambda text: text.startswith("463ac35c9f6413aebbbbbbbbbbbbbbbb"))
        gone, = self.chain.to_sidecar.of("x-b3-traceid", "463ac35c9f6413aebbbbbbbbbbbbbbbb")
        self.assertNotIn("x-b3-traceid", came)   # Envoy goes on in the spelling that came, orders in the one that it is set to
        self.assertNotIn("b3", gone)

    def test_only_b3_goes_on(self):
        trace, _ = self.ids()
        self.chain.order("6", b3(trace))
        self.chain.complete(trace, mesh.PLACED)
        gone, = self.chain.to_sidecar.of("x-b3-traceid", trace)
        self.assertEqual({"traceparent", "tracestate", "b3", "x-b3-parentspanid"} & set(gone), set())


class Istio(unittest.TestCase):
    """edge -> orders -> sidecar -> payments, and orders passes on what Istio asks it to, and adds nothing."""

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="weft-mesh-")
        cls.addClassCleanup(temporary.cleanup)

        def keep(part):
            cls.addClassCleanup(mesh.end, part)
            return part
        folder, settings = temporary.name, {"WEFT_PROPAGATORS": "istio"}
        cls.collector = keep(Collector())
        cls.payments = keep(Service(folder, "payments", **settings))
        cls.sidecar = keep(Envoy(Setup("sidecar", "b3", folder, cls.payments.port, cls.collector.port), {"in": Listener()}))
        cls.to_sidecar = keep(Tap(cls.sidecar.listeners["in"]))
        cls.orders = keep(Service(folder, "orders", "--payments", f"http://127.0.0.1:{cls.to_sidecar.port}", "--invoices",
                                  folder, **settings))
        cls.edge = keep(Envoy(Setup("edge", "b3", folder, cls.orders.port, cls.collector.port), {"in": Listener()}))

    def test_headers_go_on_as_they_came(self):
        lines = [b"x-ot-span-context: opaque", b"x-b3-flags: 1", b"authorization: secret", b"cookie: secret", b"x-other: 1"]
        status, answer, _ = http(self.edge.listeners["in"], "/orders?user=ann&amount=3", lines)
        self.assertEqual(status, 201)
        request_id = answer["x-request-id"]
        gone, = self.to_sidecar.of("x-request-id", request_id)
        self.assertEqual((gone["x-ot-span-context"], gone["x-b3-flags"]), ("opaque", "1"))
        self.assertEqual({"authorization", "cookie", "x-other", "traceparent", "baggage"} & set(gone), set())
        self.payments.wait_line("POST /charges 200", request_id=request_id)
        for service in (self.orders, self.payments):
            messages = [line["message"] for line in service.lines() if label(line, "request_id") == request_id]
            self.assertGreaterEqual(len(messages), 3)

    def test_the_proxies_spans_link_up_without_the_applications(self):
        _, answer, _ = http(self.edge.listeners["in"], "/orders?user=ann&amount=3")
        gone, = self.to_sidecar.of("x-request-id", answer["x-request-id"])
        self.payments.wait_line("POST /charges 200", request_id=answer["x-request-id"])
        mesh.wait_for(lambda: len(self.collector.of(gone["x-b3-traceid"])) == 2, "two spans")
        parents = {span["span"]: span["parent"] for span in self.collector.of(gone["x-b3-traceid"])}
        edge = gone["x-b3-spanid"]
        self.assertIsNone(parents.pop(edge))
        self.assertEqual(list(parents.values()), [edge])


if __name__ == "__main__":
    mesh.main(servers.envoy, servers.spring)
