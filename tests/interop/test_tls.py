"""TLS: our broker with clients that others wrote, our tool with mosquitto, and what a broker must not put up with."""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import unittest

from harness import CONFIG, PYTHON, REQUEST_TOPIC, RESPONSE_TOPIC, WAIT_S, WILCO, Program, run

CERTIFICATES = os.environ["MAKE_CERTIFICATES"]
MOSQUITTO = shutil.which("mosquitto", path=os.environ["PATH"] + ":/usr/sbin")
STALLED = 40

PAHO_ROUND_TRIP = """
import sys
import paho.mqtt.client as mqtt
client = mqtt.Client(protocol=mqtt.MQTTv5)
port, ca, cert, key = int(sys.argv[1]), *sys.argv[2:5]
client.tls_set(ca, cert or None, key or None)
client.on_connect = lambda c, u, f, rc, p: c.subscribe("paho/tls", 1)
client.on_subscribe = lambda c, u, m, g, p: c.publish("paho/tls", b"x" * 300000, 1)
def on_message(c, u, message):
    print(len(message.payload), flush=True)
    c.disconnect()
client.on_message = on_message
client.connect("localhost", port)
client.loop_forever()
"""


class TlsCase(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(run(CERTIFICATES).decode().strip())
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name):
        return str(self.folder / name)

    def start(self, *listeners, settings=()):
        """A broker with these listeners, each a list of lines; their ports."""
        config = self.folder / "broker.conf"
        lines = list(settings)
        for listener in listeners:
            lines += ["listen mqtts://127.0.0.1:0", *listener]
        config.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        broker = Program(WILCO, "broker", "--config", config)
        self.addCleanup(broker.stop)
        found = broker.line(r"event=ready" + r" listen=mqtts://127\.0\.0\.1:(\d+)" * len(listeners), "stderr")
        return broker, [int(port) for port in found.groups()]

    def own(self, name="server"):
        return [f"certfile {self.file(name + '.pem')}", f"keyfile {self.file(name + '.key')}"]

    def asking(self):
        return [
            *self.own(),
            f"cafile {self.file('ca.pem')}",
            f"crlfile {self.file('ca.crl')}",
            "require_certificate true",
        ]

    def tool(self, port, client=None):
        """Options of our tool."""
        mine = ["--url", f"mqtts://localhost:{port}", "--cafile", self.file("ca.pem")]
        if client is not None:
            mine += ["--cert", self.file(client + ".pem"), "--key", self.file(client + ".key")]
        return mine

    def mosquitto(self, port, client=None):
        """Options of mosquitto's clients."""
        mine = ["-h", "localhost", "-p", str(port), "-V", "mqttv5", "--cafile", self.file("ca.pem")]
        if client is not None:
            mine += ["--cert", self.file(client + ".pem"), "--key", self.file(client + ".key")]
        return mine

    def subject(self, port):
        """The name in the certificate that is shown there."""
        shown = subprocess.run(
            ["openssl", "s_client", "-connect", f"localhost:{port}", "-CAfile", self.file("ca.pem")],
            input=b"", capture_output=True, timeout=WAIT_S, check=False,
        ).stdout.decode()  # fmt: skip
        return next(line for line in shown.splitlines() if line.startswith("subject="))


