"""The exchange of a request and its response over every transport, with clients we did not write, and through haproxy."""

import os
import re
import shutil
import socket
import tempfile
import unittest

from harness import CONFIG, CORRELATION, REQUEST_TOPIC, RESPONSE_TOPIC, WILCO, BrokerCase, run

ANSWER = f"{CORRELATION.encode().hex()} {CONFIG}"


class Way(BrokerCase):
    """A broker that listens by one scheme beside mqtt; everybody but mosquitto_rr comes in by it."""

    scheme = "mqtt"
    path = ""
    trust = ()  # what else our tool must be told

    def configuration(self):
        return f"listen mqtt://127.0.0.1:0\nlisten {self.scheme}://127.0.0.1:0{self.path}\n"

    def setUp(self):
        self.programs = []
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        path = os.path.join(self.folder, "wilco.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(self.configuration())
        self.broker = self.start(WILCO, "broker", "--config", path, "--log-level", "debug")
        self.ready = self.broker.line(r"event=ready.*", "stderr")[0]
        self.url = re.findall(r"listen=(\S+)", self.ready)[1]
        self.port = self.url.rsplit(":", 1)[1].split("/")[0]
        os.environ.update(MQTT_SCHEME=self.scheme, MQTT_PATH=self.path)

    def ask(self):
        return run(
            WILCO, "request", "--url", self.url, *self.trust, "--timeout", "20s", "--response-topic", RESPONSE_TOPIC,
            "--correlation", CORRELATION, REQUEST_TOPIC, "{}",
        ).decode().rstrip("\n")  # fmt: skip

    def check_stock(self, responder_script, requester_script):
        """Stock clients with each other, and with ours."""
        responder = self.start_script(responder_script, REQUEST_TOPIC, CONFIG)
        requester = self.start_script(requester_script, REQUEST_TOPIC, RESPONSE_TOPIC, CORRELATION, "{}", 1)
        self.assertEqual(requester.line(" ").string, ANSWER)
        self.assertEqual(requester.wait(), 0)
        self.assertEqual(self.ask(), CONFIG)
        responder.stop()

    def check_ours(self):
        self.start_respond(REQUEST_TOPIC, *self.trust, "--reply", CONFIG)
        self.assertEqual(self.ask(), CONFIG)


class WebSocket(Way):
    scheme = "ws"
    path = "/mqtt"  # that of stock Paho; those of MQTT.js and ours are in their URLs

    def test_stock_clients(self):
        self.check_stock("paho_responder.py", "mqttjs_requester.mjs")
        self.check_stock("mqttjs_responder.mjs", "paho_requester.py")

    def test_large_payloads_both_ways(self):
        payload = b"x" * 300000
        heard = self.start(WILCO, "sub", "--url", self.url, "-d", "-C", "1", "large")
        heard.line("subscribed", "stderr")
        run(WILCO, "pub", "--url", self.url, "-q", "1", "large", "-s", stdin=payload)
        self.assertEqual(len(heard.line("").string), len(payload))

    def test_a_refusal_is_said(self):
        with self.assertRaisesRegex(AssertionError, "404 Not Found"):
            run(WILCO, "pub", "--url", self.url + "/elsewhere", "t", "x")


class Tls(Way):
    scheme = "mqtts"

    @classmethod
    def setUpClass(cls):
        cls.certificates = run(os.environ["MAKE_CERTIFICATES"]).decode().strip()
        cls.addClassCleanup(shutil.rmtree, cls.certificates)
        cls.trust = ("--cafile", f"{cls.certificates}/ca.pem")
        os.environ["MQTT_CAFILE"] = cls.trust[1]

    def configuration(self):
        return (
            f"{super().configuration()}certfile {self.certificates}/server.pem\n"
            f"keyfile {self.certificates}/server.key\n"
        )

    def test_stock_clients(self):
        self.check_stock("paho_responder.py", "mqttjs_requester.mjs")


class SecureWebSocket(Tls):
    scheme = "wss"
    path = "/mqtt"


class MosquittoWords(Way):
    """The same in the words of mosquitto.conf."""

    scheme = "ws"

    def configuration(self):
        return "listen mqtt://127.0.0.1:0\nlistener 0 127.0.0.1\nprotocol websockets\n"

    def test_ours(self):
        self.check_ours()


class UnixSocket(Way):
    scheme = "unix"

    def configuration(self):
        return f"listen mqtt://127.0.0.1:0\nlisten unix:{self.folder}/s\n"

    def test_ours(self):
        self.check_ours()


CONNECT = bytes.fromhex("100d00044d51545405020000000000")


class Proxied(Way):
    """haproxy stands before the broker, and says who has connected to it."""

    def configuration(self):
        return "\n".join((
            "connections_per_address_max 2",
            "listen mqtt://127.0.0.1:0",
            "listen ws://127.0.0.1:0", "enable_proxy_protocol any",
            "listen mqtt://127.0.0.1:0", "enable_proxy_protocol 1",
            "listen mqtt://127.0.0.1:0", "enable_proxy_protocol 2", "proxy_protocol_from 127.0.0.0/8",
            "",
        ))  # fmt: skip

    def setUp(self):
        super().setUp()
        self.backs = re.findall(r"listen=\S+:(\d+)", self.ready)[1:]

    def start_haproxy(self, back, word):
        """In front of port `back`; where it listens. The socket is ours, so that it can be connected to at once."""
        front = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(front.close)
        os.set_inheritable(front.fileno(), True)
        config = os.path.join(self.folder, f"haproxy-{back}.cfg")
        with open(config, "w", encoding="utf-8") as file:
            file.write(
                "defaults\n  mode tcp\n  timeout connect 20s\n  timeout client 60s\n  timeout server 60s\n"
                f"listen broker\n  bind fd@{front.fileno()}\n  server s 127.0.0.1:{back} {word}\n"
            )
        self.start(shutil.which("haproxy") or "/usr/sbin/haproxy", "-db", "-f", config,
                   pass_fds=(front.fileno(),))  # fmt: skip
        return front.getsockname()[1]

    def connect_from(self, host, port):
        """What the broker answers to CONNECT: the first byte of a CONNACK, or nothing."""
        client = socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(host, 0))
        self.addCleanup(client.close)
        client.sendall(CONNECT)
        return client.recv(1)

    def check_who_is_counted(self, back, word):
        port = self.start_haproxy(back, word)
        for _ in range(2):
            self.assertEqual(self.connect_from("127.0.0.2", port), b"\x20")
        self.broker.line(r"event=proxied .*peer=127\.0\.0\.2:", "stderr")
        self.assertEqual(self.connect_from("127.0.0.2", port), b"")
        self.broker.line(r"event=turned_away peer=127\.0\.0\.2:", "stderr")
        self.assertEqual(self.connect_from("127.0.0.3", port), b"\x20")

    def test_version_1(self):
        self.check_who_is_counted(self.backs[1], "send-proxy")

    def test_version_2(self):
        self.check_who_is_counted(self.backs[2], "send-proxy-v2")

    def test_websocket_behind_it(self):
        os.environ["MQTT_SCHEME"] = "ws"
        for word in ("send-proxy", "send-proxy-v2-ssl-cn"):
            with self.subTest(word):
                self.port = self.start_haproxy(self.backs[0], word)
                self.url = f"ws://127.0.0.1:{self.port}"
                responder = self.start_script("mqttjs_responder.mjs", REQUEST_TOPIC, CONFIG)
                self.assertEqual(self.ask(), CONFIG)
                responder.stop()

    def test_nobody_comes_in_without_it(self):
        self.assertEqual(self.connect_from("127.0.0.1", self.backs[1]), b"")
        self.broker.line(r"event=handshake_failed .*reason=\"no header of a proxy\"", "stderr")


if __name__ == "__main__":
    unittest.main()
