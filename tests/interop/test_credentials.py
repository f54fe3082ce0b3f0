"""SCRAM-SHA-256, JSON Web Tokens and client certificates, each by programs that share no code with ours: Python's
hashlib and the openssl command. Who a client is shows in what it may publish to: own/USER."""

import base64
import hashlib
import hmac
import json
import os
import pathlib
import signal
import ssl
import subprocess
import tempfile
import time
import unittest

import raw_mqtt
from harness import WILCO, Program, run

METHOD, DATA = 0x15, 0x16
NOT_AUTHORIZED, BAD_CREDENTIALS, RATE_EXCEEDED = 0x87, 0x86, 0x9F
PASSWORD = "correct horse, battery=staple"
SECRET = "0123456789abcdef0123456789abcdef"


class Scram(raw_mqtt.Client):
    """A client that proves its password as RFC 5802 says, and looks at the proof of the server."""

    def __init__(self, url, user, password, *, header="n,,", client_id="scram"):
        self.is_v5, self.next_id, self.data, self.sock, self.kept = True, 0, b"", raw_mqtt.dial(url), []
        self.header, self.first, self.password = header, "", password
        self.signature = b""
        body = raw_mqtt.text("MQTT") + bytes([5, 2, 0, 0]) + self.properties(self.begin(user)) + raw_mqtt.text(client_id)
        self.send(raw_mqtt.CONNECT << 4, body)
        self.connack = self.answer(0x18)
        if self.connack.code == 0:
            self.verify(self.connack.properties[DATA])

    @staticmethod
    def properties(data):
        return raw_mqtt.properties([(METHOD, "SCRAM-SHA-256"), (DATA, data)])

    def begin(self, user):
        name = user.replace("=", "=3D").replace(",", "=2C")
        self.nonce = base64.b64encode(os.urandom(18)).decode().replace(",", "x")
        self.first = f"n={name},r={self.nonce}"
        return self.header + self.first

    def challenge(self):
        """What the server has said first; or the packet that came instead."""
        packet = self._read()
        if packet is None or packet.type != raw_mqtt.AUTH:
            return packet, None
        values, _ = raw_mqtt.read_properties(packet.body, 1)
        assert packet.body[0] == 0x18, packet.body
        return packet, values[DATA].decode()

    def final(self, server_first):
        values = dict(part.split("=", 1) for part in server_first.split(","))
        assert values["r"].startswith(self.nonce) and len(values["r"]) > len(self.nonce)
        salted = hashlib.pbkdf2_hmac(
            "sha256", self.password.encode(), base64.b64decode(values["s"]), int(values["i"])
        )
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        bare = f"c={base64.b64encode(self.header.encode()).decode()},r={values['r']}"
        message = f"{self.first},{server_first},{bare}".encode()
        signed = hmac.digest(hashlib.sha256(client_key).digest(), message, "sha256")
        self.signature = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), message, "sha256")
        proof = bytes(a ^ b for a, b in zip(client_key, signed))
        return f"{bare},p={base64.b64encode(proof).decode()}"

    def verify(self, server_final):
        assert server_final == b"v=" + base64.b64encode(self.signature), server_final

    def answer(self, code):
        self.server_first = None
        packet, self.server_first = self.challenge()
        if self.server_first is None:
            return packet
        self.send(raw_mqtt.AUTH << 4, bytes([code]) + self.properties(self.final(self.server_first)))
        return self._read()

    def again(self, user):
        """Re-authenticates; what the server says to it."""
        self.send(raw_mqtt.AUTH << 4, b"\x19" + self.properties(self.begin(user)))
        return self.answer(0x18)


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def unsigned(header, claims):
    return base64url(json.dumps(header).encode()) + "." + base64url(json.dumps(claims).encode())


class Authority:
    """Makes certificates, with the openssl command."""

    def __init__(self, folder):
        self.folder = folder
        self.make("ca", "/CN=test authority", ca=None)

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def make(self, name, subject, extensions=(), ca="ca"):
        issuer = () if ca is None else ("-CA", self.folder / f"{ca}.pem", "-CAkey", self.folder / f"{ca}.key")
        more = [word for extension in extensions for word in ("-addext", extension)]
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                     "-subj", subject, "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem",
                     *issuer, *more)  # fmt: skip
        (self.folder / f"{name}.key").chmod(0o600)


