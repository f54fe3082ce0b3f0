#!/usr/bin/env python3
"""Password files of mosquitto in our broker, ours in mosquitto, and what clients get to see of it."""
import itertools
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import WILCO, MosquittoCase, Program, run

ACCEPTED = 0
# Whoever is refused is told at once, and as often as it likes; a busy machine may take its time.
UNHURRIED = ("--set", "login_failures_max=0", "--set", "login_failure_delay_ms=0", "--set", "connect_timeout_ms=100000")


def string(text):
    data = text if isinstance(text, bytes) else text.encode()
    return len(data).to_bytes(2, "big") + data


def connect_packet(version, user, password, client_id="tester"):
    flags = 0x02 | (0x80 if user is not None else 0) | (0x40 if password is not None else 0)
    body = string("MQTT") + bytes([version, flags, 0, 60]) + (b"\0" if version == 5 else b"") + string(client_id)
    body += (string(user) if user is not None else b"") + (string(password) if password is not None else b"")
    assert len(body) < 16384
    return b"\x10" + (bytes([len(body)]) if len(body) < 128 else bytes([len(body) % 128 + 128, len(body) // 128])) + body


def verdict(port, version, user, password, **how):
    """The reason or return code of CONNACK; None: the connection just ended."""
    with socket.create_connection(("127.0.0.1", port), timeout=100) as client:
        client.sendall(connect_packet(version, user, password, **how))
        got = b""
        try:
            while len(got) < 4:
                more = client.recv(4 - len(got))
                if not more:
                    return None
                got += more
        except ConnectionResetError:
            return None
        assert got[0] == 0x20
        return got[3]


class OurBroker:
    """For a TestCase with `folder`."""

    def start_ours(self, *lines, options=UNHURRIED):
        self.config = self.folder / "wilco.conf"
        self.config.write_text("\n".join(("listen mqtt://127.0.0.1:0", "user root", *lines)) + "\n")
        self.ours = Program(WILCO, "broker", "--config", self.config, *options)
        self.addCleanup(self.ours.stop)
        return int(self.ours.line(r"event=ready.* listen=mqtt://127\.0\.0\.1:(\d+)", "stderr")[1])


def mosquitto_passwd(file, user, password, kind="sha512-pbkdf2"):
    create = [] if file.exists() else ["-c"]
    run("mosquitto_passwd", "-H", kind, *create, "-b", file, user, password)
    file.chmod(0o640)


class SameVerdicts(OurBroker, MosquittoCase):
    """The same file in both brokers, the same clients, the same answers."""

    configuration = "allow_anonymous false\npassword_file {folder}/passwords\n"
    USERS = {
        "alice": ("one", "sha512-pbkdf2"),
        "bob": ("two words", "sha512"),
        "cäcilie": ("drei:§$7$", "sha512-pbkdf2"),
        "d e": ("#four", "sha512"),
    }

    def prepare(self):
        passwords = self.folder / "passwords"
        for user, (password, kind) in self.USERS.items():
            mosquitto_passwd(passwords, user, password, kind)
        passwords.write_text("# made by mosquitto_passwd\n" + passwords.read_text(encoding="utf-8"), encoding="utf-8")
        passwords.chmod(0o644)
        config = self.folder / "mosquitto.conf"
        config.write_text(config.read_text().replace("{folder}", str(self.folder)) + "user root\n")

    def test_all_of_them(self):
        theirs = int(self.url.rsplit(":", 1)[1])
        ours = self.start_ours(f"password_file {self.folder}/passwords")
        users = (*self.USERS, "Alice", "nobody", "", None)
        passwords = (*(password for password, _ in self.USERS.values()), "one ", "", None)
        cases = 0
        for version, user, password in itertools.product((4, 5), users, passwords):
            if version == 4 and user is None and password is not None:
                continue  # malformed
            if version == 5 and user is None and password is not None:
                self.assertEqual(verdict(ours, 5, user, password), 0x86)
                continue
            right = user in self.USERS and self.USERS[user][0] == password
            got = [verdict(port, version, user, password) == ACCEPTED for port in (ours, theirs)]
            self.assertEqual(got, [right, right], (version, user, password))
            cases += 1
        self.assertGreater(cases, 90)

    def test_what_we_are_told(self):
        ours = self.start_ours(f"password_file {self.folder}/passwords")
        for user, password, codes in (
            ("alice", "one", (0, 0)),
            ("alice", "wrong", (4, 0x86)),
            ("nobody", "wrong", (4, 0x86)),
            ("alice", None, (4, 0x86)),
            (None, None, (5, 0x87)),
        ):
            with self.subTest(user=user, password=password):
                self.assertEqual(tuple(verdict(ours, version, user, password) for version in (4, 5)), codes)


class OursInMosquitto(MosquittoCase):
    """What wilco passwd writes in the formats that mosquitto 2.0 knows."""

    configuration = "allow_anonymous false\npassword_file {folder}/passwords\n"

    def prepare(self):
        file = self.folder / "passwords"
        run(WILCO, "passwd", "--create", "-H", "sha512-pbkdf2", "-I", "1000", file, "alice", stdin=b"one\n")
        run(WILCO, "passwd", "-H", "sha512", file, "bob", stdin=b"two\n")
        run(WILCO, "passwd", "-H", "sha512", file, "carl", stdin=b"three\n")
        run(WILCO, "passwd", "-D", file, "carl")
        config = self.folder / "mosquitto.conf"
        config.write_text(config.read_text().replace("{folder}", str(self.folder)) + "user root\n")

    def test_they_are_let_in(self):
        port = int(self.url.rsplit(":", 1)[1])
        for user, password, is_right in (
            ("alice", "one", True), ("bob", "two", True), ("alice", "two", False), ("carl", "three", False),
        ):  # fmt: skip
            self.assertEqual(verdict(port, 4, user, password) == ACCEPTED, is_right, user)


class Passwords(OurBroker, unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "passwords"
        self.passwd("--create", "alice", "one")

    def passwd(self, *arguments, kind="sha512"):
        *options, user, password = arguments
        run(WILCO, "passwd", "-H", kind, *options, self.file, user, stdin=password.encode() + b"\n")

    def reload(self, event="reloaded"):
        self.ours.process.send_signal(signal.SIGHUP)
        self.ours.line(f"event={event}", "stderr")

    def test_argon2id(self):
        self.passwd("bob", "two", kind="argon2id")
        port = self.start_ours(f"password_file {self.file}")
        self.assertEqual(verdict(port, 5, "bob", "two"), ACCEPTED)
        self.assertEqual(verdict(port, 5, "bob", "one"), 0x86)

    def test_what_comes_behind_connect(self):
        """A client need not wait for CONNACK; what it has sent is not looked at before, and not lost."""
        self.passwd("bob", "two", kind="argon2id")
        port = self.start_ours(f"password_file {self.file}")
        subscribe = b"\x82\x07\x00\x01\x00\x00\x01t\x00"
        for password, answer in (("two", b"\x20"), ("three", b"")):
            with socket.create_connection(("127.0.0.1", port), timeout=100) as client:
                client.sendall(connect_packet(5, "bob", password) + subscribe + b"\xc0\x00")
                got = b""
                while not got.endswith(b"\xd0\x00") and (more := client.recv(4096)):
                    got += more
                self.assertEqual(got[:1], b"\x20")
                self.assertEqual(got[3], ACCEPTED if answer else 0x86)
                self.assertEqual(b"\x90" in got[2 + got[1]:], bool(answer))

    def test_reload(self):
        port = self.start_ours(f"password_file {self.file}")
        self.assertEqual(verdict(port, 5, "alice", "one"), ACCEPTED)
        self.passwd("alice", "two")
        self.assertEqual(verdict(port, 5, "alice", "one"), ACCEPTED)
        self.reload()
        self.assertEqual(verdict(port, 5, "alice", "one"), 0x86)
        self.assertEqual(verdict(port, 5, "alice", "two"), ACCEPTED)
        self.file.write_text(self.file.read_text() + "bob:in the clear\n")
        self.reload("reload_refused")
        self.assertEqual(verdict(port, 5, "alice", "two"), ACCEPTED)
        self.assertEqual(verdict(port, 5, "bob", "in the clear"), 0x86)
        self.assertNotIn("in the clear", str(self.ours))

    def test_reload_disconnects_who_is_gone(self):
        self.passwd("bob", "two")
        port = self.start_ours(f"password_file {self.file}", "listen mqtt://127.0.0.1:0")
        clients = {}
        for user, password in (("alice", "one"), ("bob", "two")):
            client = socket.create_connection(("127.0.0.1", port), timeout=100)
            self.addCleanup(client.close)
            client.sendall(connect_packet(5, user, password, client_id=user))
            self.assertEqual(client.recv(4096)[3], ACCEPTED)
            clients[user] = client
        run(WILCO, "passwd", "-D", self.file, "bob")
        self.reload()
        self.assertEqual(clients["bob"].recv(4096)[:3:2], b"\xe0\x87")
        clients["alice"].sendall(b"\xc0\x00")
        self.assertEqual(clients["alice"].recv(4096), b"\xd0\x00")

    def test_too_many_failures(self):
        port = self.start_ours(
            f"password_file {self.file}", "login_failures_max 3", "login_failure_delay_ms 0", options=())  # fmt: skip
        for _ in range(3):
            self.assertEqual(verdict(port, 5, "alice", "secret guess"), 0x86)
        self.assertEqual(verdict(port, 5, "alice", "one"), 0x9F)
        self.assertEqual(verdict(port, 4, "alice", "one"), 3)
        line = self.ours.line("event=login_failed", "stderr").string
        self.assertRegex(line, r'from=127\.0\.0\.1 client="tester" user="alice" reason="Bad User Name or Password"')
        self.assertNotIn("secret guess", str(self.ours))

    def test_listeners(self):
        other = self.folder / "others"
        run(WILCO, "passwd", "-c", "-H", "sha512", other, "bob", stdin=b"two\n")
        self.start_ours(
            f"password_file {self.file}",
            "listen mqtt://127.0.0.1:0", f"listener_password_file {other}",
            "listen mqtt://127.0.0.1:0", "listener_allow_anonymous true",
        )  # fmt: skip
        ports = [int(port) for port in re.findall(r"listen=mqtt://127\.0\.0\.1:(\d+)", str(self.ours))]
        for user, password, codes in (
            ("alice", "one", (0, 0x86, 0)),
            ("bob", "two", (0x86, 0, 0x86)),
            (None, None, (0x87, 0x87, 0)),
        ):
            self.assertEqual(tuple(verdict(port, 5, user, password) for port in ports), codes, user)

    def test_nobody_could_connect(self):
        for lines in (["allow_anonymous false"], ["listen mqtt://127.0.0.1:0", "listener_allow_anonymous false"]):
            config = self.folder / "closed.conf"
            config.write_text("\n".join(lines) + "\n")
            done = subprocess.run([WILCO, "broker", "--config", config, "--check"], capture_output=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"nobody can connect", done.stderr)

    def test_open_to_the_network_with_passwords(self):
        config = self.folder / "open.conf"
        config.write_text(f"listener 1883\npassword_file {self.file}\n")
        run(WILCO, "broker", "--config", config, "--check")
        config.write_text(f"listener 1883\nlistener_password_file {self.file}\n")
        run(WILCO, "broker", "--config", config, "--check")

    def test_files_that_are_wrong(self):
        config = self.folder / "wilco.conf"
        config.write_text(f"password_file {self.file}\n")
        for text, why in ((b"alice\n", b"line 1: there is no colon"), (b"\nalice:x\n", b"line 2: behind the colon")):
            self.file.write_bytes(text)
            done = subprocess.run([WILCO, "broker", "--config", config, "--check"], capture_output=True, check=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(self.file).encode() + b": " + why, done.stderr)

    def test_the_tools_password(self):
        """It stands in the list of processes neither for the tool nor for what reads it from a file."""
        port = self.start_ours(f"password_file {self.file}")
        secret = self.folder / "secret"
        secret.write_text("one\n")
        url = f"mqtt://127.0.0.1:{port}"
        run(WILCO, "pub", "--url", url, "-u", "alice", "--password-file", secret, "t", "x")
        waiting = Program(WILCO, "sub", "--url", url, "-d", "-u", "alice", "-P", "one", "t")
        self.addCleanup(waiting.stop)
        waiting.line("subscribed", "stderr")
        command = pathlib.Path(f"/proc/{waiting.process.pid}/cmdline").read_bytes().split(b"\0")
        self.assertNotIn(b"one", command)
        self.assertIn(b"alice", command)


class Passwd(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "p"

    def passwd(self, *arguments, stdin=b"", status=0):
        done = subprocess.run([WILCO, "passwd", *map(str, arguments)], input=stdin, capture_output=True, check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stderr.decode()

    def test_makes_changes_removes(self):
        self.passwd("-c", self.file, "alice", stdin=b"one\n")
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o600)
        self.assertRegex(self.file.read_text(), r"^alice:\$argon2id\$v=19\$m=19456,t=2,p=1\$")
        self.assertIn("there already", self.passwd("-c", self.file, "bob", stdin=b"two\n", status=1))
        before = self.file.read_text()
        self.passwd("-H", "sha512-pbkdf2", self.file, "bob", stdin=b"two\n")
        self.assertRegex(self.file.read_text(), "^" + re.escape(before) + r"bob:\$7\$210000\$")
        self.passwd("-D", self.file, "bob")
        self.assertEqual(self.file.read_text(), before)
        self.assertIn('no user "bob"', self.passwd("-D", self.file, "bob", status=1))

    def test_says_what_is_wrong(self):
        for arguments, said in (
            ((self.file, "alice"), "--create makes it"),
            ((self.file,), "a FILE and a USER"),
            (("-b", self.file, "alice"), "--batch needs"),
            ((self.file, "alice", "one"), "needs --batch"),
            (("-c", "-D", self.file, "alice"), "exclude each other"),
            (("-c", self.file, "a:b"), "a user name is"),
            (("-c", self.file, "alice"), "no password has come"),
            (("-c", "-H", "md5", self.file, "alice"), "is not argon2id, sha512-pbkdf2, sha512"),
            (("-c", "-H", "sha512", "-I", "9", self.file, "alice"), "none for sha512"),
            (("-c", "/nowhere/p", "alice"), "no password has come"),
        ):
            self.assertIn(said, self.passwd(*arguments, status=1))
            self.assertFalse(self.file.exists())
        self.assertIn("is empty", self.passwd("-c", self.file, "alice", stdin=b"\n", status=1))
        self.assertIn("cannot be written", self.passwd("-c", "/nowhere/p", "alice", stdin=b"x\n", status=1))

    def test_batch_warns(self):
        self.assertIn("can be seen by others", self.passwd("-c", "-H", "sha512", "-b", self.file, "alice", "one"))
        self.assertTrue(self.file.exists())

    def test_upgrade(self):
        self.file.write_text("# two\nalice:one\nbob:two\n")
        self.assertIn("2 passwords were plain text", self.passwd("-U", "-H", "sha512", self.file))
        self.assertRegex(self.file.read_text(), r"^# two\nalice:\$6\$.*\nbob:\$6\$.*\n$")
        self.assertIn("0 passwords", self.passwd("-U", "-H", "sha512", self.file))

    def test_asks_without_echo(self):
        """At a terminal: asked twice, nothing shown, and the terminal is as it was."""
        import pty  # pylint: disable=import-outside-toplevel
        import termios  # pylint: disable=import-outside-toplevel

        for words, status in ((("one", "one"), 0), (("one", "two"), 1)):
            self.file.unlink(missing_ok=True)
            ours, theirs = pty.openpty()
            before = termios.tcgetattr(theirs)
            with subprocess.Popen(
                [WILCO, "passwd", "-c", "-H", "sha512", str(self.file), "alice"], stdin=theirs, stdout=theirs,
                stderr=theirs,
            ) as tool:  # fmt: skip
                shown = b""
                for question, word in zip((b"Password: ", b"Again: "), words):
                    while question not in shown:
                        shown += os.read(ours, 1000)
                    os.write(ours, word.encode() + b"\n")
                self.assertEqual(tool.wait(timeout=100), status)
            self.assertNotIn(b"one", shown)
            self.assertEqual(termios.tcgetattr(theirs), before)
            self.assertEqual(self.file.exists(), status == 0)
            os.close(ours)
            os.close(theirs)


if __name__ == "__main__":
    unittest.main(verbosity=2)
