"""Password and ACL files made for mosquitto give the same verdict here.

Files are made at random (ACL_SEED; ACL_FILES of them) and given to Debian's mosquitto and to a broker of ours. Both
are then asked, with real clients, whether each of them may publish to and receive from each topic. Where we differ
on purpose is a table, and both brokers are asked about it as well.
"""

import os
import pathlib
import random
import shutil
import signal
import socket
import tempfile
import unittest

import harness
from raw_mqtt import PUBACK, PUBCOMP, PUBREC, PUBREL, Client

SEED = int(os.environ.get("ACL_SEED", "20260101"))
FILES = int(os.environ.get("ACL_FILES", "4"))

USERS = (None, "ann", "bob", "carl cool", "nolines", "odd+", "%c", "c1")
CLIENT_IDS = ("c1", "c2", "ann", "odd#", "%u", "a-b")
ADMIN = ("admin", "the-admin")
WORDS = ("a", "b", "c1", "ann", "%c", "%u", "", "x-c1", "x-ann")


def make_filter(rnd, words):
    levels = [rnd.choice(words) for _ in range(rnd.randint(1, 3))]
    levels = ["+" if rnd.random() < 0.2 else level for level in levels]
    if rnd.random() < 0.25:
        levels.append("#")
    return "/".join(levels) or "a"


def make_rule(rnd, word, words):
    access = rnd.choice(("", "read ", "write ", "readwrite ", "readwrite ", "deny "))
    filter_ = make_filter(rnd, words)
    while " " not in access and filter_ in ("read", "write", "readwrite", "deny"):
        filter_ = make_filter(rnd, words)
    return f"{word} {access}{filter_}"


def make_file(rnd):
    """A file with comments, sections in several parts, and patterns anywhere."""
    lines = ["# made at random"]
    lines += [make_rule(rnd, "topic", WORDS) for _ in range(rnd.randint(0, 4))]
    for _ in range(rnd.randint(4, 10)):
        user = rnd.choice([user for user in USERS if user not in (None, "nolines")])
        lines += ["", f"user {user}"]
        for _ in range(rnd.randint(0, 4)):
            kind = rnd.choice(("topic", "topic", "topic", "pattern"))
            lines.append(make_rule(rnd, kind, WORDS + (("x-%c", "x-%u") if kind == "pattern" else ())))
    lines += [f"user {ADMIN[0]}", "topic #"]
    return "\n".join(lines) + "\n"


def make_topics(rnd):
    words = [word for word in WORDS if word]
    found = set()
    while len(found) < 30:
        found.add("/".join(rnd.choice(words) for _ in range(rnd.randint(1, 3))))
    return sorted(found)


class Broker:
    """One of the two; it takes new rules on SIGHUP."""

    def __init__(self, program, url, reloaded, acl):
        self.program, self.url, self.reloaded, self.acl = program, url, reloaded, acl

    def rules(self, text):
        self.acl.write_text(text)
        self.program.process.send_signal(signal.SIGHUP)
        self.program.line(self.reloaded, "stderr")

    def join(self, user, client_id):
        password = None if user is None else "secret"
        client = Client(self.url, client_id, user=user, password=password)
        assert client.connack.code == 0, (user, client_id, client.connack)
        return client

    def may_write(self, client, topics):
        for topic in topics:
            client.write_publish(topic, qos=1)
        return {topic for topic in topics if client.expect(PUBACK).code != 0x87}

    def readable(self, readers, topics):
        """What each of them receives of a message to each topic."""
        admin = self.join(*ADMIN)
        for reader in readers:
            reader.subscribe("#", 0)
        for topic in topics:
            assert admin.publish(topic) < 0x80
        admin.disconnect()
        return [{packet.topic for packet in reader.ping()} for reader in readers]


def free_port():
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