class Credentials(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.make_keys()
        cls.write("acl", "pattern write own/%u")
        cls.config(["jwt_issuer me", "jwt_audience us", "login_failures_max 1000000", "login_failure_delay_ms 0"])
        cls.broker = Program(WILCO, "broker", "--config", cls.folder / "conf")
        ready = cls.broker.line("event=ready", "stderr").string
        cls.plain, cls.secure, cls.other = [word[7:] for word in ready.split() if word.startswith("listen=")]

    @classmethod
    def tearDownClass(cls):
        cls.broker.stop()
        said = "\n".join(cls.broker.said)
        cls.temporary.cleanup()
        for secret in (PASSWORD, SECRET, "eyJ"):  # at the highest verbosity
            assert secret not in said, f"{secret} is in the log"

    @classmethod
    def write(cls, name, *lines):
        path = cls.folder / name
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        path.chmod(0o600)
        return path

    @classmethod
    def add_user(cls, user, *flags):
        run(WILCO, "passwd", "-H", "scram-sha-256", "-I", "4096", *flags, cls.folder / "scram", user,
            stdin=f"{PASSWORD}\n".encode())  # fmt: skip

    @classmethod
    def make_keys(cls):
        cls.authority = Authority(cls.folder)
        cls.authority.make("server", "/CN=localhost", ["subjectAltName=IP:127.0.0.1"])
        cls.authority.make("carol", "/O=people/CN=carol", ["subjectAltName=email:carol@example.com"])
        cls.authority.make("nobody", "/O=people", ["subjectAltName=IP:127.0.0.1"])
        cls.authority.make("eve", "/CN=carol", ca=None)
        cls.authority.openssl("genpkey", "-algorithm", "ed25519", "-out", cls.folder / "jwt.key")
        cls.authority.openssl("pkey", "-in", cls.folder / "jwt.key", "-pubout", "-out", cls.folder / "jwt.pem")
        cls.write("secret", SECRET)
        cls.add_user("alice", "--create")
        cls.add_user("b,=b")

    @classmethod
    def config(cls, more):
        f = cls.folder
        tls = [f"certfile {f}/server.pem", f"keyfile {f}/server.key", f"cafile {f}/ca.pem", "require_certificate true"]
        cls.write(
            "conf", f"scram_file {f}/scram", f"jwt_secret_file {f}/secret", "jwt_key_id one",
            f"jwt_key_file {f}/jwt.pem", "jwt_key_id two", "jwt_leeway_s 0", f"acl_file {f}/acl", "log_level debug",
            *more,
            "listen mqtt://127.0.0.1:0",
            "listen mqtts://127.0.0.1:0", *tls, "use_identity_as_username true",
            "listen mqtts://127.0.0.1:0", *tls, "certificate_user san",
        )  # fmt: skip

    @classmethod
    def reload(cls, event="reloaded"):
        cls.broker.process.send_signal(signal.SIGHUP)
        cls.broker.line(f"event={event} ", "stderr")

    def expect_user(self, client, user):
        self.assertEqual(client.connack.code, 0, client.connack)
        self.assertEqual(client.publish(f"own/{user}"), 0x10)  # nobody has subscribed
        self.assertEqual(client.publish("own/somebody else"), NOT_AUTHORIZED)


class ScramTest(Credentials):
    def test_who_proves_it_is_let_in(self):
        for user in ("alice", "b,=b"):
            for header in ("n,,", "y,,"):
                with self.subTest(user=user, header=header):
                    self.expect_user(Scram(self.plain, user, PASSWORD, header=header), user)

    def test_who_does_not_is_not(self):
        for user, password in (("alice", "wrong"), ("alice", ""), ("eve", PASSWORD)):
            with self.subTest(user=user, password=password):
                client = Scram(self.plain, user, password)
                self.assertIsNotNone(client.server_first)
                self.assertEqual(client.connack.code, NOT_AUTHORIZED)

    def test_channel_binding_is_refused(self):
        client = Scram(self.plain, "alice", PASSWORD, header="p=tls-unique,,")
        self.assertIsNone(client.server_first)
        self.assertEqual(client.connack.code, NOT_AUTHORIZED)

    def test_strangers_look_like_users(self):
        def challenge(user):
            values = Scram(self.plain, user, "wrong").server_first.split(",")
            return len(values[0]), values[1], values[2]

        known, unknown = challenge("alice"), challenge("eve")
        self.assertEqual(challenge("eve"), unknown)
        self.assertNotEqual(challenge("eva")[1], unknown[1])
        self.assertEqual((known[0], len(known[1]), known[2]), (unknown[0], len(unknown[1]), unknown[2]))

    def test_again_on_the_same_connection(self):
        client = Scram(self.plain, "alice", PASSWORD)
        answer = client.again("alice")
        self.assertEqual((answer.type, answer.body[0]), (raw_mqtt.AUTH, 0))
        client.verify(raw_mqtt.read_properties(answer.body, 1)[0][DATA])
        self.expect_user(client, "alice")
        answer = client.again("b,=b")  # with the right password, but it is somebody else
        self.assertEqual((answer.type, answer.code), (raw_mqtt.DISCONNECT, NOT_AUTHORIZED))

    def test_our_own_client(self):
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as file:
            file.write(PASSWORD)
            file.flush()
            how = ("--url", self.plain, "--auth-method", "SCRAM-SHA-256", "--password-file", file.name)
            run(WILCO, "pub", *how, "-u", "b,=b", "-q", "1", "own/b,=b", "x")
            run(WILCO, "pub", *how, "-u", "eve", "own/eve", "x", status=NOT_AUTHORIZED)

    def test_users_are_read_again(self):
        self.add_user("dave")
        self.assertEqual(Scram(self.plain, "dave", PASSWORD).connack.code, NOT_AUTHORIZED)
        self.reload()
        self.expect_user(Scram(self.plain, "dave", PASSWORD), "dave")
        whole = (self.folder / "scram").read_text(encoding="utf-8")
        self.write("scram", whole + "eve:no secret")
        self.reload("reload_refused")
        self.expect_user(Scram(self.plain, "dave", PASSWORD), "dave")
        self.write("scram", whole)


class TokenTest(Credentials):
    @staticmethod
    def claims(**more):
        return {"sub": "bob", "iss": "me", "aud": "us", "exp": time.time() + 60, **more}

    def by_secret(self, claims, header=None, secret=SECRET):
        text = unsigned(header or {"alg": "HS256", "kid": "one"}, claims)
        return text + "." + base64url(hmac.digest(secret.encode(), text.encode(), "sha256"))

    def by_key(self, claims, header=None):
        text = unsigned(header or {"alg": "EdDSA", "kid": "two"}, claims)
        with tempfile.NamedTemporaryFile("w", dir=self.folder) as file:
            file.write(text)
            file.flush()
            signature = subprocess.run(
                ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.folder / "jwt.key", "-in", file.name],
                check=True, capture_output=True).stdout  # fmt: skip
        return text + "." + base64url(signature)

    def connect(self, token, user=None, **how):
        return raw_mqtt.Client(self.plain, "token", user=user, password=token, **how)

    def test_tokens_say_who_it_is(self):
        for token in (self.by_secret(self.claims()), self.by_key(self.claims())):
            for user in (None, "", "bob"):
                with self.subTest(token=token, user=user):
                    self.expect_user(self.connect(token, user), "bob")

    def test_older_clients_have_tokens_too(self):
        client = self.connect(self.by_secret(self.claims()), "bob", version=4)
        self.assertEqual(client.connack.code, 0)
        self.assertEqual(self.connect("eyJh.eyJ.x", "bob", version=4).connack.code, 4)

    def test_what_is_wrong_is_refused(self):
        now = time.time()
        rows = {
            "another user": (self.by_secret(self.claims()), "alice"),
            "expired": (self.by_secret(self.claims(exp=now - 1)), None),
            "early": (self.by_secret(self.claims(nbf=now + 30)), None),
            "for others": (self.by_secret(self.claims(aud="them")), None),
            "by others": (self.by_secret(self.claims(iss="them")), None),
            "no end": (self.by_secret({"sub": "bob", "iss": "me", "aud": "us"}), None),
            "another secret": (self.by_secret(self.claims(), secret="f" * 32), None),
            "another key": (self.by_secret(self.claims(), {"alg": "HS256", "kid": "two"}), None),
            "confused": (self.by_key(self.claims(), {"alg": "HS256"}), None),
            "none": (unsigned({"alg": "none"}, self.claims()) + ".", None),
            "public key as secret": (
                self.by_secret(self.claims(), {"alg": "HS256"}, (self.folder / "jwt.pem").read_text()), None),
            "a password": ("password", "bob"),
        }  # fmt: skip
        for name, (token, user) in rows.items():
            with self.subTest(name):
                self.assertEqual(self.connect(token, user).connack.code, BAD_CREDENTIALS)

    def test_its_end_is_the_connections(self):
        client = self.connect(self.by_secret(self.claims(exp=time.time() + 1.5)))
        self.expect_user(client, "bob")
        packet = client.next()
        self.assertEqual((packet.type, packet.code), (raw_mqtt.DISCONNECT, NOT_AUTHORIZED))

    def test_keys_are_read_again(self):
        token = self.by_secret(self.claims(), secret="another secret of many characters")
        self.assertEqual(self.connect(token).connack.code, BAD_CREDENTIALS)
        self.write("secret", "another secret of many characters")
        self.reload()
        self.expect_user(self.connect(token), "bob")
        self.write("secret", "short")
        self.reload("reload_refused")
        self.expect_user(self.connect(token), "bob")
        self.write("secret", SECRET)
        self.reload()


