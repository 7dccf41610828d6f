"""orders and payments, together: one request's lines across two services and a worker thread."""
import os
import re
import tempfile
import unittest

from examples import Service, http, label

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
NEW_TRACE = re.compile(r"^(?!0{32})[0-9a-f]{32}$")


def ids(line):
    return line.get("trace.id"), request_id(line)


def request_id(line):
    return label(line, "request_id")


class Services(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="weft-examples-")
        cls.addClassCleanup(cls.folder.cleanup)
        settings = {"WEFT_PROPAGATE_KEYS": "user", "WEFT_LEVEL": "info,payments.risk=debug"}
        cls.payments = cls.start("payments", **settings)
        cls.orders = cls.start("orders", "--payments", f"http://127.0.0.1:{cls.payments.port}", "--invoices",
                               cls.folder.name, **settings)

    @classmethod
    def start(cls, name, *args, **settings):
        service = Service(cls.folder.name, name, *args, **settings)
        cls.addClassCleanup(service.stop)
        return service

    def order(self, user, amount, *headers):
        """Place an order and wait for its access record; returns (status, x-request-id, orders' lines, payments' lines)."""
        status, answer, _ = http(self.orders.port, f"/orders?user={user}&amount={amount}", headers)
        reply_id = answer["x-request-id"]
        self.orders.wait_line(f"POST /orders {status}", request_id=reply_id)
        return status, reply_id, self.of(self.orders, reply_id), self.of(self.payments, reply_id)

    @staticmethod
    def of(service, wanted_id):
        return [line for line in service.lines() if request_id(line) == wanted_id]

    def test_goes_on_with_the_callers_trace(self):
        status, reply_id, orders, payments = self.order(
            "ann", "12.50", f"TraceParent: 00-{TRACE}-{SPAN}-01".encode(), b"X-Request-ID: r-caller-1")
        self.assertEqual((status, reply_id), (201, "r-caller-1"))
        invoice = self.orders.wait_line("invoice written", request_id="r-caller-1")
        for line in [*orders, *payments, invoice]:
            self.assertEqual(ids(line), (TRACE, "r-caller-1"))
        self.assertEqual([line["message"] for line in payments][:3], ["charge asked for", "risk weighed", "charge made"])
        self.assertEqual(label(payments[1], "risk_model"), "limit-v2")
        self.assertIsNone(label(payments[2], "risk_model"))

    def test_each_service_has_a_span_of_its_own(self):
        _, _, orders, payments = self.order("ann", "1", f"traceparent: 00-{TRACE}-{SPAN}-01".encode(), b"x-request-id: r-span")
        call = next(line for line in orders if line["log.logger"] == "http.client")
        own = {line["span.id"] for line in orders if line is not call}
        peer = {line["span.id"] for line in payments}
        self.assertEqual((len(own), len(peer)), (1, 1))
        self.assertEqual(len({SPAN, call["span.id"], *own, *peer}), 4)

    def test_spans_link_up(self):
        _, reply_id, orders, _ = self.order(
            "ann", "1", f"traceparent: 00-{TRACE}-{SPAN}-01".encode(), b"x-request-id: r-tree")
        call = next(line for line in orders if line["log.logger"] == "http.client")
        access = next(line for line in orders if line["log.logger"] == "http.access")
        served = self.payments.wait_line("POST /charges 200", request_id=reply_id)
        self.assertEqual([label(line, "parent_span_id") for line in (access, call, served)],
                         [SPAN, access["span.id"], call["span.id"]])

    def test_context_reaches_the_worker_thread(self):
        _, reply_id, orders, _ = self.order("bea", "7")
        invoice = self.orders.wait_line("invoice written", request_id=reply_id)
        accepted = next(line for line in orders if line["message"] == "order accepted")
        self.assertEqual(invoice["process.thread.name"], "worker-1")
        self.assertNotEqual(accepted["process.thread.name"], "worker-1")
        for key in ("user", "order_id"):
            self.assertEqual(label(invoice, key), label(accepted, key))
        self.assertEqual(label(invoice, "user"), "bea")
        self.assertEqual(ids(invoice), ids(accepted))
        self.assertTrue(os.path.exists(os.path.join(self.folder.name, f"{label(invoice, 'order_id')}.txt")))

    def test_without_headers_ids_are_made(self):
        first, second = self.order("cy", "1"), self.order("cy", "1")
        for status, reply_id, orders, payments in (first, second):
            self.assertEqual(status, 201)
            self.assertTrue(reply_id)
            self.assertEqual(len({ids(line) for line in orders + payments}), 1)
            self.assertRegex(orders[0]["trace.id"], NEW_TRACE)
        self.assertNotEqual(ids(first[2][0]), ids(second[2][0]))

    def test_user_crosses_by_baggage(self):
        _, _, _, payments = self.order("dora", "3")
        self.assertEqual({label(line, "user") for line in payments}, {"dora"})

    def test_declined(self):
        status, _, orders, payments = self.order("ed", "5000")
        self.assertEqual(status, 402)
        declined = next(line for line in orders if line["message"] == "payment declined")
        self.assertEqual(declined["log.level"], "WARN")
        self.assertEqual(declined["http.response.status_code"], 402)
        self.assertEqual(label(declined, "upstream"), f"http://127.0.0.1:{self.payments.port}")
        self.assertIn("amount is above the limit", [line["message"] for line in payments])
        self.assertNotIn("invoice written", [line["message"] for line in orders])

    def test_upstream_times_out(self):
        status, reply_id, orders, _ = self.order("flo", "13.37")
        self.assertEqual(status, 504)
        failed = next(line for line in orders if line["message"] == "payment failed")
        self.assertEqual((failed["log.level"], failed["error.type"]), ("ERROR", "curl"))
        self.assertIn("imeout", failed["error.message"])
        self.assertGreaterEqual(label(failed, "took_ms"), 900)
        access = next(line for line in orders if line["message"] == "POST /orders 504")
        self.assertEqual((access["log.level"], access["http.response.status_code"]), ("ERROR", 504))
        late = self.payments.wait_line("charge made", request_id=reply_id)
        self.assertEqual(ids(late), ids(failed))

    def test_bad_order_is_refused(self):
        status, _, orders, payments = self.order("gus", "NaN")
        self.assertEqual((status, payments), (400, []))
        refused = next(line for line in orders if line["message"] == "order refused")
        self.assertEqual(label(refused, "amount_text"), "NaN")

    def test_hostile_headers_get_new_ids(self):
        hostile = [
            (f"traceparent: 00-{TRACE.upper()}-{SPAN}-01".encode(), b"x-request-id: a\x01b"),
            (f"traceparent: ff-{TRACE}-{SPAN}-01".encode(), b"x-request-id: " + b"A" * 9000),
            (b"traceparent: 00-" + b"0" * 32 + b"-" + SPAN.encode() + b"-01", b"x-request-id: \xff\xfe"),
            (f"traceparent: 00-{TRACE}-{SPAN}-01-extra".encode(), b'x-request-id: "},{"log.level":"FATAL'),
            (f"traceparent: 00-{TRACE}-{SPAN}-01".encode(), f"traceparent: 00-{TRACE}-{SPAN}-01".encode(), b"x-request-id:"),
        ]
        for headers in hostile:
            with self.subTest(headers=headers):
                sent_id = headers[-1].partition(b": ")[2].decode("latin-1")
                status, reply_id, orders, payments = self.order("eve", "2", *headers)
                self.assertEqual(status, 201)
                self.assertNotEqual(reply_id, sent_id)
                self.assertRegex(reply_id, r"^[0-9a-zA-Z_.:-]{8,128}$")
                self.assertEqual(len({ids(line) for line in orders + payments}), 1)
                self.assertRegex(orders[0]["trace.id"], NEW_TRACE)
                self.assertNotEqual(orders[0]["trace.id"], TRACE)

    def test_access_record(self):
        _, _, orders, _ = self.order("hal", "4")
        access = next(line for line in orders if line["message"] == "POST /orders 201")
        self.assertEqual((access["http.request.method"], access["url.path"], access["http.response.status_code"]),
                         ("POST", "/orders", 201))
        self.assertEqual(access["log.logger"], "http.access")

    def test_not_found(self):
        status, answer, _ = http(self.orders.port, "/nowhere?secret=1", method="GET")
        self.assertEqual(status, 404)
        access = self.orders.wait_line("GET /nowhere 404", request_id=answer["x-request-id"])
        self.assertNotIn("secret", str(access))


