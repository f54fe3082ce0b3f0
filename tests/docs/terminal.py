"""A shell that is told commands one by one, and whose output is compared line by line.

Nothing here sleeps: every wait is for a line, with a bound.
"""

import os
import pty
import queue
import re
import signal
import subprocess
import threading
import tty

WAIT_S = 30
DONE = "\x01"
ANY_LINES = "..."
# Each command sees the exit status of the one before, and nothing to read.
SHELL = r"""
status=0
while IFS= read -r -d '' -u "$1" command; do
  (exit $status); eval "$command" < /dev/null
  status=$?
  printf '\001\n'
done
"""
# What is another value each time, and what stands for it.
VARIES = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"^\d{10}: "), "TIME: "),
    (re.compile(r"mosquitto version [\d.]+"), "mosquitto version"),
    (re.compile(r'"id":"[^"]*"'), '"id":""'),
    (re.compile(r"\$r/[\w-]{16}"), "INBOX"),
)
# What a shell says when a job of it was killed, at one moment or another.
NOTICE = re.compile(r"bash: line \d+: +\d+ (Killed|Terminated) ")


def same_each_time(line):
    for pattern, word in VARIES:
        line = pattern.sub(word, line)
    return line.rstrip()


class Terminal:
    def __init__(self, folder, environment, ports):
        reads, self.commands = os.pipe()
        screen, output = pty.openpty()  # to which programs write lines when they have them
        tty.setraw(output)
        self.process = subprocess.Popen(
            ["bash", "--norc", "-c", SHELL, "bash", str(reads)], cwd=folder, env=environment | {"NO_COLOR": "1"},
            pass_fds=(reads,), stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
        os.close(reads)
        os.close(output)
        self.screen = open(screen, "rb", buffering=0)
        self.ports = ports  # those of the page, and those that stand for them
        self.lines = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _bytes_written(self):
        try:
            return self.screen.read(4096)
        except OSError:  # nobody has it open any more
            return b""

    def _lines_written(self):
        rest = b""
        while new := self._bytes_written():
            *lines, rest = (rest + new).split(b"\n")
            yield from lines

    def _read(self):
        for line in self._lines_written():
            text = line.decode("utf-8", "backslashreplace")
            for shown, port in self.ports.items():
                text = text.replace(port, shown)
            before, done, _ = text.partition(DONE)
            if NOTICE.match(before):
                continue
            if before or not done:
                self.lines.put(same_each_time(before))
            if done:
                self.lines.put(DONE)
        self.lines.put(None)

    def next_line(self, wanted):
        try:
            return self.lines.get(timeout=WAIT_S)
        except queue.Empty:
            raise AssertionError(f"waited in vain for: {wanted}") from None

    def expect(self, wanted):
        """The next lines are these; `...` stands for any."""
        skips = False
        for want in map(same_each_time, wanted):
            if want == ANY_LINES:
                skips = True
                continue
            got = self.next_line(want)
            while skips and got not in (want, DONE, None):
                got = self.next_line(want)
            if got != want:
                raise AssertionError(f"wrote: {got!r}, not: {want!r}")
            skips = False
        return skips

    def run(self, command, wanted, ends=True):
        """Runs a command, which writes these lines; one that ends writes no more than they."""
        for shown, port in self.ports.items():
            command = command.replace(shown, port)
        os.write(self.commands, command.encode() + b"\0")
        in_background = re.sub(r"\s+#.*", "", command).endswith("&")
        if in_background:
            self._expect_around_done(wanted)
        elif self.expect(wanted):
            while self.next_line("the end of the command") != DONE:
                pass
        elif ends:
            got = self.next_line("the end of the command")
            if got != DONE:
                raise AssertionError(f"wrote one line more: {got}")

    def _expect_around_done(self, wanted):
        """What runs in the background writes its lines when the shell is done with it already, or not yet."""
        seen = []
        while len(seen) <= len(wanted):
            seen.append(self.next_line(wanted))
        rest = [line for line in seen if line != DONE]
        if rest != list(map(same_each_time, wanted)):
            raise AssertionError(f"wrote: {rest}, not: {wanted}")

    def close(self):
        os.close(self.commands)
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(WAIT_S)
        finally:
            self.reader.join(WAIT_S)
            self.screen.close()
