#!/usr/bin/env python3
"""What passwords cost those who have one, and what they tell those who have none.

    bench/passwords.py storm   [--rate 500] [--seconds 10] [--hash argon2id] [--addresses 1]
        requests of others while so many CONNECTs a second come with wrong passwords, from so many
        addresses of this machine: their p50, p99 and worst, before and meanwhile
    bench/passwords.py medians [--count 400] [--hash argon2id]
        how long a wrong password takes for users who exist and for users who do not, asked in turns

The tool is WILCO in the environment, or build/wilco. Nothing else should run on the machine.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import selectors
import socket
import statistics
import subprocess
import tempfile
import threading
import time

WILCO = os.environ.get("WILCO", str(pathlib.Path(__file__).parent.parent / "build" / "wilco"))
USERS = 20


def string(text):
    return len(text).to_bytes(2, "big") + text.encode()


def connect_packet(user, password, client_id):
    body = string("MQTT") + bytes([5, 0xC2, 0, 60, 0]) + string(client_id) + string(user) + string(password)
    assert len(body) < 128
    return bytes([0x10, len(body)]) + body


class Broker:
    def __init__(self, folder, kind, *settings):
        self.folder = pathlib.Path(folder)
        users = self.folder / "users"
        for i in range(USERS):
            create = ["-c"] if i == 0 else []
            subprocess.run([WILCO, "passwd", *create, "-H", kind, users, f"user{i}"], input=b"right\n", check=True)
        config = self.folder / "wilco.conf"
        config.write_text("\n".join((
            "listen mqtt://127.0.0.1:0", f"password_file {users}", "user root", *settings,
            "listen mqtt://127.0.0.1:0", "listener_allow_anonymous true",
        )) + "\n", encoding="utf-8")  # fmt: skip
        self.log = (self.folder / "log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen([WILCO, "broker", "--config", config], stderr=self.log)
        self.guarded, self.open = self.ports()

    def ports(self):
        for _ in range(1000):
            said = (self.folder / "log").read_text(encoding="utf-8")
            if "event=ready" in said:
                return [int(port) for port in re.findall(r"listen=mqtt://127\.0\.0\.1:(\d+)", said)]
            time.sleep(0.01)
        raise RuntimeError(said)

    def stop(self):
        self.process.terminate()
        self.process.wait()


class Storm(threading.Thread):
    """Wrong passwords at a rate, whatever becomes of them."""

    def __init__(self, port, rate, addresses):
        super().__init__()
        self.port, self.rate, self.addresses = port, rate, addresses
        self.stopping = False
        self.sent = 0
        self.answers = collections.Counter()

    def run(self):
        selector = selectors.DefaultSelector()
        began = time.monotonic()
        while not self.stopping:
            due = int((time.monotonic() - began) * self.rate)
            while self.sent < due:
                client = socket.socket()
                client.bind((f"127.1.{self.sent // 250 % 250 % self.addresses}.{self.sent % min(self.addresses, 250) + 1}", 0))
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", self.port))
                packet = connect_packet(f"user{self.sent % (2 * USERS)}", "wrong", f"storm{self.sent}")
                selector.register(client, selectors.EVENT_WRITE, packet)
                self.sent += 1
            for key, _ in selector.select(0.002):
                if key.data is not None:
                    key.fileobj.send(key.data)
                    selector.modify(key.fileobj, selectors.EVENT_READ, None)
                    continue
                got = key.fileobj.recv(4096)
                self.answers[f"0x{got[3]:02x}" if len(got) > 3 else "closed"] += 1
                selector.unregister(key.fileobj)
                key.fileobj.close()


def requests(port, seconds):
    done = subprocess.run(
        [WILCO, "bench", "request", "--url", f"mqtt://127.0.0.1:{port}", "--rate", "500", "--time", f"{seconds}s", "--json"],
        capture_output=True, check=True)  # fmt: skip
    return json.loads(done.stdout)


def storm(arguments):
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(folder, arguments.hash)
        before = requests(broker.open, arguments.seconds)
        attack = Storm(broker.guarded, arguments.rate, arguments.addresses)
        attack.start()
        during = requests(broker.open, arguments.seconds)
        attack.stopping = True
        attack.join()
        broker.stop()
    for name, result in (("alone", before), ("storm", during)):
        print(f"{name:6}", json.dumps(result.get("latency_us", result)))
    print(f"{attack.sent} CONNECTs with wrong passwords; answers: {dict(attack.answers)}")


def ask(port, user, number):
    with socket.create_connection(("127.0.0.1", port)) as client:
        began = time.perf_counter()
        client.sendall(connect_packet(user, "wrong", f"m{number}"))
        got = client.recv(4096)
        took = time.perf_counter() - began
        assert got[3] == 0x86, hex(got[3])
        return took * 1e6


def medians(arguments):
    with tempfile.TemporaryDirectory() as folder:
        broker = Broker(folder, arguments.hash, "login_failures_max 0", "login_failure_delay_ms 0")
        known, unknown = [], []
        for i in range(arguments.count):
            known.append(ask(broker.guarded, f"user{i % USERS}", i))
            unknown.append(ask(broker.guarded, f"nobody{i % USERS}", i))
        broker.stop()
    a, b = statistics.median(known), statistics.median(unknown)
    print(f"known {a:.0f} us, unknown {b:.0f} us, difference {abs(a - b) / a:.2%} ({arguments.count} each)")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("storm", "medians"))
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--addresses", type=int, default=1)
    parser.add_argument("--hash", default="argon2id")
    arguments = parser.parse_args()
    {"storm": storm, "medians": medians}[arguments.what](arguments)


if __name__ == "__main__":
    main()
