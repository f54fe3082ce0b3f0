"""Plain publishing and subscribing with mosquitto's clients, both versions of the protocol."""

import itertools
import signal
import unittest

from harness import BrokerCase, run

VERSIONS = ("5", "311", "31")
QOS = ("0", "1", "2")


class PubSub(BrokerCase):
    shards = 4

    def publish(self, *arguments):
        return run("mosquitto_pub", "-p", self.port, *arguments)

    def test_every_version_and_qos_both_ways(self):
        for subscriber_version, qos in itertools.product(VERSIONS, QOS):
            subscriber = self.start_subscriber(
                "-V", subscriber_version, "-q", qos, "-t", "plain/+/x", "-F", "got %q %t %p"
            )
            for publisher_version, published in itertools.product(VERSIONS, QOS):
                with self.subTest(
                    sub=subscriber_version, qos=qos, pub=publisher_version, published=published
                ):
                    text = f"{publisher_version}-{published}"
                    self.publish("-V", publisher_version, "-q", published, "-t", "plain/a/x", "-m", text)
                    delivered = min(qos, published)
                    self.assertEqual(
                        subscriber.line("^got ").string, f"got {delivered} plain/a/x {text}"
                    )
            subscriber.stop()

    def test_retained(self):
        for version in VERSIONS:
            with self.subTest(version):
                topic = f"retained/{version}"
                self.publish("-V", version, "-r", "-q", "1", "-t", topic, "-m", "kept")
                got = run("mosquitto_sub", "-p", self.port, "-V", version, "-t", topic, "-C", "1",
                          "-W", "20", "-F", "%r %p")  # fmt: skip
                self.assertEqual(got, b"1 kept\n")
                self.publish("-V", version, "-r", "-n", "-t", topic)
                run("mosquitto_sub", "-p", self.port, "-V", version, "-t", topic, "-E")
        got = run("mosquitto_sub", "-p", self.port, "-t", "retained/#", "-W", "1", status=27)
        self.assertEqual(got, b"")

    def test_session_outlives_the_connection(self):
        for version in ("5", "311"):
            with self.subTest(version):
                keep = ("-i", f"keeper{version}", "-c", "-V", version, "-q", "1", "-t", f"kept/{version}")
                if version == "5":
                    keep += ("-x", "600")
                run("mosquitto_sub", "-p", self.port, *keep, "-E")
                for text in ("one", "two", "three"):
                    self.publish("-V", version, "-q", "1", "-t", f"kept/{version}", "-m", text)
                got = run("mosquitto_sub", "-p", self.port, *keep, "-C", "3", "-W", "20")
                self.assertEqual(got, b"one\ntwo\nthree\n")

    def test_will(self):
        watcher = self.start_subscriber("-V", "5", "-q", "1", "-t", "gone/#", "-F", "got %t %p")
        for version in VERSIONS:
            with self.subTest(version):
                doomed = self.start_subscriber(
                    "-V", version, "-t", "nothing", "--will-topic", f"gone/{version}",
                    "--will-payload", "bye", "--will-qos", "1",
                )  # fmt: skip
                doomed.stop(9)
                self.assertEqual(watcher.line("^got ").string, f"got gone/{version} bye")

    def test_shared_subscription(self):
        members = [
            self.start_subscriber("-V", "5", "-q", "1", "-t", "$share/workers/jobs", "-F", "got %p")
            for _ in range(3)
        ]
        for i in range(9):
            self.publish("-V", "5", "-q", "1", "-t", "jobs", "-m", str(i))
        got = [member.line("^got ").string for member in members for _ in range(3)]
        self.assertEqual(sorted(got), [f"got {i}" for i in range(9)])

    def test_members_of_a_group_that_are_killed(self):
        """What one was sent and did not acknowledge goes to another at once [U-4.8.2-2]."""
        keep = ("-c", "-x", "600")
        doomed = None
        for name, options in (("one", keep), ("two", ()), ("three", keep), ("four", ())):
            member = self.start_subscriber("-V", "5", "-q", "1", "-t", "$share/workers/jobs",
                                           "-F", "got %p", "-i", name, *options)  # fmt: skip
            if doomed is not None:
                doomed.process.send_signal(signal.SIGSTOP)  # it is sent messages and does not answer
                for i in range(20):
                    self.publish("-V", "5", "-q", "1", "-t", "jobs", "-m", f"{name} {i}")
                doomed.stop(signal.SIGKILL)
                got = [member.line("^got ").string for _ in range(20)]
                self.assertEqual(sorted(got), sorted(f"got {name} {i}" for i in range(20)))
            doomed = member

    def test_large_payload(self):
        payload = bytes(range(256)) * 4096
        subscriber = self.start_subscriber("-V", "5", "-q", "2", "-t", "large", "-C", "1", "-F", "%l")
        run("mosquitto_pub", "-p", self.port, "-V", "5", "-q", "2", "-t", "large", "-s", stdin=payload)
        subscriber.line(f"^{len(payload)}$")
        self.assertEqual(subscriber.wait(), 0)


if __name__ == "__main__":
    unittest.main()
