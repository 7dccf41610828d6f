"""The whole chain: client -> Envoy (edge) -> orders (C) -> Envoy (sidecar) -> billing (Spring Boot) -> payments (C)."""
import os
import sys
import tempfile
import time
import unittest

import hops
from envoy import Envoy, Listener, Setup
from examples import Service, http, wait_for
from parts import Collector, Spring, Tap, servers

PROPAGATORS = {"w3c": "tracecontext,baggage,xrequestid", "b3": "b3multi,baggage,xrequestid"}
SPRING = {"w3c": (), "b3": ("--management.tracing.propagation.produce=b3_multi",
                            "--management.tracing.propagation.consume=b3_multi")}
SIDECAR_TIMEOUT = "0.8s"   # payments oversleeps by 1.5 s, orders waits for 1 s
TWICE = "5.03"             # the amount whose first attempt billing fails
SLOW = "13.37"             # the amount at which payments oversleeps
# An order that goes well, as hops.shape tells it.
PLACED = ["edge proxy 201", "  orders request 201", "    orders call 200", "      sidecar proxy 200",
          "        sidecar attempt1 200", "          billing request 200", "            billing call 200",
          "              payments request 200"]
# One that the sidecar had to send twice.
PLACED_TWICE = PLACED[:4] + [line for attempt, answer in ((1, 503), (2, 200)) for line in (
    f"        sidecar attempt{attempt} {answer}", f"          billing request {answer}", *PLACED[6:])]
# One whose answer came too late for the sidecar. Java and payments go on until they are done.
TIMED_OUT = ["edge proxy 502", "  orders request 502", "    orders call 504", "      sidecar proxy 504",
             "        sidecar attempt1 0", *PLACED[5:]]


def end(part):
    """Stop a part; a C service has to end well."""
    code = part.stop()
    if isinstance(part, Service) and code != 0:
        raise AssertionError(f"{part.path}: the service ended with {code}")


class Chain:
    """Starts all of it, in a folder of its own unless it is given one; stop() ends what it has started."""

    def __init__(self, kind="w3c", folder=None, **settings):
        self.kind = kind
        self.started = []
        self.temporary = None if folder else tempfile.TemporaryDirectory(prefix="weft-mesh-")
        self.folder = folder or self.temporary.name
        try:
            self._start({"WEFT_PROPAGATORS": PROPAGATORS[kind], "WEFT_PROPAGATE_KEYS": "user", **settings})
        except BaseException:
            self.stop()
            raise

    def _keep(self, part):
        self.started.append(part)
        return part

    def _start(self, settings):
        """From the end of the chain to its beginning, as each needs the port of the next."""
        self.collector = self._keep(Collector())
        self.payments = self._keep(Service(self.folder, "payments", **settings))
        self.to_payments = self._keep(Tap(self.payments.port))
        self.billing = self._keep(Spring(self.folder, self.to_payments.port, *SPRING[self.kind]))
        self.sidecar = self._keep(self._sidecar())
        self.to_sidecar = self._keep(Tap(self.sidecar.listeners["in"]))
        self.orders = self._keep(Service(self.folder, "orders", "--payments", f"http://127.0.0.1:{self.to_sidecar.port}",
                                         "--invoices", self.folder, **settings))
        self.to_orders = self._keep(Tap(self.orders.port))
        edge = Setup("edge", self.kind, self.folder, self.to_orders.port, self.collector.port)
        self.edge = self._keep(Envoy(edge, {
            "in": Listener(), "unsampled": Listener(sampled_percent=0), "external": Listener(external=True),
            "opaque": Listener(opaque_ids=True)}))
        for _ in range(3):   # the classes that Java loads with its first requests
            http(self.billing.port, "/charges?amount=1")

    def _sidecar(self):
        setup = Setup("sidecar", self.kind, self.folder, self.billing.port, self.collector.port)
        setup.attempts = os.path.join(self.folder, "attempts.json")
        setup.retries = 1
        setup.timeout = SIDECAR_TIMEOUT
        return Envoy(setup, {"in": Listener()})

    def stop(self):
        """In the order that they were asked in, so that none loses a request under way."""
        try:
            if self.started:
                end(self.started.pop())
        finally:
            if self.started:
                self.stop()
            elif self.temporary:
                self.temporary.cleanup()

    def order(self, amount, headers=(), listener="in"):
        """(status, x-request-id of the answer)"""
        lines = [f"{name}: {value}".encode() for name, value in headers]
        status, answer, _ = http(self.edge.listeners[listener], f"/orders?user=ann&amount={amount}", lines)
        return status, answer["x-request-id"]

    def read(self, trace):
        """What the logs say of a trace by now."""
        return hops.read(trace, self.orders.lines() + self.payments.lines(), self.billing.lines(),
                         self.edge.lines() + self.sidecar.lines(), self.sidecar.attempt_lines())

    def trace_of(self, request_id):
        """The trace that orders' access record with this request id belongs to."""
        def look():
            return [line["trace.id"] for line in self.orders.lines() if line["log.logger"] == "http.access"
                    and line["labels"]["request_id"] == request_id]
        return wait_for(look, f"the access record of {request_id}")[-1]

    def complete(self, trace, shape):
        """Wait for the hops of a trace until their tree is of this shape; returns the hops and notes."""
        last = []

        def look():
            time.sleep(0.02)   # leaves the processor to those that are to write
            found = self.read(trace)
            last[:] = hops.shape(found.hops)
            return found if last == shape else None
        try:
            return wait_for(look, "the tree")
        except AssertionError as error:
            raise AssertionError("\n".join([f"{error}; it is:", *last, "and not:", *shape])) from error


class Case(unittest.TestCase):
    """What the tests of a chain share."""
    kind = "w3c"
    number = 0

    @classmethod
    def setUpClass(cls):
        cls.chain = Chain(cls.kind)
        cls.addClassCleanup(cls.chain.stop)

    @classmethod
    def ids(cls):
        """A trace id and a request id that no other test of the class uses."""
        cls.number += 1
        return f"4bf92f3577b34da6a3ce929d0e0e47{cls.number:02x}", f"6e1c1c5f-6a3e-4d8b-9d21-0f5a1b2c3d{cls.number:02x}"

    def assert_one_request(self, found, request_id):
        for one in [*found.hops, *found.notes]:
            self.assertTrue(hops.same_id(one.request_id, request_id), one)

    def root(self, found):
        roots = [hop for depth, hop in hops.tree(found.hops) if depth == 0]
        self.assertEqual(len(roots), 1, roots)
        return roots[0]

    def assert_exported(self, found, trace):
        """Envoy's own spans, as it exports them, are those of its logs."""
        logged = {(hop.span, hop.parent) for hop in found.hops if hop.service in ("edge", "sidecar")}
        wait_for(lambda: len(self.chain.collector.of(trace)) >= len(logged), "Envoy's spans")
        self.assertEqual({(span["span"], span["parent"]) for span in self.chain.collector.of(trace)}, logged)


def main(*needed):
    """Run the tests of a program; 77, and why, where a server is needed that cannot be had here."""
    try:
        for need in needed:
            need()
    except servers.Missing as missing:
        print(f"SKIPPED, NOT TESTED: {missing}", file=sys.stderr)
        sys.exit(77)
    unittest.main(module="__main__", failfast=True)
