"""Says on standard error what is measured now, and for how long still."""
import sys
import time


class Progress:
    """`planned` is what everything will take, in any unit, as long as advance() gets the same."""

    def __init__(self, stream=None, clock=time.monotonic):
        self.planned = 0.0
        self.done = 0.0
        self.stream = stream or sys.stderr
        self.clock = clock
        self.started = clock()
        self.width = 0
        self.last = ""

    def say(self, case, what):
        """On a terminal in place; elsewhere a line for each new case."""
        if self.stream.isatty():
            line = f"{case}: {what} · {self.left()}"
            self.stream.write(f"\r{line:<{self.width}}")
            self.width = len(line)
        elif case != self.last:
            self.stream.write(f"{case} · {self.left()}\n")
        self.last = case
        self.stream.flush()

    def warn(self, text):
        self.stream.write(f"{chr(10) if self.width else ''}{text}\n")
        self.width = 0

    def advance(self, amount):
        self.done += amount

    def left(self):
        if self.done <= 0:
            return "..."
        seconds = (self.clock() - self.started) * max(0.0, self.planned - self.done) / self.done
        return f"{seconds / 60:.0f} min left" if seconds > 90 else f"{seconds:.0f} s left"

    def end(self):
        if self.width:
            self.stream.write("\n")
        self.width = 0
