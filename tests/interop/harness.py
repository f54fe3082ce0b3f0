"""What the interoperability tests share: programs that run beside each other, and waiting for what they say.

Nothing here sleeps: every wait is for a line or for an end, with a bound.
"""

import os
import pathlib
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
WILCO = os.environ.get("WILCO", "build/wilco")
PYTHON = sys.executable
WAIT_S = 30

# The exchange that must always work.
REQUEST_TOPIC = "requests/device1/getConfig"
RESPONSE_TOPIC = "responses/device1/getConfig"
CORRELATION = '{ "requestId": "abcdef12345" }'
CONFIG = '{"interval_s":60,"name":"device1"}'


class Program:
    """A program in the background whose output can be waited for."""

    def __init__(self, *command, stdin=None, pass_fds=()):
        self.command = [str(word) for word in command]
        if self.command[:2] == [WILCO, "broker"] and os.geteuid() == 0 and "--user" not in self.command:
            self.command += ["--user", "root"]  # whose the folders of the tests are
        self.lines = {"stdout": queue.Queue(), "stderr": queue.Queue()}
        self.said = []
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=pass_fds,
        )
        self.readers = [
            threading.Thread(target=self._read, args=(name,), daemon=True) for name in self.lines
        ]
        for reader in self.readers:
            reader.start()

    def _read(self, name):
        for line in getattr(self.process, name):
            text = line.decode("utf-8", "backslashreplace").rstrip("\n")
            self.said.append(f"{name}: {text}")
            self.lines[name].put(text)
        self.lines[name].put(None)

    def line(self, pattern, stream="stdout"):
        """The first line not yet looked at that matches; fails when the stream ends without one."""
        while True:
            try:
                text = self.lines[stream].get(timeout=WAIT_S)
            except queue.Empty:
                raise AssertionError(f"no line like {pattern!r} in {WAIT_S} s: {self}") from None
            if text is None:
                raise AssertionError(f"ended without a line like {pattern!r}: {self}")
            match = re.search(pattern, text)
            if match:
                return match

    def send(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def wait(self):
        """The exit status, once it has ended by itself."""
        try:
            status = self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still running: {self}") from None
        self._join()
        return status

    def stop(self, with_signal=signal.SIGTERM):
        """Ends it; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(with_signal)
        try:
            status = self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        self._join()
        return status

    def _join(self):
        for reader in self.readers:
            reader.join()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    pass

    def __str__(self):
        return " ".join(self.command) + "\n  " + "\n  ".join(self.said[-20:])


def run(*command, stdin=b"", status=0):
    """Runs a program to its end; its standard output as bytes. Fails on another exit status."""
    done = subprocess.run(
        [str(word) for word in command], input=stdin, capture_output=True, timeout=WAIT_S, check=False
    )
    if done.returncode != status:
        raise AssertionError(
            f"{' '.join(map(str, command))}\n  exit status {done.returncode}, not {status}\n"
            f"  stdout: {done.stdout!r}\n  stderr: {done.stderr!r}"
        )
    return done.stdout


class KeptSessions:
    """What a kept session brings before anybody has subscribed; for a TestCase with a `url`."""

    COUNT = 50

    def keep(self, qos):
        return ("--url", self.url, "-c", "-i", f"keeper{qos}", "-x", "600", "-q", qos)

    def test_what_waited_is_all_written(self):
        for qos in ("1", "2"):
            with self.subTest(qos=qos):
                topic = f"kept/{qos}"
                run(WILCO, "sub", *self.keep(qos), "-W", "1ms", topic, status=27)
                lines = [f"line {i}" for i in range(self.COUNT)]
                run(WILCO, "pub", "--url", self.url, "-q", qos, topic, "-l", stdin="\n".join(lines).encode())
                got = run(WILCO, "sub", *self.keep(qos), "-C", str(self.COUNT), topic)
                self.assertEqual(got.decode().splitlines(), lines)

    def test_requests_that_waited_are_answered(self):
        keep = ("--url", self.url, "-c", "-i", "server", "-x", "600")
        first = Program(WILCO, "respond", *keep, "work", "--reply", "first")
        first.line("ready", "stderr")
        first.stop()
        heard = Program(WILCO, "sub", "--url", self.url, "-d", "-C", "3", "answers")
        heard.line("subscribed", "stderr")
        for number in range(3):
            run(WILCO, "pub", "--url", self.url, "-q", "1", "work", "x", "--response-topic", "answers",
                "--correlation", f"c-{number}")  # fmt: skip
        run(WILCO, "respond", *keep, "work", "--reply", "second", "-C", "3")
        self.assertEqual([heard.line("").string for _ in range(3)], ["second"] * 3)
        self.assertEqual(heard.wait(), 0)


class MosquittoCase(unittest.TestCase):
    """Debian's mosquitto for each test, with the lines of configuration that the class says."""

    # As many as come may wait: it would drop those that a slow subscriber is late for.
    configuration = "allow_anonymous true\nmax_queued_messages 0\n"

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        config = self.folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nlog_dest stderr\n{self.configuration}")
        self.prepare()
        broker = Program(shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", config)
        self.addCleanup(broker.stop)
        broker.line("running", "stderr")
        self.url = f"mqtt://127.0.0.1:{port}"

    def prepare(self):
        """Files beside the configuration, in `folder`."""


class BrokerCase(unittest.TestCase):
    """A broker of ours for each test, with the shards and the settings ("name=value") that the class says."""

    shards = 2
    settings = ()

    def setUp(self):
        self.programs = []
        self.broker = self.start(
            WILCO, "broker", "--listen", "mqtt://127.0.0.1:0", "--shards", self.shards, "--store", "memory",
            *(word for setting in self.settings for word in ("--set", setting)),
        )
        self.port = self.broker.line(r"event=ready.* listen=mqtt://127\.0\.0\.1:(\d+)", "stderr")[1]
        self.url = f"mqtt://127.0.0.1:{self.port}"

    def tearDown(self):
        for program in reversed(self.programs[1:]):
            program.stop()
        self.assertEqual(self.broker.stop(), 0, f"the broker did not end well: {self.broker}")

    def start(self, *command, pass_fds=()):
        program = Program(*command, pass_fds=pass_fds)
        self.programs.append(program)
        return program

    def start_script(self, name, *arguments):
        """A client of the tests, which says `ready` once it is subscribed."""
        interpreter = PYTHON if name.endswith(".py") else "node"
        program = self.start(interpreter, HERE / name, self.port, *arguments)
        program.line("^ready$")
        return program

    def start_subscriber(self, *arguments):
        """mosquitto_sub, once it is subscribed."""
        program = self.start(
            "stdbuf", "-oL", "mosquitto_sub", "-p", self.port, "-d", *arguments
        )
        program.line("^Subscribed ")
        return program

    def start_respond(self, *arguments):
        """`wilco respond`, once it is subscribed."""
        program = self.start(WILCO, "respond", "--url", self.url, *arguments)
        program.line("ready", "stderr")
        return program