class Life(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weft-examples-")
        self.addCleanup(self.folder.cleanup)

    def test_errno_and_clean_stop(self):
        payments = Service(self.folder.name, "payments")
        self.addCleanup(payments.stop)
        missing = os.path.join(self.folder.name, "missing")
        orders = Service(self.folder.name, "orders", "--payments", f"http://127.0.0.1:{payments.port}", "--invoices", missing)
        self.addCleanup(orders.stop)
        status, answer, _ = http(orders.port, "/orders?user=ann&amount=1")
        self.assertEqual(status, 201)
        self.assertEqual((orders.stop(), payments.stop()), (0, 0))
        lost = next(line for line in orders.lines() if line["message"] == "invoice not written")
        self.assertEqual(request_id(lost), answer["x-request-id"])
        self.assertEqual((lost["log.level"], label(lost, "cause")["name"], label(lost, "cause")["code"]), ("ERROR", "ENOENT", 2))
        for service in (orders, payments):
            messages = [line["message"] for line in service.lines()]
            self.assertEqual((messages[0], messages.count("stopping")), ("listening", 1))

    def test_payments_is_down(self):
        payments = Service(self.folder.name, "payments")
        self.addCleanup(payments.stop)
        orders = Service(self.folder.name, "orders", "--payments", f"http://127.0.0.1:{payments.port}")
        self.addCleanup(orders.stop)
        self.assertEqual(payments.stop(), 0)
        status, _, _ = http(orders.port, "/orders?user=ann&amount=1")
        self.assertEqual(status, 502)
        self.assertEqual(orders.wait_line("payment failed")["error.type"], "curl")


if __name__ == "__main__":
    unittest.main()
