"""The exchange of a request and its response, with clients we did not write on one side or on both."""

import json
import unittest

from harness import (
    CONFIG,
    CORRELATION,
    REQUEST_TOPIC,
    RESPONSE_TOPIC,
    WILCO,
    BrokerCase,
    run,
)

SCRIPT_RESPONDERS = ("paho_responder.py", "mqttjs_responder.mjs")
SCRIPT_REQUESTERS = ("paho_requester.py", "mqttjs_requester.mjs")


class Exchange(BrokerCase):
    def check_seen(self, responder, payload="{}"):
        """What reached the responder is the request, byte for byte."""
        seen = json.loads(responder.line(r"^\{")[0] and responder.said[-1].split(": ", 1)[1])
        self.assertEqual(seen["topic"], REQUEST_TOPIC)
        self.assertEqual(seen["payload"], payload)
        self.assertEqual(seen["response_topic"], RESPONSE_TOPIC)
        self.assertEqual(bytes.fromhex(seen["correlation_hex"]), CORRELATION.encode())

    def ask_with_mosquitto_rr(self, qos):
        return run(
            "mosquitto_rr", "-p", self.port, "-V", "5", "-q", qos, "-W", "20",
            "-t", REQUEST_TOPIC, "-e", RESPONSE_TOPIC, "-m", "{}",
            "-D", "publish", "correlation-data", CORRELATION,
        )  # fmt: skip

    def test_mosquitto_rr_asks_wilco_respond(self):
        self.start_respond(REQUEST_TOPIC, "--reply", CONFIG)
        for qos in (0, 1, 2):
            with self.subTest(qos=qos):
                self.assertEqual(self.ask_with_mosquitto_rr(qos), CONFIG.encode() + b"\n")

    def test_mosquitto_rr_asks_stock_responders(self):
        for script in SCRIPT_RESPONDERS:
            with self.subTest(script):
                responder = self.start_script(script, REQUEST_TOPIC, CONFIG)
                self.assertEqual(self.ask_with_mosquitto_rr(1), CONFIG.encode() + b"\n")
                self.check_seen(responder)
                responder.stop()

    def test_wilco_request_asks_stock_responders(self):
        for script in SCRIPT_RESPONDERS:
            with self.subTest(script):
                responder = self.start_script(script, REQUEST_TOPIC, CONFIG)
                answer = run(
                    WILCO, "request", "--url", self.url, "--timeout", "20s",
                    "--response-topic", RESPONSE_TOPIC, "--correlation", CORRELATION,
                    REQUEST_TOPIC, "{}",
                )  # fmt: skip
                self.assertEqual(answer.rstrip(b"\n"), CONFIG.encode())
                self.check_seen(responder)
                responder.stop()

    def test_wilco_request_is_answered_in_its_inbox(self):
        responder = self.start_script("paho_responder.py", REQUEST_TOPIC, CONFIG)
        answer = run(WILCO, "request", "--url", self.url, "--timeout", "20s", REQUEST_TOPIC, "{}")
        self.assertEqual(answer.rstrip(b"\n"), CONFIG.encode())
        responder.line(r"^\{")
        seen = json.loads(responder.said[-1].split(": ", 1)[1])
        self.assertRegex(seen["response_topic"], r"^\$r/[A-Za-z0-9_-]{16}$")
        self.assertEqual(len(bytes.fromhex(seen["correlation_hex"])), 16)
        self.assertEqual(seen["expiry"], 20)
        user = dict(seen["user"])
        self.assertEqual(user["__protVer"], "1.0")
        self.assertEqual(user["__srcId"], user["$partition"])

    def test_stock_requesters_ask_wilco_respond(self):
        self.start_respond(REQUEST_TOPIC, "--reply", CONFIG)
        for script in SCRIPT_REQUESTERS:
            for qos in (0, 1, 2):
                with self.subTest(script, qos=qos):
                    requester = self.start_script(
                        script, REQUEST_TOPIC, RESPONSE_TOPIC, CORRELATION, "{}", qos
                    )
                    self.assertEqual(requester.line(" ").string, f"{CORRELATION.encode().hex()} {CONFIG}")
                    self.assertEqual(requester.wait(), 0)

    def test_stock_clients_with_each_other(self):
        for responder_script in SCRIPT_RESPONDERS:
            for requester_script in SCRIPT_REQUESTERS:
                with self.subTest(responder=responder_script, requester=requester_script):
                    responder = self.start_script(responder_script, REQUEST_TOPIC, CONFIG)
                    requester = self.start_script(
                        requester_script, REQUEST_TOPIC, RESPONSE_TOPIC, CORRELATION, "{}", 1
                    )
                    self.assertEqual(requester.line(" ").string, f"{CORRELATION.encode().hex()} {CONFIG}")
                    self.check_seen(responder)
                    responder.stop()


class ExchangeOneShard(Exchange):
    shards = 1


class ExchangeFourShards(Exchange):
    shards = 4


if __name__ == "__main__":
    unittest.main()
