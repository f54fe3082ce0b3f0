"""libwilco against a broker that is not ours: Debian's mosquitto. docs/other_brokers.md says what is different there,
and which of these tests shows it."""

import json
import os
import pathlib
import re
import shutil
import socket
import tempfile
import unittest

from harness import CONFIG, HERE, PYTHON, WAIT_S, WILCO, BrokerCase, KeptSessions, Program, run

MOSQUITTO = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
PLUGINS = "/usr/lib/*/mosquitto_dynamic_security.so"
ASKER = os.environ.get("ASKER", "asker")
STREAMER = os.environ.get("STREAMER", "streamer")
PARTS = 100
PAGE = HERE.parent.parent / "docs" / "other_brokers.md"
STATUS = {"ok": 0, "limit": -5, "timed out": -10, "no responder": -11, "refused": -13, "cancelled": -14}
# A plugin of mosquitto that answers SUBSCRIBE with 0x87; its acl_file lets everybody subscribe, and delivers nothing.
NO_SUBSCRIPTIONS = {
    "defaultACLAccess": {"publishClientSend": True, "publishClientReceive": True, "subscribe": False, "unsubscribe": True}
}


class Asker(Program):
    """A requester on libwilco (asker.c)."""

    def __init__(self, topic, **fields):
        super().__init__(ASKER, topic, *(f"{name}={int(value)}" for name, value in fields.items()))

    def responses_until_end(self):
        """The payloads, and what is said of the end."""
        payloads = []
        while True:
            line = self.line("").string
            if line.startswith("end "):
                self.process.stdin.close()
                return payloads, line
            payloads.append(line.removeprefix("response "))


class WithAsker(unittest.TestCase):
    def say_where(self):
        os.environ["WILCO_URL"] = self.url
        self.addCleanup(os.environ.pop, "WILCO_URL", None)

    def parts_at_once(self, parts_max):
        """How many parts (streamer.c) leave before the first was taken; all of them arrive."""
        self.say_where()
        streamer = Program(STREAMER, "stream", PARTS)
        self.addCleanup(streamer.stop)
        streamer.line("^ready$")
        payloads, end = self.asker("stream", parts_max=parts_max).responses_until_end()
        self.assertEqual(payloads, [*map(str, range(PARTS)), "end"])
        self.assertRegex(end, "^end 0, ")
        return int(streamer.line(r"^at once (\d+)$")[1])

    def asker(self, topic, **fields):
        self.say_where()
        asker = Asker(topic, **fields)
        self.addCleanup(asker.stop)
        return asker

    def check_end(self, asker, payloads, status, rest):
        self.assertEqual(asker.responses_until_end(), (payloads, f"end {STATUS[status]}, {rest}"))


class MosquittoCase(WithAsker):
    settings = ()

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)  # mosquitto, started by root, becomes somebody else
        config = self.folder / "mosquitto.conf"
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = held.getsockname()[1]
        config.write_text(
            "\n".join([f"listener {self.port} 127.0.0.1", "allow_anonymous true", "log_dest stderr", "log_type all",
                       *self.more_settings(), ""])
        )  # fmt: skip
        self.broker = Program(MOSQUITTO, "-c", config)
        self.addCleanup(self.broker.stop)
        self.broker.line("running", "stderr")
        self.url = f"mqtt://127.0.0.1:{self.port}"

    def more_settings(self):
        return ()

    def started(self, *command, ready="^ready$", stream="stdout"):
        program = Program(*command)
        self.addCleanup(program.stop)
        program.line(ready, stream)
        return program

    def respond(self, *arguments):
        return self.started(WILCO, "respond", "--url", self.url, *arguments, ready="ready", stream="stderr")

    def script(self, name, *arguments):
        interpreter = PYTHON if name.endswith(".py") else "node"
        return self.started(interpreter, HERE / name, self.port, *arguments)

    def silent_responder(self, topic):
        """Subscribes and never answers."""
        return self.started("stdbuf", "-oL", "mosquitto_sub", "-V", "5", "-d", "-q", "1", "-p", self.port, "-t", topic,
                            "-F", "got %p", ready="^Subscribed")  # fmt: skip

    def request(self, *arguments, status=0):
        return run(WILCO, "request", "--url", self.url, *arguments, status=status)


