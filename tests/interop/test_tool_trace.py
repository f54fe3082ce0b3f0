"""`wilco trace`: which way a request took."""

import json
import unittest

from harness import BrokerCase
from test_tool import tool


class Tracing(BrokerCase):
    def trace(self, *arguments):
        return tool("trace", "--url", self.url, *arguments)

    def test_a_request_that_is_answered(self):
        self.start_respond("calc/+", "--group", "w", "--id", "calc-1", "--reply", "42")
        done = self.trace("calc/add", "1")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        lines = done.stdout.decode().splitlines()
        self.assertEqual(lines[0], "calc/add: answered with status 200, executed: yes")
        self.assertRegex(lines[1], r"^ +0 us  the broker received it, at \d{4}-\d\d-\d\dT")
        self.assertIn("delivered to calc-1 (calc/+, group w)", lines[2])
        self.assertIn("calc-1 responded", done.stdout.decode())
        self.assertIn("the requester had it", lines[-1])
        told = json.loads(self.trace("calc/add", "1", "--json", "-H", "a:1").stdout)
        self.assertEqual((told["topic"], told["holder"], told["outcome"]), ("calc/add", "calc-1", "answered"))
        times = told["times_us"]
        self.assertTrue(0 == times["received"] <= times["delivered"] <= times["responded"] <= told["round_trip_us"])

    def test_an_error_is_one(self):
        self.start_respond("calc/+", "--exec", "exit 1")
        done = self.trace("calc/add", "1")
        self.assertEqual(done.returncode, 64)
        self.assertIn(b"answered with status 500", done.stdout)

    def test_nobody_there(self):
        done = self.trace("nobody", "1")
        self.assertEqual(done.returncode, 16)
        self.assertIn(b"nobody: failed with status 503, executed: no\n", done.stdout)
        self.assertIn(b"no responder", done.stderr)

    def test_wrong(self):
        self.assertEqual(self.trace().returncode, 1)
        self.assertEqual(self.trace("a/+").returncode, 1)


if __name__ == "__main__":
    unittest.main()
