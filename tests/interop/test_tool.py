"""The tool as people and scripts use it: streams, exit codes, and what it says when something is wrong."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from harness import WAIT_S, WILCO, BrokerCase, KeptSessions, Program, run


def tool(*arguments, stdin=b"", env=None):
    return subprocess.run(
        [WILCO, *map(str, arguments)], input=stdin, capture_output=True, timeout=WAIT_S, check=False,
        env={**os.environ, **(env or {})},
    )  # fmt: skip


class Asking(BrokerCase):
    def ask(self, *arguments, **more):
        return tool("request", "--url", self.url, *arguments, **more)

    def test_answer_on_stdout_and_nothing_else(self):
        self.start_respond("echo/+", "--echo")
        done = self.ask("echo/x", "hello")
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, b"hello\n", b""))

    def test_payload_from_stdin_and_file_are_bytes(self):
        self.start_respond("echo/+", "--echo")
        payload = bytes(range(256))
        self.assertEqual(self.ask("-N", "echo/x", "-", stdin=payload).stdout, payload)
        with tempfile.NamedTemporaryFile() as file:
            file.write(payload)
            file.flush()
            self.assertEqual(self.ask("-N", "echo/x", "-f", file.name).stdout, payload)

    def test_url_from_the_environment(self):
        self.start_respond("echo/+", "--echo")
        done = tool("request", "echo/x", "hello", env={"WILCO_URL": self.url})
        self.assertEqual((done.returncode, done.stdout), (0, b"hello\n"))

    def test_json(self):
        self.start_respond("echo/+", "--echo", "--content-type", "text/plain", "-H", "a:1", "-H", "a:2")
        answer = json.loads(self.ask("--json", "echo/x", "hello").stdout)
        self.assertEqual(answer["payload"], "hello")
        self.assertIn(["a", "1"], answer["user_properties"])
        self.assertIn(["a", "2"], answer["user_properties"])

    def test_colours(self):
        self.start_respond("echo/+", "--echo")
        self.assertIn(b"\033[1mrequest\033[0m\n", self.ask("-v", "--colour", "always", "echo/x", "hello").stderr)
        self.assertNotIn(b"\033", self.ask("-v", "echo/x", "hello").stderr)  # no terminal
        self.assertIn(b"\033[1;31mwilco request:\033[0m ", self.ask("--color=always", "nobody/here", "x").stderr)

    def test_nobody_there(self):
        done = self.ask("nobody/here", "x")
        self.assertEqual((done.returncode, done.stdout), (16, b""))
        self.assertIn(b"nobody/here", done.stderr)

    def test_json_says_what_became_of_it(self):
        done = self.ask("--json", "nobody/here", "x")
        self.assertEqual(done.returncode, 16)
        outcome = json.loads(done.stdout)
        self.assertEqual((outcome["stage"], outcome["executed"]), ("rejected", "no"))
        self.assertIn("no responder", outcome["error"])
        self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_wishes_go_with_the_request(self):
        subscriber = self.start(WILCO, "sub", "--url", self.url, "-d", "--json", "-C", "2", "wish/+")
        subscriber.line("subscribed", "stderr")
        self.ask("--timeout", "250ms", "--idempotent", "--fail-if-offline", "wish/1", "x")
        self.ask("--timeout", "1s", "wish/2", "x")
        wishes = [["rr-ttl", "250"], ["rr-idem", "1"], ["rr-if-offline", "fail"]]
        pieces = [["rr-more", "8"], ["rr-parts", "0"], ["rr-take", "67108864"], ["rr-packet", "16777216"]]
        for want in (wishes, [["rr-if-offline", "refuse"]]):
            request = json.loads(subscriber.line("^{").string)
            self.assertEqual([p for p in request["user_properties"] if p[0].startswith("rr-")], want + pieces)
            self.assertEqual(request["properties"]["message_expiry_interval"], 1)
        for flag in ("--idempotent", "--fail-if-offline"):
            self.assertIn(flag.encode(), tool("request", "--help").stdout)

    def test_time_is_up(self):
        self.start_subscriber("-t", "silent")
        done = self.ask("--timeout", "200ms", "silent", "x")
        self.assertEqual((done.returncode, done.stdout), (27, b""))
        self.assertEqual(done.stderr.count(b"\n"), 1)

    def test_responder_fails(self):
        self.start_respond("job", "--exec", "echo half; echo why >&2; exit 3")
        done = self.ask("job", "x")
        self.assertEqual(done.returncode, 64)
        self.assertNotIn(b"half", done.stdout)

    def test_exec_sees_the_request(self):
        self.start_respond("job/+", "--exec", 'printf "%s %s " "$WILCO_TOPIC" "$WILCO_CORRELATION"; cat')
        done = self.ask("--correlation", "c-17", "job/7", "body")
        self.assertEqual(done.stdout, b"job/7 c-17 body\n")

    def test_group_shares_the_work(self):
        members = [self.start_respond("work", "--group", "g", "--reply", str(i)) for i in range(2)]
        answers = {self.ask("work", "x").stdout for _ in range(8)}
        self.assertEqual(answers, {b"0\n", b"1\n"})
        members[0].stop()
        self.assertEqual({self.ask("work", "x").stdout for _ in range(4)}, {b"1\n"})

    def test_broker_comes_back(self):
        """Those who serve wait for it, and say so; what they were subscribed to is so again."""
        responder = self.start_respond("x", "--reply", "yes")
        subscriber = self.start(WILCO, "sub", "--url", self.url, "-d", "news")
        subscriber.line("subscribed", "stderr")
        self.broker.stop()
        for program in (responder, subscriber):
            program.line(r"connection lost: .*; trying again in \d+\.\ds$", "stderr")
        broker = self.start(WILCO, "broker", "--listen", self.url)
        broker.line("event=ready", "stderr")
        for program in (responder, subscriber):
            program.line("connected again$", "stderr")
        self.assertEqual(self.ask("x", "?").stdout, b"yes\n")
        run(WILCO, "pub", "--url", self.url, "news", "good")
        self.assertEqual(subscriber.line("").string, "good")

    def test_leaves_when_all_is_answered(self):
        with tempfile.TemporaryDirectory() as folder:
            gate = pathlib.Path(folder, "gate")
            os.mkfifo(gate)
            command = f"echo running >&2; cat {gate}"
            responder = self.start_respond("slow", "--group", "g", "--exec", command)
            request = self.start(WILCO, "request", "--url", self.url, "slow", "x")
            responder.line("running", "stderr")
            responder.process.send_signal(signal.SIGTERM)
            other = self.start_respond("slow", "--group", "g", "--reply", "other")
            gate.write_text("in time")
            self.assertEqual(request.line("").string, "in time")
            self.assertEqual(request.wait(), 0)
            self.assertEqual(responder.wait(), -signal.SIGTERM)
            self.assertEqual(self.ask("slow", "x").stdout, b"other\n")
            other.stop()

    def test_does_not_wait_for_ever(self):
        responder = self.start_respond("slow", "--drain", "50ms", "--exec", "echo running >&2; sleep 1000")
        request = self.start(WILCO, "request", "--url", self.url, "slow", "x")
        responder.line("running", "stderr")
        responder.process.send_signal(signal.SIGTERM)
        request.line("503", "stderr")
        self.assertEqual(request.wait(), 64)
        responder.line("not everything", "stderr")
        self.assertEqual(responder.wait(), -signal.SIGTERM)

    def test_says_what_service_it_is(self):
        self.start_respond("clock", "--service", "clock:1.2", "--description", "tells", "--reply", "12:00")
        info = json.loads(self.ask("$SRV/INFO/clock", "").stdout)
        self.assertEqual((info["name"], info["version"], info["description"]), ("clock", "1.2", "tells"))

    def test_a_journal_outlives_the_process(self):
        with tempfile.TemporaryDirectory() as folder:
            journal = pathlib.Path(folder, "journal")
            same = ("--response-topic", "answers", "--correlation", "c-1", "order", "x")
            for reply in ("first", "second"):
                responder = self.start_respond("order", "--journal", journal, "--reply", reply)
                self.assertEqual(self.ask(*same).stdout, b"first\n")
                taken = tool("respond", "--url", self.url, "order", "--journal", journal, "--reply", "x")
                self.assertEqual(taken.returncode, 1)
                self.assertIn(b"somebody else is using it", taken.stderr)
                responder.stop(signal.SIGKILL)
            journal.write_text("no journal at all, but something else")
            taken = tool("respond", "--url", self.url, "order", "--journal", journal, "--reply", "x")
            self.assertIn(b"it is no journal", taken.stderr)

    def test_broker_goes_away(self):
        self.start_subscriber("-t", "silent")
        program = self.start(WILCO, "request", "--url", self.url, "-d", "silent", "x")
        subscriber = self.start(WILCO, "sub", "--url", self.url, "-d", "--no-reconnect", "x")
        subscriber.line("subscribed", "stderr")
        program.line("(?i)(sent|request|publish)", "stderr")
        self.assertEqual(self.broker.stop(), 0)
        self.assertEqual(program.wait(), 2)
        self.assertEqual(subscriber.wait(), 2)

    def test_interrupted(self):
        silent = self.start_subscriber("-t", "silent")
        watcher = self.start_subscriber("-t", "gone", "-t", "end", "-C", "1", "-F", "got %t")
        program = self.start(
            WILCO, "request", "--url", self.url, "-d", "silent", "x", "--will-topic", "gone"
        )
        program.line("connected as", "stderr")
        silent.line("PUBLISH")
        self.assertEqual(program.stop(signal.SIGINT), 130)
        tool("pub", "-L", self.url, "end", "x")
        self.assertEqual(watcher.line("^got ").string, "got end")  # no will: it said goodbye

    def test_pub_and_sub(self):
        subscriber = self.start(WILCO, "sub", "--url", self.url, "-d", "-v", "-q", "2", "-C", "4", "t/#")
        subscriber.line("subscribed", "stderr")
        self.assertEqual(tool("pub", "-L", self.url, "t/1", "one").returncode, 0)
        self.assertEqual(tool("pub", "-L", self.url, "-t", "t/2", "-m", "two", "-q", "1").returncode, 0)
        run("mosquitto_pub", "-p", self.port, "-t", "t/3", "-m", "three", "-q", "2")
        self.assertEqual(tool("pub", "-L", self.url, "t/4", "-l", stdin=b"four\n").returncode, 0)
        for number, text in enumerate(("one", "two", "three", "four"), 1):
            self.assertEqual(subscriber.line("^t/").string, f"t/{number} {text}")
        self.assertEqual(subscriber.wait(), 0)

    def start_broker_with(self, setting):
        broker = self.start(WILCO, "broker", "--listen", "mqtt://127.0.0.1:0", "--set", setting)
        return broker.line(r"event=ready.* listen=(mqtt://127\.0\.0\.1:\d+)", "stderr")[1]

    def test_lines_are_pipelined_in_order(self):
        url = self.start_broker_with("queued_messages_max=20000")  # however slow the subscriber is
        lines = "".join(f"line {i}\n" for i in range(20000))
        for qos in ("0", "1", "2"):
            with self.subTest(qos=qos):
                subscriber = self.start(
                    WILCO, "sub", "--url", url, "-d", "-q", qos, "-C", "20000", f"lines/{qos}"
                )
                subscriber.line("subscribed", "stderr")
                done = tool("pub", "-L", url, "-q", qos, f"lines/{qos}", "-l", stdin=lines.encode())
                self.assertEqual((done.returncode, done.stderr), (0, b""))
                for i in range(20000):
                    self.assertEqual(subscriber.line("").string, f"line {i}")
                self.assertEqual(subscriber.wait(), 0)

    def test_a_line_that_is_refused_ends_it(self):
        url = self.start_broker_with("packet_bytes_max=1000")
        lines = b"short\n" + b"x" * 2000 + b"\n" + b"short\n"
        done = tool("pub", "-L", url, "-q", "1", "lines", "-l", stdin=lines)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"larger than the server takes", done.stderr)

    def test_lines_end_with_the_connection(self):
        program = self.start(WILCO, "pub", "-L", self.url, "-d", "-q", "1", "lines", "-l")
        program.send("one\n")
        program.line("published to lines", "stderr")
        self.assertEqual(self.broker.stop(), 0)
        self.assertEqual(program.wait(), 2)  # although there is still something to read

    def test_interrupted_while_reading_lines(self):
        program = self.start(
            WILCO, "pub", "-L", self.url, "-d", "lines", "-l", "--will-topic", "gone", "--will-payload", "x"
        )
        watcher = self.start_subscriber("-t", "gone", "-t", "end", "-C", "1", "-F", "got %t")
        program.send("one\n")
        program.line("published to lines", "stderr")
        self.assertEqual(program.stop(signal.SIGINT), 130)
        tool("pub", "-L", self.url, "end", "x")
        self.assertEqual(watcher.line("^got ").string, "got end")  # no will: it said goodbye

    def test_stdout_is_full(self):
        self.start_respond("echo/+", "--echo")
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [WILCO, "request", "--url", self.url, "echo/x", "hello"],
                stdout=full, stderr=subprocess.PIPE, timeout=WAIT_S, check=False,
            )  # fmt: skip
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left", done.stderr)


class SlowServer(threading.Thread):
    """Accepts one client, and takes what it writes slowly, to its end."""

    def __init__(self):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.url = f"mqtt://127.0.0.1:{self.listener.getsockname()[1]}"
        self.taken = b""
        self.start()

    def run(self):
        client, _ = self.listener.accept()
        client.recv(4096)  # CONNECT
        client.sendall(bytes.fromhex("20 06 00 00 03 13 00 3c"))  # CONNACK, Server Keep Alive 60
        while taken := client.recv(65536):
            self.taken += taken
            threading.Event().wait(0.01)  # how slow it is
        client.close()
        self.listener.close()


class Leaving(unittest.TestCase):
    def test_does_not_leave_before_all_is_written(self):
        server = SlowServer()
        payload = b"x" * 12_000_000  # more than the kernel holds for a while
        done = tool("pub", "-L", server.url, "--id", "a", "t", "-", stdin=payload)
        server.join(WAIT_S)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(len(server.taken) - len(payload), 1 + 4 + 3 + 1 + 2)  # PUBLISH, DISCONNECT
        self.assertEqual(server.taken[-2:], bytes.fromhex("e0 00"))


class Kept(KeptSessions, BrokerCase):
    pass


class Wrong(unittest.TestCase):
    """One line that says what to do, and exit code 1 or 2."""

    def check(self, code, words, *arguments):
        done = tool(*arguments)
        self.assertEqual(done.returncode, code, done)
        self.assertEqual(done.stdout, b"")
        for word in words:
            self.assertIn(word.encode(), done.stderr)
        return done.stderr

    def test_usage(self):
        self.check(1, ["--timeout", "--timeuot"], "request", "--timeuot", "5s", "a")
        self.check(1, ["respond"], "repsond", "a")
        self.check(1, ["request", "--help"], "request")
        self.check(1, ["5 seconds"], "request", "--timeout", "5 seconds", "a")

    def test_unreadable_file(self):
        text = self.check(1, ["/does/not/exist"], "request", "a", "-f", "/does/not/exist")
        self.assertEqual(text.count(b"\n"), 1)

    def test_nobody_listens(self):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
            text = self.check(2, [f"127.0.0.1:{port}"], "request", "--url", f"mqtt://127.0.0.1:{port}", "a")
            self.assertEqual(text.count(b"\n"), 1)

    def test_urls(self):
        self.check(1, ["http"], "request", "--url", "http://127.0.0.1", "a")
        self.check(1, ["quic"], "request", "--url", "quic://127.0.0.1", "a")

    def test_broker_port_in_use(self):
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            held.listen()
            port = held.getsockname()[1]
            text = self.check(2, [str(port), "in use"], "broker", "--listen", f"mqtt://127.0.0.1:{port}")
            self.assertEqual(text.count(b"\n"), 1)

    def test_broker_options(self):
        self.check(1, ["receive_maximum"], "broker", "--set", "receive_maximum=0")
        self.check(1, ["no_such"], "broker", "--set", "no_such=1")
        self.check(1, ["memory"], "broker", "--store", "disk")
        self.check(1, ["shards"], "broker", "--shards", "many")

    def test_help_and_version(self):
        self.assertRegex(tool("--version").stdout, rb"^wilco \d+\.\d+\.\d+\n$")
        for command in ("request", "respond", "pub", "sub", "broker"):
            done = tool(command, "--help")
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"Examples", done.stdout)
            self.assertIn(b"Exit code", done.stdout)


class Broker(unittest.TestCase):
    def test_unix_socket(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "wilco.sock"
            broker = Program(WILCO, "broker", "--listen", f"unix:{path}", "--shards", "2")
            broker.line("event=ready", "stderr")
            responder = Program(WILCO, "respond", "--unix", path, "echo", "--echo")
            responder.line("ready", "stderr")
            self.assertEqual(run(WILCO, "request", "--url", f"unix:{path}", "echo", "x"), b"x\n")
            responder.stop()
            self.assertEqual(broker.stop(), 0)
            self.assertFalse(path.exists())

    def test_stops_on_sigint_and_tells_its_clients(self):
        broker = Program(WILCO, "broker", "--listen", "mqtt://127.0.0.1:0")
        port = broker.line(r"event=ready.* listen=mqtt://127\.0\.0\.1:(\d+)", "stderr")[1]
        client = Program("stdbuf", "-oL", "mosquitto_sub", "-V", "5", "-p", port, "-t", "x", "-d")
        client.line("^Subscribed ")
        self.assertEqual(broker.stop(signal.SIGINT), 0)
        client.line("DISCONNECT.*139")
        client.stop()


if __name__ == "__main__":
    unittest.main()