class Clients(TlsCase):
    def test_all_of_them(self):
        _, ports = self.start(self.own(), self.asking())
        for port, client in zip(ports, (None, "client")):
            with self.subTest(client=client):
                responder = Program(WILCO, "respond", *self.tool(port, client), REQUEST_TOPIC, "--reply", CONFIG)
                self.addCleanup(responder.stop)
                responder.line("ready", "stderr")
                for _ in range(2):  # the second resumes
                    said = run(WILCO, "request", *self.tool(port, client), REQUEST_TOPIC, "{}")
                    self.assertEqual(json.loads(said), json.loads(CONFIG))
                said = run("mosquitto_rr", *self.mosquitto(port, client), "-t", REQUEST_TOPIC,
                           "-e", RESPONSE_TOPIC, "-m", "{}", "-W", "10")  # fmt: skip
                self.assertEqual(json.loads(said), json.loads(CONFIG))
                run("mosquitto_pub", *self.mosquitto(port, client), "-t", "a/b", "-m", "hello", "-q", "1", "-r")
                heard = run("mosquitto_sub", *self.mosquitto(port, client), "-t", "a/#", "-C", "1")
                self.assertEqual(heard, b"hello\n")
                names = [self.file(client + end) for end in (".pem", ".key")] if client else ["", ""]
                self.assertEqual(run(PYTHON, "-c", PAHO_ROUND_TRIP, port, self.file("ca.pem"), *names), b"300000\n")
                responder.stop()  # before there is another one

    def test_who_is_refused(self):
        broker, (port,) = self.start(self.asking())
        for name, why in (("expired", "has expired"), ("foreign", "a CA that is not trusted"),
                          ("revoked", "has been revoked"), ("server", "not meant for this end")):  # fmt: skip
            for _ in range(2):
                run(WILCO, "pub", *self.tool(port, name), "t", "m", status=2)
                broker.line(f"event=handshake_failed .*{why}", "stderr")
        run(WILCO, "pub", *self.tool(port), "t", "m", status=2)
        broker.line("event=handshake_failed .*has no certificate", "stderr")
        run(WILCO, "pub", "--url", f"mqtt://localhost:{port}", "t", "m", status=2)
        broker.line("event=handshake_failed .*does not speak TLS", "stderr")
        run(WILCO, "pub", *self.tool(port, "client"), "t", "m")


class OtherBroker(TlsCase):
    @unittest.skipIf(MOSQUITTO is None, "no mosquitto")
    def test_our_tool_with_mosquitto(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        config = self.folder / "mosquitto.conf"
        lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "user root", *self.asking()]
        config.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        mosquitto = Program(MOSQUITTO, "-c", config, "-v")
        self.addCleanup(mosquitto.stop)
        mosquitto.line("mosquitto version .* running", "stderr")
        listener = Program(WILCO, "sub", *self.tool(port, "client"), "-C", "1", "a/#", "--debug")
        listener.line("subscribed", "stderr")
        run(WILCO, "pub", *self.tool(port, "client"), "-q", "1", "a/b", "hello")
        listener.line("hello")
        self.assertEqual(listener.wait(), 0)
        run(WILCO, "pub", *self.tool(port, "revoked"), "a/b", "hello", status=2)
        run(WILCO, "pub", *self.tool(port), "a/b", "hello", status=2)


class Abuse(TlsCase):
    def s_client(self, port, *arguments, said=b""):
        return subprocess.run(
            ["openssl", "s_client", "-connect", f"localhost:{port}", *arguments],
            input=said, capture_output=True, timeout=WAIT_S, check=False,
        )  # fmt: skip

    def test_old_and_weak_is_refused(self):
        _, (port,) = self.start(self.own())
        weak = ["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]
        for arguments in (
            ["-tls1", *weak],
            ["-tls1_1", *weak],
            ["-tls1_2", "-cipher", "AES128-SHA256:@SECLEVEL=0"],  # no forward secrecy
            ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],  # CBC
            ["-tls1_2", "-cipher", "NULL:aNULL:@SECLEVEL=0"],
            ["-alpn", "h2"],
        ):
            with self.subTest(arguments=arguments):
                done = self.s_client(port, *arguments)
                self.assertNotEqual(done.returncode, 0, done.stdout)
                self.assertNotIn(b"BEGIN CERTIFICATE", done.stdout)
        for arguments in (["-tls1_2"], ["-tls1_3"], ["-alpn", "mqtt"], ["-alpn", "h2,mqtt"]):
            with self.subTest(arguments=arguments):
                done = self.s_client(port, *arguments)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(b"Compression: NONE", done.stdout)

    def test_renegotiation_is_refused(self):
        _, (port,) = self.start(self.own())
        done = self.s_client(port, "-tls1_2", said=b"R\n")
        self.assertIn(b"no renegotiation", done.stderr)

    def test_a_handshake_that_stalls(self):
        broker, (port,) = self.start(self.own(), settings=["connect_timeout_ms 1500"])
        begun = [b"", b"\x16", b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + bytes(100)]
        stalled = [socket.create_connection(("127.0.0.1", port), WAIT_S) for _ in range(STALLED)]
        for i, one in enumerate(stalled):
            one.sendall(begun[i % len(begun)])
        responder = Program(WILCO, "respond", *self.tool(port), REQUEST_TOPIC, "--reply", CONFIG)
        self.addCleanup(responder.stop)
        responder.line("ready", "stderr")
        run(WILCO, "request", *self.tool(port), REQUEST_TOPIC, "{}")  # others are served meanwhile
        for one in stalled:
            self.assertEqual(one.recv(1), b"")
            one.close()
        run(WILCO, "request", *self.tool(port), REQUEST_TOPIC, "{}")
        self.assertEqual(broker.stop(), 0)


