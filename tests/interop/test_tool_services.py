"""`wilco ls`, `info`, `stats` and `ping`: what the broker knows of services, for people and for programs."""

import json
import signal
import unittest

from harness import WILCO, BrokerCase, run
from test_tool import tool


class Services(BrokerCase):
    def on(self, command, *arguments):
        return tool(command, "--url", self.url, *arguments)

    def objects(self, command, *arguments):
        done = self.on(command, "--json", *arguments)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start_service(self, client_id, topic_filter, name="calc", version="1.0.0"):
        return self.start_script("paho_service.py", client_id, topic_filter, name, version, "42")

    def start_two(self):
        for number in (1, 2):
            self.start_service(f"calc-{number}", "$share/w/calc/+")

    def test_nobody_there(self):
        for command in ("ls", "info", "stats", "ping"):
            done = self.on(command)
            self.assertEqual((done.returncode, done.stdout), (16, b""))
            self.assertEqual(done.stderr, f"wilco {command}: no service\n".encode())
        self.start_two()
        done = self.on("ping", "other")
        self.assertEqual((done.returncode, done.stderr), (16, b"wilco ping: no service named other\n"))

    def test_ls(self):
        self.start_two()
        self.start_service("calc-3", "calc/#", version="2.0.0")
        self.start_respond("plain/x", "--reply", "hi")
        run(WILCO, "request", "--url", self.url, "plain/x", "?")
        lines = self.on("ls").stdout.decode().splitlines()
        self.assertEqual(lines[0].split(), ["NAME", "VERSION", "INSTANCES", "ENDPOINTS"])
        self.assertEqual(
            sorted(line.split(maxsplit=3) for line in lines[1:]),
            [["-", "-", "1", "plain/x"], ["calc", "1.0.0", "2", "calc/+ (w)"], ["calc", "2.0.0", "1", "calc/#"]],
        )
        found = {(o["name"], o["version"]): o for o in self.objects("ls")}
        self.assertEqual(found["calc", "1.0.0"]["instances"], 2)
        self.assertEqual(found["calc", "1.0.0"]["endpoints"], [{"subject": "calc/+", "queue_group": "w"}])
        self.assertEqual(set(found), {("calc", "1.0.0"), ("calc", "2.0.0"), ("", "")})

    def test_info(self):
        self.start_two()
        both = self.objects("info", "calc")
        self.assertEqual(sorted(o["client_id"] for o in both), ["calc-1", "calc-2"])
        one = self.objects("info", "calc", both[0]["id"])
        self.assertEqual(one, [both[0]])
        text = self.on("info", "calc", both[0]["id"]).stdout.decode()
        for words in ("calc 1.0.0", both[0]["id"], "does sums", both[0]["client_id"], "unit=mm", "calc/+, group w"):
            self.assertIn(words, text)

    def test_stats_count_what_was_answered(self):
        self.start_service("calc-1", "calc/+")
        run(WILCO, "request", "--url", self.url, "--count", "4", "calc/add", "1")
        run(WILCO, "request", "--url", self.url, "calc/add", "fail", status=64)
        endpoint = self.objects("stats", "calc")[0]["endpoints"][0]
        self.assertEqual((endpoint["num_requests"], endpoint["num_errors"]), (5, 1))
        row = self.on("stats").stdout.decode().splitlines()[1]
        self.assertRegex(row, r"^calc +1\.0\.0 +\S{22} +calc/\+ +- +5 +1 +\S+ \w+ +500:no such sum$")

    def test_stats_watches(self):
        self.start_service("calc-1", "calc/+")
        program = self.start(WILCO, "stats", "--url", self.url, "--watch", "--interval", "20ms")
        program.line("calc/.* 0 +0 ")
        run(WILCO, "request", "--url", self.url, "calc/add", "1")
        program.line("calc/.* 1 +0 ")
        self.assertEqual(program.stop(signal.SIGINT), 130)

    def test_ping(self):
        self.start_two()
        done = self.on("ping", "calc", "--count", "3", "--interval", "1ms")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        lines = done.stdout.decode().splitlines()
        self.assertEqual(len(lines), 6)
        for line in lines:
            self.assertRegex(line, r"^calc 1\.0\.0 \S{22}: [\d.]+ (us|ms|s)$")
        self.assertGreater(self.objects("ping")[0]["round_trip_us"], 0)

    def test_names_from_strangers_move_no_cursor(self):
        self.start_respond("evil/\033[2J", "--reply", "x")
        run(WILCO, "request", "--url", self.url, "evil/\033[2J", "?")
        for command in ("ls", "info", "stats", "ping"):
            done = self.on(command)
            self.assertIn(b"evil/?[2J", done.stdout)
            self.assertNotIn(b"\033", done.stdout)

    def test_wrong_words(self):
        for word in ("", "a/b", "+", "#"):
            done = self.on("ping", word)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"is no name of a service", done.stderr)


if __name__ == "__main__":
    unittest.main()
