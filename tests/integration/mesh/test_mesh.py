"""One request through Envoy, C, Envoy, Java and C: one trace, one request id, one tree; W3C headers."""
import chain as mesh
import hops
from examples import http
from parts import servers

SPAN = "00f067aa0ba902b7"


class Mesh(mesh.Case):
    def flags(self, tap, trace):
        return {head["traceparent"][-2:] for head in tap.of("traceparent", lambda text: trace in text)}

    def all_flags(self, trace):
        chain = self.chain
        return [self.flags(tap, trace) for tap in (chain.to_orders, chain.to_sidecar, chain.to_payments)]

    # ---- callers ----

    def test_caller_with_ids(self):
        trace, request_id = self.ids()
        status, reply_id = self.chain.order("12.50", [("traceparent", f"00-{trace}-{SPAN}-01"), ("x-request-id", request_id)])
        self.assertEqual(status, 201)
        self.assertTrue(hops.same_id(reply_id, request_id))
        found = self.chain.complete(trace, mesh.PLACED)
        self.assertEqual(self.root(found).parent, SPAN)
        self.assert_one_request(found, request_id)
        texts = {note.text for note in found.notes}
        self.assertLessEqual({"order accepted", "charge of 12.50 passed on", "charge made", "invoice written"}, texts)
        self.assertEqual(self.all_flags(trace), [{"01"}] * 3)

    def test_every_line_of_the_request_is_of_the_trace(self):
        trace, request_id = self.ids()
        self.chain.order("2", [("traceparent", f"00-{trace}-{SPAN}-01"), ("x-request-id", request_id)])
        self.chain.complete(trace, mesh.PLACED)
        chain = self.chain
        traces = [line["trace.id"] for line in chain.orders.lines() + chain.payments.lines()
                  if hops.same_id(line.get("labels", {}).get("request_id"), request_id)]
        traces += [line["mdc"]["traceId"] for line in chain.billing.lines()
                   if hops.same_id(line.get("mdc", {}).get("request_id"), request_id)]
        traces += [line["trace.id"] for line in chain.edge.lines() + chain.sidecar.lines()
                   if hops.same_id(line["request_id"], request_id)]
        self.assertEqual(set(traces), {trace})
        self.assertGreaterEqual(len(traces), 12)

    def test_caller_without_ids(self):
        status, reply_id = self.chain.order("3")
        self.assertEqual(status, 201)
        self.assertEqual(reply_id[14], "9")   # Envoy's word that it sampled
        trace = self.chain.trace_of(reply_id)
        found = self.chain.complete(trace, mesh.PLACED)
        self.assertFalse(self.root(found).parent)
        self.assert_one_request(found, reply_id)
        self.assertEqual(self.all_flags(trace), [{"01"}] * 3)

    def test_request_id_that_is_no_uuid(self):
        trace, _ = self.ids()
        status, reply_id = self.chain.order("4", [("traceparent", f"00-{trace}-{SPAN}-01"), ("x-request-id", "shop-7/42")])
        self.assertEqual((status, reply_id), (201, "shop-7/42"))
        found = self.chain.complete(trace, mesh.PLACED)
        self.assertEqual({one.request_id for one in [*found.hops, *found.notes]}, {"shop-7/42"})
        # Envoy reads from a UUID whether to sample: here it takes the caller's flag away.
        self.assertEqual(self.all_flags(trace), [{"00"}] * 3)

    def test_request_ids_that_envoy_is_told_to_leave_alone(self):
        for request_id in ("shop-7/43", self.ids()[1]):
            trace, _ = self.ids()
            _, reply_id = self.chain.order("4", [("traceparent", f"00-{trace}-{SPAN}-01"), ("x-request-id", request_id)], "opaque")
            self.assertEqual(reply_id, request_id)
            self.chain.complete(trace, mesh.PLACED)
            self.assertEqual(self.flags(self.chain.to_orders, trace), {"01"})
            self.assertEqual(dict(self.chain.to_orders.of("traceparent", lambda text, own=trace: own in text)[0])["x-request-id"],
                             request_id)

    def test_nothing_of_an_external_caller_is_believed(self):
        trace, request_id = self.ids()
        _, reply_id = self.chain.order("4", [("traceparent", f"00-{trace}-{SPAN}-01"), ("baggage", "user=root"),
                                             ("x-request-id", request_id)], "external")
        self.assertFalse(hops.same_id(reply_id, request_id))
        found = self.chain.complete(self.chain.trace_of(reply_id), mesh.PLACED)
        self.assertFalse(self.root(found).parent)
        self.assert_one_request(found, reply_id)
        self.assertEqual(self.chain.read(trace).hops, [])
        self.assertNotIn("root", str(self.chain.orders.lines()))

    # ---- sampling ----

    def test_not_sampled_by_the_caller(self):
        trace, request_id = self.ids()
        self.chain.order("5", [("traceparent", f"00-{trace}-{SPAN}-00"), ("x-request-id", request_id)])
        found = self.chain.complete(trace, mesh.PLACED)
        self.assertEqual(self.root(found).parent, SPAN)
        self.assert_one_request(found, request_id)
        self.assertEqual(self.all_flags(trace), [{"00"}] * 3)

    def test_not_sampled_by_envoy(self):
        _, reply_id = self.chain.order("5", listener="unsampled")
        self.assertEqual(reply_id[14], "4")
        trace = self.chain.trace_of(reply_id)
        self.assert_one_request(self.chain.complete(trace, mesh.PLACED), reply_id)
        self.assertEqual(self.all_flags(trace), [{"00"}] * 3)

    def test_the_logs_agree_with_the_spans_that_envoy_exports(self):
        trace, request_id = self.ids()
        dark, other_id = self.ids()
        self.chain.order("5", [("traceparent", f"00-{dark}-{SPAN}-00"), ("x-request-id", other_id)])
        self.chain.order("6", [("traceparent", f"00-{trace}-{SPAN}-01"), ("x-request-id", request_id)])
        found = self.chain.complete(trace, mesh.PLACED)
        self.assert_exported(found, trace)
        self.assertEqual(self.chain.collector.of(dark), [])

    # ---- what goes wrong ----

    def test_retry(self):
        trace, request_id = self.ids()
        status, _ = self.chain.order(mesh.TWICE, [("traceparent", f"00-{trace}-{SPAN}-01"), ("x-request-id", request_id)])
        self.assertEqual(status, 201)
        found = self.chain.complete(trace, mesh.PLACED_TWICE)
        self.assert_one_request(found, request_id)
        attempts = [line["mdc"]["attempt"] for line in self.chain.billing.lines()
                    if line.get("mdc", {}).get("traceId") == trace and line["logger"] == "billing.access"]
        self.assertEqual(attempts, ["1", "2"])
        self.assertEqual(len({hop.span for hop in found.hops}), len(found.hops))

    def test_upstream_timeout(self):
        trace, request_id = self.ids()
        status, _ = self.chain.order(mesh.SLOW, [("traceparent", f"00-{trace}-{SPAN}-01"), ("x-request-id", request_id)])
        self.assertEqual(status, 502)
        found = self.chain.complete(trace, mesh.TIMED_OUT)
        self.assert_one_request(found, request_id)
        proxy = next(hop for hop in found.hops if (hop.service, hop.kind) == ("sidecar", "proxy"))
        self.assertIn("UT", proxy.what.split())
        self.assertIn("the bank is slow today", {note.text for note in found.notes})

    # ---- headers ----

    def test_an_empty_tracestate_stays_here(self):
        trace, _ = self.ids()
        self.chain.order("7", [("traceparent", f"00-{trace}-{SPAN}-01")])
        self.chain.complete(trace, mesh.PLACED)
        came, = self.chain.to_orders.of("traceparent", lambda text: trace in text)
        self.assertEqual(came["tracestate"], "")   # so Envoy does
        gone, = self.chain.to_sidecar.of("traceparent", lambda text: trace in text)
        self.assertNotIn("tracestate", gone)

    def test_tracestate_and_baggage_go_on(self):
        trace, _ = self.ids()
        self.chain.order("7", [("traceparent", f"00-{trace}-{SPAN}-01"), ("tracestate", "vendor=abc"), ("baggage", "tenant=acme")])
        self.chain.complete(trace, mesh.PLACED)
        gone, = self.chain.to_sidecar.of("traceparent", lambda text: trace in text)
        self.assertEqual(gone["tracestate"], "vendor=abc")
        self.assertEqual(set(gone["baggage"].split(",")), {"tenant=acme", "user=ann"})

    def test_the_jdks_client_asks_for_http2(self):
        trace, _ = self.ids()
        self.assertEqual(self.chain.order("8", [("traceparent", f"00-{trace}-{SPAN}-01")])[0], 201)
        status, _, body = http(self.chain.billing.port, "/charges?amount=8", [f"traceparent: 00-{trace}-{SPAN}-01".encode()],
                               method="GET")
        self.assertEqual((status, body), (404, b'{"error":"not found"}'))   # as payments answers
        heads = self.chain.to_payments.of("traceparent", lambda text: trace in text)
        self.assertEqual(len(heads), 2)
        for head in heads:
            self.assertEqual((head["upgrade"], head["content-length"]), ("h2c", "0"))
            self.assertIn("http2-settings", head)
            self.assertIn("upgrade", head["connection"].lower())


if __name__ == "__main__":
    mesh.main(servers.envoy, servers.spring)