class CertificateTest(Credentials):
    def context(self, name):
        context = raw_mqtt.trusting(self.folder / "ca.pem")
        context.load_cert_chain(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        return context

    def test_a_certificate_says_who_it_is(self):
        for url, user in ((self.secure, "carol"), (self.other, "carol@example.com")):
            for claimed in (None, "alice"):  # what CONNECT says means nothing
                with self.subTest(user=user, claimed=claimed):
                    client = raw_mqtt.Client(url, user, context=self.context("carol"), user=claimed, password="x")
                    self.expect_user(client, user)

    def test_one_without_a_name_does_not(self):
        for url in (self.secure, self.other):
            client = raw_mqtt.Client(url, "nobody", context=self.context("nobody"))
            self.assertEqual(client.connack.code, NOT_AUTHORIZED)

    def test_strangers_do_not_come_so_far(self):
        with self.assertRaises((ssl.SSLError, ConnectionError, AssertionError)):
            raw_mqtt.Client(self.secure, "tls", context=self.context("eve"))


class FailuresTest(Credentials):
    def test_failures_of_scram_count(self):
        self.config(["login_failures_max 3"])
        self.reload()
        codes = [Scram(self.plain, "alice", "wrong").connack.code for _ in range(4)]
        self.assertEqual(codes, [NOT_AUTHORIZED] * 3 + [RATE_EXCEEDED])
        self.assertEqual(Scram(self.plain, "alice", PASSWORD).connack.code, RATE_EXCEEDED)


class MistakesTest(unittest.TestCase):
    def check(self, *lines):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write("".join(f"{line}\n" for line in lines))
            file.flush()
            done = subprocess.run([WILCO, "broker", "--check", "--config", file.name], capture_output=True, check=False)
        self.assertEqual(done.returncode, 1)
        return done.stderr.decode()

    def test_are_named(self):
        self.assertIn("clients show no certificate here", self.check("listen mqtt://127.0.0.1:0", "certificate_user cn"))
        self.assertIn("scram_file: /no/such: No such file", self.check("scram_file /no/such"))
        self.assertIn("jwt_key_file: /dev/null: it is not a file", self.check("jwt_key_file /dev/null"))


if __name__ == "__main__":
    del Credentials  # which has no tests of its own
    unittest.main(warnings="ignore")  # of sockets that go with their clients
