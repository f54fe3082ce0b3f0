"""`wilco top`: once for a pipe, and live on a terminal, which it leaves as it was."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
import unittest

from harness import WAIT_S, WILCO, BrokerCase, run
from test_tool import tool

ENTER, LEAVE = b"\033[?1049h", b"\033[?1049l"


class Terminal:
    """A program on a terminal of its own, whose screen can be waited for."""

    def __init__(self, *command):
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 8, 60, 0, 0))
        self.before = termios.tcgetattr(self.theirs)
        self.seen = b""
        self.process = subprocess.Popen([str(word) for word in command], stdin=self.theirs, stdout=self.theirs)

    def wait_for(self, text):
        deadline = time.monotonic() + WAIT_S
        while text not in self.seen:
            ready, _, _ = select.select([self.ours], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"no {text!r} in {self.seen[-500:]!r}")
            self.seen += os.read(self.ours, 65536)

    def key(self, letter):
        os.write(self.ours, letter)

    def end(self):
        """The exit status, and whether the terminal is as it was."""
        self.wait_for(LEAVE)
        status = self.process.wait(WAIT_S)
        is_restored = termios.tcgetattr(self.theirs) == self.before
        os.close(self.ours)
        os.close(self.theirs)
        return status, is_restored


class Top(BrokerCase):
    settings = ("sys_interval_s=1",)

    def test_once(self):
        self.start_respond("calc/+", "--group", "w", "--reply", "42")
        run(WILCO, "request", "--url", self.url, "--count", "5", "calc/add", "1")
        for option in ("--once",), ():  # no terminal: as if it were said
            done = tool("top", "--url", self.url, *option)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertNotIn(b"\033", done.stdout)
            lines = done.stdout.decode().splitlines()
            self.assertRegex(lines[0], rf"^mqtt://127\.0\.0\.1:{self.port}   wilco.*   up \d+ seconds   clients \d+$")
            self.assertEqual(lines[4].split()[:4], ["ENDPOINT", "GROUP", "SERVICE", "REQ/S"])
            self.assertRegex(lines[5], r"^calc/\+ +w +- +- +5 +0 ")

    def test_password_is_not_shown(self):
        done = tool("top", "--once", "--url", f"mqtt://user:secret@127.0.0.1:{self.port}")
        self.assertNotIn(b"secret", done.stdout)

    def test_live(self):
        self.start_respond("calc/+", "--reply", "42")
        run(WILCO, "request", "--url", self.url, "calc/add", "1")
        terminal = Terminal(WILCO, "top", "--url", self.url, "--interval", "20ms")
        terminal.wait_for(ENTER)
        terminal.wait_for(b"calc/+")
        terminal.wait_for(b"0.0")
        run(WILCO, "request", "--url", self.url, "--count", "3", "calc/add", "1")
        terminal.wait_for(b"       4       0 ")
        terminal.wait_for(b"all 4")  # from $SYS
        terminal.key(b"x")
        terminal.key(b"q")
        self.assertEqual(terminal.end(), (0, True))

    def test_interrupted(self):
        terminal = Terminal(WILCO, "top", "--url", self.url)
        terminal.wait_for(b"ENDPOINT")
        terminal.process.send_signal(signal.SIGINT)
        self.assertEqual(terminal.end(), (130, True))

    def test_the_broker_goes_away(self):
        terminal = Terminal(WILCO, "top", "--url", self.url)
        terminal.wait_for(b"ENDPOINT")
        self.assertEqual(self.broker.stop(), 0)
        self.assertEqual(terminal.end(), (2, True))


if __name__ == "__main__":
    unittest.main()