class Reload(TlsCase):
    def replace(self, name):
        for end in (".pem", ".key"):
            shutil.copy(self.file(name + end), self.file("current" + end))
            os.chmod(self.file("current" + end), 0o600)

    def test_new_connections_see_the_new_certificate(self):
        self.replace("server")
        broker, (port,) = self.start(self.own("current"))
        listener = Program(WILCO, "sub", *self.tool(port), "-C", "2", "a", "--debug")
        listener.line("subscribed", "stderr")
        self.assertIn("CN = server", self.subject(port))

        self.replace("elsewhere")
        broker.process.send_signal(signal.SIGHUP)
        broker.line("event=reloaded", "stderr")
        self.assertIn("CN = elsewhere.example", self.subject(port))

        pathlib.Path(self.file("current.pem")).write_text("rubbish", encoding="utf-8")  # a bad one changes nothing
        broker.process.send_signal(signal.SIGHUP)
        broker.line(r"event=reload_problem .*certfile .*/current\.pem: is no certificate", "stderr")
        broker.line("event=reload_refused", "stderr")
        self.assertIn("CN = elsewhere.example", self.subject(port))

        self.replace("server")
        broker.process.send_signal(signal.SIGHUP)
        broker.line("event=reloaded", "stderr")
        for _ in range(2):
            run(WILCO, "pub", *self.tool(port), "-q", "1", "a", "still here")
            listener.line("still here")  # by the connection that was there all the time
        self.assertEqual(listener.wait(), 0)

    def test_revocation_is_taken_over(self):
        shutil.copy(self.file("ca.crl"), self.file("current.crl"))
        lines = [line.replace("/ca.crl", "/current.crl") for line in self.asking()]
        broker, (port,) = self.start(lines)
        run(WILCO, "pub", *self.tool(port, "client"), "t", "m")
        run(WILCO, "pub", *self.tool(port, "revoked"), "t", "m", status=2)
        pathlib.Path(self.file("current.crl")).unlink()
        broker.process.send_signal(signal.SIGHUP)
        broker.line("event=reload_refused", "stderr")
        run(WILCO, "pub", *self.tool(port, "revoked"), "t", "m", status=2)


class Configuration(TlsCase):
    def check(self, *lines):
        config = self.folder / "broker.conf"
        config.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        done = subprocess.run(
            [WILCO, "broker", "--config", config, "--check"], capture_output=True, timeout=WAIT_S, check=False, text=True
        )
        return done.returncode, done.stderr

    def test_what_is_wrong_is_said(self):
        os.chmod(self.file("server.key"), 0o644)
        for lines, why in (
            (["listen mqtts://127.0.0.1:0"], "TLS needs a certfile and a keyfile"),
            (["listen mqtts://127.0.0.1:0", *self.own()], f"chmod 600 {self.file('server.key')}"),
            (["listen mqtt://127.0.0.1:0", *self.own("self")], "is for listeners with TLS"),
            (["listen mqtts://127.0.0.1:0", *self.own("none")], "No such file or directory"),
            (["listen mqtts://127.0.0.1:0", *self.own("self"), "require_certificate true"], "a cafile or a capath"),
        ):
            with self.subTest(why=why):
                status, said = self.check(*lines)
                self.assertEqual(status, 1)
                self.assertIn(why, said)
                self.assertEqual(said.count("\n"), 1)
        self.assertEqual(self.check("listener 8883 127.0.0.1", *self.own("self")), (0, ""))


if __name__ == "__main__":
    unittest.main()
