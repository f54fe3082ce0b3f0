"""A peer that runs."""
import os
import pathlib
import re
import select
import socket
import subprocess
import time

WAIT_S = 10
POLL_S = 0.02


class BrokerError(Exception):
    """It did not start; the text says what it last said."""


def free_port():
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


def accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=WAIT_S).close()
    except OSError:
        return False
    return True


class Broker:
    """Runs a peer in a folder of its own, from start() to stop(). What it says goes to a file there."""

    def __init__(self, peer, folder, cores):
        self.peer = peer
        self.folder = pathlib.Path(folder)
        self.cores = cores
        self.process = None
        self.port = None

    @property
    def pid(self):
        return self.process.pid

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def start(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = None if self.peer.says_port else free_port()
        for name, text in self.peer.files:
            (self.folder / name).write_text(self._filled(text), encoding="utf-8")
        command = [self._filled(word) for word in self.peer.command]
        with (self.folder / "log").open("ab") as log:
            try:
                self.process = subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stderr=log,
                    stdout=subprocess.PIPE if self.peer.says_port else log,
                    preexec_fn=lambda: os.sched_setaffinity(0, self.cores))
            except OSError as error:
                raise BrokerError(f"{self.peer.name}: {error}") from None
        self._wait_until_it_listens()

    def stop(self):
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(WAIT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()
        self.process = None

    def last_words(self):
        lines = (self.folder / "log").read_text(encoding="utf-8", errors="replace").splitlines()
        return " / ".join(lines[-3:]) or "it said nothing"

    def _filled(self, text):
        return text.replace("{port}", str(self.port)).replace("{dir}", str(self.folder))

    def _wait_until_it_listens(self):
        until = time.monotonic() + WAIT_S
        while time.monotonic() < until:
            if self.peer.says_port and self.port is None:
                self._read_port()
            if self.port is not None and accepts(self.port):
                return
            try:
                status = self.process.wait(POLL_S)
            except subprocess.TimeoutExpired:
                continue
            raise BrokerError(f"{self.peer.name} ended with status {status}: {self.last_words()}")
        self.stop()
        raise BrokerError(f"{self.peer.name} does not listen on its port: {self.last_words()}")

    def _read_port(self):
        if select.select([self.process.stdout], [], [], WAIT_S)[0]:
            match = re.search(rb"ready port=(\d+)", self.process.stdout.readline())
            self.port = int(match[1]) if match else None