class Mosquitto(KeptSessions, MosquittoCase):
    def test_request_and_response(self):
        self.respond("echo/+", "--echo")
        for qos in ("0", "1", "2"):
            with self.subTest(qos=qos):
                self.assertEqual(self.request("-q", qos, "echo/x", qos), f"{qos}\n".encode())

    def test_group(self):
        self.respond("work", "--group", "g", "--reply", "done")
        self.respond("work", "--group", "g", "--reply", "done")
        for _ in range(4):
            self.assertEqual(self.request("work", "x"), b"done\n")

    def test_error_status(self):
        self.respond("job", "--exec", "exit 1")
        self.request("job", "x", status=64)

    def test_it_knows_nothing_of_services_and_ways(self):
        run(WILCO, "ls", "--url", self.url, status=16)
        run(WILCO, "trace", "--url", self.url, "echo/x", status=1)

    def test_pub_and_sub(self):
        run(WILCO, "pub", "--url", self.url, "-q", "1", "-r", "kept", "text")
        self.assertEqual(run(WILCO, "sub", "--url", self.url, "-C", "1", "-W", "20", "kept"), b"text\n")

    # ---- Clients we did not write ----

    def test_our_requester_and_their_responders(self):
        for name in ("paho_responder.py", "mqttjs_responder.mjs"):
            with self.subTest(name):
                responder = self.script(name, f"their/{name}", CONFIG)
                self.assertEqual(self.request(f"their/{name}", "{}", "--correlation", "c"), f"{CONFIG}\n".encode())
                seen = json.loads(responder.line("^{").string)
                self.assertEqual((seen["payload"], seen["correlation_hex"]), ("{}", b"c".hex()))

    def test_their_requesters_and_our_responder(self):
        self.respond("ours", "--reply", CONFIG)
        rr = ("mosquitto_rr", "-V", "5", "-p", self.port, "-t", "ours", "-e", "answers/rr", "-m", "{}", "-W", str(WAIT_S))
        self.assertEqual(run(*rr), f"{CONFIG}\n".encode())
        for name in ("paho_requester.py", "mqttjs_requester.mjs"):
            with self.subTest(name):
                requester = self.script(name, "ours", f"answers/{name}", "c", "{}", "1")
                self.assertEqual(requester.line("^[0-9a-f]+ ").string, f"{b'c'.hex()} {CONFIG}")
                self.assertEqual(requester.wait(), 0)

    # ---- What is different ----

    def test_a_private_response_topic_before_the_request(self):
        """It subscribes, and has the SUBACK, before the request leaves."""
        self.respond("echo", "--echo")
        self.request("-i", "asking", "echo", "x")
        for pattern in ("Received SUBSCRIBE from asking$", r"^\d+: \tresponses/[\w-]{22} \(QoS 2\)$", "Sending SUBACK to asking$",
                        "Received PUBLISH from asking .*'echo'"):  # fmt: skip
            self.broker.line(pattern, "stderr")

    def test_nobody_there(self):
        """mosquitto 2.0 says 0x10 No matching subscribers too."""
        self.request("nobody", "x", status=16)

    def test_nobody_there_at_qos_0(self):
        """There is no acknowledgement that could say so, and no status response."""
        self.request("-q", "0", "nobody", "x", "-W", "200ms", status=27)

    def test_all_offline(self):
        """A kept session is a subscriber; that its client is away does not show."""
        run(WILCO, "sub", "--url", self.url, "-c", "-i", "asleep", "-x", "600", "-q", "1", "-W", "1ms", "sleepy", status=27)
        self.check_end(self.asker("sleepy", fail_if_offline=True, timeout_ms=200), [], "timed out", "executed maybe")

    def test_a_lost_responder(self):
        """Nobody says that it is lost, so the time must pass; and it may have begun."""
        self.respond("deadly", "--exec", "kill -9 $PPID")
        self.check_end(self.asker("deadly", timeout_ms=1000), [], "timed out", "executed maybe")

    def test_cancelling_is_not_told(self):
        """It ends here; the responder hears nothing of it."""
        responder = self.silent_responder("long")
        asker = self.asker("long", cancel=True)
        responder.line("^got ")
        asker.send("cancel\n")
        self.check_end(asker, [], "cancelled", "executed maybe")
        run("mosquitto_pub", "-p", self.port, "-q", "1", "-t", "long", "-m", "next")
        self.assertEqual(responder.line("^got ").string, "got next")

    def test_scatter_ends_by_count_stall_or_time(self):
        """How many it went to is not known."""
        for text in ("one", "two"):
            self.respond("all", "--reply", text)
        for fields in ({"responses_max": 2}, {"stall_ms": 500}, {"responses_max": 2**32 - 1, "timeout_ms": 500}):
            with self.subTest(**fields):
                payloads, end = self.asker("all", scatter=True, **fields).responses_until_end()
                self.assertEqual(sorted(payloads), ["one", "two"])
                self.assertRegex(end, r"^end 0, .*, answered 2, lost 0, expected \?$")

    def test_parts_come_without_credit(self):
        """All at once, as far as queue_bytes_max of the responder lets them."""
        self.assertEqual(self.parts_at_once(parts_max=2), PARTS)

    def test_no_registry_of_services(self):
        self.request("$SRV/PING", status=16)

    def test_a_retained_response_is_none(self):
        """T4: it is stale, whatever its correlation data are."""
        answer = ("answers/t4", "--correlation", "c")
        run(WILCO, "pub", "--url", self.url, "-q", "1", "-r", "answers/t4", "stale", "--correlation", "c")
        self.silent_responder("quiet")
        self.request("quiet", "x", "-e", *answer, "-W", "200ms", status=27)
        self.respond("fresh", "--reply", "fresh")
        self.assertEqual(self.request("fresh", "x", "-e", *answer), b"fresh\n")

    def test_a_response_that_is_too_large(self):
        """T13: mosquitto drops it (3.1.2-25) and tells nobody."""
        self.respond("large", "--reply", "x" * 2000)
        self.check_end(self.asker("large", packet_bytes_max=1000, timeout_ms=500), [], "timed out", "executed maybe")