class SameVerdict(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)  # mosquitto may give its privileges up
        passwords = self.folder / "passwords"
        passwords.touch()
        for user in sorted({user for user in USERS if user} | {ADMIN[0], "a/b", "$SYS"}):
            harness.run("mosquitto_passwd", "-b", passwords, user, "secret")
        passwords.chmod(0o644)
        self.common = f"password_file {passwords}\nallow_anonymous true\n"
        self.brokers = (self.start_mosquitto(), self.start_wilco())

    def start_mosquitto(self):
        acl, config, port = self.folder / "mosquitto.acl", self.folder / "mosquitto.conf", free_port()
        acl.write_text("topic #\n")
        config.write_text(f"listener {port} 127.0.0.1\nlog_dest stderr\n{self.common}acl_file {acl}\n")
        program = harness.Program(shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", config)
        self.addCleanup(program.stop)
        program.line("running", "stderr")
        return Broker(program, f"mqtt://127.0.0.1:{port}", "Reloading config", acl)

    def start_wilco(self):
        acl, config = self.folder / "wilco.acl", self.folder / "wilco.conf"
        acl.write_text("topic #\n")
        config.write_text(f"listen mqtt://127.0.0.1:0\nshards 1\n{self.common}acl_file {acl}\n")
        program = harness.Program(harness.WILCO, "broker", "--config", config)
        self.addCleanup(program.stop)
        url = program.line(r"event=ready.* listen=(mqtt://127\.0\.0\.1:\d+)", "stderr")[1]
        return Broker(program, url, "event=reloaded", acl)

    def verdicts(self, broker, who, topics):
        """(user, client, action, topic) of all that is permitted."""
        clients = [broker.join(*names) for names in who]
        found = set()
        for names, client in zip(who, clients):
            found |= {(*names, "write", topic) for topic in broker.may_write(client, topics)}
        for names, readable in zip(who, broker.readable(clients, topics)):
            found |= {(*names, "read", topic) for topic in readable}
        for client in clients:
            client.disconnect()
        return found

    def test_generated_files(self):
        rnd = random.Random(SEED)
        cases = permitted = 0
        for number in range(FILES):
            text = make_file(rnd)
            topics = make_topics(rnd)
            ids = rnd.sample(CLIENT_IDS, 2) + [f"n{i}" for i in range(len(USERS))]
            who = [(user, ids[i % 2] if rnd.random() < 0.7 and i < 2 else ids[2 + i]) for i, user in enumerate(USERS)]
            who += [(rnd.choice(USERS), name) for name in CLIENT_IDS if name not in ids[:2]]
            with self.subTest(file=number, seed=SEED):
                for broker in self.brokers:
                    broker.rules(text)
                theirs, ours = (self.verdicts(broker, who, topics) for broker in self.brokers)
                self.assertEqual(ours - theirs, set(), text)
                self.assertEqual(theirs - ours, set(), text)
                cases += 2 * len(who) * len(topics)
                permitted += len(ours)
        print(f"{cases} cases of {FILES} files: the same verdict, {permitted} of them permitted", flush=True)
        self.assertGreaterEqual(cases, 1000)
        self.assertGreater(permitted, cases // 20)

    # user, client, action, topic, what mosquitto says, what we say; the file is DIFFERENT_RULES. Why is in
    # docs/authorisation.md.
    DIFFERENT_RULES = """
pattern readwrite dev/%c/#
pattern readwrite home/%u/#
pattern readwrite %c/own
user $SYS
user a/b
user admin
topic #
"""
    DIFFERENCES = (
        (None, "x/y", "write", "dev/x/y/z", True, False),
        (None, "x/y", "read", "dev/x/y/z", True, False),
        ("a/b", "c3", "write", "home/a/b", True, False),
        (None, "x/y", "write", "x/y/own", True, False),
        (None, "plain", "write", "plain/own", True, True),
    )

    def test_differences(self):
        who = sorted({row[:2] for row in self.DIFFERENCES}, key=str)
        topics = sorted({row[3] for row in self.DIFFERENCES})
        found = []
        for broker in self.brokers:
            broker.rules(self.DIFFERENT_RULES)
            found.append(self.verdicts(broker, who, topics))
        for *case, theirs, ours in self.DIFFERENCES:
            with self.subTest(case=case):
                self.assertEqual((tuple(case) in found[0], tuple(case) in found[1]), (theirs, ours))

    def test_a_name_of_the_broker(self):
        """A client that calls itself $SYS: no pattern opens the broker's own topics to it."""
        for broker, code in zip(self.brokers, (0, 0x87)):
            broker.rules("pattern read %c/#\n")
            client = broker.join(None, "$SYS")
            self.assertEqual(client.subscribe("$SYS/broker/version", 0), code)
            self.assertEqual([p.topic for p in client.ping()], ["$SYS/broker/version"] if code == 0 else [])
            client.disconnect()

    def test_what_a_revoked_publisher_left(self):
        """A retained message, and one of QoS 2 that is released after the right has gone; mosquitto sends both."""
        for broker, leaks in zip(self.brokers, (True, False)):
            broker.rules("topic readwrite a\n")
            publisher, reader = broker.join(None, "p"), broker.join(None, "r")
            self.assertLess(publisher.publish("a", "kept", retain=True), 0x80)
            publisher.write_publish("a", "held", qos=2, packet_id=9)
            self.assertLess(publisher.expect(PUBREC).code, 0x80)
            broker.rules("topic read a\n")
            self.assertEqual(reader.subscribe("a", 0), 0)
            self.assertEqual([p.payload for p in reader.ping()], [b"kept"] if leaks else [])
            publisher.send(PUBREL << 4 | 2, (9).to_bytes(2, "big"))
            publisher.expect(PUBCOMP)
            self.assertEqual([p.payload for p in reader.ping()], [b"held"] if leaks else [])
            publisher.disconnect()
            reader.disconnect()

    def test_a_subscription_that_can_bring_nothing(self):
        """mosquitto grants it."""
        for broker, code in zip(self.brokers, (0, 0x87)):
            broker.rules("topic read a/#\ntopic deny a/b/#\n")
            client = broker.join(None, "c1")
            for filter_ in ("b", "a/b", "a/b/#", "+/b/c", "b/#", "$share/g/b"):
                self.assertEqual(client.subscribe(filter_, 0), code, filter_)
            for filter_ in ("a", "a/c", "a/+", "#", "+/c"):
                self.assertEqual(client.subscribe(filter_, 0), 0, filter_)
            client.disconnect()


if __name__ == "__main__":
    unittest.main()
