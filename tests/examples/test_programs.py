"""The examples that run to their end."""
import unittest

from examples import label, run


class Minimal(unittest.TestCase):
    def test_two_lines_with_their_context(self):
        accepted, took = run("minimal")
        self.assertEqual(accepted["message"], "order accepted")
        self.assertEqual(accepted["log.level"], "INFO")
        self.assertEqual(accepted["log.logger"], "orders.api")
        self.assertRegex(accepted["@timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertEqual([label(accepted, key) for key in ("order_id", "items", "amount", "gift")], ["o-1", 3, 12.5, True])
        self.assertEqual(took["message"], "took 3 ms")
        for line in (accepted, took):
            self.assertEqual(label(line, "request_id"), "r-42")

    def test_level_is_off(self):
        self.assertEqual(run("minimal", WEFT_LEVEL="warn"), [])

    def test_logback(self):
        accepted, _ = run("minimal", WEFT_FORMAT="logback")
        self.assertEqual(list(accepted)[:6], ["timestamp", "level", "thread", "mdc", "logger", "message"])
        self.assertEqual(accepted["mdc"], {"request_id": "r-42"})


class EventLoop(unittest.TestCase):
    COUNT = 40

    def setUp(self):
        self.lines = run("event_loop", str(self.COUNT))

    def test_each_line_carries_its_own_request(self):
        steps = [line for line in self.lines if label(line, "number") is not None]
        self.assertEqual(len(steps), 3 * self.COUNT)
        for line in steps:
            number = label(line, "number")
            self.assertEqual(label(line, "request_id"), f"req-{number}")
            user = None if line["message"] == "request received" else f"user-{number}"
            self.assertEqual(label(line, "user"), user)
            self.assertIsNone(label(line, "loop"))

    def test_requests_are_interleaved(self):
        first_answer = next(i for i, line in enumerate(self.lines) if line["message"] == "request answered")
        begun = {label(line, "number") for line in self.lines[:first_answer]}
        self.assertGreater(len(begun), 1)

    def test_the_loop_keeps_its_own_context(self):
        own = [line for line in self.lines if label(line, "number") is None]
        self.assertEqual([line["message"] for line in own], ["loop begins", "loop ends"])
        for line in own:
            self.assertEqual(label(line, "loop"), "main")
            self.assertIsNone(label(line, "request_id"))


if __name__ == "__main__":
    unittest.main()
