"""System calls of a broker for each counted thing, by strace, which slows everything down: so never while
anything else is measured.

Two runs, one longer than the other, and the difference of both: what it takes to connect and to warm up
is in both and counts for nothing."""
import re
import shutil
import signal
import subprocess

RUNS_S = (0.2, 1.0)
WAIT_S = 20


def is_available():
    return shutil.which("strace") is not None


def total_of(summary):
    """All calls in the table of `strace -c`, whose last line has the sums."""
    match = re.search(r"^\s*[\d.]+\s+[\d.]+\s+(?:\d+\s+)?(\d+)\s+(?:\d+\s+)?total$", summary, re.M)
    return int(match[1]) if match else None


def per_thing(runs):
    """(calls, things) of the shorter run and of the longer one; None where they say nothing."""
    (calls, things), (more_calls, more_things) = runs
    if more_things <= things or more_calls is None or calls is None:
        return None
    return max(0.0, (more_calls - calls) / (more_things - things))


class Tracer:
    """Counts the calls of a process while its block runs; `calls` is there afterwards."""

    def __init__(self, pid):
        self.pid = pid
        self.calls = None

    def __enter__(self):
        self.process = subprocess.Popen(["strace", "-c", "-f", "-p", str(self.pid)],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.process.stderr.readline()  # "strace: Process 1 attached", or why not
        return self

    def __exit__(self, *failure):
        self.process.send_signal(signal.SIGTERM)  # it detaches, and says its sums
        try:
            self.calls = total_of(self.process.communicate(timeout=WAIT_S)[1])
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()


def count(measure, pid):
    """`measure` is given seconds and returns a result of the generator."""
    runs = []
    for seconds in RUNS_S:
        with Tracer(pid) as tracer:
            result = measure(seconds)
        runs.append((tracer.calls, result["count"]))
    return per_thing(runs)
