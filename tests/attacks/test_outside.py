"""Attacks for which the broker must be the program that it is: what it logs, and what the system denies it."""

import os
import pathlib
import resource
import signal
import socket
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))

from harness import WILCO, BrokerCase, Program, run  # noqa: E402
from raw_mqtt import PUBLISH, RESPONSE_TOPIC, Client  # noqa: E402

DESCRIPTORS = 256
CROWD = 1000
SECRETS = ("hunter2-secret", "open-sesame-secret", "eyJhbGciOiJIUzI1NiJ9.secret.token")


def cpu_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Configured(unittest.TestCase):
    """A broker with a file that the test may change."""

    def begin(self, text, *command):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.config = self.folder / "wilco.conf"
        self.prepare()
        self.config.write_text("listen mqtt://127.0.0.1:0\n" + text.format(folder=self.folder))
        self.broker = Program(*command, WILCO, "broker", "--config", self.config, "--log-level", "debug",
                              "--user", "root" if os.geteuid() == 0 else "nobody")  # fmt: skip
        self.addCleanup(self.broker.stop)
        self.url = "mqtt://127.0.0.1:" + self.broker.line(r"event=ready.* listen=mqtt://127\.0\.0\.1:(\d+)", "stderr")[1]

    def prepare(self):
        """Files beside the configuration."""


class Exhaustion(Configured):
    def prepare(self):
        (self.folder / "acl").write_text("topic write free\ntopic read free\n")

    def test_no_descriptors_left(self):
        """More connections than descriptors: who is inside is served, nothing spins, a reload is read, what may
        not be done may still not be done."""
        self.begin("acl_file {folder}/acl\n", "prlimit", f"--nofile={DESCRIPTORS}:{DESCRIPTORS}")
        inside = Client(self.url, "inside")
        host, port = self.url[len("mqtt://"):].split(":")
        crowd = []
        for _ in range(CROWD):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex((host, int(port)))
            crowd.append(one)
        self.broker.line("event=accept_paused", "stderr")
        start_s = cpu_s(self.broker.process.pid)
        begun = time.monotonic()
        (self.folder / "acl").write_text("topic write free\n# changed\n")
        self.broker.process.send_signal(signal.SIGHUP)
        self.broker.line("event=reload", "stderr")
        for _ in range(20):
            inside.ping()
            self.assertEqual(inside.publish("forbidden"), 0x87)
        used = cpu_s(self.broker.process.pid) - start_s
        self.assertLess(used, 0.5 + 0.5 * (time.monotonic() - begun), "it spins")
        for one in crowd:
            one.close()
        self.assertEqual(inside.publish("free"), 0x10)


class Secrets(Configured):
    def prepare(self):  # with the quickest of hashes: it is not the time that is looked at
        run(WILCO, "passwd", "-b", "-H", "sha512", "-c", self.folder / "passwords", "ann", SECRETS[0])

    def test_no_secret_is_logged(self):
        """All that is logged at the most that can be logged, of clients with the right password, a wrong one, and
        what is broken behind one."""
        self.begin("allow_anonymous false\npassword_file {folder}/passwords\n")
        self.assertEqual(Client(self.url, "good", user="ann", password=SECRETS[0]).connack.code, 0)
        for user, password in (("ann", SECRETS[1]), ("bob", SECRETS[0]), ("token", SECRETS[2])):
            with self.subTest(user=user):
                self.assertEqual(Client(self.url, "bad", user=user, password=password).connack.code, 0x86)
        with socket.create_connection(self.url[len("mqtt://"):].split(":")) as raw:
            raw.sendall(b"\x10\x2a\x00\x04MQTT\x05\xc2\x00\x00\x00\x00\x01x\x00\x03ann\x00\x0e" + SECRETS[0].encode() + b"leftover!!")
            raw.recv(100)
        self.broker.stop()
        said = "\n".join(self.broker.said)
        self.assertIn("event=connect_refused", said)
        for secret in SECRETS:
            self.assertNotIn(secret, said)


class Loop(BrokerCase):
    def test_a_loop_of_requests_ends(self):
        """A request whose response goes to the responder itself, and to another one and back: one response each."""
        for topic in ("loop/a", "loop/b"):
            self.start_respond(topic, "--reply", f"from {topic}")
        client = Client(self.url, "asker")
        client.subscribe("loop/#")
        for there, back in (("loop/a", "loop/a"), ("loop/a", "loop/b")):
            client.publish(there, "?", values=[(RESPONSE_TOPIC, back)])
            client.expect(PUBLISH)
            self.assertEqual(client.expect(PUBLISH).payload, b"from loop/a")
            run(WILCO, "request", "--url", self.url, "loop/b", "are you there?")  # both have had time to go on
            said = [packet.payload for packet in client.ping() if packet.topic == "loop/a"]
            self.assertEqual(said, [])


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    unittest.main(verbosity=2)
