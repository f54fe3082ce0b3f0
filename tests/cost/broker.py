"""A broker under valgrind's callgrind, in the lab (lab.c), and what it did while it was asked to count."""
import dataclasses
import re
import socket
import subprocess

from callgrind import read_profile
from client import WAIT_S, CostError

# Which of several copies of memcpy() and the like glibc takes depends on the processor: the plainest.
SAME_EVERYWHERE = {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-AVX,-ERMS,-FSRM", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
CALL = re.compile(r"^SYSCALL\[\d+,(\d+)\]\(\s*\d+\) sys_(\w+)")
LAB_THREAD = "2"  # the first that is made


@dataclasses.dataclass(frozen=True)
class Cost:
    instructions: float
    system_calls: float
    allocations: float


def calls_between_marks(trace):
    """System calls between the last two answers of the lab's thread, which are its only writes."""
    phases = [0]
    for line in trace.splitlines():
        match = CALL.match(line)
        if match and match[1] != LAB_THREAD:
            phases[-1] += 1
        elif match and match[2] == "write":
            phases.append(0)
    return phases[-2]


class Broker:
    def __init__(self, build, name, rules=None):
        self.wilco = build / "wilco"
        self.profile = build / "cost" / f"{name}.callgrind"
        self.trace = build / "cost" / f"{name}.calls"
        self.profile.parent.mkdir(exist_ok=True)
        self.control, its_end = socket.socketpair()
        self.control.settimeout(WAIT_S)
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={self.profile}", "--trace-syscalls=yes",
                   f"--log-file={self.trace}", self.wilco, "broker", "--listen", "mqtt://127.0.0.1:0",
                   "--shards", "1", "--user", "root", "--no-sandbox"]  # valgrind and the lab write files
        if rules is not None:
            command += ["--config", self._write_rules(build / "cost" / name, rules)]
        with its_end:
            self.process = subprocess.Popen(command, stdin=its_end, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                            env={**SAME_EVERYWHERE, "LD_PRELOAD": str(build / "lab.so")})
        self.port = self._read_port()

    @staticmethod
    def _write_rules(path, rules):
        path.with_suffix(".acl").write_text(rules, encoding="utf-8")
        path.with_suffix(".conf").write_text(f"acl_file {path.with_suffix('.acl')}\n", encoding="utf-8")
        return path.with_suffix(".conf")

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.control.close()

    def start_counting(self):
        self._tell(b"z")

    def stop_counting(self, things):
        """What each of so many things has cost."""
        self._tell(b"d")
        profile = read_profile(self.profile.with_name(self.profile.name + ".1"), self.wilco)
        calls = calls_between_marks(self.trace.read_text(encoding="utf-8", errors="replace"))
        return Cost(profile.instructions / things, calls / things, profile.allocations / things)

    def _tell(self, word):
        self.control.sendall(word)
        if self.control.recv(1) != word:
            raise CostError("the broker has ended while it was counted")

    def _read_port(self):
        said = []
        for line in self.process.stdout:
            said.append(line.decode(errors="replace").strip())
            if match := re.search(r"event=ready listen=mqtt://127.0.0.1:(\d+)", said[-1]):
                return int(match[1])
        raise CostError("the broker did not start: " + " / ".join(said[-3:]))
