"""$SYS topics as mosquitto's clients see them: the names that its manual promises, numbers, and updates."""

import re
import unittest

from harness import BrokerCase, run

# Below $SYS/broker/; each of these mosquitto has, too.
KNOWN = (
    "version uptime bytes/received bytes/sent clients/connected clients/disconnected clients/expired "
    "clients/maximum clients/total messages/inflight messages/received messages/sent messages/stored "
    "publish/messages/dropped publish/messages/received publish/messages/sent publish/bytes/received "
    "publish/bytes/sent store/messages/bytes store/messages/count subscriptions/count "
    "shared_subscriptions/count"
).split() + ["retained messages/count"]
LOADS = (
    "connections sockets bytes/received bytes/sent messages/received messages/sent publish/dropped "
    "publish/received publish/sent"
).split()


class Sys(BrokerCase):
    shards = 4
    settings = ("sys_interval_s=1",)

    def values(self, count):
        """What a new subscriber gets first: all of it."""
        got = run("mosquitto_sub", "-p", self.port, "-t", "$SYS/#", "-v", "-F", "%r %t=%p", "-C", count, "-W", "20")
        pairs = [line.split("=", 1) for line in got.decode().splitlines()]
        for topic, _ in pairs:
            self.assertTrue(topic.startswith("1 $SYS/broker/"), topic)
        return {topic.removeprefix("1 $SYS/broker/"): value for topic, value in pairs}

    def test_names_and_numbers(self):
        values = self.values(len(KNOWN) + 3 * len(LOADS))
        for name in KNOWN:
            with self.subTest(name):
                form = {"version": r"wilco version \d+\.\d+\.\d+", "uptime": r"\d+ seconds"}.get(name, r"\d+")
                self.assertRegex(values[name], f"^{form}$")
        for name in LOADS:
            for span in ("1min", "5min", "15min"):
                with self.subTest(name=name, span=span):
                    self.assertRegex(values[f"load/{name}/{span}"], r"^\d+\.\d\d$")

    def test_updates(self):
        watcher = self.start_subscriber("-t", "$SYS/broker/publish/messages/received", "-F", "received %p")
        self.assertEqual(watcher.line("^received ").string, "received 0")
        run("mosquitto_pub", "-p", self.port, "-q", "1", "-t", "t", "-m", "x")
        self.assertEqual(watcher.line("^received ").string, "received 1")

    def test_not_for_wildcards(self):
        everything = self.start_subscriber("-t", "#", "-F", "got %t")
        uptime = self.start_subscriber("-t", "$SYS/broker/uptime", "-F", "uptime %p")
        for _ in range(2):
            uptime.line("^uptime ")
        run("mosquitto_pub", "-p", self.port, "-q", "1", "-t", "plain", "-m", "x")
        self.assertEqual(everything.line("^got ").string, "got plain")

    def test_not_for_publishers(self):
        run("mosquitto_pub", "-p", self.port, "-V", "5", "-q", "1", "-t", "$SYS/broker/version", "-m", "mine", "-r")
        got = run("mosquitto_sub", "-p", self.port, "-t", "$SYS/broker/version", "-C", "1", "-W", "20")
        self.assertTrue(re.match(rb"wilco version ", got), got)


if __name__ == "__main__":
    unittest.main()