class Refusing(MosquittoCase):
    def more_settings(self):
        config = self.folder / "security.json"
        config.write_text(json.dumps(NO_SUBSCRIPTIONS))
        (plugin,) = pathlib.Path("/").glob(PLUGINS.removeprefix("/"))
        return f"plugin {plugin}", f"plugin_opt_config_file {config}"

    def test_a_refused_response_topic_fails_at_once(self):
        """T9: not with a timeout for each request."""
        self.request("x", "x", "-W", f"{WAIT_S * 2}s", status=0x87)
        self.check_end(self.asker("x", timeout_ms=2000 * WAIT_S), [], "refused", "executed no")


class Forbidding(MosquittoCase):
    def more_settings(self):
        rules = self.folder / "acl"
        rules.write_text("topic readwrite allowed/#\ntopic write answers/#\n")
        return (f"acl_file {rules}",)

    def test_rules_that_do_not_refuse_show_as_timeouts(self):
        """mosquitto's acl_file accepts each SUBSCRIBE, and then delivers nothing."""
        self.respond("allowed/job", "--reply", "done")
        self.request("allowed/job", "x", "-W", "300ms", status=27)
        self.assertEqual(self.request("allowed/job", "x", "-e", "allowed/answers"), b"done\n")


class Ours(WithAsker, BrokerCase):
    """The same with a broker that knows requests."""

    def test_a_response_that_is_too_large(self):
        self.start_respond("large", "--reply", "x" * 2000)
        self.check_end(self.asker("large", packet_bytes_max=1000), [], "limit", "executed maybe")

    def test_nobody_there_at_qos_0(self):
        run(WILCO, "request", "--url", self.url, "-q", "0", "nobody", "x", status=16)

    def test_scatter_ends_when_all_have_answered(self):
        for text in ("one", "two"):
            self.start_respond("all", "--reply", text)
        payloads, end = self.asker("all", scatter=True).responses_until_end()
        self.assertEqual(sorted(payloads), ["one", "two"])
        self.assertRegex(end, "^end 0, .*, answered 2, lost 0, expected 2$")

    def test_parts_come_as_there_is_credit(self):
        self.assertEqual(self.parts_at_once(parts_max=2), 2)


class Page(unittest.TestCase):
    def test_each_row_names_a_test(self):
        rows = [line for line in PAGE.read_text().splitlines() if re.match(r"\| (?!what|---)", line)]
        self.assertGreater(len(rows), 10)
        for row in rows:
            names = re.findall(r"`(test_\w+)`", row)
            self.assertTrue(names, row)
            for name in names:
                self.assertTrue(any(hasattr(case, name) for case in (Mosquitto, Refusing, Forbidding)), name)


if __name__ == "__main__":
    unittest.main()
