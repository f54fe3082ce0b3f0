"""Services, and responders of MQTT 3.1.1, seen by clients that we did not write."""

import json
import unittest

from harness import WILCO, BrokerCase, run


class ServiceCase(BrokerCase):
    shards = 4

    def ask(self, topic, form="%p"):
        """What the broker answers to mosquitto_rr."""
        return run("mosquitto_rr", "-p", self.port, "-V", "5", "-t", topic, "-e", "my/answers", "-m", "", "-W", "30",
                   "-F", form)  # fmt: skip

    def offer(self, topic_filter, **said):
        words = (word for name, value in said.items()
                 for word in ("-D", "subscribe", "user-property", f"rr-{name}", value))  # fmt: skip
        return self.start_subscriber("-V", "5", "-i", "offerer", "-t", topic_filter, *words)


class Services(ServiceCase):
    """C38 and C39."""

    def test_who_says_what_it_is_is_listed(self):
        self.offer("$share/calc/math/+", service="calc", version="1.0.0", meta="unit=mm")
        pong = json.loads(self.ask("$SRV/PING"))
        self.assertEqual(len(pong.pop("id")), 22)
        self.assertEqual(pong, {"type": "io.wilco.rr.v1.ping_response", "name": "calc", "version": "1.0.0",
                                "metadata": {"unit": "mm"}})  # fmt: skip
        info = json.loads(self.ask("$SRV/INFO/calc"))
        self.assertEqual((info["client_id"], info["online"]), ("offerer", True))
        self.assertEqual(info["endpoints"], [{"name": "math/+", "subject": "math/+", "queue_group": "calc",
                                              "metadata": {}}])  # fmt: skip

    def test_nobody_is_there(self):
        self.assertEqual(self.ask("$SRV/PING", "%l").strip(), b"0")
        self.assertIn(b"__stat:503 ", self.ask("$SRV/STATS/calc", "%P"))

    def test_a_stock_responder_is_listed(self):
        responder = self.start_script("paho_responder.py", "work", "done")
        run(WILCO, "request", "--url", self.url, "work", "x")
        responder.line("topic")
        info = json.loads(self.ask("$SRV/INFO"))
        self.assertEqual((info["name"], info["members"], info["members_online"]), ("", 1, 1))
        self.assertEqual(info["endpoints"][0]["subject"], "work")
        stats = json.loads(self.ask("$SRV/STATS"))["endpoints"][0]
        self.assertEqual((stats["num_requests"], stats["num_errors"]), (1, 0))
        self.assertGreater(stats["processing_time"], 0)

    def test_events(self):
        watcher = self.start_subscriber("-V", "5", "-t", "$SRV/EVENT/#", "-F", "got %t %p")
        offerer = self.offer("x", service="calc")
        offerer.stop()
        for event in ("up", "down"):
            topic, text = watcher.line("^got ([^ ]*) (.*)$").groups()
            seen = json.loads(text)
            self.assertEqual((seen["event"], seen["name"], seen["client_id"]), (event, "calc", "offerer"))
            self.assertEqual(topic, f"$SRV/EVENT/calc/{seen['id']}")


class OldResponders(ServiceCase):
    """C46."""

    def test_three_requests_in_flight(self):
        responder = self.start_script("paho_v311_responder.py", "work/+", 3)
        requests = []
        for name in ("one", "two", "three"):
            requests.append(self.start(WILCO, "request", "--url", self.url, "work/x", name))
            responder.line(f"^asked {name}$")
        for name, request in zip(("one", "two", "three"), requests):
            request.line(f"^answer to {name}$")
            self.assertEqual(request.wait(), 0)

    def test_what_is_no_answer_goes_on(self):
        self.start_script("paho_v311_responder.py", "work/+", 1)
        watcher = self.start_subscriber("-V", "311", "-t", "work/+/response", "-F", "got %p")
        self.assertEqual(run(WILCO, "request", "--url", self.url, "work/x", "one"), b"answer to one\n")
        run("mosquitto_pub", "-p", self.port, "-t", "work/y", "-m", "plain")
        self.assertEqual(watcher.line("^got ").string, "got answer to plain")


if __name__ == "__main__":
    unittest.main()
